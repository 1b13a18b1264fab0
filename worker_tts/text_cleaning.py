"""Text as an engine can speak it: without what has no sound, and in parts of one language each."""

import re
import unicodedata
from itertools import groupby

from worker_tts.sentences import split_long

FULL_WIDTH = "，、；：。！？（）「」『』《》【】"
HALF_WIDTH = [", ", ", ", "; ", ": ", ". ", "! ", "? ", " (", ") ", *3 * [' "', '" '], " (", ") "]
PUNCTUATION = str.maketrans({**dict(zip(FULL_WIDTH, HALF_WIDTH, strict=True)), "⁄": "/", "−": "-"})
SPEAKABLE_SIGNS = frozenset(" .,;:!?'\"()-–—…‘’“”&%@#+=/$£€¥°*_`~|\\^{}[]<>×")  # spoken or cleaned away, besides words
CLEANING_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\[(?:laughs?|laughter|sighs?|gasps?|music|coughs?|clears throat)\]", " "),  # stage directions
        (r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1"),  # a link of Markdown; to hibari, phonemes
        (r"</?[a-z][^<>]*>", " "),
        (r"(?<=\d)\s*[*×]\s*(?=\d)", " times "),
        (r"[-=]+>", ", "),
        (r"[*`]", ""),
        (r"[_~|\\{}\[\]]|#(?!\d)", " "),
        (r"\(\s*[,.;:!?]*\s*\)", " "),  # what was in the brackets could not be spoken
        (r"\s+(?=[,.;:!?])", ""),
        (r"([,;:])[,;:]+", r"\1"),
        (r"^[\s,.;:!?)]+", ""),
    )
)

LATIN_LANGUAGES = frozenset(["de", "en", "es", "fr", "it", "pl", "pt", "tr"])  # others in Latin letters sound English
LANGUAGE_OF_SCRIPT = {  # script, the first word of its letters' Unicode names -> the language it is taken for
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
SCRIPTS = frozenset(LANGUAGE_OF_SCRIPT)
SHARED_SCRIPTS = {  # script -> other languages that use it as well
    "CJK": frozenset({"ja", "ko"}),
    "IDEOGRAPHIC": frozenset({"ja"}),
    "LATIN": LATIN_LANGUAGES,
}
# Characters that are spoken in about 11 s. A Chinese one is a syllable.
MAX_PART_CHARS, MAX_CHARS_BY_LANGUAGE = 160, {"zh": 45, "ja": 65, "ko": 65}


def clean_text(text: str, scripts: frozenset[str]) -> str:
    """The part of the text that can be spoken; empty if that is nothing.

    `scripts` are the first words of its letters' Unicode names: LATIN, CJK, CYRILLIC. Letters of other scripts,
    emoji, control characters and markup are left out.
    """
    normalized_text = unicodedata.normalize("NFC", text).translate(PUNCTUATION)
    text = "".join(clean_char(char, scripts) for char in normalized_text)
    for pattern, replacement in CLEANING_RULES:
        text = pattern.sub(replacement, text)
    return " ".join(text.split()) if any(map(str.isalnum, text)) else ""


def clean_char(char: str, scripts: frozenset[str]) -> str:
    """The character, its plain form (１ is 1, ½ is 1/2), or a replacement."""
    plain = unicodedata.normalize("NFKC", char).translate(PUNCTUATION)
    for form in (char, plain):
        if all(is_speakable(each, scripts) for each in form):
            return f" {form}" if unicodedata.category(char) == "No" else form
    return "" if unicodedata.category(char) in ("Cf", "Mn") else " "


def is_speakable(char: str, scripts: frozenset[str]) -> bool:
    if char.isascii():
        return char.isalnum() or char in SPEAKABLE_SIGNS
    is_letter = char.isalpha() or unicodedata.category(char) in ("Mc", "Mn")  # such as the vowels of Devanagari
    return char in SPEAKABLE_SIGNS or (is_letter and find_script(char) in scripts)


def split_by_language(text: str, language: str) -> list[tuple[str, str]]:
    """A text such as 中英文, spoken in `language` where its letters allow, as (language, text) in order.

    Digits and punctuation go with the letters before them, at the beginning with those after them. A part is at most
    as long as what is spoken in about 11 seconds.
    """
    languages, latest = [], ""
    for char in text:
        latest = find_language(char, language) or latest
        languages.append(latest)
    is_known = language in LANGUAGE_OF_SCRIPT.values() or language in LATIN_LANGUAGES
    first = next(filter(None, languages), language if is_known else "en")
    runs = groupby(zip(languages, text, strict=True), key=lambda pair: pair[0] or first)
    parts = [(name, "".join(char for _, char in run).strip()) for name, run in runs]
    return [
        (name, piece)
        for name, part in parts
        for piece in split_long(part, MAX_CHARS_BY_LANGUAGE.get(name, MAX_PART_CHARS))
        if piece
    ]


def find_language(char: str, language: str) -> str:
    """The language in which a letter is read in a text of `language`; empty for anything but a letter."""
    if not unicodedata.category(char).startswith(("L", "M")):
        return ""
    script = find_script(char)
    return language if language in SHARED_SCRIPTS.get(script, ()) else LANGUAGE_OF_SCRIPT.get(script, "")


def find_script(char: str) -> str:
    return unicodedata.name(char, "?").split()[0]
