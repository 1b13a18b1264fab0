"""What the judge knows of a proposal, as numbers by name.

A name tells what stands where: "to>|VBG" is the removal of "to" before a word in -ing. Small words stand in names as
themselves, others as their tag. The networks have weights for these names (`network.py`): a new kind of feature needs
no change but one in this module, and a new fit.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.judge.rules.verbs import PAST_TIME
from worker_llm.grammar.sentence import Proposal, Word

TENSES = {"VBZ": "present", "VBP": "present", "VB": "present", "VBD": "past"}
MAX_GAIN, LEAST_EXPECTED = 12.0, -14.0  # of log probability; beyond them nothing more is learnt
MAX_VIOLATIONS, MAX_WORDS = 3, 20
START, END = "^", "$"  # in names, where the sentence or a part of it begins or ends

Features = dict[str, float]


@dataclass(frozen=True)
class Expectation:
    """What the language model expects where a proposal first differs: the log probabilities of three tokens there.

    `new`: the proposal's token, `old`: the sentence's own, `best`: the likeliest.
    """

    new: float = 0.0
    old: float = 0.0
    best: float = 0.0

    @property
    def gain(self) -> float:
        return self.new - self.old


def describe(
    words: Sequence[Word],
    proposal: Proposal,
    expectation: Expectation,
    violations: Counter[str],
    after: Counter[str],
) -> Features:
    """The features of an edit of `words`; `violations` and `after` are the rules broken before and after it."""
    kind = _kind(proposal)
    features = {
        "local": _limit(expectation.gain) / 4,
        "old": max(LEAST_EXPECTED, expectation.old) / 4,
        "new": max(LEAST_EXPECTED, expectation.new) / 4,
        "best": expectation.best / 4,
        "room": _limit(expectation.old - expectation.best) / 4,
        "left": min(MAX_VIOLATIONS, after.total()) / 2,
        "had": min(MAX_VIOLATIONS, violations.total()) / 2,
        "length": min(MAX_WORDS, len(words)) / 10,
        "place": proposal.start / len(words),
        "first": float(proposal.start == 0),
        "names": float(any(word.is_name for word in words[proposal.start : proposal.end])),
        "words": float(max(len(proposal.after), proposal.end - proposal.start) > 1),
        "topic": float(bool(proposal.topic)),
    }
    names = [f"kind {kind}", f"{'?' if '?' in words[-1].after else '.'} {kind}"]
    if proposal.topic:
        names.append(f"topic {proposal.topic}")
    names += (f"fixes {name}" for name in violations if violations[name] > after[name])
    names += (f"breaks {name}" for name in after if after[name] > violations[name])
    names += _name_tenses(words, proposal)
    names += _name_places(words, proposal)
    return {**features, **dict.fromkeys(names, 1.0)}


def describe_gain(proposal: Proposal, expectation: Expectation, gain: float) -> Features:
    """The features of a proposal that was read whole; `gain`: by how much the sentence's log probability grows."""
    gain = _limit(gain)
    return {
        "gain": gain / 4,
        "loss": min(0.0, gain) / 4,
        "rest": _limit(gain - expectation.gain) / 4,
        f"gain {_kind(proposal)}": gain / 8,
    }


def name_change(words: Sequence[Word], proposal: Proposal) -> str:
    """The change alone, with the kind of the proposal: "verb VBZ>VB"."""
    change = f"{'_'.join(map(_write, words[proposal.start : proposal.end]))}>{'_'.join(map(_write, proposal.after))}"
    return f"{_kind(proposal)} {change}"


def _kind(proposal: Proposal) -> str:
    return proposal.kind.split(":")[0]


def _limit(value: float) -> float:
    return min(MAX_GAIN, max(-MAX_GAIN, value))


def _name_places(words: Sequence[Word], proposal: Proposal) -> Iterator[str]:
    """What changes, alone and between its neighbours."""
    old, new = words[proposal.start : proposal.end], proposal.after
    kind, change = name_change(words, proposal).split(" ", 1)
    before, before_it = _before(words, proposal.start - 1), _before(words, proposal.start - 2)
    next_word = END if old and old[-1].after else _after(words, proposal.end)
    next_but_one = END if next_word == END or words[proposal.end].after else _after(words, proposal.end + 1)
    yield f"{kind} {change}"
    yield f"{before}|{change}"
    yield f"{change}|{next_word}"
    yield f"{before}|{change}|{next_word}"
    yield f"{before_it} {before}|{change}"
    yield f"{change}|{next_word} {next_but_one}"
    yield f"{kind} {before}|"
    yield f"{kind} |{next_word}"
    if len(old) == len(new) == 1:
        yield f"={old[0].lower}>{new[0].lower}"
    if kind[0] in "+-" or kind == "preposition":
        if proposal.end < len(words):
            yield f"={change}|{words[proposal.end].lower}"
        if proposal.start:
            yield f"={words[proposal.start - 1].lower}|{change}"


def _write(word: Word) -> str:
    return word.lower if word.lower in sets.NAMED_WORDS else word.tag


def _before(words: Sequence[Word], place: int) -> str:
    """The word at `place` as names have it, unless it ends a part."""
    return _write(words[place]) if place >= 0 and not words[place].after else START


def _after(words: Sequence[Word], place: int) -> str:
    return _write(words[place]) if place < len(words) else END


def _name_tenses(words: Sequence[Word], proposal: Proposal) -> Iterator[str]:
    """Whether the edit moves a verb into another time, and whether the sentence tells the time."""
    old, new = _tense(words[proposal.start : proposal.end]), _tense(proposal.after)
    if old and new and old != new:
        is_told = PAST_TIME.search(" ".join(word.lower for word in words)) is not None
        yield f"into {new}{' as told' if is_told else ''}"


def _tense(words: Sequence[Word]) -> str:
    """That of the first finite verb; a base form tells the present if it is alone."""
    finite = [TENSES[word.tag] for word in words if word.tag in ("VBZ", "VBP", "VBD")]
    return next(iter(finite), "present" if any(word.tag == "VB" for word in words) else "")
