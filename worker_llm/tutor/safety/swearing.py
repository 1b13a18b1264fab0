"""Swear words and slurs, English and Chinese, also masked: they are not praised, and the voice does not say them."""

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path

from pipeline.text.sentences import SENTENCE
from worker_llm.tutor.safety.danger import load_replies
from worker_llm.tutor.safety.normalize import simplified_characters
from worker_llm.tutor.safety.phrases import any_of, inflect
from worker_llm.tutor.safety.school_words import NO_SCHOOL_WORDS, SchoolWords

MASK = r"[*#@$%!.\-_•×]"
SUBSTITUTE_EN, SUBSTITUTE_ZH = "beep", "哔"
SEPARATED = r"[ .\-_*]"  # f u c k, f.u.c.k
SPACES = " *"  # 傻 逼
INSULT = re.compile(  # to the one who is spoken to, and nothing else in the sentence
    r"(?:(?:teacher|hey|oh|and|but|william|emma) )*"
    r"(?:(?:you are|you're|you re) (?:(?:so|very|really|just|such|too|a|an|the) )*"
    r"(?:stupid|dumb|ugly|an? ?idiot|idiot|idiots|fool|moron|loser|useless|disgusting|trash|rubbish|liar|pig)"
    r"|(?:you )?(?:stupid|dumb|ugly|useless) (?:teacher|robot|computer|machine|thing)|you (?:idiot|fool|moron|loser)"
    r"|shut up|shut your mouth|i hate you)(?: (?:teacher|william|emma|robot|man|guy|person|people))*"
)
LOOKALIKES = {"a": "a@4", "e": "e3", "i": "i1!", "o": "o0", "s": "s$5", "u": "uv"}


def contains_swearing(text: str, school: SchoolWords = NO_SCHOOL_WORDS) -> bool:
    """Whether a text has a swear word or a slur."""
    return bool(_spans(text, school))


def is_insult(text: str) -> bool:
    """Whether a sentence of the text only insults the one who is spoken to: not what somebody else said or is."""
    return any(
        INSULT.fullmatch(" ".join(re.sub(r"[^\w\s']", " ", sentence.lower().replace("’", "'")).split()))
        for sentence in SENTENCE.findall(text)
    )


def replace_swearing(text: str, school: SchoolWords = NO_SCHOOL_WORDS) -> str:
    """The text with "beep" or 哔 for each swear word; unchanged if it has none."""
    for start, end in reversed(_spans(text, school)):
        is_chinese = bool(re.search(r"[\u3400-\u9fff]", text[start:end]))
        text = text[:start] + (SUBSTITUTE_ZH if is_chinese else SUBSTITUTE_EN) + text[end:]
    return text


def swearing_reply() -> tuple[str, str]:
    """The fixed words after a swear word, in English and in Chinese."""
    reply = load_replies()["swearing"]
    return reply["en"], reply["zh"]


def _spans(text: str, school: SchoolWords) -> list[tuple[int, int]]:
    """Where swear words stand, in order, none within another."""
    pattern = swearing_pattern(school.swearing)
    folded = "".join(map(_fold, text))
    return [(match.start(), match.end()) for match in pattern.finditer(folded) if match.lastgroup == "found"]


def _fold(character: str) -> str:
    """The character in its plain, lower, simplified form, if that is one character; so places stay what they are."""
    folded = unicodedata.normalize("NFKC", character).lower().translate(simplified_characters())
    return folded if len(folded) == 1 else character


@cache
def swearing_pattern(more: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Ordinary words that have a swear word within are matched first, so that only the group `found` is one."""
    table = tomllib.loads(Path(__file__).with_name("swearing.toml").read_text(encoding="utf-8"))
    words = {form for word in table["english"].split() for form in _forms(word)}
    phrases = [re.escape(phrase) for phrase in table["phrases"].splitlines() if phrase]
    masked = [_masked(word) for word in table["masked"].split()]
    separated = [SEPARATED.join(word) for word in table["masked"].split()]
    lookalikes = [
        "".join(f"[{LOOKALIKES.get(letter, letter)}]+" for letter in word) for word in table["masked"].split()
    ]
    english = any_of([*map(re.escape, words), *phrases, *masked, *separated, *lookalikes])
    latin = {word for word in table["chinese"].split() if word.isascii()}
    chinese = any_of([SPACES.join(map(re.escape, word)) for word in table["chinese"].split() if word not in latin])
    own = [rf"(?<![a-z]){re.escape(word.lower())}(?![a-z])" for word in more]
    ordinary = any_of([re.escape(word) for word in table["chinese_ordinary"].split()])
    swear_words = any_of(
        [rf"(?<![a-z0-9]){english}(?![a-z0-9])", rf"(?<![a-z]){any_of(sorted(latin))}(?![a-z])", chinese, *own]
    )
    return re.compile(f"{ordinary}|(?P<found>{swear_words})")


def _forms(word: str) -> tuple[str, ...]:
    """The word, with its endings if it is marked so; an entry with `_` is a name or too short, and left out."""
    if word.endswith("_"):
        return ()
    return inflect(word[:-1]) if word.endswith("+") else (word,)


def _masked(word: str) -> str:
    """The word with at least one of its inner letters masked, its first kept."""
    options = [
        word[0]
        + "".join(MASK if other == index else rf"(?:{letter}|{MASK})" for other, letter in enumerate(word) if other)
        for index in range(1, len(word))
    ]
    return any_of(options)
