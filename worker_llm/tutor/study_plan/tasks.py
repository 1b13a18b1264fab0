"""What is practised on a day of a plan, in plain English and Chinese: a task for each kind of mistake and skill."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from worker_llm.tutor.questions.practice import PRACTICE_QUESTIONS


@dataclass(frozen=True)
class Task:
    """`name` is what is practised, `text` what to do; both by language, "en" and "zh".

    `prompts` are the teacher's questions with which it may begin, in English.
    """

    name: Mapping[str, str]
    text: Mapping[str, str]
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skill:
    """A skill that learners call hard, by words that match `pattern`."""

    pattern: re.Pattern[str]
    task: Task


def _task(name_en: str, name_zh: str, text_en: str, text_zh: str, *prompts: str) -> Task:
    return Task({"en": name_en, "zh": name_zh}, {"en": text_en, "zh": text_zh}, prompts)


def _skill(pattern: str, *texts: str) -> Skill:
    return Skill(re.compile(pattern), _task(*texts))


_TEXTS = {  # by ERRANT's names without their first letter
    "VERB:TENSE": _task(
        "past, present and future",
        "时态",
        "Say what you did yesterday, what you do every day, and what you will do tomorrow.",
        "说说你昨天做了什么，每天做什么，明天要做什么。",
    ),
    "VERB:INFL": _task(
        "irregular verbs",
        "不规则动词",
        "Tell a short story with went, saw, ate and came.",
        "用 went、saw、ate、came 讲一个小故事。",
    ),
    "VERB:SVA": _task(
        "he goes, they go",
        "主谓一致",
        "Talk about a friend: he or she likes, goes, has.",
        "说说一个朋友：he 或 she 后面用 likes、goes、has。",
    ),
    "VERB:FORM": _task(
        "forms of verbs",
        "动词形式",
        "Say what you want to do, what you can do, and what you enjoy doing.",
        "说说你想做什么，会做什么，喜欢做什么。",
    ),
    "VERB": _task(
        "am, is and are",
        "动词",
        "Say how you and your friends are, with am, is and are.",
        "用 am、is、are 说说你和朋友们怎么样。",
    ),
    "DET": _task(
        "a, an and the",
        "冠词",
        "Name the things in your room: say a, an or the before each of them.",
        "说出房间里的东西，每样前面加上 a、an 或 the。",
    ),
    "NOUN:NUM": _task(
        "one or many",
        "单数和复数",
        "Count the things around you: one book, two books.",
        "数一数身边的东西：one book，two books。",
    ),
    "NOUN:INFL": _task(
        "plural forms",
        "名词复数形式",
        "Count people and animals: one child, two children.",
        "数一数人和动物：one child，two children。",
    ),
    "PREP": _task(
        "in, on and at",
        "介词",
        "Say when and where you do things: at seven, on Monday, in the park.",
        "说说你什么时候、在哪里做事：at seven，on Monday，in the park。",
    ),
    "PRON": _task(
        "he, him and his",
        "代词",
        "Talk about your family with he, him, his, she and her.",
        "用 he、him、his、she、her 说说你的家人。",
    ),
    "ADJ:FORM": _task(
        "comparing things",
        "比较级和最高级",
        "Compare two things: bigger, nicer, more beautiful.",
        "比较两样东西：bigger，nicer，more beautiful。",
    ),
    "NOUN:POSS": _task(
        "whose things they are",
        "名词所有格",
        "Say whose things they are: my sister's bag, my friend's dog.",
        "说说东西是谁的：my sister's bag，my friend's dog。",
        "Tell me about your friend's family.",
    ),
    "WO": _task(
        "the order of words",
        "语序",
        "Ask five short questions, and answer them yourself.",
        "问五个简单的问题，再自己回答。",
        "What would you like to ask me?",
    ),
    "CONJ": _task(
        "and, but and because",
        "连词",
        "Say two short sentences, and join them with and, but, so or because.",
        "说两个短句，用 and、but、so 或 because 连起来。",
        "Tell me what you like, and why.",
    ),
    "ADV": _task(
        "how things are done",
        "副词",
        "Say how you do things: slowly, quickly, well.",
        "说说你怎么做事：slowly，quickly，well。",
        "What can you do well?",
    ),
    "ADJ": _task(
        "words that describe",
        "形容词",
        "Describe three things that you see: their size, colour and form.",
        "描述你看到的三样东西：大小、颜色和形状。",
        "What does your room look like?",
    ),
    "SPELL": _task(
        "spelling",
        "拼写",
        "Write the better sentence down, and read it aloud.",
        "把改好的句子写下来，再读一遍。",
        "Tell me about your day.",
    ),
}
OTHER = _task(
    "a sentence of yours",
    "你说过的句子",
    "Say the better sentence three times. Then say more sentences like it.",
    "把改好的句子说三遍，再说几句类似的话。",
    "Tell me about your day.",
)
KIND_TASKS: Mapping[str, Task] = {
    kind: Task(task.name, task.text, task.prompts or PRACTICE_QUESTIONS[kind]) for kind, task in _TEXTS.items()
}

SKILLS: Mapping[str, Skill] = {
    "listening": _skill(
        r"\blisten|\bhear|听力|听",
        "listening",
        "听力",
        "Listen to my answer twice: first normally, then slowly. Then say it again in your own words.",
        "把我的回答听两遍，先正常速度，再放慢，然后用自己的话说一遍。",
        "Tell me about your day.",
    ),
    "pronunciation": _skill(
        r"\bpronounc|\bpronunc|\bsounds?\b|\baccent|发音|音标|口音",
        "clear words",
        "发音",
        "Read a short text from your book aloud, slowly and clearly.",
        "慢慢地、清楚地朗读课本里的一小段。",
        "What are you reading now?",
    ),
    "words": _skill(
        r"\bvocabulary|\bwords?\b(?! order)|\bremember|单词|词汇|背词|记词",
        "new words",
        "单词",
        "Choose five new words from your book, and use each of them in a sentence.",
        "从课本里选五个新单词，每个说一句话。",
        "Tell me a new word that you know.",
    ),
    "speaking": _skill(
        r"\bspeak|\btalk|\bconversation|\bfluen|\boral|口语|说话|开口|流利|会话",
        "speaking",
        "口语",
        "Talk about your day without a stop, and do not worry about mistakes.",
        "不停地说说你的一天，不用怕说错。",
        "Tell me about your day.",
    ),
    "reading": _skill(
        r"\bread|阅读|读书|看书",
        "reading",
        "阅读",
        "Read a short story, and tell me what happens in it.",
        "读一个小故事，再告诉我讲了什么。",
        "Tell me about a story that you know.",
    ),
    "writing": _skill(
        r"\bwrit|写作|作文|写",
        "writing",
        "写作",
        "Write down three sentences about your day, and read them aloud to me.",
        "写三句话说说你的一天，再读给我听。",
        "What happened today?",
    ),
}
WORDS = _task(
    "words to say again",
    "值得再听的词",
    "Listen to these words, and say each of them slowly three times: {words}.",
    "听一听这些词，每个慢慢说三遍：{words}。",
    "Tell me a sentence with one of these words.",
)
FREE_TALK = _task(
    "free talk",
    "自由聊天",
    "Talk with me freely about anything that you like.",
    "随便和我聊聊你喜欢的事。",
    "What was the best thing this week?",
)
FREE_TALK_ABOUT = {
    "en": "Talk with me freely. You like to talk about this: {topic}.",
    "zh": "随便和我聊聊。你喜欢聊这个：{topic}。",
}
REVISION = {
    "en": "Do day {number} again, with other sentences: {name}.",
    "zh": "再练一次第{number}天的内容，换一些句子：{name}。",
}


def find_kind_task(kind: str) -> Task:
    """The task for a kind of mistake, by ERRANT's name without its first letter: its own, or that of a wider kind."""
    return KIND_TASKS.get(kind) or KIND_TASKS.get(kind.partition(":")[0]) or OTHER
