"""A sentence as words with tags, and what one small edit makes of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pipeline.text.corrections import STRAIGHT_QUOTES
from pipeline.text.sentences import has_end_mark, is_last_word

PARTS = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)
ABBREVIATION = re.compile(r"\b(Mr|Mrs|Ms|Dr|St|Mt|No|vs|etc|a\.m|p\.m|e\.g|i\.e|U\.S|[A-HJ-Zap])\.$")
LONELY_I = re.compile(r"\bi\b(?!\.)(?=['’]|\W|$)")
TITLE_CASE_TAGS = {"NNP", "NNPS"}
# By their sound: "a university", "an hour".
CONSONANT_SOUND = re.compile(r"(uni([^nmd]|$)|use|usu|euro|one|once|u[bst]i|ewe|uk|util)")
VOWEL_SOUND = re.compile(r"(hour|honest|hono|heir|mp3|sms|x-|[aeiou8]|1[18]$)")


@dataclass(frozen=True)
class Word:
    """A word between spaces: the marks before it, its letters and the marks after it. `tag`: Penn Treebank's."""

    text: str
    tag: str = ""
    before: str = ""
    after: str = ""

    @cached_property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def is_name(self) -> bool:
        return self.tag in TITLE_CASE_TAGS

    def __str__(self) -> str:
        return f"{self.before}{self.text}{self.after}"


@dataclass(frozen=True)
class Proposal:
    """Put the words `after` in place of words `start` to `end`, the last one excluded.

    `kind` is the proposer's, the judge's thresholds depend on it. `topic` names an explanation that is more exact than
    the one which is found from the words. `is_certain`: the words before are wrong in any sentence.
    """

    start: int
    end: int
    after: tuple[Word, ...]
    kind: str
    topic: str = ""
    is_certain: bool = False


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each with its words separated by single spaces; "Mr." and "p.m." end none."""
    sentences: list[str] = []
    for line in text.splitlines():
        words: list[str] = []
        for word in line.split():
            words.append(word)
            has_letters = any(map(str.isalnum, " ".join(words)))
            if has_letters and is_last_word(word) and not ABBREVIATION.search(word):
                sentences.append(" ".join(words))
                words = []
        if words:
            sentences.append(" ".join(words))
    return sentences if any(map(str.isalnum, text)) else []


def write_as_sentence(text: str) -> str:
    """With a capital letter, an end mark and I: as the judge's model has read sentences."""
    straight = LONELY_I.sub("I", text.translate(STRAIGHT_QUOTES))
    return straight[:1].upper() + straight[1:] + ("" if has_end_mark(straight.rstrip("\"')")) else ".")


def split_words(text: str) -> tuple[Word, ...]:
    """The words of a text, split at spaces, without tags."""
    words = []
    for each in text.split():
        before, letters, after = PARTS.match(each).groups()  # type: ignore[union-attr]  # it matches any text
        if after.startswith("'") and letters.endswith("s") and "'" not in before:  # the girls' room
            letters, after = letters + "'", after[1:]
        words.append(Word(letters, "", before, after) if letters else Word(each))
    return tuple(words)


def tag_words(text: str, doc: Any) -> tuple[Word, ...]:
    """The words of `text` with the tags of `doc`, spaCy's analysis of it: of "don't" that of "do"."""
    words, position = [], 0
    tags = {token.idx: token.tag_ for token in doc}
    for word in split_words(text):
        start = text.index(str(word), position) + len(word.before)
        position = start + len(word.text)
        words.append(replace(word, tag=next((tags[at] for at in range(start, position) if at in tags), "")))
    return tuple(_mend_like(words))


def _mend_like(words: Sequence[Word]) -> Iterator[Word]:
    """The tags with "like" as a verb right after a sentence's subject, which spaCy takes for a preposition."""
    for index, word in enumerate(words):
        before = words[index - 1] if index else None
        has_verb = any(each.tag[:2] in ("VB", "MD") for each in words[:index])
        is_verb = word.lower == "like" and before is not None and before.tag[:2] in ("NN", "PR") and not has_verb
        yield replace(word, tag="VBP") if is_verb and word.tag == "IN" else word


def join_words(words: Sequence[Word]) -> str:
    return " ".join(map(str, words))


def apply(words: Sequence[Word], proposal: Proposal) -> tuple[Word, ...]:
    """The sentence after the edit: outer marks and the first word's capital stay, a and an follow the sound."""
    start, end = proposal.start, proposal.end
    removals, additions = words[start:end], list(proposal.after)
    before = removals[0].before if removals else ""
    after = removals[-1].after if removals else ""
    if additions:
        additions[0] = replace(additions[0], before=before + additions[0].before)
        additions[-1] = replace(additions[-1], after=additions[-1].after + after)
        result = [*words[:start], *additions, *words[end:]]
    else:
        result = [*words[:start], *words[end:]]
        if after and start:
            result[start - 1] = replace(result[start - 1], after=result[start - 1].after or after)
        if before and not after and start < len(result):
            result[start] = replace(result[start], before=before + result[start].before)
    if start == 0 and result and words[0].text[:1].isupper():
        result = _move_capital(result, words[0], len(additions))
    return tuple(_fit_article(word, next_word) for word, next_word in zip(result, [*result[1:], None], strict=True))


def _move_capital(result: list[Word], old_first: Word, additions: int) -> list[Word]:
    """The new first word gets the capital; the old one loses it, unless it is a name or I."""
    first = replace(result[0], text=result[0].text[:1].upper() + result[0].text[1:])
    rest = result[1:]
    for index, word in enumerate(rest[: additions + 1]):
        if word.text == old_first.text and not word.is_name and word.text.split("'")[0] != "I":
            rest[index] = replace(word, text=word.text[:1].lower() + word.text[1:])
    return [first, *rest]


def _fit_article(word: Word, next_word: Word | None) -> Word:
    if word.lower not in ("a", "an") or next_word is None or not next_word.text or word.after:
        return word
    article = "an" if starts_with_vowel_sound(next_word.lower) else "a"
    return (
        word if word.lower == article else replace(word, text=article.capitalize() if word.text[0] == "A" else article)
    )


def starts_with_vowel_sound(word: str) -> bool:
    return not CONSONANT_SOUND.match(word) and VOWEL_SOUND.match(word) is not None
