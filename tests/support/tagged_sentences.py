"""Sentences written with a tag after each word, and what proposals make of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from worker_llm.grammar.proposals.word_lists import as_words
from worker_llm.grammar.sentence import Proposal, Word, apply, join_words, split_words

Propose = Callable[[Sequence[Word]], Iterable[Proposal]]


def read_tagged(tagged: str) -> tuple[Word, ...]:
    """The words of "Yes,/UH he/PRP sings./VBZ": marks stand before the slash."""
    pairs = as_words(tagged)
    texts = split_words(" ".join(each.text for each in pairs))
    return tuple(replace(word, tag=each.tag) for word, each in zip(texts, pairs, strict=True))


def list_kinds(tagged: str, propose: Propose) -> dict[str, set[str]]:
    """The kinds of the proposals that make each sentence; those with an empty word are never judged."""
    words = read_tagged(tagged)
    kinds: dict[str, set[str]] = {}
    for proposal in propose(words):
        if all(word.text for word in proposal.after):
            kinds.setdefault(join_words(apply(words, proposal)), set()).add(proposal.kind)
    return kinds
