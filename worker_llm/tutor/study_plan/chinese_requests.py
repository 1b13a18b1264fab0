"""What a clause in Chinese must be as a whole to ask for a study plan: in simplified characters, without spaces."""

import re

from worker_llm.tutor.study_plan.english_requests import compact

MAX_CHARS = 40  # of a clause: a longer one is no plain request

FOR = "(?:(?:帮忙|帮助|帮|给|为|替|跟|和)(?:一下)?(?:我们|我|咱们|咱))"
POLITE = compact(
    r"""
    (?:请问|请|麻烦|拜托|帮忙|帮个忙|你好|您好|嗨|喂|老师|威廉|艾玛|emma|william|那么|那|好的|好|嗯|然后|现在|先|再|还|就|
    能不能|可不可以|可以不可以|可以|能否|能|会不会|可否|我想|我要|我希望|我需要|希望|需要|想|要|让|你们|你|您|也|都)
    """
)
ZH_WEEK = compact(
    r"""
    (?:(?:这|本|下|未来|接下来|接下来的|最近|今后|从今天开始)?的?(?:一)?个?(?:周|星期|礼拜)(?:里面?|之?内)?|
    (?:这|接下来|未来|接下来的)?(?:一周)?(?:七|7)天|每周|每天|每日|今天)
    """
)
ZH_MAKE = compact(
    r"""
    (?:制定|制订|设计|安排|规划|计划|拟定|生成|创建|准备|推荐|做|定|订|写|列|拟|弄|来|搞|排|出|整|要|想)
    (?:一下|出来|出|好)?
    """
)
ZH_MINUTES = r"(?:每天|一天|每日)?(?:大概|大约)?[\d一二三四五六七八九十两半]+个?(?:多)?(?:分钟|小时|刻钟)(?:的|左右)*"
ZH_STUDY = "(?:学习|读书|英语|英文|口语|练习|复习|训练|提高|学英语|说英语|单词|语法|自学|课程|study|learning)"
ZH_PLAN = compact(
    rf"""
    (?:(?:一个|一份|一套|一张|一下|个|份|套|新的?|简单的?|适合我的?|我的?|我们的?|属于我的?|详细的?|好的?|
    (?P<when>{ZH_WEEK})|{ZH_MINUTES}|(?P<study>{ZH_STUDY})|的|关于|用来|来))*
    (?:计划表?|规划|安排表|时间表|课表|日程表?|方案|plan|studyplan|schedule)
    """
)
ZH_AFTER = compact(
    rf"""
    (?:吧|吗|好吗|好不好|可以吗|可以不|行吗|行不行|行么|么|呢|啊|呀|哦|谢谢(?:你|您|老师)?|老师|给我(?:们)?|一下|
    好么|怎么样|{ZH_WEEK}|{ZH_MINUTES}|拜托(?:了)?|请|的)*
    """
)
ZH_MAKE_PLAN = re.compile(
    rf"(?:{POLITE}|(?P<for>{FOR}))*(?:{ZH_WEEK}的?)?(?P<for_me>{FOR})?(?:{ZH_MAKE})?{ZH_PLAN}{ZH_AFTER}"
)
# With words that nobody understood in between: a recogniser hears short Chinese sentences badly.
ZH_MAKE_UNHEARD = re.compile(
    rf"{POLITE}*{FOR}{ZH_MAKE}(?:一个|一份|个|份)?[^了过是有，]{{0,6}}?的?{ZH_STUDY}+的?计划表?{ZH_AFTER}"
)
ZH_ARRANGE = re.compile(
    rf"(?:{POLITE}|(?P<for>{FOR}))*(?:安排|规划|计划)(?:(?P<bit>一下)|好)?(?:我们|我|咱们)?(?:的)?{ZH_WEEK}?(?:的)?"
    rf"(?:{ZH_STUDY}|的|时间|内容|任务|生活)*{ZH_AFTER}"
)
ZH_HAVE = re.compile(
    rf"{POLITE}*(?:(?:有没有|有)(?:什么)?(?:给我的?)?|(?P<mine>我)){ZH_PLAN}(?:适合我|给我|(?P<what>是什么))?{ZH_AFTER}"
)
ZH_HOW_TO_STUDY = re.compile(
    compact(
        rf"""
        (?:{POLITE}|教我|告诉我|我|{ZH_WEEK})*(?:应该|该)?(?:怎么|怎样|如何)
        (?:安排(?:我的?)?{ZH_WEEK}?的?(?:{ZH_STUDY})+|(?:学习?|练习?|复习)(?:{ZH_STUDY})?){ZH_AFTER}
        """
    )
)
ZH_WHAT = re.compile(
    compact(
        rf"""
        (?:请问|请|老师|你好|您好|那么?|你觉得|您觉得|你说|你认为|您认为|(?:请|你|能|可以)*告诉(?:我|我们)|你?建议|
        想知道|我想知道|想问一?下?|我想问一?下?|现在)*(?:我们?|咱们?)?(?P<when>{ZH_WEEK})?(?:我们?|咱们?)?(?:最近|接下来|现在)?
        (?P<should>(?:应该|应当|该|需要|得|可以|能|最好|最该|最|还要|要|先|主要|重点|多|怎么|如何)*)
        (?:练习练习|练一练|练练|练习|练|学习|学|复习|提高|加强|改进|改善|训练|巩固|注意)(?:一下)?(?:些|点|一些|一点)?
        (?:什么|哪些|哪方面|哪个方面|哪几个方面|哪里|哪儿|哪一?块|啥|英语)(?:的|单词|词|语法|内容|方面|东西|地方|知识|句子)*
        (?P<tail>{ZH_WEEK})?(?:呢|啊|呀|吗|好|才好|比较好|最好|老师|谢谢)*
        """
    )
)


WISH = re.compile("你|您|请|能|可以|老师|要|想|来|一下")
MY_OR_ANY = re.compile("我|吗|没有|什么")
ZH_HOW = re.compile("怎么|如何")


def asks_in_chinese(clause: str) -> bool:
    """Whether the whole clause, in simplified characters without spaces, is a request."""
    if len(clause) > MAX_CHARS:
        return False
    if match := ZH_MAKE_PLAN.fullmatch(clause):
        is_for_learner = bool(match["for"] or match["for_me"]) or "给我" in clause
        return is_for_learner or bool(match["study"]) or bool(match["when"] and WISH.search(clause))
    if ZH_MAKE_UNHEARD.fullmatch(clause):
        return True
    if match := ZH_ARRANGE.fullmatch(clause):
        return bool(match["for"] or match["bit"]) and re.search(rf"{ZH_WEEK}|{ZH_STUDY}", clause) is not None
    if match := ZH_HAVE.fullmatch(clause):
        return (
            bool(match["study"])
            and (bool(match["mine"]) == bool(match["what"]))
            and MY_OR_ANY.search(clause) is not None
        )
    if ZH_HOW_TO_STUDY.fullmatch(clause) and re.search(ZH_WEEK, clause):
        return True
    if match := ZH_WHAT.fullmatch(clause):
        is_about_time = bool(match["should"] or match["when"] or match["tail"])
        return is_about_time and ("英语" not in clause or ZH_HOW.search(clause) is not None)
    return False
