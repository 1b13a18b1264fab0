"""Text as an engine can speak it: without what has no sound, and in parts of one language each."""

import math
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from itertools import groupby

from pipeline.text.number_tables import (
    CENTS,
    CJK_POWERS,
    CJK_SIGNS,
    CJK_UNITS,
    CURRENCIES,
    EXPONENT_SIGNS,
    SIGNS,
    UNITS,
)
from pipeline.text.number_words import write_numbers
from worker_tts.sentences import split_long

FULL_WIDTH = "，、；：。！？（）「」『』《》【】"
HALF_WIDTH = [", ", ", ", "; ", ": ", ". ", "! ", "? ", " (", ") ", *3 * [' "', '" '], " (", ") "]
PUNCTUATION = str.maketrans({**dict(zip(FULL_WIDTH, HALF_WIDTH, strict=True)), "⁄": "/", **dict.fromkeys("−‐‑‒", "-")})
FULL_WIDTH_IN_NUMBER = re.compile(r"(?<=\d)[，．：／－～](?=\d)")
SEPARATOR_IN_NUMBER = re.compile(r"(?<=\d)[\u00a0\u2009\u202f_'’](?=\d{3}(?!\d))")
PLAIN_SIGNS = {"№": "No. ", "º": "°", "μ": "µ", "−": "-", "⁄": "/"}
SUPERSCRIPT = re.compile(r"[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
SPEAKABLE_SIGNS = frozenset(  # spoken or cleaned away, besides words
    " .,;:!?'\"()-–—…‘’“”&%@#+=/*_`~|\\^{}[]<>′″" + "".join([*SIGNS, *CENTS, *CURRENCIES, *EXPONENT_SIGNS, *UNITS])
)
CJK_NUMBER_RULES: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"百分之\s?(\d[\d.]*)", lambda match: f"{match[1]}%"),
    (r"(\d{4})年(\d\d?)月(\d\d?)[日号號]", lambda match: f"{match[1]}-{match[2]}-{match[3]}"),
    (r"(\d\d?)[点點](\d\d)分?", lambda match: f"{match[1]}:{match[2]}"),
    (rf"(\d+(?:\.\d+)?)\s?([{''.join(CJK_POWERS)}]+)", lambda match: multiply(match[1], match[2])),
    (rf"({'|'.join(CJK_SIGNS)})(?=\d)", lambda match: CJK_SIGNS[match[1]]),
    (rf"(?<=\d)\s?({'|'.join(CJK_UNITS)})", lambda match: CJK_UNITS[match[1]]),
)
CLEANING_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"\[(?:laughs?|laughter|sighs?|gasps?|music|coughs?|clears throat)\]", " "),  # stage directions
        (r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1"),  # a link of Markdown; to hibari, phonemes
        (r"</?[a-z][^<>]*>", " "),
        (r"(?<=\d)\s*[*×]\s*(?=\d)", " times "),
        (r"!=", "≠"),
        (r"[-=]+>", ", "),
        (r"[*`]", ""),
        (r"[_|\\{}\[\]]|~(?!\s?\d)|#(?!\s?\d)", " "),
        (r"\(\s*[,.;:!?]*\s*\)", " "),  # what was in the brackets could not be spoken
        (r"\s+(?=[,;:!?]|\.(?!\d))", ""),
        (r"([,;:])[,;:]+", r"\1"),
        (r"^(?:[\s,;:!?)]|\.(?!\d))+", ""),
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
    text = write_plain_numerals(unicodedata.normalize("NFC", text)).translate(PUNCTUATION)
    if "CJK" not in scripts:
        text = translate_cjk_numbers(text)
    text = "".join(clean_char(char, scripts) for char in text)
    for pattern, replacement in CLEANING_RULES:
        text = pattern.sub(replacement, text)
    return " ".join(text.split()) if any(map(str.isalnum, text)) else ""


def write_plain_numerals(text: str) -> str:
    """With numbers in ASCII: １ is 1, ½ is 1/2, ⁴ is ^4, ① is 1; squares and cubes stay, since units have them."""
    text = SUPERSCRIPT.sub(lambda match: match[0] if match[0] in EXPONENT_SIGNS else f"^{to_plain(match[0])}", text)
    text = "".join(map(plain_numeral, SEPARATOR_IN_NUMBER.sub(",", text)))
    text = re.sub(r"(?<=/\d)(?=[^\W\d])", " ", text)
    return FULL_WIDTH_IN_NUMBER.sub(lambda match: to_plain(match[0]), text)


def plain_numeral(char: str) -> str:
    if char.isascii() or char in SPEAKABLE_SIGNS:
        return char
    if char in PLAIN_SIGNS:
        return PLAIN_SIGNS[char]
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    if category in ("Sc", "Sm") and to_plain(char) == char and "ARROW" not in unicodedata.name(char):
        return f" {unicodedata.name(char).lower().replace(' sign', '')} "
    return f" {to_plain(char)}" if category == "No" else char


def translate_cjk_numbers(text: str) -> str:
    """With what belongs to numbers in digits and signs: 5万元 is 50000 RMB. A voice would speak the 5 alone."""
    for pattern, rule in CJK_NUMBER_RULES:
        text = re.sub(pattern, rule, text)
    return text


def multiply(number: str, powers: str) -> str:
    product = Decimal(number) * math.prod(CJK_POWERS[power] for power in powers)
    return f"{product.normalize():f}"


def to_plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def clean_char(char: str, scripts: frozenset[str]) -> str:
    """The character, its plain form (％ is %), or a replacement."""
    plain = to_plain(char).translate(PUNCTUATION)
    for form in (char, plain):
        if all(is_speakable(each, scripts) for each in form):
            return form
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
        for piece in split_long(
            write_numbers(part) if name == "en" else part, MAX_CHARS_BY_LANGUAGE.get(name, MAX_PART_CHARS)
        )
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
