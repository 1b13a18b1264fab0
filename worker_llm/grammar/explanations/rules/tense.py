"""Reasons for a tense: a word of the same clause that tells the time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from worker_llm.grammar.explanations.token_edit import TokenEdit, clause_verb, display_text, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token

UNITS = "day|night|week|weekend|month|year|morning|afternoon|evening|spring|summer|autumn|winter|time|term"
DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
NUMBERS = r"half an|an?|a few|some|several|many|one|two|three|four|five|six|seven|eight|nine|ten|\d+"
PATTERNS = {  # the topic of a time -> the phrases that tell it, in small letters
    "past_time": rf"yesterday( morning| afternoon| evening)?|last ({UNITS}|{DAYS}|{MONTHS})|"
    rf"({NUMBERS}) (minutes?|hours?|days?|weeks?|months?|years?) ago|in (1\d\d\d|200\d|201\d)|just now",
    "future_time": rf"tomorrow( morning| afternoon| evening)?|next ({UNITS}|{DAYS}|{MONTHS})|in the future",
    "now_time": r"now|right now|at the moment",
    "habit_time": rf"every ({UNITS}|{DAYS})|usually|often|always|sometimes|on ({DAYS})s",
}
NOT_AFTER = "".join(rf"(?<!\b{other} )" for other in ("the", "my", "our", "his", "her", "before", "after"))
CHINESE = {
    "yesterday": "昨天",
    "yesterday morning": "昨天早上",
    "yesterday evening": "昨天晚上",
    "last night": "昨晚",
    "last week": "上周",
    "last weekend": "上周末",
    "last month": "上个月",
    "last year": "去年",
    "just now": "刚才",
    "tomorrow": "明天",
    "tomorrow morning": "明天早上",
    "next week": "下周",
    "next month": "下个月",
    "next year": "明年",
    "now": "现在",
    "right now": "现在",
    "at the moment": "此刻",
    "every day": "每天",
    "every week": "每周",
    "every year": "每年",
    "usually": "通常",
    "often": "经常",
    "always": "总是",
    "sometimes": "有时",
    "in the future": "将来",
}
CONDITIONS = frozenset({"if", "when", "until", "unless", "before", "after"})


@dataclass(frozen=True)
class Time:
    """A phrase of a sentence that tells the time, and the topic that it is a reason for."""

    topic: str
    text: str
    token: Token

    @property
    def chinese(self) -> str:
        return CHINESE.get(self.text.lower(), self.text)


def times_of(edit: TokenEdit, verb: Token) -> Iterator[Time]:
    """What tells the time of the verb's clause."""
    doc = edit.after
    text = doc.text.lower()
    for topic, pattern in PATTERNS.items():
        for match in re.finditer(rf"{NOT_AFTER}\b({pattern})\b", text):
            span = doc.char_span(match.start(), match.end())
            if span is not None and clause_verb(span.root) == clause_verb(verb):
                yield Time(topic, display_text(doc, span.start, span.end), span.root)


def time_of_the_clause(edit: TokenEdit) -> Reason | None:
    verbs = [token for token in edit.new_tokens if token.tag_ in {"VBD", "VBZ", "VBP", "MD", "VBG"}]
    if not verbs:
        return None
    for time in times_of(edit, verbs[0]):
        if is_into(time.topic, edit):
            return because(time.topic, time=time.text, time_zh=time.chinese)
    return None


def is_into(topic: str, edit: TokenEdit) -> bool:
    """Whether the edit puts the verb into the tense of a topic."""
    old, new = {token.tag_ for token in edit.old_tokens}, {token.tag_ for token in edit.new_tokens}
    if topic == "past_time":
        return "VBD" in new and "VBD" not in old and edit.is_replacement
    if topic == "future_time":
        is_future = edit.new.startswith(("will", "'ll")) or "going to" in edit.new
        return is_future and not edit.old.startswith(("will", "'ll"))
    if topic == "now_time":
        return "VBG" in new and "VBG" not in old and edit.is_replacement
    return "VBG" in old and bool(new & {"VBZ", "VBP"}) and "VBG" not in new


def past_of_childhood(edit: TokenEdit) -> Reason | None:
    """A clause "when I was young" that hangs on the verb, or on which it hangs."""
    if not edit.is_replacement or not is_into("past_time", edit):
        return None
    match = re.search(
        r"\bwhen (i|he|she) was (young|little|small|a child|a kid|a boy|a girl|a baby)\b", edit.after.text.lower()
    )
    span = edit.after.char_span(match.start(), match.end()) if match else None
    if span is None or edit.start in range(span.start, span.end):
        return None
    if clause_verb(edit.last_token) not in {span.root, clause_verb(span.root.head)}:
        return None
    text = display_text(edit.after, span.start, span.end)
    return because("past_time", time=text, time_zh=text)


def until_now(edit: TokenEdit) -> Reason | None:
    has_come = any(token.lower_ in {"have", "has", "'ve"} and token.dep_ == "aux" for token in edit.new_tokens)
    if not has_come or "have" in {token.lemma_ for token in edit.old_tokens}:
        return None
    verb = clause_verb(edit.last_token)
    has_span = re.search(
        r"\b(since|for (\w+ )?(\w+ )?(minute|hour|day|week|month|year)s?|for a long time)\b", edit.after.text
    )
    span = edit.after.char_span(has_span.start(), has_span.end()) if has_span else None
    return because("until_now") if span is not None and clause_verb(span.root) == verb else None


def present_after_condition(edit: TokenEdit) -> Reason | None:
    if not edit.old.startswith("will") or "will" in edit.new.split() or edit.start >= len(edit.after):
        return None
    verb = clause_verb(edit.after[edit.start])
    for child in verb.children:
        if child.lower_ in CONDITIONS and child.dep_ in {"mark", "advmod"} and verb.dep_ == "advcl":
            return because("condition_present", word=word(child))
    return None


RULES = (present_after_condition, until_now, time_of_the_clause, past_of_childhood)
