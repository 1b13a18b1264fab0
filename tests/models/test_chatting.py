"""The real language model is asked by itself: it goes on with a chat, and is heard while it does."""

import dataclasses
import secrets

import pytest

from pipeline.errors import BadRequest, PromptTooLong
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Completion, Feedback
from pipeline.model_files.catalogue import locate
from pipeline.settings import settings
from worker_llm import chatting
from worker_llm.answering import Answerer
from worker_llm.llama_cpp import LlamaCpp

COUNT = [{"role": "user", "content": "Count from one to ten."}]
CONTEXT, AT_ONCE = 512, 2  # tokens, chats


@pytest.fixture(scope="module")
def model():
    """A small context: the model's file, read once for all tests."""
    return LlamaCpp(locate(settings().llm_model, settings().models_folder), small(settings()))


def small(limits):
    return limits.model_copy(update={"llm_context": CONTEXT, "llm_batch": AT_ONCE, "prompt_tokens": CONTEXT - 160})


@pytest.fixture
def answerer(redis, here, model, monkeypatch):
    monkeypatch.setattr("worker_llm.answering.load", lambda _: model)
    return Answerer(small(here))


@pytest.fixture
def ask(jobs):
    def asked(messages=COUNT, **details):
        """A chat that is claimed."""
        return submit(jobs, task="chat", details={"messages": messages, "temperature": 0, **details})

    return asked


def submit(jobs, **fields):
    id_ = secrets.token_hex(16)
    jobs.submit(JobRequest(id_, id_, **fields))
    return jobs.claim("llm", id_, 1)[0][0]


def user(text):
    return [{"role": "user", "content": text}]


def test_a_chat_is_answered_and_told_as_it_comes(answerer, ask, jobs):
    job = ask(max_tokens=60)
    (completion,) = answerer.answer([job])
    told = [entry["text"] for _, entry in jobs.partial_results(job)]
    assert "".join(told) == completion.text != ""
    assert 1 < len(told) <= completion.completion_tokens
    assert 5 < completion.prompt_tokens < 60
    assert jobs.complete("llm", job, completion)[0]
    assert jobs.get("default", job.id).completion == completion


def test_it_ends_after_max_tokens(answerer, ask):
    (completion,) = answerer.answer([ask(max_tokens=5)])
    assert (completion.finish_reason, completion.completion_tokens) == ("length", 5)


def test_it_ends_when_the_model_is_done(answerer, ask):
    (completion,) = answerer.answer([ask(user("Say: hello."))])
    assert completion.finish_reason == "stop"
    assert completion.completion_tokens < 100


def test_it_ends_before_a_stop_word_which_is_never_told(answerer, ask, jobs):
    whole, job = ask(max_tokens=60), ask(max_tokens=60, stop=["3", "three"])
    free, stopped = answerer.answer([whole, job])
    assert stopped.finish_reason == "stop"
    assert free.text.startswith(stopped.text)
    assert len(stopped.text) < len(free.text)
    assert "".join(entry["text"] for _, entry in jobs.partial_results(job)) == stopped.text


def test_it_ends_where_the_context_ends(answerer, ask):
    (completion,) = answerer.answer([ask(user("word " * 440 + "Count to a thousand."), max_tokens=4000, stop=[])])
    assert completion.prompt_tokens + completion.completion_tokens <= CONTEXT
    assert completion.finish_reason in ("length", "stop")


def test_unless_it_is_told_how_many_it_writes_a_set_number_of_tokens_at_most(ask, here):
    few = here.model_copy(update={"chat_tokens": 7})
    assert chatting.prompt(ask(), few).max_tokens == 7
    assert chatting.prompt(ask(max_tokens=None), few).max_tokens == 7
    assert chatting.prompt(ask(max_tokens=9), few).max_tokens == 9


def test_a_chat_s_lines_are_its_own(answerer, ask):
    """A lesson's are made one; and its answer ends with its first."""
    (completion,) = answerer.answer([ask(user("Write a list of three fruits, one on each line."), max_tokens=60)])
    assert "\n" in completion.text.strip()
    (message,) = chatting.prompt(ask(user("<b>two\nlines</b>")), answerer.settings).messages
    assert message.content == "<b>two\nlines</b>"


def test_a_seed_gives_the_same_again(answerer, ask):
    chats = [ask(user("Tell me a story."), temperature=1.0, seed=seed, max_tokens=20) for seed in (7, 7, 8)]
    first, second, other = (answerer.answer([chat])[0].text for chat in chats)
    assert first == second != other


def test_without_a_temperature_it_is_openai_s(ask, here):
    sampling = chatting.prompt(ask(temperature=None), here).sampling
    assert dataclasses.astuple(sampling) == (1.0, 1.0, None)


def test_a_chat_that_does_not_fit_fails_alone_and_says_what_fits(answerer, ask, jobs):
    long, short = ask(user("word " * 600)), ask(max_tokens=3)
    refused, answered = answerer.answer([long, short])
    assert isinstance(refused, PromptTooLong)
    assert f"at most {CONTEXT - 1} fit" in refused.detail
    assert isinstance(answered, Completion)
    assert jobs.partial_results(long) == []


def test_the_longest_chat_that_is_said_to_fit_is_answered(answerer, ask):
    """Every word is a token; the form of a chat takes a few."""
    (one,) = answerer.answer([ask(user("word"), max_tokens=1)])
    form = one.prompt_tokens - 1
    fits, too_long = (ask(user("word" + " word" * (CONTEXT - form - more)), max_tokens=1) for more in (2, 1))
    answered, refused = answerer.answer([fits, too_long])
    assert answered.prompt_tokens == CONTEXT - 1
    assert isinstance(refused, PromptTooLong)


def test_an_order_of_roles_that_the_model_does_not_know_is_a_bad_request(answerer, ask):
    answers = [{"role": "assistant", "content": "One."}] * 2
    (error,) = answerer.answer([ask([*COUNT, *answers])])
    assert isinstance(error, BadRequest)


def test_a_lesson_in_the_same_batch_is_taught_and_not_told(answerer, ask, jobs):
    lesson = submit(jobs, text="she don't like dogs")
    over = submit(jobs, text="start over")
    chat = ask(max_tokens=3)
    feedback, confirmed, completion = answerer.answer([lesson, over, chat])
    assert isinstance(feedback, Feedback)
    assert confirmed.reset
    assert isinstance(completion, Completion)
    assert jobs.partial_results(lesson) == []
