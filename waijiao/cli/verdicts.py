"""The verdict on what a learner said, and each correction, in plain words for a terminal."""

from collections.abc import Mapping

from pipeline.schemas.jobs import Edit, Feedback, Verdict
from pipeline.text.corrections import WORD

VERDICT_TEXTS: Mapping[Verdict, str] = {
    "needs_an_adult": "NEEDS AN ADULT: the learner may be in danger; please look at these words and talk to them",
    "correct": "nothing to correct",
    "corrected": "corrected",
    "not_heard_well": "not heard well: the learner is asked whether this was said",
    "not_understood": "not understood: no words, or no language, could be made out",
    "other_language": "in another language than the one that is taught",
    "not_checked": "not checked: whether it is right is not known",
}
VERDICT_LABELS: Mapping[Verdict, str] = {  # as the pages have them
    "needs_an_adult": "Needs an adult",
    "correct": "Nothing to correct",
    "corrected": "Corrected",
    "not_heard_well": "Not heard well",
    "not_understood": "Not understood",
    "other_language": "Another language",
    "not_checked": "Not checked",
}


def describe_verdict(feedback: Feedback) -> str:
    """The verdict, and the words that were not heard well."""
    words = WORD.findall(feedback.heard)
    unclear = [words[number] for number in feedback.unclear if number < len(words)]
    return VERDICT_TEXTS[feedback.verdict] + (f" (unclear: {', '.join(unclear)})" if unclear else "")


def describe_edits(feedback: Feedback) -> list[str]:
    """A line for each correction: the words, the kind of mistake, and why; none of what an adult should see."""
    return [] if feedback.verdict == "needs_an_adult" else [describe_edit(edit) for edit in feedback.edits]


def describe_edit(edit: Edit) -> str:
    """Such as `go → went (R:VERB:TENSE): yesterday is past`."""
    words = f"{edit.from_} → {edit.to}" if edit.from_ and edit.to else f"+ {edit.to}" if edit.to else f"- {edit.from_}"
    kind = f" ({edit.kind})" if edit.kind else ""
    reason = f": {edit.explanations['en']}" if edit.explanations.get("en") else ""
    return f"{words}{kind}{reason}"
