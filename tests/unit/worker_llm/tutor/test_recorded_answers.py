"""What is recorded of the examples agrees with itself and with what is said in them; made by answer_recordings.py."""

import json
from collections import Counter

import pytest

from pipeline.jobs.records import read_fields, to_json
from pipeline.jobs.results import VERDICTS, Feedback, Transcript
from tests.support.answer_recordings import ANSWERS
from tests.support.recordings import FACTS, RECORDINGS

RECORDED = json.loads(ANSWERS.read_text(encoding="utf-8"))
MISTAKE_BY_ID = {path.stem: fact["mistake"] for path, fact in zip(RECORDINGS, FACTS, strict=True)}
each_answer = pytest.mark.parametrize("answer", RECORDED, ids=[answer["id"] for answer in RECORDED])


def test_every_recording_is_answered_in_the_order_of_the_list():
    assert [answer["id"] for answer in RECORDED] == [path.stem for path in RECORDINGS]


@each_answer
def test_a_recorded_answer_is_a_record_of_this_version(answer):
    assert json.loads(to_json(read_fields(Transcript, answer["transcript"]))) == answer["transcript"]
    assert json.loads(to_json(read_fields(Feedback, answer["feedback"]))) == answer["feedback"]


@each_answer
def test_a_verdict_agrees_with_the_edits_and_with_the_praise(answer):
    feedback = read_fields(Feedback, answer["feedback"])
    assert feedback.verdict in VERDICTS
    assert feedback.heard == answer["transcript"]["text"]
    assert bool(feedback.edits) == (feedback.verdict == "corrected") == (feedback.corrected != feedback.heard)
    assert all(edit.kind and edit.explanations["en"] and edit.explanations["zh"] for edit in feedback.edits)
    if feedback.verdict != "correct":
        assert "Well said" not in feedback.spoken


def test_every_verdict_of_a_learner_who_speaks_english_is_among_them():
    counts = Counter(answer["feedback"]["verdict"] for answer in RECORDED)
    assert {"correct", "corrected", "not_heard_well", "not_checked"} == set(counts)


def test_what_is_said_without_a_mistake_is_not_corrected():
    right = [answer for answer in RECORDED if not MISTAKE_BY_ID[answer["id"]]]
    assert right
    assert {answer["feedback"]["verdict"] for answer in right} <= {"correct", "not_checked", "not_heard_well"}
