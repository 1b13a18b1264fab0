"""Kinds and explanations of edits, with the real parser; ERRANT judges the kinds."""

from pathlib import Path

import errant
import pytest

from pipeline.settings import settings
from worker_llm.grammar.explanations.explanation import explain
from worker_llm.grammar.explanations.kinds import kind_of
from worker_llm.grammar.explanations.token_edit import TokenEdit
from worker_llm.grammar.model_loading import load_parser_model

DATA = Path(__file__).resolve().parents[2] / "data"
CASES = [block.splitlines() for block in (DATA / "explained_edits.txt").read_text(encoding="utf-8").split("\n\n")]
OTHER_PAIRS = (DATA / "edits_of_sentences.txt").read_text(encoding="utf-8").splitlines()
PAIRS = [tuple(line.split(" > ")) for line in [*(case[0] for case in CASES), *OTHER_PAIRS]]
AGREEMENT = 0.97  # of all edits; 1.0 when this was measured


@pytest.fixture(scope="module")
def parse():
    return load_parser_model(settings())


def edit_between(before, after):
    """The one run of tokens in which two sentences differ."""
    start = 0
    while start < min(len(before), len(after)) and before[start].text == after[start].text:
        start += 1
    end, after_end = len(before), len(after)
    while min(end, after_end) > start and before[end - 1].text == after[after_end - 1].text:
        end, after_end = end - 1, after_end - 1
    return TokenEdit(before, after, start, end, after_end)


def explain_pair(parse, before, after):
    edit = edit_between(parse(before), parse(after))
    return explain(edit.before, edit.after, edit.start, edit.end, edit.after_end)


@pytest.mark.parametrize(("pair", "english", "chinese"), CASES, ids=[case[0].split(" > ")[0] for case in CASES])
def test_an_edit_is_explained_in_both_languages(parse, pair, english, chinese):
    explanation = explain_pair(parse, *pair.split(" > "))

    assert f"{explanation.kind} {explanation.en}" == english
    assert explanation.zh == chinese


@pytest.mark.parametrize("is_reversed", [False, True])
def test_kinds_are_those_of_errant(parse, is_reversed):
    annotator = errant.load("en", parse)
    different = []
    for before, after in PAIRS:
        edit = edit_between(*(parse(text) for text in ((after, before) if is_reversed else (before, after))))
        span = [edit.start, edit.end, edit.start, edit.after_end]
        theirs = annotator.import_edit(edit.before, edit.after, span, min=False, old_cat=False).type
        if kind_of(edit) != theirs:
            different.append((before, after, kind_of(edit), theirs))

    assert len(PAIRS) >= 400
    assert len(different) <= (1 - AGREEMENT) * len(PAIRS), different


def test_what_is_spoken_is_short_and_has_no_symbols(parse):
    for before, after in PAIRS:
        explanation = explain_pair(parse, before, after)
        assert len(explanation.en.split()) <= 12, explanation
        assert not set(explanation.en) & set('→/()[]{}<>|"“”+*_'), explanation
        assert not explanation.en[0].islower(), explanation
        assert explanation.en.endswith("."), explanation


@pytest.mark.parametrize(
    ("before", "after", "claim"),
    [
        ("I call my aunt who lived in Rome last year.", "I called my aunt who lived in Rome last year.", "last year"),
        ("I know she sing well, but yesterday was bad.", "I know she sings well, but yesterday was bad.", "yesterday"),
        ("My aunt told my uncle about her dog.", "My aunt told my uncle about his dog.", "uncle"),
        ("She sings and dance well.", "She sings and dances well.", "plural"),
        ("The dog who I like is nice.", "The dog which I like is nice.", "thing"),
        ("We had great time.", "We had a great time.", "one"),
        ("I want some milk.", "I want any milk.", "no"),
        ("He has a long hair.", "He has long hair.", "count"),
        ("Tom and Anna are here with he.", "Tom and Anna are here with him.", "subject"),
    ],
)
def test_what_is_not_certain_is_not_said(parse, before, after, claim):
    assert claim not in explain_pair(parse, before, after).en.lower().replace(",", "").replace(".", "").split()
    assert claim not in explain_pair(parse, before, after).en.lower() or " " not in claim


def test_punctuation_alone_has_no_words_to_say(parse):
    explanation = explain_pair(parse, "First we ate.", "First, we ate.")

    assert (explanation.kind, explanation.en) == ("M:PUNCT", "Only the punctuation changes.")


@pytest.mark.parametrize("places", [(0, 9, 1), (2, 1, 3), (0, 1, 9), (1, 1, 1), (-1, 0, 1), (3, 2, 2)])
def test_an_edit_beyond_the_sentences_is_refused(parse, places):
    with pytest.raises(ValueError, match="cannot become"):
        explain(parse("He go."), parse("He goes."), *places)
