"""Right uses are found by plain rules, in sentences that were checked and left as they were."""

import re
from pathlib import Path

import pytest

from pipeline.jobs.results import Edit, Feedback
from pipeline.learners.right_uses import RULES, find_right_uses


def right_uses(heard: str, edits: tuple[Edit, ...] = (), unclear: tuple[int, ...] = ()) -> tuple[str, ...]:
    return find_right_uses(Feedback(heard, heard, "", "", edits=edits, unclear=unclear, verdict="correct"))


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("I went to the zoo yesterday.", "R:VERB:TENSE"),
        ("Last weekend we played football.", "R:VERB:TENSE"),
        ("Two days ago it was cold.", "R:VERB:TENSE"),
        ("Tomorrow I will visit my aunt.", "R:VERB:TENSE"),
        ("She likes milk.", "R:VERB:SVA"),
        ("He always gets up early.", "R:VERB:SVA"),
        ("It doesn’t rain here.", "R:VERB:SVA"),
        ("I can swim.", "R:VERB:FORM"),
        ("We enjoy singing.", "R:VERB:FORM"),
        ("They want to play.", "M:VERB:FORM"),
        ("Dad bought bread.", "R:VERB:INFL"),
        ("She is very tall.", "M:VERB"),
        ("I'm happy.", "M:VERB"),
        ("We have a dog.", "M:DET"),
        ("He eats an egg.", "M:DET"),
        ("I see three cats.", "R:NOUN:NUM"),
        ("There are many big trees.", "R:NOUN:NUM"),
        ("12 children came.", "R:NOUN:NUM"),
        ("I listen to music.", "M:PREP"),
        ("We meet on Monday.", "R:PREP"),
        ("School starts at 8.", "R:PREP"),
        ("I read in the evening.", "R:PREP"),
        ("My bag is bigger than yours.", "R:ADJ:FORM"),
        ("It is more interesting than that.", "R:ADJ:FORM"),
        ("He is the tallest.", "R:ADJ:FORM"),
    ],
)
def test_a_right_use_is_found(heard, kind):
    assert kind in right_uses(heard)


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("I go to the zoo yesterday.", "R:VERB:TENSE"),
        ("I went to the zoo.", "R:VERB:TENSE"),  # nothing says that it had to be past
        ("I need it since last week.", "R:VERB:TENSE"),
        ("I am excited about last week.", "R:VERB:TENSE"),
        ("She is here.", "R:VERB:SVA"),
        ("It was his.", "R:VERB:SVA"),
        ("He always go.", "R:VERB:SVA"),
        ("I like a lot of things.", "M:DET"),
        ("I see three big.", "R:NOUN:NUM"),
        ("He has many bus.", "R:NOUN:NUM"),
        ("She is reading.", "M:VERB"),
        ("I can swims.", "R:VERB:FORM"),
        ("We meet on time.", "R:PREP"),
        ("I would rather than him.", "R:ADJ:FORM"),
        ("Father needs tea.", "R:ADJ:FORM"),
        ("", "M:DET"),
    ],
)
def test_what_shows_nothing_is_not_counted(heard, kind):
    assert kind not in right_uses(heard)


def test_a_sentence_with_an_edit_shows_no_right_use_and_the_others_do():
    edit = Edit("go", "went", (1, 2), "R:VERB:TENSE")
    assert right_uses("I go home yesterday with a friend. I saw three cats.", (edit,)) == (
        "R:VERB:INFL",
        "R:NOUN:NUM",
    )


@pytest.mark.parametrize("at", [(4, 4), (3, 4), (6, 7), (7, 7)])
def test_an_insertion_counts_for_the_sentences_on_both_sides(at):
    uses = right_uses("We have a dog. I see cats.", (Edit("", "the", at, "M:DET"),))
    assert ("M:DET" in uses) is (at[0] > 4)


def test_a_sentence_with_a_word_that_was_not_heard_well_shows_nothing():
    assert right_uses("We have a dog. He likes it.", unclear=(3,)) == ("R:VERB:SVA",)


def test_every_rule_is_named_as_errant_names_it():
    assert all(kind.partition(":")[0] in {"R", "M"} for kind in RULES)


def test_the_document_lists_the_kinds_that_can_be_mastered():
    text = (Path(__file__).parents[4] / "docs" / "ledger.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([A-Z:]+)` \|", text, re.MULTILINE) == list(RULES)
