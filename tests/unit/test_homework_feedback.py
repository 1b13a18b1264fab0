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
from worker_llm.feedback import REPEATED_CHARS, REPLY_CHARS, understand
from worker_llm.homework import Homework
from worker_llm.read_aloud import AGAIN_CHARS, ReadAloud, another, asked_about
from worker_llm.read_aloud import understand as understand_reading

WILLIAM = personas.load("william", Settings().personas)
LEARNERS = json.loads((Path(__file__).parents[2] / "examples" / "learners" / "learners.json").read_text("utf-8"))
HEARD = json.loads((Path(__file__).parents[1] / "data" / "learners-heard.json").read_text("utf-8"))
TEXT = "I think he has three dogs. They live in a small house near the forest."
ASKED = '"They live in a small house near the forest." Good. Where do they live?'
STORY = "Once there was a girl. She lived in a small house. Every day she went to the big market. " * 12


def read(heard: str, text: str = TEXT, raw: str = ASKED):
    return understand_reading(ReadAloud(heard, text), raw, WILLIAM)


def homework(**details) -> Homework:
    job_request = JobRequest("a", "a", assignment="hw3", details=details)
    return Homework.of(Job(job_request, 1, "llm", "1", 1, 0, 0, 0))


def test_who_reads_everything_is_praised_and_asked_about_it():
    feedback = read("i think he has 3 dogs they live in a small house near the forest")
    assert (feedback.corrected, feedback.edits, feedback.explanation) == (TEXT, (), "")
    assert feedback.spoken == "Well said! Where do they live?"


def test_words_that_were_read_wrong_are_heard_in_their_sentence_and_said_again():
    feedback = read("I sink he has free dogs, they live in a small house near the forest.")
    assert feedback.corrected == TEXT
    assert feedback.edits == (Edit("sink", "think", (1, 2)), Edit("free", "three", (4, 5)))
    assert feedback.explanation == 'Read again: "think", "three".'
    assert feedback.spoken == f"Listen: {TEXT} Read again: think, three. Where do they live?"


def test_words_that_stand_together_are_said_again_together():
    assert read("I sink has three dogs they live near the forest").explanation == (
        'Read again: "think he", "in a small house".'
    )


def test_words_that_were_not_in_the_text_are_left_out():
    feedback = read("I think he has three big dogs. They live in a small house near the forest.")
    assert feedback.explanation == 'Leave out "big".'
    assert feedback.spoken == "Well said! Leave out big. Where do they live?"


def test_of_a_long_text_only_the_sentences_with_mistakes_are_repeated():
    heard = STORY.replace("market", "marked", 1)
    assert read(heard, STORY).spoken == (
        "Listen: Every day she went to the big market. Read again: market. Can you tell me more?"
    )


def test_who_stops_early_has_read_a_part():
    reading = ReadAloud(STORY[:60], STORY)
    assert not reading.is_another
    assert reading.again.startswith('"')
    assert len(reading.again) <= AGAIN_CHARS


@pytest.mark.parametrize("heard", ["my dad likes football and pizza", "", "你好老师我不会读", "the the the the a in"])
def test_something_else_is_not_corrected_word_by_word(heard):
    reading = ReadAloud(heard, TEXT)
    assert reading.is_another
    feedback = another(reading)
    assert (feedback.corrected, feedback.edits, feedback.explanation) == (TEXT, (), "")
    assert "read it to me again" in feedback.spoken


def test_the_model_s_own_text_and_remarks_are_not_used():
    raw = '"I think he has four cats." Wonderful, no mistakes at all! Why?'
    assert (
        read("I sink he has three dogs they live in a small house near the forest", raw=raw).reply == WILLIAM.fallback
    )
    assert (
        read("x", "She has a dog.", '"She had a dog." You read it all well! What is its name?').reply
        == "What is its name?"
    )


@pytest.mark.parametrize("fact", LEARNERS, ids=lambda fact: fact["id"])
def test_what_real_learners_say_is_recognised_as_their_text_and_what_others_say_is_not(fact):
    text = fact["text"].capitalize() + "."
    words = text.lower().rstrip(".").split()
    assert read(" ".join(words), text).spoken.startswith("Well said!")
    halting = ReadAloud(" ".join(word[:-2] + "x" if n % 2 else word for n, word in enumerate(words)), text)
    assert not halting.is_another
    assert len(halting.edits) == len(words) // 2
    assert ReadAloud("an elephant eats bananas under our umbrella", text).is_another


def test_what_a_recogniser_makes_of_real_learners_is_told_from_what_it_makes_of_others():
    pairs = [(said, fact, ReadAloud(said["transcript"]["text"], fact["text"])) for said in HEARD for fact in LEARNERS]
    own = [reading for said, fact, reading in pairs if said["id"] == fact["id"]]
    others = [reading for said, fact, reading in pairs if said["id"] != fact["id"]]
    assert sum(reading.is_another for reading in own) <= 2
    assert sum(not reading.is_another for reading in others) <= 26


def test_the_question_is_about_the_end_of_the_text():
    assert asked_about(TEXT) == TEXT
    assert asked_about(STORY) == STORY.strip()[-88:]
    assert asked_about("word " * 100) == " ".join(["word"] * 20)
    assert asked_about("我" * 300) == "我" * 100
    assert asked_about("!") == "!"


MIXED = "I think he has three dogs 3 sink <b> * “ … twenty-one 21 cannot Tom's ☺ 我 _ https://x.y."
SENTENCES = st.lists(st.sampled_from([*MIXED.split(), "\n"]), max_size=30)


@given(SENTENCES, SENTENCES, st.text(max_size=40))
def test_whatever_was_read_and_set_the_feedback_keeps_its_form(heard, text, rest):
    heard, text = " ".join(heard), " ".join(text)
    feedback = read(heard, text, f'"{text}" {rest}')
    assert feedback.corrected == text
    assert feedback.spoken[-1] in ".!?。！？"
    assert not re.search(r"""["“”*<>_\n☺]""", feedback.spoken)
    assert len(feedback.spoken) <= REPEATED_CHARS + AGAIN_CHARS + REPLY_CHARS + 30
    for edit in feedback.edits:
        found = " ".join(WORD.findall(heard)[slice(*edit.at)])
        assert re.sub(r"[\W_]+", "", found) == re.sub(r"[\W_]+", "", edit.before)


def test_a_long_word_is_no_way_to_a_long_speech():
    text = f"I have {'a' * 3000} dogs and I like {'b' * 3000}"
    assert len(read("I have dogs and I like", text).spoken) < 500


def test_target_words_that_were_used_and_those_that_were_not_are_named():
    words = homework(words=["go", "river", "ice cream"])
    assert words.words_used("Yesterday I went out and ate ice cream.") == "You used: go, ice cream. Try to use: river."
    assert words.words_used("The rivers!") == "You used: river. Try to use: go, ice cream."
    assert words.words_used("No.") == "Try to use: go, river, ice cream."
    assert words.words_used("We went to the river for ice cream") == "You used all the words: go, river, ice cream."
    assert homework().words_used("Hello") == ""


def test_of_many_target_words_a_few_are_named():
    many = homework(words=[f"word{letter}" for letter in "abcdefgh"])
    assert many.words_used("wordb") == "You used: wordb. Try to use: worda, wordc, wordd, worde, wordf and 2 more."


def test_target_words_are_told_after_the_correction_and_before_the_question():
    feedback = understand("he go home", '"He goes home." Why?', WILLIAM, "You used: go. Try to use: river.")
    assert feedback.explanation == 'Say "goes" instead of "go". You used: go. Try to use: river.'
    assert feedback.spoken == "We say: He goes home. Say goes instead of go. You used: go. Try to use: river. Why?"


def test_target_words_are_told_when_nothing_is_wrong():
    feedback = understand("he goes home", '"He goes home." Why?', WILLIAM, "Try to use: river.")
    assert feedback.explanation == "Try to use: river."
    assert feedback.spoken == "Well said! Try to use: river. Why?"


def test_what_is_no_homework_has_no_target_words():
    job = Job(JobRequest("a", "a", details={"text": TEXT, "words": ["go"]}), 1, "llm", "1", 1, 0, 0, 0)
    assert Homework.of(job) == Homework()
