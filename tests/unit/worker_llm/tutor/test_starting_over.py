import pytest

from pipeline import personas
from pipeline.settings import Settings
from worker_llm.tutor.start_over import asks_to_start_over, confirm_start_over

WILLIAM = personas.load("william", Settings().personas)

REQUESTS = """重新开始
重新開始。
请重新开始吧！
我们重新开始，好吗？
从头开始
我想重新开始
Start over!
START  OVER
Start over, please.
Let's start over.
Let’s start over
Okay, let us start over now.
Can we start over?
I want to start over.
Ｓｔａｒｔ　ｏｖｅｒ""".splitlines()

OTHER_SENTENCES = """
I want to start over my life
We start over the bridge.
Start.
over
Don't start over.
Please
Let's start
The lesson started over an hour ago.
我不想重新开始
他重新开始学习英语了
重新开始是什么意思？""".splitlines()


@pytest.mark.parametrize("text", REQUESTS)
def test_a_request_to_start_over_is_recognised(text):
    assert asks_to_start_over(text, WILLIAM)


@pytest.mark.parametrize("text", OTHER_SENTENCES)
def test_a_sentence_that_only_contains_the_words_is_not_a_request(text):
    assert not asks_to_start_over(text, WILLIAM)


def test_the_confirmation_is_short_and_says_that_it_is_one():
    feedback = confirm_start_over(WILLIAM, "重新开始")
    assert feedback.reset
    assert feedback.heard == "重新开始"
    assert feedback.spoken == WILLIAM.started_over
