"""What a voice can say of a text."""

import re
import unicodedata

WIDE = "，、；：。！？（）「」『』《》【】"
PLAIN = [", ", ", ", "; ", ": ", ". ", "! ", "? ", " (", ") ", *3 * [' "', '" '], " (", ") "]
PUNCTUATION = str.maketrans({**dict(zip(WIDE, PLAIN, strict=True)), "⁄": "/", "−": "-"})
SIGNS = frozenset(" .,;:!?'\"()-–—…‘’“”&%@#+=/$£€¥°*_`~|\\^{}[]<>×")  # said or cleaned away, beside words
CLEANING = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (r"\[(?:laughs?|laughter|sighs?|gasps?|music|coughs?|clears throat)\]", " "),  # stage directions
        (r"!?\[([^\[\]]*)\]\([^()]*\)", r"\1"),  # a link of Markdown; to hibari, phonemes
        (r"</?[a-z][^<>]*>", " "),
        (r"(?<=\d)\s*[*×]\s*(?=\d)", " times "),
        (r"[-=]+>", ", "),
        (r"[*`]", ""),
        (r"[_~|\\{}\[\]]|#(?!\d)", " "),
        (r"\(\s*[,.;:!?]*\s*\)", " "),  # what was in the brackets could not be said
        (r"\s+(?=[,.;:!?])", ""),
        (r"([,;:])[,;:]+", r"\1"),
        (r"^[\s,.;:!?)]+", ""),
    )
)


def speakable(text: str, scripts: frozenset[str]) -> str:
    """What a voice can say of the text; empty if that is nothing.

    `scripts` are the first words of its letters' Unicode names: LATIN, CJK, CYRILLIC. Letters of other
    scripts, emoji, control characters and markup are left out.
    """
    letters = unicodedata.normalize("NFC", text).translate(PUNCTUATION)
    text = "".join(sayable(letter, scripts) for letter in letters)
    for pattern, instead in CLEANING:
        text = pattern.sub(instead, text)
    return " ".join(text.split()) if any(map(str.isalnum, text)) else ""


def sayable(char: str, scripts: frozenset[str]) -> str:
    """The character, its plain form (１ is 1, ½ is 1/2), or what stands in its place."""
    plain = unicodedata.normalize("NFKC", char).translate(PUNCTUATION)
    for form in (char, plain):
        if all(known(each, scripts) for each in form):
            return f" {form}" if unicodedata.category(char) == "No" else form
    return "" if unicodedata.category(char) in ("Cf", "Mn") else " "


def known(char: str, scripts: frozenset[str]) -> bool:
    if char.isascii():
        return char.isalnum() or char in SIGNS
    letter = char.isalpha() or unicodedata.category(char) in ("Mc", "Mn")  # such as the vowels of Devanagari
    return char in SIGNS or (letter and unicodedata.name(char, "?").split()[0] in scripts)
