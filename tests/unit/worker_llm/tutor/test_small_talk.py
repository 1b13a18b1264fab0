"""Courtesies are not praised, and what was said is said again for whoever did not follow."""

import pytest

from pipeline import personas
from pipeline.jobs.results import Feedback
from pipeline.settings import Settings
from worker_llm.tutor.small_talk import asks_to_repeat, is_courtesy, repeat_last

WILLIAM = personas.load("william", Settings().personas)
ASKED = """
Say it again. | Can you say it again? | Could you please repeat that? | Repeat, please. | Can you repeat? | Pardon?
Sorry, can you say that again please? | One more time, please. | What did you say? | What do you mean? | Again, please.
I don't understand. | I do not understand you. | I don\u2019t understand the question. | Sorry, I didn't hear you.
I can't understand what you say. | Please speak slowly. | Can you speak more slowly, please? | You speak too fast.
Speak slower please, teacher. | Slow down, please. | I did not catch that. | I not understand. | What was the question?
听不懂 | 我听不懂。 | 我没听懂 | 请再说一遍。 | 再说一遍好吗？ | 请说慢一点 | 慢一点说可以吗 | 你说什么？
什么意思？ | 不明白 | 说得太快了
老师，请再说一次。 | 我听不懂你说什么
"""
NOT_ASKED = """
I don't understand my teacher at school. | She said it again. | Can you say it in Chinese?
I repeat the words every day.
My brother speaks slowly. | I do not know. | He is too fast. | What did you do? | I understand.
Say hello to your mother.
He did not hear the bell. | Once more he was late. | 我不懂数学 | 老师说得很慢 | 他听不懂英语
我再说一个故事
Again I was late for school.
"""
COURTESIES = (
    "Yes. | No. | Thank you. | OK, thanks. | I don't know. | Sorry! | Nothing. | Hello. | Yes. Thank you. | Bye bye!"
)
PRACTICE = (
    "Yes, I do. | I am sorry for my mother. | I like it. | Nothing is better than this. | Hello, my name is Tom. | 好的"
)


def split(lines):
    return [text.strip() for line in lines.strip().splitlines() for text in line.split("|")]


@pytest.mark.parametrize("text", split(ASKED))
def test_who_did_not_follow_is_understood(text):
    assert asks_to_repeat(text)


@pytest.mark.parametrize("text", split(NOT_ASKED))
def test_other_sentences_do_not_ask_for_anything_again(text):
    assert not asks_to_repeat(text)


@pytest.mark.parametrize("text", split(COURTESIES))
def test_a_courtesy_is_no_practice(text):
    assert is_courtesy(text)


@pytest.mark.parametrize("text", split(PRACTICE))
def test_a_sentence_is_practice(text):
    assert not is_courtesy(text)


@pytest.mark.timeout(20)  # of hundredths of a second, and of hours if phrases were tried in every combination
@pytest.mark.parametrize("phrase", ["goodbye ", "ok okay ", "thank you ", "please ", "say it again ", "再", "听不懂"])
def test_a_long_text_is_read_in_one_go(phrase):
    text = f"{phrase * 700}x"
    assert not is_courtesy(text)
    assert not asks_to_repeat(text)


def test_all_that_was_said_is_said_again_however_often():
    earlier = [Feedback("I like dogs.", "I like dogs.", "Why?", "Well said! Why?", verdict="correct")]
    for _ in range(3):
        feedback = repeat_last("Say it again.", earlier, WILLIAM)
        assert feedback.spoken == feedback.reply == "Of course. Well said! Why?"
        assert (feedback.verdict, feedback.corrected, feedback.edits) == ("not_checked", "Say it again.", ())
        earlier.append(feedback)


def test_who_begins_so_is_greeted():
    assert repeat_last("Pardon?", [], WILLIAM).spoken.endswith(WILLIAM.greeting)
