"""The three questions before a plan where the ledger says too little, and what is read from their answers.

Nothing is stored for them: where the questions stand is read from the session's turns, whose feedback says which one
its reply asks. So work that is done again comes to the same question, and an erased turn is forgotten.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from pipeline.jobs.plans import PlanLanguage, PlanQuestion
from pipeline.jobs.results import Feedback
from pipeline.levels import KEYWORDS
from pipeline.text.numbers import cardinal
from worker_llm.tutor.known_questions import asks_teacher_only
from worker_llm.tutor.language import is_noise
from worker_llm.tutor.questions.vocabulary import straighten
from worker_llm.tutor.safety import (
    NO_SCHOOL_WORDS,
    SchoolWords,
    contains_swearing,
    find_danger,
    find_private_details,
    is_unfit_to_say,
)
from worker_llm.tutor.start_over import letters_only
from worker_llm.tutor.study_plan.chinese import has_chinese, read_number, simplify
from worker_llm.tutor.study_plan.request import find_plan_request
from worker_llm.tutor.study_plan.tasks import SKILLS

ORDER: tuple[PlanQuestion, ...] = ("minutes", "hard", "topic")
QUESTIONS: Mapping[PlanQuestion, Mapping[str, str]] = {
    "minutes": {
        "en": "How many minutes a day do you have for English?",
        "zh": "你每天有多少分钟学英语？",
    },
    "hard": {
        "en": "What is hard for you in English? For example: verbs, small words, or listening.",
        "zh": "英语里什么对你最难？比如时态、冠词、介词或者听力。",
    },
    "topic": {"en": "What do you like to talk about?", "zh": "你喜欢聊什么？"},
}
INTRODUCTION = {"en": "Yes, gladly. First I have a few questions.", "zh": "好的。我先问几个问题。"}
THANKS = {"en": "Thank you.", "zh": "谢谢。"}
NOT_HEARD = {"en": "I did not catch that.", "zh": "我没听清楚。"}
RETURN_ZH = "我们先做计划。"  # after what is answered in English
LEFT = {"en": "All right, no plan now. Just ask me again.", "zh": "好的，先不做计划。需要时再告诉我。"}

MIN_MINUTES, MAX_MINUTES = 3, 120  # a day
MAX_WORDS_WITH_NUMBER = 6  # of an answer whose number has no unit
MAX_TOPIC_CHARS, MAX_TOPIC_WORDS = 40, 6  # of what is quoted of the learner's own words
NUMBERS = {cardinal(number): number for number in range(1, MAX_MINUTES + 1)} | {"a": 1, "an": 1, "one": 1}
NUMBER = rf"(?:\d{{1,3}}|{'|'.join(sorted((each for each in NUMBERS if len(each) > 2), key=len, reverse=True))})"
HALF_HOUR = re.compile(r"\bhalf (?:an |of an |a )?hour|\bhalf hour")
QUARTER = re.compile(r"\bquarter\b")
HOURS = re.compile(rf"\b({NUMBER}|an?) hours?(?P<half> and a half)?")
MINUTES = re.compile(rf"\b({NUMBER})(?: |-)?min")
NUMBER_ALONE = re.compile(rf"\b({NUMBER})\b")
ZH_NUMBER = r"(\d{1,3}|[一二三四五六七八九十百两]+)"
ZH_HALF_HOUR = re.compile("半个?(?:小时|钟头)")
ZH_HOURS = re.compile(rf"{ZH_NUMBER}个?(?P<half>半)?(?:小时|钟头)(?P<half_after>半)?")
ZH_QUARTER = re.compile("刻钟")
ZH_MINUTES = re.compile(rf"{ZH_NUMBER}(?:来|多|几)?分")
ZH_NUMBER_ALONE = re.compile(rf"(?:嗯|大概|大约|每天|一天|差不多|就|，)*{ZH_NUMBER}(?:吧|左右|。)*")

NO_MORE_PHRASES = """
no, no thanks, no thank you, stop, stop it, cancel, never mind, nevermind, forget it, not now, no plan, no plan please,
i do not want a plan, i don't want a plan, stop i don't want a plan, stop i do not want a plan,
i do not want a plan now, i don't want a plan now,
不用了, 不要了, 算了, 不, 不要, 取消, 停, 不做了, 不需要了, 別問了, 别问了
"""
NO_MORE = frozenset(map(letters_only, NO_MORE_PHRASES.split(",")))
BEFORE_TOPIC = re.compile(
    r"^(?:(?:i|we|want|would|like|love|enjoy|prefer|to|let's|let us|can|maybe|please|talk|talking|speak|speaking|chat|"
    r"say|something|about|i'd|my favou?rite topic is|well|oh|um|uh|it is|it's|of|discuss|discussing)\b[\s,]*)+",
    re.IGNORECASE,
)
ZH_BEFORE_TOPIC = re.compile(
    "^(?:我们?|想要?|要|喜欢|最|聊一聊|聊聊|聊|谈谈|谈|说说|说|讲讲|讲|关于|和你|跟你|一下|一些|可以|比较|爱|嗯|，)+"
)
NO_TOPIC = re.compile(
    r"\b(?:i do not know|i don't know|don't know|no idea|anything|everything|nothing|whatever|something)\b|"
    "不知道|随便|都行|都可以|什么都|无所谓|没有"
)


@dataclass(frozen=True)
class Interview:
    """Where the questions stand: the one that was asked last, and the learner's own words for each before it.

    `request`: the words that asked for the plan, "" if they were erased; `asked_in`: their language.
    """

    question: PlanQuestion
    request: str = ""
    answers: Mapping[PlanQuestion, str] = field(default_factory=dict, hash=False)

    @property
    def asked_in(self) -> PlanLanguage:
        if language := find_plan_request(self.request):
            return language
        return "zh" if any(map(has_chinese, self.answers.values())) else "en"

    @property
    def minutes(self) -> int | None:
        """How long the learner wants to practise a day; None where that was not said."""
        return find_minutes(self.request) or find_minutes(self.answers.get("minutes", ""))

    @property
    def next_question(self) -> PlanQuestion:
        """The next one to ask; "" after the last one. The one that the request has answered is not asked."""
        later = ORDER[ORDER.index(self.question) + 1 :] if self.question else ORDER
        return next((each for each in later if each != "minutes" or self.minutes is None), "")

    def with_answer(self, words: str) -> Self:
        return replace(self, answers={**self.answers, self.question: words})


def find_interview(earlier: Sequence[Feedback], school: SchoolWords = NO_SCHOOL_WORDS) -> Interview | None:
    """Where the questions stand after these turns, oldest first; None if the last one asked none of them."""
    start = len(earlier)
    while start and earlier[start - 1].plan_question:
        start -= 1
        if find_plan_request(earlier[start].heard):
            break
    asked_turns = earlier[start:]
    if not asked_turns:
        return None
    request = asked_turns[0].heard if find_plan_request(asked_turns[0].heard) else ""
    answers: dict[PlanQuestion, str] = {}
    for turn in asked_turns[1:] if request else asked_turns:
        if not is_aside(turn.heard, school) and turn.plan_question != ORDER[0]:
            answers[ORDER[ORDER.index(turn.plan_question) - 1]] = turn.heard
    return Interview(asked_turns[-1].plan_question, request, answers)


def is_aside(utterance: str, school: SchoolWords) -> bool:
    """Whether it answers no question about a plan: noise, questions to the teacher, private details or bad words."""
    return (
        is_noise(utterance)
        or asks_teacher_only(utterance)
        or find_private_details(utterance)
        or contains_swearing(utterance, school)
    )


def ends_interview(utterance: str) -> bool:
    """Whether the learner wants no plan any more."""
    return letters_only(utterance) in NO_MORE


def find_minutes(text: str) -> int | None:
    """The minutes a day that are named, at least MIN_MINUTES and at most MAX_MINUTES; None where none are."""
    if has_chinese(text):
        minutes = _find_chinese_minutes(simplify(text))
    else:
        minutes = _find_english_minutes(" ".join(straighten(text).lower().replace("-", " ").split()))
    return None if minutes is None else max(MIN_MINUTES, min(minutes, MAX_MINUTES))


def _find_english_minutes(text: str) -> int | None:
    if HALF_HOUR.search(text):
        return 30
    if QUARTER.search(text):
        return 15
    if match := HOURS.search(text):
        return 60 * _read(match[1]) + (30 if match["half"] else 0)
    if match := MINUTES.search(text):
        return _read(match[1])
    match = NUMBER_ALONE.search(text) if len(text.split()) <= MAX_WORDS_WITH_NUMBER else None
    return _read_alone(match[1]) if match and not find_plan_request(text) else None


def _find_chinese_minutes(text: str) -> int | None:
    if match := ZH_HOURS.search(text):
        return 60 * _read(match[1]) + (30 if match["half"] or match["half_after"] else 0)
    if ZH_HALF_HOUR.search(text):
        return 30
    if ZH_QUARTER.search(text):
        return 15
    if match := ZH_MINUTES.search(text):
        return _read(match[1])
    match = ZH_NUMBER_ALONE.fullmatch(text)
    return _read_alone(match[1]) if match else None


def _read_alone(number: str) -> int | None:
    """A number without a unit: a very small one is something else."""
    minutes = _read(number)
    return minutes if minutes >= MIN_MINUTES else None


def _read(number: str) -> int:
    return int(number) if number.isdecimal() else NUMBERS.get(number) or read_number(number)


def find_hard_kinds(text: str) -> tuple[str, ...]:
    """The kinds of mistakes that the learner names, by ERRANT's names without their first letter."""
    words = f"{text} {simplify(text)}"
    kinds = (kind for keyword in KEYWORDS if keyword.pattern.search(words) for kind in keyword.kinds)
    return tuple(dict.fromkeys(kinds))


def find_hard_skills(text: str) -> tuple[str, ...]:
    """The skills that the learner names, such as listening."""
    words = f"{text.lower()} {simplify(text)}"
    return tuple(name for name, skill in SKILLS.items() if skill.pattern.search(words))


def find_topic(text: str, school: SchoolWords) -> str:
    """What the learner likes to talk about, in the learner's words; "" where that is nothing that can be quoted."""
    line = " ".join(straighten(text).split()).strip(" .!?。！？,，")
    if NO_TOPIC.search(line.lower()) or NO_TOPIC.search(simplify(line)):
        return ""
    topic = (ZH_BEFORE_TOPIC if has_chinese(line) else BEFORE_TOPIC).sub("", line).strip(" .!?。！？,，吧啊呢")
    is_short = 0 < len(topic) <= MAX_TOPIC_CHARS and len(topic.split()) <= MAX_TOPIC_WORDS
    return topic if is_short and not is_noise(topic) and _can_be_quoted(topic, school) else ""


def _can_be_quoted(text: str, school: SchoolWords) -> bool:
    return not (
        contains_swearing(text, school)
        or find_danger(text, school)
        or find_private_details(text)
        or is_unfit_to_say(text, school)
    )
