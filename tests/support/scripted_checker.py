"""A checker without a model: it replaces words by those of a table, and doubts sentences with a word of another."""

import re
from collections.abc import Collection, Mapping

from pipeline.jobs.results import Edit
from pipeline.text.sentences import SENTENCE
from worker_llm.grammar.checker import CheckedSentence


class ScriptedChecker:
    """`corrections`: a word -> the one that takes its place; without any, every sentence is right."""

    def __init__(self, corrections: Mapping[str, str] | None = None, doubtful: Collection[str] = ()) -> None:
        self.corrections, self.doubtful = corrections or {}, doubtful
        self.checked: list[tuple[str, frozenset[int]]] = []
        self.suggestions: list[str] = []

    def check(self, text: str, unclear: Collection[int] = (), suggestion: str = "") -> tuple[CheckedSentence, ...]:
        self.checked.append((text, frozenset(unclear)))
        self.suggestions.append(suggestion)
        sentences, start = [], 0
        for original in (each.strip() for each in SENTENCE.findall(text)):
            words = original.split()
            edits = tuple(
                self.correct(word, place)
                for place, word in enumerate(words)
                if self.is_wrong(word, start + place, unclear)
            )
            for edit in edits:
                words[edit.at[0]] = words[edit.at[0]].replace(edit.before, edit.after)
            is_doubtful = not edits and any(word in original for word in self.doubtful)
            sentences.append(CheckedSentence(original, " ".join(words), edits, is_doubtful))
            start += len(words)
        return tuple(sentences)

    def is_wrong(self, word: str, place: int, unclear: Collection[int]) -> bool:
        return bare(word) in self.corrections and place not in unclear

    def correct(self, word: str, place: int) -> Edit:
        after = self.corrections[bare(word)]
        explanations = {"en": f'Say "{after}" instead of "{bare(word)}".', "zh": f"说“{after}”。"}
        return Edit(bare(word), after, (place, place + 1), "R:VERB:TENSE", explanations)


def bare(word: str) -> str:
    return re.sub(r"\W", "", word)
