"""What the checker does with sentences that its weights were not fitted to; `benchmarks/teaching` measures all of them.

The limits leave room for the few sentences that are judged in another way on another processor.
"""

from dataclasses import replace

import pytest

from benchmarks.teaching import scores
from benchmarks.teaching.corpus import read_half
from benchmarks.teaching.measure import measure
from pipeline.settings import settings
from worker_llm.grammar.corrector import load_checker

SENTENCES = 40  # of each list


@pytest.fixture(scope="module")
def measurement():
    half = read_half("judging").sample(SENTENCES)
    right = {name: half.right[name] for name in ("plain", "tricky")}
    return measure(load_checker(settings()), replace(half, hard_mistakes=(), right=right))


def test_most_mistakes_are_put_right_and_few_are_changed_otherwise_or_praised(measurement):
    outcomes = scores.count_outcomes(measurement.mistakes)
    assert outcomes[scores.PUT_RIGHT] >= 0.7 * SENTENCES
    assert outcomes[scores.OTHERWISE] <= 0.15 * SENTENCES
    assert outcomes[scores.PRAISED] <= 0.125 * SENTENCES


def test_few_right_sentences_are_touched_and_most_are_praised(measurement):
    plain, tricky = (scores.count_outcomes(measurement.right[name]) for name in ("plain", "tricky"))
    assert plain[scores.TOUCHED] <= 0.075 * SENTENCES
    assert tricky[scores.TOUCHED] <= 0.1 * SENTENCES
    assert plain[scores.PRAISED] >= 0.85 * SENTENCES
    assert tricky[scores.PRAISED] >= 0.8 * SENTENCES


@pytest.mark.parametrize(
    ("sentence", "corrected"),
    [
        ("She have long hair and blue eyes.", "She has long hair and blue eyes."),
        ("Where you go yesterday?", "Where did you go yesterday?"),
        ("He don't likes apples.", "He doesn't like apples."),
        ("My mother she is a doctor.", "My mother is a doctor."),
        ("He goed home and I am boring.", "He went home and I am bored."),
        ("last night he see a film and eat three orange", "Last night he saw a film and ate three oranges."),
    ],
)
def test_an_ordinary_mistake_is_put_right_and_explained_in_both_languages(sentence, corrected):
    (checked,) = load_checker(settings()).check(sentence)
    assert checked.corrected == corrected
    assert all(edit.kind and edit.explanations["en"] and edit.explanations["zh"] for edit in checked.edits)


def test_words_that_were_not_heard_well_are_not_edited():
    checker = load_checker(settings())
    (checked,) = checker.check("She have three cat.", unclear={1})
    assert [edit.after for edit in checked.edits] == ["cats"]
    assert [each.original for each in checker.check("My mum have a car. She drive it.")] == [
        "My mum have a car.",
        "She drive it.",
    ]


@pytest.mark.parametrize("text", ["", "Hello.", "🙂 🙂", "我喜欢苹果。", "…", '"', "a" * 300, "no " * 80])
def test_any_text_is_checked(text):
    assert all(not each.edits for each in load_checker(settings()).check(text))


def test_the_question_that_fits_is_ranked_first():
    questions = ["What is your dog called?", "How many eggs does the recipe need?"]
    fits, does_not = load_checker(settings()).rank("I have a dog.", questions)
    assert fits > does_not


@pytest.mark.parametrize(
    ("sentence", "suggestion"),
    [
        ("I look the moon throw the window.", "I look at the moon through the window."),
        ("I go home. We was happy.", "I go home. We were happy."),
    ],
)
def test_a_suggested_edit_is_made_where_it_is_right(sentence, suggestion):
    checked = load_checker(settings()).check(sentence, suggestion=suggestion)
    assert " ".join(each.corrected for each in checked) == suggestion
    assert all(edit.kind and edit.explanations["zh"] for each in checked for edit in each.edits)


@pytest.mark.parametrize(
    ("sentence", "suggestion"),
    [
        ("I like my dog very much.", "I adore my dog very much."),
        ("My big dog sleeps here.", "My large dog sleeps here."),
        ("I have been there two times.", "I have visited that place twice."),
        ("I can swim.", "I cannot swim."),
        ("I like your bag.", "I like my bag."),
        ("I like dogs.", "I liked dogs."),
    ],
)
def test_what_a_model_says_in_other_words_or_about_something_else_is_not_made(sentence, suggestion):
    (checked,) = load_checker(settings()).check(sentence, suggestion=suggestion)
    assert (checked.corrected, checked.edits) == (sentence, ())


def test_a_suggestion_changes_no_word_that_was_not_heard_well():
    (checked,) = load_checker(settings()).check("He walk to school.", {1}, "He walked to school.")
    assert not checked.edits
