"""Feedback on homework: a text that was read aloud, and words that were to be used."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import personas
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Edit
from pipeline.settings import Settings
from pipeline.text.corrections import WORD
from tests.support.recordings import TEXTS
from worker_llm.tutor.feedback import MAX_REPEATED_CHARS, MAX_REPLY_CHARS, Manner
from worker_llm.tutor.homework import Homework
from worker_llm.tutor.model_reply import Conversation
from worker_llm.tutor.questions.bank import QUESTIONS
from worker_llm.tutor.read_aloud import (
    MAX_REPEAT_CHARS,
    ReadingAttempt,
    ask_to_read,
    build_reading_feedback,
    choose_passage,
)
from worker_llm.tutor.teacher import build_unchecked_feedback

WILLIAM = personas.load("william", Settings().personas)
ANSWERS = json.loads((Path(__file__).parents[3] / "data" / "answers.json").read_text("utf-8"))
TEXT = "I think he has three dogs. They live in a small house near the forest."
REPLY = '"They live in a small house near the forest." Good. Where do they live?'
STORY = "Once there was a girl. She lived in a small house. Every day she went to the big market. " * 12


def give_feedback(transcript: str, text: str = TEXT, reply: str = REPLY):
    return build_reading_feedback(ReadingAttempt(transcript, text), reply, Conversation(WILLIAM))


def make_homework(**details) -> Homework:
    job_request = JobRequest("a", "a", assignment="hw3", details=details)
    return Homework.from_job(Job(job_request, 1, "llm", "1", 1, 0, 0, 0))


def test_a_learner_who_reads_everything_is_praised_and_asked_about_it():
    feedback = give_feedback("i think he has 3 dogs they live in a small house near the forest")
    assert (feedback.corrected, feedback.edits, feedback.explanation) == (TEXT, (), "")
    assert (feedback.verdict, feedback.spoken) == ("correct", "Well said! Where do they live?")


def test_misread_words_are_demonstrated_in_their_sentence_and_to_be_read_again():
    feedback = give_feedback("I sink he has free dogs, they live in a small house near the forest.")
    assert feedback.corrected == TEXT
    assert feedback.edits == (Edit("sink", "think", (1, 2)), Edit("free", "three", (4, 5)))
    assert feedback.verdict == "corrected"
    assert feedback.explanation == 'Read again: "think", "three".'
    assert feedback.spoken == f"Listen: {TEXT} Read again: think, three. Where do they live?"


def test_adjacent_misread_words_are_read_again_together():
    assert give_feedback("I sink has three dogs they live near the forest").explanation == (
        'Read again: "think he", "in a small house".'
    )


def test_words_that_were_not_in_the_text_are_left_out():
    feedback = give_feedback("I think he has three big dogs. They live in a small house near the forest.")
    assert feedback.explanation == 'Leave out "big".'
    assert (feedback.verdict, feedback.spoken) == ("corrected", "Leave out big. Where do they live?")


def test_of_a_long_text_only_the_sentences_with_mistakes_are_repeated():
    transcript = STORY.replace("market", "marked", 1)
    feedback = give_feedback(transcript, STORY)
    assert feedback.spoken == (f"Listen: Every day she went to the big market. Read again: market. {feedback.reply}")


def test_a_reader_who_stops_early_has_read_a_part():
    attempt = ReadingAttempt(STORY[:60], STORY)
    assert not attempt.is_other_text
    assert attempt.phrases_to_repeat.startswith('"')
    assert len(attempt.phrases_to_repeat) <= MAX_REPEAT_CHARS


@pytest.mark.parametrize(
    "transcript", ["my dad likes football and pizza", "", "你好老师我不会读", "the the the the a in"]
)
def test_something_else_is_not_corrected_word_by_word(transcript):
    attempt = ReadingAttempt(transcript, TEXT)
    assert attempt.is_other_text
    feedback = ask_to_read(attempt)
    assert (feedback.corrected, feedback.edits, feedback.explanation) == (TEXT, (), "")
    assert feedback.verdict == "not_understood"
    assert "read it to me again" in feedback.spoken


def test_the_model_s_own_text_and_remarks_are_not_used():
    reply = '"I think he has four cats." Wonderful, no mistakes at all! Why?'
    question = give_feedback("I sink he has three dogs they live in a small house near the forest", reply=reply).reply
    assert question in {each.text for each in QUESTIONS}
    reply = '"She had a dog." You read it all well! How old is the dog?'
    assert give_feedback("x", "She has a dog.", reply).reply == "How old is the dog?"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_readings_of_learners_match_their_text_and_other_speech_does_not(text):
    words = text.lower().rstrip(".").split()
    assert give_feedback(" ".join(words), text).spoken.startswith("Well said!")
    halting = ReadingAttempt(" ".join(word[:-2] + "x" if n % 2 else word for n, word in enumerate(words)), text)
    assert not halting.is_other_text
    assert len(halting.edits) == len(words) // 2
    assert ReadingAttempt("an elephant eats bananas under our umbrella", text).is_other_text


def test_transcripts_of_learners_match_their_text_and_other_transcripts_do_not():
    readings = [
        (answer["id"] == name, ReadingAttempt(answer["transcript"]["text"], text))
        for answer in ANSWERS
        for name, text in TEXTS.items()
    ]
    assert sum(reading.is_other_text for own, reading in readings if own) == 0
    assert sum(not reading.is_other_text for own, reading in readings if not own) <= 28  # of 552; many begin alike


def test_the_question_is_about_the_end_of_the_text():
    assert choose_passage(TEXT) == TEXT
    assert choose_passage(STORY) == STORY.strip()[-88:]
    assert choose_passage("word " * 100) == " ".join(["word"] * 20)
    assert choose_passage("我" * 300) == "我" * 100
    assert choose_passage("!") == "!"


MIXED = "I think he has three dogs 3 sink <b> * “ … twenty-one 21 cannot Tom's ☺ 我 _ https://x.y."
SENTENCES = st.lists(st.sampled_from([*MIXED.split(), "\n"]), max_size=30)


@given(SENTENCES, SENTENCES, st.text(max_size=40))
def test_feedback_is_valid_whatever_was_read(transcript, text, rest):
    transcript, text = " ".join(transcript), " ".join(text)
    feedback = give_feedback(transcript, text, f'"{text}" {rest}')
    assert feedback.corrected == text
    assert feedback.spoken[-1] in ".!?。！？"
    assert not re.search(r"""["“”*<>_\n☺]""", feedback.spoken)
    assert len(feedback.spoken) <= MAX_REPEATED_CHARS + MAX_REPEAT_CHARS + MAX_REPLY_CHARS + 30
    for edit in feedback.edits:
        found = " ".join(WORD.findall(transcript)[slice(*edit.at)])
        assert re.sub(r"[\W_]+", "", found) == re.sub(r"[\W_]+", "", edit.before)


def test_a_long_word_does_not_make_a_long_speech():
    text = f"I have {'a' * 3000} dogs and I like {'b' * 3000}"
    assert len(give_feedback("I have dogs and I like", text).spoken) < 500


def test_target_words_that_were_used_and_those_that_were_not_are_named():
    homework = make_homework(words=["go", "river", "ice cream"])
    assert (
        homework.describe_word_use(["Yesterday I went out and ate ice cream."])
        == "You used: go, ice cream. Try to use: river."
    )
    assert homework.describe_word_use(["The rivers!"]) == "You used: river. Try to use: go, ice cream."
    assert homework.describe_word_use(["No."]) == "Try to use: go, river, ice cream."
    assert (
        homework.describe_word_use(["We went to the river for ice cream"])
        == "You used all the words: go, river, ice cream."
    )
    assert make_homework().describe_word_use(["Hello"]) == ""


def test_of_many_target_words_a_few_are_named():
    many = make_homework(words=[f"word{letter}" for letter in "abcdefgh"])
    assert (
        many.describe_word_use(["wordb"])
        == "You used: wordb. Try to use: worda, wordc, wordd, worde, wordf and 2 more."
    )


def answer_with_note(transcript, note):
    manner = Manner(WILLIAM, note=note, can_praise=False)
    reply = '"He goes home." Why does he go home?'
    return build_unchecked_feedback(transcript, reply, Conversation(WILLIAM), manner)


def test_target_words_are_named_after_the_correction_and_before_the_question():
    feedback = answer_with_note("he go home", "You used: go. Try to use: river.")
    assert feedback.explanation == 'Say "goes" instead of "go". You used: go. Try to use: river.'
    assert feedback.spoken == (
        "We say: He goes home. Say goes instead of go. You used: go. Try to use: river. Why does he go home?"
    )


def test_target_words_are_named_when_nothing_is_wrong():
    feedback = answer_with_note("he goes home", "Try to use: river.")
    assert feedback.explanation == "Try to use: river."
    assert feedback.spoken == "Try to use: river. Why does he go home?"


def test_a_job_without_an_assignment_has_no_target_words():
    job = Job(JobRequest("a", "a", details={"text": TEXT, "words": ["go"]}), 1, "llm", "1", 1, 0, 0, 0)
    assert Homework.from_job(job) == Homework()
