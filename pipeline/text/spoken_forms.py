"""The ways to speak what is written with digits, signs and abbreviations, for comparing a text with what was heard.

A text has "7:45" and a reader says "a quarter to eight"; or the text has that, and the recogniser writes "7:45".
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from pipeline.text.number_words import write_numbers
from pipeline.text.numbers import cardinal

ABBREVIATIONS = {
    "st": ("street", "saint"),
    "rd": ("road",),
    "ave": ("avenue",),
    "mt": ("mount",),
    "prof": ("professor",),
    "capt": ("captain",),
    "etc": ("et cetera", "and so on"),
    "eg": ("for example", "for instance"),
    "ie": ("that is",),
    "vs": ("versus",),
    "approx": ("approximately",),
    "min": ("minutes", "minute"),
    "hr": ("hours", "hour"),
    "sec": ("seconds", "second"),
}
CLOCK = re.compile(r"(\d{1,2})[:.](\d\d)(?: ?([ap])\.?m\.?)?", re.I)
HALF_DAY = re.compile(r"[ap]\.?m\.?\W*", re.I)
HALF_DAYS = {"a": ("am", "in the morning"), "p": ("pm", "in the afternoon", "in the evening")}
FORM_BREAKS = re.compile(r"[^\w']+")
REWORDINGS = [  # each may be left out
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b(hundred|thousand) (?!and\b|thousand|million|billion)(?=\w)", r"\1 and "),
        (r"\bone (?=hundred|thousand|half|quarter)", "a "),
        (r"\ba (?=half|quarter)", ""),
        (r" and (\S+(?: \S+)?) (?:cents?|pence|fen)$", r" \1"),
        (r" (?:dollars?|pounds?|euros?|yuan|yen) (?=\w)", " "),
        (r"\bpoint five\b", "and a half"),
        (r" (?:celsius|fahrenheit)$", ""),
        (r"\bkilogram(s?)\b", r"kilo\1"),
        (r"\bquarter(s?)\b", r"fourth\1"),
        (r"\bpercent\b", "per cent"),
        (r"\bzero\b", "oh"),
        (r"\boh\b", "o"),
    )
]


def find_spoken_stretches(words: Sequence[str]) -> Iterator[tuple[int, int, list[str]]]:
    """Stretches words[start:end] with digits or signs, as (start, end, ways to speak them); in lower case.

    A time follows once more with its "a.m." or "p.m.".
    """
    if not any(re.search(r"\d|[½¼¾]", word) for word in words):
        return
    old = [_normalize(word) for word in words]
    spoken_words = write_numbers(" ".join(words)).split()
    new = [_normalize(word) for word in spoken_words]
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "replace":
            text, spoken_text = " ".join(words[start:end]), _normalize(" ".join(spoken_words[new_start:new_end]))
            yield start, end, list(dict.fromkeys([*_clock_forms(text), *_variants(spoken_text)]))
            if end < len(words) and HALF_DAY.fullmatch(words[end]):
                yield start, end + 1, list(_clock_forms(f"{text} {words[end]}"))


def spell_out(word: str) -> tuple[str, ...]:
    """The words that an abbreviation stands for, in lower case; none for another word."""
    return ABBREVIATIONS.get(word.lower().replace(".", ""), ())


def _normalize(text: str) -> str:
    """In lower case, without punctuation; hyphens become spaces."""
    return " ".join(FORM_BREAKS.sub(" ", text.lower()).split())


def _variants(spoken_text: str) -> list[str]:
    """The form that a voice would speak, and all others that mean the same."""
    forms = [spoken_text]
    for pattern, replacement in REWORDINGS:
        forms += [form for old in forms if (form := pattern.sub(replacement, old)) != old]
    return forms


def _clock_forms(text: str) -> Iterator[str]:
    """7:45 is "seven forty five", "quarter to eight", "fifteen minutes to eight"."""
    clock = CLOCK.search(text)
    if not clock or int(clock[1]) > 24 or int(clock[2]) > 59:
        return
    hour, minute = int(clock[1]), int(clock[2])
    for time in _time_forms(hour % 12 or 12, minute):
        for half_day in HALF_DAYS[clock[3].lower()] if clock[3] else ("",):
            yield _normalize(f"{time} {half_day}")


def _time_forms(hour: int, minute: int) -> Iterator[str]:
    name, following = cardinal(hour), cardinal(hour % 12 + 1)
    if not minute:
        yield f"{name} o'clock"
        yield name
        return
    yield f"{name} {cardinal(minute)}" if minute > 9 else f"{name} oh {cardinal(minute)}"
    side, other_hour, count = ("past", name, minute) if minute <= 30 else ("to", following, 60 - minute)
    if count == 30:
        yield f"half past {name}"
        yield f"half {name}"
    elif count == 15:
        yield from (f"{article}quarter {word} {other_hour}" for article in ("a ", "") for word in _sides(side))
    yield from (f"{cardinal(count)} {unit}{word} {other_hour}" for unit in ("", "minutes ") for word in _sides(side))


def _sides(side: str) -> tuple[str, ...]:
    return (side, "after") if side == "past" else (side, "of", "before")
