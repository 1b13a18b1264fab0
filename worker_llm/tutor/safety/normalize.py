"""One form for what is said in many ways: case, contractions, fillers, misspellings, traditional characters."""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HAN = re.compile(r"[\u3400-\u9fff]")
SENTENCE_END = re.compile(r"[.!?。！？;；…\n]+(?=\s|$|[\u3400-\u9fff])|[。！？；…]+")
TOKEN = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")
SPACED_LETTERS = re.compile(r"\b[a-z](?:[ .*_-][a-z]){3,}\b")  # k i l l
LENGTHENED = re.compile(r"([a-z])\1{2,}")  # killlll
DIGITS_IN_WORDS = re.compile(r"(?<=[a-z])[013!@$](?=[a-z])")  # su1cide
LETTERS_OF_DIGITS = str.maketrans("013!@$", "oieias")
SPACE_AT_HAN = re.compile(r"(?<=[\u3400-\u9fff])\s+|\s+(?=[\u3400-\u9fff])")
QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'"})

CONTRACTIONS = (  # in this order
    (re.compile(r"\b(?:can't|cant|cannot)\b"), "can not"),
    (re.compile(r"\b(?:won't|wont)\b"), "will not"),
    (re.compile(r"\b(do|does|did|is|are|was|were|have|has|had|would|should|could)n'?t\b"), r"\1 not"),
    (re.compile(r"\b(?:ain't|aint)\b"), "is not"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"\bim\b"), "i am"),
    (re.compile(r"\bive\b"), "i have"),
    (re.compile(r"\b(i|you|he|she|we|they|that|who)'ll\b"), r"\1 will"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'s\b|'"), ""),
    (re.compile(r"\bwann?a\b"), "want to"),
    (re.compile(r"\bgonn?a\b"), "going to"),
    (re.compile(r"\bgott?a\b"), "have to"),
    (re.compile(r"\bmy ?sel(?:f|fs|ve|ves)\b"), "myself"),
    (re.compile(r"\bany ?more\b"), "anymore"),
    (re.compile(r"\bno ?one\b|\bno body\b"), "nobody"),
    (re.compile(r"\bevery ?(?:one|body)\b"), "everyone"),
    (re.compile(r"\bevery ?day\b"), "every day"),
    (re.compile(r"\bsome ?(?:one|body)\b"), "someone"),
    (re.compile(r"\bstep[ -](?=[fmdb])"), "step"),
    (re.compile(r"\bwe ?chat\b"), "wechat"),
    (re.compile(r"\bsue? ?(?:side|aside|icide)\b"), "suicide"),
)


def split_sentences(text: str) -> Iterator[str]:
    """The sentences of a text, without what ends them; each may be English, Chinese, or both."""
    for piece in SENTENCE_END.split(unicodedata.normalize("NFKC", text)):
        if stripped := piece.strip():
            yield stripped


def normalize_english(sentence: str) -> str:
    """The words in lower case, between single spaces and with one at either end; articles and fillers are left out."""
    text = sentence.translate(QUOTES).lower()
    text = SPACED_LETTERS.sub(lambda match: re.sub(r"[^a-z]", "", match[0]), text)
    text = LENGTHENED.sub(r"\1\1", DIGITS_IN_WORDS.sub(lambda match: match[0].translate(LETTERS_OF_DIGITS), text))
    for pattern, replacement in CONTRACTIONS:
        text = pattern.sub(replacement, text)
    spellings, fillers = english_words()
    words: list[str] = []
    for token in TOKEN.findall(text):
        word = spellings.get(token, token)
        if word not in fillers and words[-1:] != [word]:
            words.append(word)
    return f" {' '.join(words)} " if words else ""


def normalize_chinese(sentence: str) -> str:
    """In simplified characters and lower case, without spaces beside Chinese characters."""
    text = SPACE_AT_HAN.sub("", sentence.lower())
    return text.translate(simplified_characters())


@cache
def english_words() -> tuple[dict[str, str], frozenset[str]]:
    """The right word for each misspelling that is known or near enough, and the words that are left out."""
    table = tomllib.loads(Path(__file__).with_name("english.toml").read_text(encoding="utf-8"))["spelling"]
    ordinary = frozenset(table["ordinary"].split())
    spellings = {
        variant: word
        for word in table["near"].split()
        for variant in sorted(near_spellings(word))
        if variant not in ordinary
    }
    pairs = (line.split(":") for line in table["known"].split("\n") if ":" in line)
    spellings.update({variant: word.strip() for word, variants in pairs for variant in variants.split()})
    return spellings, frozenset(table["fillers"].split())


def near_spellings(word: str) -> set[str]:
    """The word with one letter left out or doubled, two neighbours swapped, or one vowel changed; its first stays."""
    left_out = {word[:index] + word[index + 1 :] for index in range(1, len(word))}
    doubled = {word[:index] + word[index - 1 :] for index in range(1, len(word) + 1)}
    swapped = {word[:index] + word[index + 1] + word[index] + word[index + 2 :] for index in range(1, len(word) - 1)}
    other_vowels = {
        word[:index] + vowel + word[index + 1 :]
        for index in range(1, len(word))
        for vowel in "aeiou"
        if word[index] in "aeiou"
    }
    return (left_out | doubled | swapped | other_vowels) - {word}


@cache
def simplified_characters() -> dict[int, int]:
    """For `str.translate`: the simplified form of the traditional characters that the tables need."""
    table = tomllib.loads(Path(__file__).with_name("chinese.toml").read_text(encoding="utf-8"))["characters"]
    return str.maketrans(table["traditional"], table["simplified"])
