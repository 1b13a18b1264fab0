"""What a lesson card says, from the job alone: no model is needed."""

import dataclasses
import json
from pathlib import Path

import pytest

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.records import read_json
from pipeline.jobs.results import Edit, Feedback, Transcript, Verdict, Word
from worker_tts.card.plan import MARGIN_S, CardPlan, PlannedSentence, Stretch, find_stretch, find_word_places, plan_card

WHY = {"en": "Say went.", "zh": "说 went。"}


def make_words(text: str, pause_s: float = 0.0) -> tuple[Word, ...]:
    """Each word lasts 0.3 s; after a word with an end mark comes a second of silence, after others `pause_s`."""
    words, at = [], 1.0
    for word in text.split():
        words.append(Word(word, round(at, 3), round(at + 0.3, 3), 0.9))
        at += 0.3 + (1.0 if word.endswith(".") else pause_s)
    return tuple(words)


def make_job(feedback: Feedback | None, heard: str = "", recording: str = "default/a/x", **details) -> Job:
    transcript = Transcript(heard, "en", 60.0, make_words(heard)) if heard else None
    request = JobRequest("a", "s", recording=recording, card=True, details=details)
    return Job(request, 1, "tts", "1", 1, 0, 0, 0, transcript=transcript, feedback=feedback)


def correct(heard: str, *edits: Edit, spoken: str, verdict: Verdict = "corrected") -> Feedback:
    return Feedback(heard, "", "", spoken, edits, verdict=verdict)


HEARD = "I like it. I go home yesterday. She is tall."
FEEDBACK = correct(HEARD, Edit("go", "went", (4, 5), "R:VERB:TENSE", WHY), spoken="We say: I went home yesterday.")


def test_the_sentence_with_the_mistake_alone_is_heard_and_said_better():
    plan = plan_card(make_job(FEEDBACK, HEARD))
    assert isinstance(plan, CardPlan)
    (sentence,) = plan.sentences
    assert sentence.better == "I went home yesterday."
    words = make_words(HEARD)
    assert sentence.own_words == Stretch(words[3].start - MARGIN_S, words[6].end + MARGIN_S)
    assert "9 of your 10 words" in plan.praise["en"]


@pytest.mark.parametrize(
    "verdict", ["not_heard_well", "not_understood", "other_language", "not_checked", "needs_an_adult"]
)
def test_what_was_not_checked_has_no_card(verdict):
    assert plan_card(make_job(dataclasses.replace(FEEDBACK, verdict=verdict), HEARD)) == "verdict"


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (make_job(None, HEARD), "verdict"),
        (make_job(FEEDBACK), "no_recording"),
        (make_job(FEEDBACK, HEARD, recording=""), "no_recording"),
        (make_job(FEEDBACK, "Something else."), "no_word_times"),
        (make_job(dataclasses.replace(FEEDBACK, spoken="Why?"), HEARD), "not_repeated"),
    ],
)
def test_the_reason_is_said_where_there_is_no_card(job, reason):
    assert plan_card(job) == reason


def test_a_correct_answer_is_heard_whole_and_praised_for_what_was_checked():
    plan = plan_card(make_job(correct(HEARD, spoken="Great!", verdict="correct"), HEARD))
    words = make_words(HEARD)
    assert plan.sentences == (PlannedSentence(Stretch(1.0 - MARGIN_S, words[-1].end + MARGIN_S)),)
    assert "nothing had to be changed" in plan.praise["en"]


def test_of_a_long_correct_answer_the_first_sentences_are_heard():
    heard = " ".join(["This is one sentence."] * 40)
    (sentence,) = plan_card(make_job(correct(heard, spoken="Great!", verdict="correct"), heard)).sentences
    words = make_words(heard)
    last = max(index for index, word in enumerate(words) if word.word == "sentence." and word.end <= 31.0)
    assert sentence.own_words.end_s == words[last].end + MARGIN_S


def test_two_corrections_of_one_sentence_are_said_once_and_at_most_three_sentences():
    heard = " ".join(["I has two cat."] * 5)
    edits = [
        edit
        for n in range(5)
        for edit in (Edit("has", "have", (4 * n + 1, 4 * n + 2)), Edit("cat", "cats", (4 * n + 3, 4 * n + 4)))
    ]
    plan = plan_card(make_job(correct(heard, *edits, spoken="We say: I have two cats."), heard, level="C1"))
    assert [each.better for each in plan.sentences] == ["I have two cats."] * 2
    one_each = [edit for edit in edits if edit.before == "has"]
    plan = plan_card(make_job(correct(heard, *one_each, spoken="We say: I have two cat."), heard, level="C1"))
    assert len(plan.sentences) == 3


def test_a_beginner_hears_as_many_corrections_as_the_answer_explains():
    heard = " ".join(["I has it."] * 5)
    edits = [Edit("has", "have", (3 * n + 1, 3 * n + 2)) for n in range(5)]
    plan = plan_card(make_job(correct(heard, *edits, spoken="I have it."), heard, level="A1"))
    assert len(plan.sentences) == 2


def test_most_words_were_changed_so_nothing_is_said_about_those_that_stay():
    feedback = correct("Me goed.", Edit("Me goed", "I went", (0, 2)), spoken="I went.")
    assert plan_card(make_job(feedback, "Me goed.")).praise["en"] == "Thank you for speaking English with me."


def test_typed_text_after_the_recording_is_not_looked_for_in_it():
    words = make_words("I go home.")
    assert find_word_places(words, "I go home. Is it right?") == [0, 1, 2]
    feedback = correct("I go home. He have it.", Edit("have", "has", (4, 5)), spoken="He has it.")
    assert plan_card(make_job(feedback, "I go home.")) == "no_word_times"


def test_words_that_the_recogniser_divides_otherwise_are_found():
    words = tuple(Word(word, index, index + 0.5, 0.9) for index, word in enumerate(["I", "like", "ice", "-cream", "."]))
    assert find_word_places(words, "I like ice-cream.") == [0, 1, 2]


@pytest.mark.parametrize(("pause_s", "margin_s"), [(0.0, 0.0), (0.1, 0.05), (2.0, MARGIN_S)])
def test_a_stretch_has_at_most_half_of_the_pauses_and_nothing_of_the_words_around_it(pause_s, margin_s):
    words = make_words("one two three", pause_s)
    stretch = find_stretch(words, 1, 1)
    assert stretch.start_s == pytest.approx(words[1].start - margin_s)
    assert stretch.end_s == pytest.approx(words[1].end + margin_s)


def read_answers() -> list[dict]:
    return json.loads((Path(__file__).parents[3] / "data" / "answers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("fields", read_answers(), ids=lambda fields: fields["id"])
def test_every_checked_answer_of_the_default_models_has_a_card(fields):
    transcript = read_json(Transcript, json.dumps(fields["transcript"]))
    feedback = read_json(Feedback, json.dumps(fields["feedback"]))
    plan = plan_card(dataclasses.replace(make_job(feedback), transcript=transcript))
    if not feedback.is_checked:
        assert plan == "verdict"
        return
    assert isinstance(plan, CardPlan)
    for sentence in plan.sentences:
        assert sentence.better in feedback.spoken
        assert bool(sentence.better) is (feedback.verdict == "corrected")
        assert 0.3 < sentence.own_words.end_s - sentence.own_words.start_s <= transcript.duration_s + MARGIN_S
