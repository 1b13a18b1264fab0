"""A small language for phrases, compiled to regular expressions: what the tables of this folder are written in.

A phrase is a row of elements with spaces between them:

- `word`, or alternatives `this|that`; `_` stands for a space within one alternative
- `hit+`: the word with its regular endings, those that learners give it too: hit, hits, hitted, hitting
- `@name`: any word of the list with this name
- `element?`: may be missing
- `~3`: up to three words (in Chinese: characters), none of them of the list `barrier`
- `!element`: what must not follow here
- `^` and `$`: the sentence's beginning and end; `$` may be an alternative
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Script = Literal["english", "chinese"]


@dataclass(frozen=True)
class Phrase:
    """A compiled phrase. A sentence can only match if it has a word of each set in `needs`."""

    pattern: re.Pattern[str]
    needs: tuple[frozenset[str], ...] = ()

    def search(self, sentence: str, words: frozenset[str]) -> re.Match[str] | None:
        """`sentence` in its normal form, and its words."""
        if any(need.isdisjoint(words) for need in self.needs):
            return None
        return self.pattern.search(sentence)


class PhraseCompiler:
    """Compiles phrases over the named word lists. ValueError for a phrase that names an unknown list."""

    def __init__(self, lists: Mapping[str, str], script: Script) -> None:
        self.script = script
        self.lists: dict[str, tuple[str, ...]] = {}
        for name, words in lists.items():
            alternatives = (each for word in words.split() for each in self.expand(word))
            self.lists[name] = tuple(dict.fromkeys(alternatives))
        barrier = self.lists.get("barrier", ())
        if script == "english":
            self.gap = (
                rf"(?:(?!{any_of([f'{word} ' for word in barrier])})\S+ ){{0,%d}}?" if barrier else r"(?:\S+ ){0,%d}?"
            )
        else:
            self.gap = rf"[^{re.escape(''.join(barrier))}]{{0,%d}}?" if barrier else ".{0,%d}?"

    def compile(self, phrase: str) -> Phrase:
        elements = phrase.split()
        source = "".join(self.render(element) for element in elements)
        if self.script == "chinese":
            return Phrase(re.compile(source))
        needs = tuple(need for element in elements if (need := self.first_words(element)))
        return Phrase(re.compile(rf"(?<= ){source}"), needs)

    def compile_all(self, phrases: str) -> tuple[Phrase, ...]:
        """One phrase a line."""
        return tuple(self.compile(line) for line in phrases.splitlines() if line.strip())

    def render(self, element: str) -> str:
        if element == "^":
            return r"(?<=^ )" if self.script == "english" else r"(?:^|(?<=[,，、:： ]))"
        if element.startswith("~"):
            return self.gap % int(element[1:])
        if element.startswith("!"):
            return f"(?!{self.render(element[1:])})"
        optional = element.endswith("?")
        if "?" in element[:-1]:
            raise ValueError(f"{element}: only a whole element may be missing")
        words = self.alternatives(element.removesuffix("?"))
        space = " " if self.script == "english" else ""
        ends = [r"\Z"] if "$" in words else []
        group = any_of([re.escape(word) + space for word in words if word != "$"], ends)
        return f"{group}?" if optional else group

    def alternatives(self, element: str) -> list[str]:
        return [each for word in element.split("|") for each in self.expand(word)]

    def expand(self, word: str) -> Sequence[str]:
        """What one alternative stands for."""
        if word.startswith("@"):
            if word[1:] not in self.lists:
                raise ValueError(f"no list of words is called {word[1:]!r}")
            return self.lists[word[1:]]
        if word.endswith("+"):
            return inflect(word[:-1])
        return (word.replace("_", " "),)

    def first_words(self, element: str) -> frozenset[str]:
        """The words that an element must begin with; none for one that may be missing."""
        if element[0] in "~!^" or element.endswith("?"):
            return frozenset()
        words = self.alternatives(element)
        return frozenset() if "$" in words else frozenset(word.split(" ", 1)[0] for word in words)


def any_of(sources: Sequence[str], more: Sequence[str] = ()) -> str:
    """A regular expression for any of these; longer ones are tried first."""
    return f"(?:{'|'.join([*sorted(sources, key=len, reverse=True), *more])})"


def inflect(verb: str) -> tuple[str, ...]:
    """The verb with regular endings, right and as learners form them."""
    forms = [verb, f"{verb}s", f"{verb}es", f"{verb}ed", f"{verb}ing", f"{verb}{verb[-1]}ed", f"{verb}{verb[-1]}ing"]
    if verb.endswith("e"):
        forms += [f"{verb}d", f"{verb[:-1]}ing"]
    if verb.endswith("y"):
        forms += [f"{verb[:-1]}ies", f"{verb[:-1]}ied"]
    return tuple(forms)
