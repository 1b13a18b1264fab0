"""The questions that every learner asks the teacher, and thanks, in English with learners' mistakes and in Chinese."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.personas import AnswerName
from pipeline.text.sentences import SENTENCE
from worker_llm.tutor.questions.vocabulary import straighten

MAX_ANSWERS = 2  # in one turn
ADDRESSED_TEACHER = re.compile(  # not "our teacher", nor "the English teacher"
    r"(?:^|(?<=请问)|(?<=\s))老师(?=[会懂住是有喜能多几家今叫来从结的])(?=.*(?:吗|什么|哪|几|多大|多少|谁|怎|呢|没有))"
)


@dataclass(frozen=True)
class KnownQuestion:
    """`english` matches the whole of a sentence in lower case without punctuation, `chinese` a part of one.

    `model` is how it is asked rightly, `back` what the teacher asks in return.
    """

    name: AnswerName
    english: re.Pattern[str]
    chinese: re.Pattern[str]
    model: str
    back: str


BEFORE = (
    r"(?:(?:hi|hello|hey|good (?:morning|afternoon|evening)|ok|okay|oh|well|and|so|but|please|now|excuse me|sorry|"
    r"teacher|sir|miss|madam|mr|mrs|william|emma|dear|my teacher|can i ask(?: you)?|may i ask(?: you)?|"
    r"i want to (?:know|ask)(?: you)?|(?:can|could) you tell me|tell me|please tell me) )*"
)
AFTER = (
    r"(?: (?:please|teacher|sir|miss|madam|william|emma|dear|my teacher|now|today|then|too|and you|thank you|thanks))*"
)


def _known_question(name: AnswerName, english: str, chinese: str, model: str, back: str) -> KnownQuestion:
    """The patterns are alternatives, on several lines where they are long."""
    english_pattern, chinese_pattern = (re.sub(r"\s*\n *", "", pattern) for pattern in (english, chinese))
    return KnownQuestion(
        name, re.compile(f"{BEFORE}(?:{english_pattern}){AFTER}"), re.compile(chinese_pattern), model, back
    )


KIND_OF_BEING = (
    "(?:real|human|being|robot|person|people|machine|computer|ai|man|woman|boy|girl|program|bot|alive|true|teacher)"
)
RELATIVES = (
    "(?:children|childrens|child|kids?|sons?|daughters?|bab(?:y|ies)|family|wife|husband|brothers?|sisters?|parents|"
    "friends?|pets?|dogs?|cats?|mother|father)"
)
BE = r"(?: is| are| am|'s|s)?"
KNOWN_QUESTIONS = (
    _known_question(
        "name",
        rf"""
        what{BE} (?:you|your|the teacher's) (?:full |english )?names?(?: is| are)?|what you are called|
        who (?:are|is) you|who you are|your name(?: is)?(?: what)?|
        (?:can|may|could) i (?:know|have|ask) your name|what (?:are|is) you called|
        what (?:should|can|do|shall) i call you|how (?:can|should|do) i call you|how (?:do|are) you called|
        what do (?:people|they) call you|do you have a name|how do you call(?: yourself)?
        """,
        r"你叫什么|您叫什么|(?:你|您|老师)的?名字(?:是|叫)什么|你是谁|您是谁|老师叫什么|您?贵姓|怎么称呼",
        "What is your name?",
        "What is your name?",
    ),
    _known_question(
        "age",
        rf"""
        how old(?: are| is| do| have)? you(?: are| have)?|what{BE} your age|
        (?:what|which) age (?:are|do) you(?: have)?|how many years (?:are|have|do) you(?: have| old)?|your age|
        how olds are you|are you (?:young|old)|how many years old(?: are| have)? you(?: are| have)?|
        when(?:'s| is| are)? your birthday(?: is)?|what day is your birthday
        """,
        r"你(?:今年)?(?:多大|几岁|多少岁)|你的?生日(?:是|在)?(?:哪|几|什么|多少)|您(?:今年)?(?:多大|几岁|贵庚)|(?:你的|您的)年龄|老师(?:今年)?(?:多大|几岁)",
        "How old are you?",
        "How old are you?",
    ),
    _known_question(
        "feeling",
        r"""
        how(?:'s| is| are) you(?: doing| feeling| going)?|how do you (?:do|feel)|how you(?: are| doing| feel)?|
        how(?:'s| is) (?:it going|everything|your day|life)|are you (?:ok|okay|fine|well|happy|good|tired)|
        what's up|how are your day|i am fine(?: thank you| thanks)? and you|and you
        """,
        r"你好吗|您好吗|你(?:今天)?(?:怎么样|过得好吗|开心吗|累吗)|最近好吗",
        "How are you?",
        "How are you today?",
    ),
    _known_question(
        "origin",
        r"""
        where(?: are| is| do| did| does|'re)? you(?: are)? (?:come )?from|where (?:do|are) you come(?: from)?|
        where from (?:are )?you|
        (?:what|which)(?: is)?(?: your)? country(?: are| do| is)?(?: you)?(?: come)?(?: from)?|
        from where (?:are|do) you(?: come)?|
        are you (?:american|british|english|chinese|from (?:america|england|china|the usa|the uk|london))|
        what(?:'s| is) your nationality
        """,
        r"""
        你(?:是|从|来自)?(?:哪里|哪儿|哪)(?:来|的|人|国人|个国家)|你是(?:美国|英国|中国)人吗|
        你来自(?:哪里|哪儿)|你从哪(?:里|儿)来
        """,
        "Where are you from?",
        "Where are you from?",
    ),
    _known_question(
        "home",
        r"""
        where(?: are| is| do| does)? you(?: are)? (?:live|living|stay)(?: in)?|
        where(?:'s| is| are)? your (?:home|house)(?: is)?|
        do you live in (?:(?:a|the) )?\w+|do you have a (?:house|home)|
        (?:what|which) city (?:do|are) you liv(?:e|ing)(?: in)?
        """,
        r"你(?:住|家)(?:在)?(?:哪里|哪儿|什么地方)|您住(?:在)?(?:哪里|哪儿)",
        "Where do you live?",
        "What do you like about your home?",
    ),
    _known_question(
        "help",
        r"""
        (?:can|could|will|would|do|are) you (?:please )?help(?: to)?(?: me| us)?
        (?: with (?:my )?(?:english|homework|grammar))?|
        help me|i need (?:your |some )?help|you (?:can )?help me|
        (?:(?:can|could|will) you )?(?:please )?teach me(?: english)?|please help me|
        i want you help me
        """,
        r"你(?:能|可以|会)(?:不能)?帮(?:帮|助)?我|帮(?:帮|助)?我|我需要帮助|教教?我(?:说|学|讲)?英语|能教我",
        "Can you help me?",
        "What do you need help with?",
    ),
    _known_question(
        "robot",
        rf"""
        who (?:made|created|make|built|wrote|programmed) you|
        (?:are|is) you (?:a |an |really |the )*{KIND_OF_BEING}(?: {KIND_OF_BEING}| or(?: a| an)? {KIND_OF_BEING})*|
        is (?:it|this) (?:a |an )?(?:robot|human|machine|computer)(?: talking| speaking)?|
        you are (?:a |an )?(?:robot|human|real person|computer|machine|ai)(?: right| or not)?|what are you
        """,
        r"谁(?:发明|创造|制造|做)(?:出)?了?你|你是(?:不是)?(?:一个|个|一台)?(?:机器人|真人|人类|人|AI|ai|电脑|人工智能|真的|程序|男|女)",
        "Are you a robot?",
        "What would you like to talk about?",
    ),
    _known_question(
        "likes",
        rf"""
        what(?: do| does| are| is)? you (?:like|enjoy|love)(?: to do| doing)?(?: best| most)?|
        what{BE} you(?:r)? hobb(?:y|ies|ys)(?: is| are)?|(?:do )?you have (?:a |any )?hobb(?:y|ies)|
        what{BE} your (?:favou?rite|interest)(?: thing| things)?(?: to do)?|
        what do you do in your (?:free|spare) time
        """,
        r"你(?:最)?喜欢(?:做)?什么(?!\w*(?:颜色|动物|食物|水果))|你(?:的|有什么)爱好|你的爱好是什么",
        "What do you like?",
        "What do you like to do?",
    ),
    _known_question(
        "languages",
        r"""
        (?:can|do|does|could|are|will) you (?:speak|understand|know|talk|say|speaking)(?: in| any| a little| some)*
        (?: the)? (?:chinese|mandarin)(?: language)?(?: or not)?|
        you (?:can )?(?:speak|know|understand) chinese|
        (?:what|which|how many) languages? (?:do|can|are) you (?:speak|know|understand)|
        (?:can|could) you say it in chinese
        """,
        r"你(?:会|能|可以|懂|听得?懂)(?:不会)?(?:说|讲|听|懂|听懂)?(?:中文|汉语|普通话|国语)|你听得懂(?:中文|汉语)|你会(?:说|讲)?(?:几|哪|什么|多少)\w*语言",
        "Can you speak Chinese?",
        "What would you like to say in English?",
    ),
    _known_question(
        "time",
        rf"""
        what{BE}(?: the)? times?(?: is| are)?(?: it)?(?: is)?(?: it)?|what time(?: is| are)? it(?: is)?|
        do you know (?:the time|what time it is)|
        what{BE}(?: the)? (?:day|date)(?: is| are)?(?: it)?(?: is)?(?: today| it)?|what's today|what is today|
        what day{BE}(?: it)?(?: is)?(?: today)?|which day is (?:it|today)|what{BE} today's date
        """,
        r"现在几点|^几点(?:钟)?了?$|今天(?:是)?(?:星期几|周几|几号|礼拜几|几月几)",
        "What time is it?",
        "What did you do today?",
    ),
    _known_question(
        "family",
        rf"""
        (?:(?:do|does|are) you (?:have|got)|have you(?: got)?)(?: a| an| any| some| many)? {RELATIVES}
        (?: (?:or|and)(?: a| any)? {RELATIVES})?|
        you have (?:a |any )?(?:children|child|kids?|family|wife|husband|brothers?|sisters?)|are you married|
        how many (?:children|kids|child|brothers|sisters|people)(?: do| are)? (?:you have|in your family)|
        (?:who is|who's) in your family|tell me about your family
        """,
        r"""
        你(?:有|没有)(?:没有)?(?:孩子|小孩|儿子|女儿|兄弟|姐妹|哥哥|弟弟|姐姐|妹妹|家人|老婆|丈夫|老公|妻子|爸爸|妈妈|朋友|宠物)|
        你(?:结婚|有家)了?吗|你家有(?:几|多少)
        """,
        "Do you have children?",
        "Who is in your family?",
    ),
    _known_question(
        "weather",
        r"""
        (?:what|how)(?: is|'s|s)? the weather(?: is)?(?: like)?(?: there| here)?|
        is it (?:cold|hot|warm|sunny|rainy|cloudy|windy|snowy|raining|snowing)(?: there| here| outside)?
        """,
        r"(?:今天|明天|现在)(?:的)?天气(?:怎么样|如何|好吗)|你那里天气",
        "What is the weather like?",
        "What is the weather like where you are?",
    ),
    _known_question(
        "tastes",
        rf"""
        do(?:es)? you (?:really )?(?:like|love|enjoy|prefer|hate|miss|want)(?: to)? [\w' ]+|
        what(?: do| does| are)? you (?:like|love|want|prefer)(?: to)? (?:eat|drink|watch|read|play|wear|buy)
        (?: best| most)?|
        what{BE} your (?:favou?rite|best) (?!things?\b)[\w' ]+|
        (?:what|which) [\w ]+ do you (?:like|love|prefer)(?: best| most)?
        """,
        r"你(?:最)?(?:喜欢|爱)(?!做|什么$)\w+(?:吗|么)|你最?喜欢(?:的|什么|哪种|哪个)?(?:颜色|动物|食物|水果|运动|季节|电影|歌|书)|你爱我吗",
        "Do you like it?",
        "What about you?",
    ),
    _known_question(
        "abilities",
        r"""
        (?:can|could|do|are) you (?:able to )?
        (?:sing|dance|swim|cook|drive|play|run|draw|jump|fly|see|hear|eat|sleep|walk|ride|paint|smell|ski|skate)
        (?: [\w' ]+)?
        """,
        r"你(?:会|能|可以)(?:不会|不能)?(?:唱|跳|游泳|做饭|开车|玩|跑|画|飞|看见|吃|睡)\w*(?:吗|么)?$",
        "Can you sing?",
        "What can you do well?",
    ),
    _known_question(
        "words",
        r"""
        what(?: does| do| is| are|'s)? (?!(?:do )?you\b)[\w' ]+ means?|
        what(?:'s| is|s)? the (?:meaning|means) of [\w' ]+|
        (?:can|could) you explain (?:the word |this word |the meaning of )?[\w' ]+|
        how (?:do|can|should) (?:you|i|we) (?:say|spell|write|read|pronounce) [\w' ]+|how to (?:say|spell) [\w' ]+|
        what(?:'s| is|s)? the difference between [\w' ]+ and [\w' ]+|
        (?:when|how) (?:do|can|should) (?:i|we|you) use (?:the word )?[\w']+
        """,
        r"(?:什么|啥)意思|用英(?:语|文)怎么(?:说|讲|写)|英(?:语|文)(?:里)?怎么(?:说|讲)|怎么拼|(?:有什么|的)区别",
        "What does this word mean?",
        "Can you use the word in a sentence?",
    ),
    _known_question(
        "advice",
        r"""
        how (?:can|do|should|could|to) (?:(?:i|we) )?(?:learn|study|improve|practise|practice)
        (?: (?:my|the))?(?: (?:spoken|oral))?(?: english)?(?: (?:well|better|best|faster|quickly))?|
        how can i (?:speak|talk)(?: english)? (?:well|better|fluently)|
        (?:can|could) you give me (?:some |any |an )?advices?(?: [\w' ]+)?|
        what should i (?:learn|study|practise|practice)
        """,
        r"(?:怎么|怎样|如何)(?:才能)?(?:学|提高|练)(?:好|习)?(?:我的)?(?:英语|英文|口语)",
        "How can I improve my English?",
        "When do you speak English?",
    ),
    _known_question(
        "thanks",
        r"thank you(?: so much| very much| a lot)?|thanks(?: a lot| so much| very much)?|many thanks|thx",
        r"^(?:谢谢|多谢|感谢)(?:你|您|老师)*$",
        "Thank you.",
        "What else do you want to talk about?",
    ),
)

TOLD: Mapping[AnswerName, re.Pattern[str]] = {  # what a learner has told who need not be asked back
    "name": re.compile(r"\bmy name|\bi am called|\bi'm called"),
    "age": re.compile(r"\byears? old|\bi(?: am|'m) (?:\d|\w+teen|six|seven|eight|nine|ten|eleven|twelve)"),
    "feeling": re.compile(r"\bi(?: am|'m) (?:fine|good|well|happy|ok|okay|tired|sad|great|very)"),
    "origin": re.compile(r"\bi(?: am|'m| come) from"),
    "likes": re.compile(r"\bi (?:like|love|enjoy)|\bmy hobb"),
    "family": re.compile(r"\bmy family|\bin my family"),
}


def find_known_questions(*texts: str) -> list[KnownQuestion]:
    """Those that are asked by a whole sentence of a text, such as what was heard and what is right, in their order."""
    sentences = [_normalize(sentence) for text in texts for sentence in SENTENCE.findall(straighten(text))]
    by_name = {
        question.name: question
        for sentence in sentences
        for question in KNOWN_QUESTIONS
        if question.english.fullmatch(sentence) or question.chinese.search(sentence)
    }
    return list(by_name.values())[:MAX_ANSWERS]


def asks_teacher_only(text: str) -> bool:
    """Whether it is nothing but such questions; a wish for help may be anything."""
    by_sentence = [find_known_questions(sentence) for sentence in SENTENCE.findall(text)]
    names = {question.name for questions in by_sentence for question in questions}
    return bool(by_sentence) and all(by_sentence) and "help" not in names


def _normalize(sentence: str) -> str:
    """In lower case without punctuation; a Chinese question to "teacher" is one to "you"."""
    text = " ".join(re.sub(r"[^\w\s']", " ", sentence.lower()).split())
    return ADDRESSED_TEACHER.sub("你", text)
