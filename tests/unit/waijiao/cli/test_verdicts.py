"""The command says each verdict in plain words, and why something was corrected."""

import pytest

from pipeline.jobs.results import VERDICTS
from pipeline.schemas.jobs import Edit, Feedback
from waijiao.cli.verdicts import VERDICT_LABELS, VERDICT_TEXTS, describe_edit, describe_edits, describe_verdict

WHY = {"en": "Yesterday is past.", "zh": "昨天 → 过去式"}


def make_edit(before: str = "go", after: str = "went", kind: str = "", explanations: dict[str, str] | None = None):
    fields = {"from": before, "to": after, "at": (1, 2), "kind": kind, "explanations": explanations or {}}
    return Edit.model_validate(fields)


def make_feedback(verdict: str, heard: str = "I go home", **fields) -> Feedback:
    empty = {"corrected": heard, "reply": "", "spoken": "", "edits": [], "explanation": "", "reset": False}
    return Feedback.model_validate({**empty, "unclear": [], "heard": heard, "verdict": verdict, **fields})


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_words_and_a_label_of_its_own(verdict):
    assert describe_verdict(make_feedback(verdict)) == VERDICT_TEXTS[verdict]
    assert len(set(VERDICT_TEXTS.values())) == len(set(VERDICT_LABELS.values())) == len(VERDICTS)


@pytest.mark.parametrize(
    ("heard", "unclear", "words"),
    [
        ("I like tree.", [2], "tree."),
        ("I like tree.", [0, 2], "I, tree."),
        ("我喜欢 tea", [1, 3], "喜, tea"),
        ("I like tree.", [2, 7], "tree."),
    ],
)
def test_words_that_were_not_heard_well_are_named(heard, unclear, words):
    described = describe_verdict(make_feedback("not_heard_well", heard, unclear=unclear))
    assert described.endswith(f" (unclear: {words})")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (make_edit(), "go → went"),
        (make_edit(kind="R:VERB:TENSE"), "go → went (R:VERB:TENSE)"),
        (make_edit(kind="R:VERB:TENSE", explanations=WHY), "go → went (R:VERB:TENSE): Yesterday is past."),
        (make_edit("", "to", "M:PART"), "+ to (M:PART)"),
        (make_edit("the", "", "U:DET"), "- the (U:DET)"),
        (make_edit(explanations={"zh": WHY["zh"]}), "go → went"),
    ],
)
def test_an_edit_is_one_line_with_its_kind_and_why(edit, line):
    assert describe_edit(edit) == line


@pytest.mark.parametrize("verdict", VERDICTS)
def test_nothing_is_corrected_where_the_learner_may_be_in_danger(verdict):
    edits = describe_edits(make_feedback(verdict, edits=[make_edit()]))
    assert edits == ([] if verdict == "needs_an_adult" else ["go → went"])
