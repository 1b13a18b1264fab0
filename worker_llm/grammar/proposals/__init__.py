"""Small edits that may put a sentence right: words, phrases, clauses, learners' patterns, a model's suggestion."""

from collections.abc import Sequence

from worker_llm.grammar.proposals.clauses import propose_clauses
from worker_llm.grammar.proposals.patterns import propose_patterns
from worker_llm.grammar.proposals.phrases import propose_phrases
from worker_llm.grammar.proposals.suggested import propose_suggested
from worker_llm.grammar.proposals.words import propose_words
from worker_llm.grammar.sentence import Proposal, Word, apply, join_words


def propose(words: Sequence[Word], suggested: Sequence[Word] = ()) -> dict[str, Proposal]:
    """Each proposed sentence with the edit that makes it; where several do, the first of the most exact ones.

    `suggested`: the sentence that a larger model wrote in place of this one, if it was asked.
    """
    text = join_words(words)
    proposals: dict[str, Proposal] = {}
    edits = (
        *propose_phrases(words),
        *propose_clauses(words),
        *propose_words(words),
        *propose_suggested(words, suggested),
    )
    for proposal in (*propose_patterns(text), *(each for each in edits if _keeps_marks(words, each))):
        if all(word.text for word in proposal.after):
            proposals.setdefault(join_words(apply(words, proposal)), proposal)
    proposals.pop(text, None)
    return proposals


def _keeps_marks(words: Sequence[Word], proposal: Proposal) -> bool:
    """Whether no mark stands between the replaced words: apply() keeps those around them only."""
    old = words[proposal.start : proposal.end]
    return not any(word.after for word in old[:-1]) and not any(word.before for word in old[1:])
