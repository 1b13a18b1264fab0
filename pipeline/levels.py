"""What a learner's level (A1 to C2) and the homework's instructions change in an answer.

A beginner hears fewer explanations at once, shorter questions and a slower voice. Instructions that name a part of
grammar, in English or Chinese, bring its explanations to the front; with "only" nothing else is explained, and what is
not to be corrected is not explained either. Those that name a time, or what to ask about, choose the question.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.jobs.results import Edit

Time = Literal["past", "present", "future"]


@dataclass(frozen=True)
class Level:
    """`first_kinds` are explained first, by ERRANT's names without their first letter, such as VERB:SVA.

    `pace` is the voice's: 1 is its own. `task_minutes`: how long a task of a study plan is.
    """

    max_explained: int = 3
    max_question_words: int = 12
    pace: float = 1.0
    first_kinds: tuple[str, ...] = ()
    task_minutes: int = 10


BEGINNERS_KINDS = ("VERB:SVA", "VERB:TENSE", "VERB:FORM", "NOUN:NUM", "PRON", "DET")
NO_LEVEL = Level()
LEVELS = {
    "A1": Level(max_explained=2, max_question_words=8, pace=0.85, first_kinds=BEGINNERS_KINDS, task_minutes=5),
    "A2": Level(max_explained=2, max_question_words=10, pace=0.9, first_kinds=BEGINNERS_KINDS, task_minutes=7),
    "B1": Level(pace=0.95),
    "B2": NO_LEVEL,
    "C1": Level(max_explained=4),
    "C2": Level(max_explained=4),
}


@dataclass(frozen=True)
class Focus:
    """What the instructions ask for: kinds of edits, as in Level, and the time that is to be talked about.

    `is_only`: no other kinds are explained. `skipped_kinds`: these are not. `ask_about`: what the questions are to be
    about, in the instructions' own words.
    """

    kinds: tuple[str, ...] = ()
    time: Time | None = None
    is_only: bool = False
    skipped_kinds: tuple[str, ...] = ()
    ask_about: str = ""


NO_FOCUS = Focus()


@dataclass(frozen=True)
class Keyword:
    """Words of instructions, as a pattern, and what they ask for."""

    pattern: re.Pattern[str]
    kinds: tuple[str, ...]
    time: Time | None = None


def _keyword(pattern: str, kinds: str, time: Time | None = None) -> Keyword:
    return Keyword(re.compile(pattern, re.IGNORECASE), tuple(kinds.split()), time)


TENSES = "VERB:TENSE VERB:INFL"
KEYWORDS = (
    _keyword(
        r"\bpast\b|\byesterday\b|\blast (?:week|weekend|summer|winter|year|holiday)|过去|昨天|上周|上个", TENSES, "past"
    ),
    _keyword(
        r"\bfuture\b|\btomorrow\b|\bnext (?:week|weekend|summer|year)|\bplans?\b|将来|明天|下周|计划|打算",
        TENSES,
        "future",
    ),
    _keyword(r"\bpresent\b|\bevery day\b|\bdaily\b|一般现在|现在时|每天", "VERB:SVA VERB:TENSE VERB:FORM", "present"),
    _keyword(r"\btenses?\b|时态", TENSES),
    _keyword(r"third[- ]person|agreement|三单|第三人称|主谓", "VERB:SVA"),
    _keyword(r"\barticles?\b|冠词", "DET"),
    _keyword(r"\bplurals?\b|\bsingulars?\b|复数|单数", "NOUN:NUM NOUN:INFL"),
    _keyword(r"\bprepositions?\b|介词", "PREP"),
    _keyword(r"\bpronouns?\b|代词", "PRON"),
    _keyword(r"\bquestion (?:forms?|words?|order)|\bmak(?:e|ing) questions|word order|疑问句|语序", "WO VERB:FORM"),
    _keyword(r"\bcompar(?:e|ison|ative|atives)\b|superlative|比较级|最高级", "ADJ:FORM ADJ ADV"),
    _keyword(r"\bgerunds?\b|\binfinitives?\b|动名词|不定式", "VERB:FORM"),
    _keyword(r"\badjectives?\b|\badverbs?\b|形容词|副词", "ADJ ADV MORPH"),
    _keyword(r"\bspelling\b|拼写", "SPELL"),
)

CLAUSE_END = re.compile(r"[.;!?,\n。；！？，]+|\bbut\b|但是?")
TO_CORRECT = re.compile(
    r"\b(?:correct|explain|mark|fix|check|mention|focus|look|mistakes?|errors?)|改|纠|讲|解释|指出|检查|批|关注|看",
    re.IGNORECASE,
)
IGNORE = re.compile(r"\b(?:ignore|skip|leave out)\b|忽略|跳过", re.IGNORECASE)
NEGATION = re.compile(r"\b(?:not|don't|never)\b|不(?!只|仅|但)|别", re.IGNORECASE)
ONLY = re.compile(r"\b(?:only|just|nothing but)\b|(?<!不)[只仅]", re.IGNORECASE)
ASK_ABOUT = re.compile(r"(?:\b(?:ask|questions?|chat)\b.*?\babout|问一?问?|聊一?聊?)(.+)", re.IGNORECASE)


def find_level(name: object) -> Level:
    """The level with this name; any other name, also "", changes nothing."""
    return LEVELS.get(str(name).strip().upper(), NO_LEVEL)


def find_focus(instructions: str) -> Focus:
    """What the instructions name, in the order of KEYWORDS."""
    clauses = [clause for clause in CLAUSE_END.split(instructions) if clause]
    positive = [clause for clause in clauses if not is_negative(clause)]
    negative = [clause for clause in clauses if is_negative(clause)]
    matches = _find_keywords(positive)
    return Focus(
        kinds=_list_kinds(matches),
        time=next((keyword.time for keyword in matches if keyword.time), None),
        is_only=any(map(is_exclusive, positive)),
        skipped_kinds=_list_kinds(_find_keywords(negative)),
        ask_about=" ".join(match[1].strip() for clause in positive if (match := ASK_ABOUT.search(clause))),
    )


def is_negative(clause: str) -> bool:
    """Whether it says what is not to be corrected: "Don't correct articles"; not "Don't forget the articles"."""
    is_order = NEGATION.search(clause) and TO_CORRECT.search(clause) and not ONLY.search(clause)
    return bool(IGNORE.search(clause) or is_order)


def is_exclusive(clause: str) -> bool:
    """Whether nothing else is to be corrected: "Only correct articles"; not "Use only the past tense"."""
    return bool(ONLY.search(clause) and TO_CORRECT.search(clause) and _find_keywords([clause]))


def _find_keywords(clauses: Sequence[str]) -> list[Keyword]:
    return [keyword for keyword in KEYWORDS if any(keyword.pattern.search(clause) for clause in clauses)]


def _list_kinds(keywords: Iterable[Keyword]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind for keyword in keywords for kind in keyword.kinds))


def choose_explained(edits: Iterable[Edit], level: Level, focus: Focus) -> list[Edit]:
    """The edits to explain, at most as many as the level allows, in their order in the sentence.

    Those of a kind that the instructions name go first, then those of the level's first kinds. None is explained of
    which the instructions say that it is not to be, or, with `is_only`, that they do not name.
    """
    kinds = [*focus.kinds, *level.first_kinds]
    candidates = [
        edit
        for edit in edits
        if not any(is_of_kind(edit, kind) for kind in focus.skipped_kinds)
        and (not focus.is_only or any(is_of_kind(edit, kind) for kind in focus.kinds))
    ]

    def rank(edit: Edit) -> int:
        return next((place for place, kind in enumerate(kinds) if is_of_kind(edit, kind)), len(kinds))

    return sorted(sorted(candidates, key=rank)[: level.max_explained], key=lambda edit: edit.at)


def is_of_kind(edit: Edit, kind: str) -> bool:
    """Whether ERRANT's name of the edit, such as R:VERB:TENSE, is that of this kind or of one below it."""
    name = edit.kind.partition(":")[2]
    return name == kind or name.startswith(f"{kind}:")


def choose_speed(speed: float, level_name: object) -> float:
    """The voice's speed: the one that was asked for; where that is the usual one, the level's."""
    return speed if speed != 1.0 else find_level(level_name).pace
