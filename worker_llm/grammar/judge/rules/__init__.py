"""What is wrong with a sentence as far as a few rules of grammar tell from its words and tags.

A rule may be mistaken, since tags are: the judge weighs by how much an edit changes the counts, and its weights are
fitted. Each rule looks at a place and its neighbours.
"""

from collections import Counter
from collections.abc import Sequence

from worker_llm.grammar.judge.rules.nouns import NOUN_RULES
from worker_llm.grammar.judge.rules.sentence import Sentence
from worker_llm.grammar.judge.rules.verbs import VERB_RULES
from worker_llm.grammar.sentence import Word


def count_violations(words: Sequence[Word]) -> Counter[str]:
    """How often each rule is broken."""
    sentence = Sentence(words)
    return Counter(name for rule in (*VERB_RULES, *NOUN_RULES) for name in rule(sentence))
