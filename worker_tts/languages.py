"""A line in two languages, such as 中英文, in parts of one language each: every voice speaks its own."""

import unicodedata
from itertools import groupby

from worker_tts.sentences import cut

LATIN = frozenset(["de", "en", "es", "fr", "it", "pl", "pt", "tr"])  # any other one in these letters sounds English
HOME = {  # script, as the names of its letters begin -> the language it is taken for
    "LATIN": "en",
    "CJK": "zh",
    "IDEOGRAPHIC": "zh",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "KATAKANA-HIRAGANA": "ja",
    "HANGUL": "ko",
    "CYRILLIC": "ru",
    "DEVANAGARI": "hi",
}
SCRIPTS = frozenset(HOME)
SHARED = {"CJK": frozenset({"ja", "ko"}), "IDEOGRAPHIC": frozenset({"ja"}), "LATIN": LATIN}  # used by these as well
LONGEST, DENSE = 160, {"zh": 45, "ja": 65, "ko": 65}  # characters said in about 11 s; a Chinese one is a syllable


def parts(text: str, language: str) -> list[tuple[str, str]]:
    """The text, spoken in `language` where its letters allow, as (language, text) in order.

    Digits and punctuation go with the letters before them, at the beginning with those after them. A part is
    at most as long as what is said in about 11 seconds.
    """
    tongues, latest = [], ""
    for char in text:
        latest = tongue(char, language) or latest
        tongues.append(latest)
    first = next(filter(None, tongues), language if language in HOME.values() or language in LATIN else "en")
    runs = groupby(zip(tongues, text, strict=True), key=lambda each: each[0] or first)
    whole = [(spoken, "".join(char for _, char in run).strip()) for spoken, run in runs]
    return [(spoken, piece) for spoken, run in whole for piece in cut(run, DENSE.get(spoken, LONGEST)) if piece]


def tongue(char: str, language: str) -> str:
    """The language in which a letter is read in a line of `language`; empty for what is no letter."""
    if not unicodedata.category(char).startswith(("L", "M")):
        return ""
    script = unicodedata.name(char, "?").split()[0]
    return language if language in SHARED.get(script, ()) else HOME.get(script, "")
