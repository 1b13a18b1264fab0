"""A question that practises the learner's most frequent mistake is asked now and then, and never twice in a row."""

import pytest

from worker_llm.tutor.questions.practice import ALL_QUESTIONS, PAUSE_TURNS, PRACTICE_QUESTIONS, choose_practice

PAST = PRACTICE_QUESTIONS["VERB:TENSE"]
TALK = ["Why do you like it?", "Who were you with?"]


def test_the_past_is_practised_by_a_question_about_yesterday():
    assert choose_practice(["R:VERB:TENSE", "M:DET"], TALK, 12) == "Tell me what you did yesterday."


@pytest.mark.parametrize("replies", [[], TALK[:1], [*TALK, PAST[0]], [*TALK, f"Well said! {PAST[0]}", "Why?", "When?"]])
def test_none_is_asked_at_the_start_or_soon_after_another_one(replies):
    assert choose_practice(["R:VERB:TENSE"], replies, 12) == ""


def test_after_a_pause_another_question_of_the_kind_is_asked():
    replies = [*TALK, PAST[0], *["Why?"] * PAUSE_TURNS]
    assert choose_practice(["R:VERB:TENSE"], replies, 12) == PAST[1]


def test_when_all_of_a_kind_were_asked_the_next_kind_is_practised():
    replies = ["a", *PAST, *["Why?"] * PAUSE_TURNS]
    assert choose_practice(["R:VERB:TENSE", "M:DET"], replies, 12) in PRACTICE_QUESTIONS["DET"]


def test_a_kind_without_a_question_is_passed_over():
    assert choose_practice(["R:SPELL"], TALK, 12) == ""
    assert choose_practice(["R:SPELL", "R:PREP"], TALK, 12) in PRACTICE_QUESTIONS["PREP"]


def test_a_beginner_gets_short_questions():
    for kind in PRACTICE_QUESTIONS:
        question = choose_practice([f"R:{kind}"], TALK, 8)
        assert len(question.split()) <= 8


def test_no_question_is_in_two_lists():
    assert len(ALL_QUESTIONS) == sum(map(len, PRACTICE_QUESTIONS.values()))
