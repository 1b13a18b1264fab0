"""What the judge knows of a proposal, as numbers by name."""

from collections import Counter
from collections.abc import Sequence

from worker_llm.grammar.judge.rules import PAST_TIME
from worker_llm.grammar.sentence import Proposal, Word

TENSES = {"VBZ": "present", "VBP": "present", "VB": "present", "VBD": "past"}
MAX_GAIN = 12.0  # of log probability; more says no more


def describe(
    words: Sequence[Word],
    proposal: Proposal,
    gain: float,
    local_gain: float,
    violations: Counter[str],
    after: Counter[str],
) -> dict[str, float]:
    """The features of an edit of `words`; `violations` and `after` are the rules broken before and after it.

    `gain`: by how much the whole sentence's log probability grows; `local_gain`: that of the first new token.
    """
    kind = proposal.kind.split(":")[0]
    features = {
        "gain": min(MAX_GAIN, max(-MAX_GAIN, gain)) / 4,
        "loss": min(0.0, gain) / 4,
        "local": min(MAX_GAIN, max(-MAX_GAIN, local_gain)) / 4,
        f"kind {kind}": 1.0,
        f"gain {kind}": min(MAX_GAIN, max(-MAX_GAIN, gain)) / 8,
    }
    if kind in ("verb", "noun", "adjective", "be", "have", "do", "negation", "article", "preposition"):
        features[f"change {_describe_change(words, proposal)}"] = 1.0
    for name in {*violations, *after}:
        difference = violations[name] - after[name]
        if difference > 0:
            features[f"fixes {name}"] = 1.0
        elif difference < 0:
            features[f"breaks {name}"] = 1.0
    features.update(_describe_tense(words, proposal))
    features["names"] = float(any(word.is_name for word in words[proposal.start : proposal.end]))
    features["words"] = float(max(len(proposal.after), proposal.end - proposal.start) > 1)
    features["topic"] = float(bool(proposal.topic))
    return {name: value for name, value in features.items() if value}


def _describe_change(words: Sequence[Word], proposal: Proposal) -> str:
    old, new = words[proposal.start], proposal.after[0]
    if proposal.kind.split(":")[0] in ("article", "preposition"):
        return f"{old.lower}>{new.lower}"
    return f"{old.tag}>{new.tag}"


def _describe_tense(words: Sequence[Word], proposal: Proposal) -> dict[str, float]:
    """Whether the edit moves a verb into another time, and whether the sentence tells the time."""
    old, new = _tense(words[proposal.start : proposal.end]), _tense(proposal.after)
    if not old or not new or old == new:
        return {}
    is_told = PAST_TIME.search(" ".join(word.lower for word in words)) is not None
    return {f"into {new}{' as told' if is_told else ''}": 1.0}


def _tense(words: Sequence[Word]) -> str:
    """That of the first finite verb; a base form tells the present if it is alone."""
    finite = [TENSES[word.tag] for word in words if word.tag in ("VBZ", "VBP", "VBD")]
    return next(iter(finite), "present" if any(word.tag == "VB" for word in words) else "")
