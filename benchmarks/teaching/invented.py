"""Makes mistakes of right sentences, as the learners in the fitting half make them.

An edit that would put a sentence right can be made the other way round. So the proposals for a right sentence are the
mistakes that can be made of it. How often each kind is chosen comes from the sentences of the fitting half whose
mistake is one such step from their correction.
"""

import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from benchmarks.teaching.states import Example, remembering_judge
from worker_llm.grammar.judge.features import name_change
from worker_llm.grammar.proposals import propose
from worker_llm.grammar.sentence import Proposal, Word, write_as_sentence

MAX_OF_ONE = 4  # mistakes made of one sentence
MIN_WORDS = 3
LEAST_LOSS = 1.5  # of log probability, by which the sentence must be worse than before
# Where both may be right: "the dog" for "a dog".
GREAT_LOSS = 3.0
UNCERTAIN = {"article", "-article", "+a", "+the", "preposition", "quantity", "family", "continuous", "perfect"}
NEVER = {"gender"}  # only what was said before tells


class Habits:
    """How often learners make each change, of the times when they could have made it."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.made: Counter[str] = Counter()
        self.made_between: Counter[str] = Counter()
        self.possible: Counter[str] = Counter()
        for example in examples:
            if example.corrections:
                self._learn(write(example.text), [write(each) for each in example.corrections[:3]])

    def _learn(self, mistake: str, corrections: Sequence[str]) -> None:
        words = remembering_judge().tag(corrections[0])
        self.possible.update(name_change(words, proposal) for proposal in propose(words).values())
        for correction in corrections:
            words = remembering_judge().tag(correction)
            if proposal := propose(words).get(mistake):
                self.made[name_change(words, proposal)] += 1
                self.made_between.update(_name_neighbours(words, proposal))
                return

    def rate(self, words: Sequence[Word], proposal: Proposal) -> float:
        """How likely the change is; 0 if no learner made it, or none in such a place."""
        if proposal.kind in NEVER or _is_repetition(words, proposal):
            return 0.0
        change = name_change(words, proposal)
        neighbours = [self.made_between[name] for name in _name_neighbours(words, proposal)]
        if proposal.kind.startswith("+") and not all(neighbours):
            return 0.0
        return self.made[change] / (self.possible[change] + 3) * (3 if neighbours[0] else 1)


def invent_mistakes(examples: Sequence[Example], count: int, seed: int = 5) -> list[Example]:
    """At most `count` sentences with a mistake, all different, each with the one that it was made of as correction."""
    chance, habits = random.Random(seed), Habits(examples)
    earlier_texts = {write(text) for each in examples for text in (each.text, *each.corrections)}
    sources = [(write((*each.corrections, each.text)[0]), each.origin) for each in examples] * MAX_OF_ONE
    chance.shuffle(sources)
    invented: dict[str, Example] = {}
    for source, origin in sources:
        if len(invented) >= count:
            break
        mistake = _make_mistake(source, habits, chance, earlier_texts)
        if mistake:
            earlier_texts.add(mistake)
            invented[mistake] = Example(mistake, (source,), origin, is_invented=True)
    return list(invented.values())


def _make_mistake(source: str, habits: Habits, chance: random.Random, earlier_texts: Collection[str]) -> str | None:
    words = remembering_judge().tag(source)
    if len(words) < MIN_WORDS:
        return None
    proposals = {text: each for text, each in propose(words).items() if text not in earlier_texts}
    rates = {text: rate for text, each in proposals.items() if (rate := habits.rate(words, each))}
    if not rates:
        return None
    mistake = _choose(rates, chance)
    before, after = remembering_judge().score([source, mistake])
    is_uncertain = proposals[mistake].kind.split(":")[0] in UNCERTAIN
    return mistake if before - after > (GREAT_LOSS if is_uncertain else LEAST_LOSS) else None


def _choose(rates: Mapping[str, float], chance: random.Random) -> str:
    """By chance, the likelier ones more often; rare ones a little more than learners make them."""
    return chance.choices(list(rates), [rate**0.8 for rate in rates.values()])[0]


def _name_neighbours(words: Sequence[Word], proposal: Proposal) -> Iterator[str]:
    """Names of the change with the word before it, and with the word after it."""
    change = name_change(words, proposal)
    yield f"{words[proposal.start - 1].lower if proposal.start else ''}|{change}"
    yield f"{change}|{words[proposal.end].tag if proposal.end < len(words) else ''}"


def _is_repetition(words: Sequence[Word], proposal: Proposal) -> bool:
    """Whether the same word would stand twice in a row."""
    before = words[proposal.start - 1].lower if proposal.start else ""
    after = words[proposal.end].lower if proposal.end < len(words) else ""
    return bool(proposal.after) and (proposal.after[0].lower == before or proposal.after[-1].lower == after)


def write(text: str) -> str:
    return write_as_sentence(" ".join(text.split()))
