"""A request for a study plan, in English with learners' mistakes and in Chinese: by its words alone.

A sentence, or its last clause, must be a request as a whole; so what a learner tells of plans is none.
"""

import re
from collections.abc import Iterator

from pipeline.jobs.plans import PlanLanguage
from worker_llm.tutor.questions.vocabulary import straighten
from worker_llm.tutor.study_plan.chinese import has_chinese, simplify

SENTENCE_END = re.compile(r"[.!?。！？;；\n]+")
CLAUSE_END = re.compile(r"[,，:：]+")
NO_LETTERS = re.compile(r"[^\w\s']")
MAX_ENGLISH_CHARS, MAX_CHINESE_CHARS = 120, 40  # of a clause: a longer one is no plain request
REPORTING = re.compile(  # a clause after which somebody else's words follow
    r"(?:\b(?:say|says|said|ask|asks|asked|tell|tells|told|write|writes|wrote)(?: \w+){0,2}|[说问道讲写]|告诉\w{0,3})$"
)


def _compact(pattern: str) -> str:
    return re.sub(r"\s*\n *", "", pattern)


# --- English -------------------------------------------------------------------------------------------------------

TEACHERS = "(?:teacher|sir|miss|madam|mr|mrs|ms|william|emma|dear|my teacher)"
BEFORE = _compact(
    rf"""
    (?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|ok|okay|oh|well|yes|right|alright|and|so|but|then|also|now|
    today|first|maybe|please|excuse me|sorry|thanks|thank you|{TEACHERS}|i think|i hope|i wonder if|
    (?:can|may|could) i ask you(?: to)?|i (?:want|would like|'d like|wanna|need)(?: to ask)? you(?: to)?) )*
    """
)
ASK = _compact(
    r"""
    (?:(?:can|could|will|would|may) you(?: please| kindly| maybe)*|(?:would|do) you mind|you (?:can|could|should|must)|
    (?:can|could|will|would) you (?:please )?help (?:me|us)(?: to)?|(?:please )?help (?:me|us)(?: to)?|let's|let us|
    i (?:want|would like|'d like|wanna|need|hope)(?: to)?|(?:can|could|may|shall) (?:we|i)|let (?:me|us)|please)
    """
)
MAKE = _compact(
    r"""
    (?:make|makes|making|give|write|create|build|draw|draw up|prepare|do|set|set up|get|design|plan|show|draft|form|
    produce|arrange|work out|put together|come up with|think of|suggest|offer|have|see)
    """
)
FOR_ME = r"(?: (?:to |for )?(?:me|us|i))"
STUDY = "(?:english|stud(?:y|ying|ies)|learn(?:ing)?|practi[cs]e|speaking|training|revision|review|grammar)"
WEEK = "(?:weekly|week's|week|7 day|7 days|seven day|seven days|daily)"
SMALL = (
    "(?:a|an|one|the|my|our|some|this|next|new|good|nice|short|small|little|easy|simple|clear|personal|detailed|other)"
)
PLAN = _compact(
    rf"""
    (?:(?:(?P<study>{STUDY})|(?P<week>{WEEK})|{SMALL}) )*
    (?:plan|plans|schedule|schedules|timetable|programme|program)
    """
)
TIME = _compact(
    r"""
    (?: (?:for|of|in|on|to|about|at|from)?\s?(?:(?:the|this|my|our|next|coming|whole|one|a|these|all|7|seven) )*
    (?P<time>week|days)(?: (?:now|ahead|long))?| (?:for )?(?:today|tomorrow|each day|every day))
    """
)
MINUTES = (
    r"(?: (?:with|for|of|about|in|at)*\s?(?:\w+ ){0,2}(?:minutes?|hours?|hour)"
    r"(?: (?:a|per|each|every|one|in a|in the) day| daily| every day)?)"
)
FOR_STUDY = _compact(
    r"""
    (?P<aim>(?: (?:for me to|for us to|for|of|to|about|in|on|so that i can|that helps me|that helps me to|how to))
    (?: (?:english|my|the|learn|learning|study|studying|practise|practice|practising|practicing|improve|improving|speak|
    speaking|better|spoken|more))* (?:english|studies|study|studying|learning|speaking|practice|grammar))
    """
)
TAIL = rf"(?:(?P<me>{FOR_ME})|{TIME}|{FOR_STUDY}|{MINUTES})"
AFTER = rf"(?: (?:please|{TEACHERS}|now|then|too|again|ok|okay|thank you|thanks|if you can|will you|can you|first))*"


def _numbered(pattern: str, *names: str) -> str:
    """The pattern, which is used several times, without the names of its groups but these."""
    return re.sub(r"\?P<(\w+)>", lambda match: match[0] if match[1] in names else "?:", pattern)


BARE_TAIL = _numbered(TAIL)
BARE_TIME = _numbered(TIME)
# "make me a plan": a request if it is for the learner, for study or for a week, or asked of the teacher.
MAKE_PLAN = re.compile(
    rf"{BEFORE}(?P<ask>{ASK} )?(?:{MAKE}(?P<object>{FOR_ME})? )?(?:please )?{PLAN}{TAIL}*{AFTER}",
)
PLAN_WEEK = re.compile(
    _compact(
        rf"""
        {BEFORE}(?:{ASK} )?(?:plan|arrange|organi[sz]e|schedule)(?: out)?{FOR_ME}?
        (?: (?:my|our|the|this|a|next|whole|coming|english|study|learning))+
        (?: (?:week|weeks|studies|study|learning|english|practice))?{BARE_TAIL}*{AFTER}
        """
    )
)
PLANNED = re.compile(r"\b(?:week|weeks|studies|study|learning|english|practice)\b")
HAVE_PLAN = re.compile(
    rf"{BEFORE}(?:(?:do you have|have you(?: got)?|is there|what is|what's|where is|how about|what about) )"
    rf"(?P<object>my |a |any |the )?{PLAN}{TAIL}*{AFTER}"
)
PRACTISE = _compact(
    r"""
    (?:practi[cs](?:e|ing)|study|learn|work (?:on|at)|improve|review|revise|train|focus on|repeat|concentrate on)
    """
)
WHAT = (
    r"(?:what|which)(?: (?:things?|words?|mistakes?|grammar|exercises?|skills?|parts?|topics?|kind of (?:\w+)|english|"
    r"else))?"
)
SHOULD = _compact(
    r"""
    (?:(?:should|shall|must|can|could|do|would|will|may) (?:i|we)(?: need| have| want| better)?(?: to)?|
    (?:i|we) (?:should|must|need to|have to|can|shall|could|ought to|better)|to|
    (?:do|would|can|could) you (?:think|suggest|recommend|advise|want|say)(?: that)?(?: (?:i|me|we))?
    (?: should| to| need to| must| can)?)
    """
)
ADVERBS = _compact(
    rf"""
    (?:{BARE_TIME}| (?:most|first|more|next|now|today|again|better|every day|each day|in english|for english|
    of english|my english|english|on my own|at home|with you))*
    """
)
WHAT_TO_PRACTISE = re.compile(
    rf"{BEFORE}(?:(?:please )?(?:(?:can|could|will|would) you )?(?:please )?(?:tell|show|advise) me |do you know )?"
    rf"{WHAT} {SHOULD} {PRACTISE}{ADVERBS}{AFTER}"
)
HOW_TO_STUDY = re.compile(
    _compact(
        rf"""
        {BEFORE}(?:(?:please )?(?:(?:can|could|will|would) you )?(?:tell|show|teach) me )?
        (?:how|what) {SHOULD} (?:(?:do )(?:{BARE_TIME} )?(?:to |for )?)?{PRACTISE}(?: my)?(?: spoken| speaking)?
        (?: english)?{BARE_TIME}{AFTER}|
        {BEFORE}what {SHOULD} do{BARE_TIME}(?: to| for| so that i can) {PRACTISE}(?: my)?(?: spoken)? english{AFTER}
        """
    )
)


def asks_in_english(clause: str) -> bool:
    """Whether the whole clause, in lower case without punctuation, is a request."""
    if len(clause) > MAX_ENGLISH_CHARS:
        return False
    if (match := MAKE_PLAN.fullmatch(clause)) and is_for_learner(match):
        return True
    if (match := HAVE_PLAN.fullmatch(clause)) and (match["study"] or match["aim"] or match["me"]):
        return True
    if PLAN_WEEK.fullmatch(clause) and PLANNED.search(clause):
        return True
    return bool(WHAT_TO_PRACTISE.fullmatch(clause) or HOW_TO_STUDY.fullmatch(clause))


def is_for_learner(match: re.Match[str]) -> bool:
    """Whether a plan that is to be made is the learner's own, or for study or a week; and is asked of the teacher."""
    ask = match["ask"] or ""
    is_own = any(match[name] for name in ("study", "aim", "object", "me", "week", "time"))
    is_asked_for_help = ask.startswith(("can you", "could you", "will you", "would you")) or "help" in ask
    return is_own or is_asked_for_help


# --- Chinese, in simplified characters without spaces --------------------------------------------------------------

FOR = "(?:(?:帮忙|帮助|帮|给|为|替|跟|和)(?:一下)?(?:我们|我|咱们|咱))"
POLITE = _compact(
    r"""
    (?:请问|请|麻烦|拜托|帮忙|帮个忙|你好|您好|嗨|喂|老师|威廉|艾玛|emma|william|那么|那|好的|好|嗯|然后|现在|先|再|还|就|
    能不能|可不可以|可以不可以|可以|能否|能|会不会|可否|我想|我要|我希望|我需要|希望|需要|想|要|让|你们|你|您|也|都)
    """
)
ZH_WEEK = _compact(
    r"""
    (?:(?:这|本|下|未来|接下来|接下来的|最近|今后|从今天开始)?的?(?:一)?个?(?:周|星期|礼拜)(?:里面?|之?内)?|
    (?:这|接下来|未来|接下来的)?(?:一周)?(?:七|7)天|每周|每天|每日|今天)
    """
)
ZH_MAKE = _compact(
    r"""
    (?:制定|制订|设计|安排|规划|计划|拟定|生成|创建|准备|推荐|做|定|订|写|列|拟|弄|来|搞|排|出|整|要|想)
    (?:一下|出来|出|好)?
    """
)
ZH_MINUTES = r"(?:每天|一天|每日)?(?:大概|大约)?[\d一二三四五六七八九十两半]+个?(?:多)?(?:分钟|小时|刻钟)(?:的|左右)*"
ZH_STUDY = "(?:学习|读书|英语|英文|口语|练习|复习|训练|提高|学英语|说英语|单词|语法|自学|课程|study|learning)"
ZH_PLAN = _compact(
    rf"""
    (?:(?:一个|一份|一套|一张|一下|个|份|套|新的?|简单的?|适合我的?|我的?|我们的?|属于我的?|详细的?|好的?|
    (?P<when>{ZH_WEEK})|{ZH_MINUTES}|(?P<study>{ZH_STUDY})|的|关于|用来|来))*
    (?:计划表?|规划|安排表|时间表|课表|日程表?|方案|plan|studyplan|schedule)
    """
)
ZH_AFTER = _compact(
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
ZH_HAVE = re.compile(rf"{POLITE}*(?:有没有|有)(?:什么)?(?:给我的?)?{ZH_PLAN}{ZH_AFTER}")
ZH_WHAT = re.compile(
    _compact(
        rf"""
        (?:请问|请|老师|你好|您好|那么?|你觉得|您觉得|你说|你认为|您认为|(?:请|你|能|可以)*告诉(?:我|我们)|你?建议|
        想知道|我想知道|想问一?下?|我想问一?下?|现在)*(?:我们?|咱们?)?(?P<when>{ZH_WEEK})?(?:我们?|咱们?)?
        (?P<should>(?:应该|应当|该|需要|得|可以|能|最好|最该|最|还要|要|先|主要|重点|多|怎么|如何)*)
        (?:练习练习|练一练|练练|练习|练|学习|学|复习|提高|加强|改进|改善|训练|巩固|注意)(?:一下)?(?:些|点|一些|一点)?
        (?:什么|哪些|哪方面|哪个方面|哪几个方面|哪里|哪儿|哪一?块|啥|英语)(?:的|单词|词|语法|内容|方面|东西|地方|知识|句子)*
        (?P<tail>{ZH_WEEK})?(?:呢|啊|呀|吗|好|才好|比较好|最好|老师|谢谢)*
        """
    )
)


WISH = re.compile("你|您|请|能|可以|老师|要|想|来|一下")
ZH_HOW = re.compile("怎么|如何")


def asks_in_chinese(clause: str) -> bool:
    """Whether the whole clause, in simplified characters without spaces, is a request."""
    if len(clause) > MAX_CHINESE_CHARS:
        return False
    if match := ZH_MAKE_PLAN.fullmatch(clause):
        is_for_learner = bool(match["for"] or match["for_me"]) or "给我" in clause
        return is_for_learner or bool(match["study"]) or bool(match["when"] and WISH.search(clause))
    if ZH_MAKE_UNHEARD.fullmatch(clause):
        return True
    if match := ZH_ARRANGE.fullmatch(clause):
        return bool(match["for"] or match["bit"]) and re.search(rf"{ZH_WEEK}|{ZH_STUDY}", clause) is not None
    if match := ZH_HAVE.fullmatch(clause):
        return bool(match["study"]) and re.search("我|吗|没有", clause) is not None
    if match := ZH_WHAT.fullmatch(clause):
        is_about_time = bool(match["should"] or match["when"] or match["tail"])
        return is_about_time and ("英语" not in clause or ZH_HOW.search(clause) is not None)
    return False


# --- both ----------------------------------------------------------------------------------------------------------


def find_plan_request(text: str) -> PlanLanguage | None:
    """In which language the text asks for a study plan; None if it does not."""
    return next(filter(None, map(_language_of_request, _sentences(text))), None)


def is_nothing_but_request(text: str) -> bool:
    """Whether the text asks for a study plan and says nothing else of its own."""
    sentences = [each for each in _sentences(text) if len(NO_LETTERS.sub("", each).strip()) > 0]
    return bool(sentences) and all(_language_of_request(each) or _is_courtesy(each) for each in sentences)


def _sentences(text: str) -> Iterator[str]:
    return (each for each in SENTENCE_END.split(straighten(text)) if each.strip())


def _is_courtesy(sentence: str) -> bool:
    normalized = " ".join(NO_LETTERS.sub(" ", sentence.lower()).split())
    polite_english = re.fullmatch(rf"{BEFORE[:-1]}*", f"{normalized} ") or re.fullmatch(AFTER, f" {normalized}")
    return bool(polite_english or re.fullmatch(rf"{POLITE}*{ZH_AFTER}", CLAUSE_END.sub("", simplify(sentence))))


def _language_of_request(sentence: str) -> PlanLanguage | None:
    """Of one sentence: the whole of it, or its last clause where that is not another one's words."""
    clauses = [each for each in CLAUSE_END.split(sentence) if each.strip()]
    for start in range(len(clauses)):
        if start and REPORTING.search(clauses[start - 1].strip().lower()):
            return None
        if language := _language_of_clause(" ".join(clauses[start:])):
            return language
    return None


def _language_of_clause(clause: str) -> PlanLanguage | None:
    if has_chinese(clause):
        return "zh" if asks_in_chinese(simplify(clause)) else None
    return "en" if asks_in_english(" ".join(NO_LETTERS.sub(" ", clause.lower()).split())) else None
