"""A language model on another server, which is a real one that misbehaves in every way it can."""

import dataclasses
import logging
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from pipeline.errors import (
    BadRequest,
    Canceled,
    ConfigurationError,
    EngineFailed,
    PromptTooLong,
    TooSlow,
    Unavailable,
)
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from tests.support import fake_llm_server
from tests.support.wait import wait_for
from waijiao.local.up import free_port
from worker_llm.engine import ENGINES, Message, Prompt, SamplingParams, load
from worker_llm.openai_api.engine import OpenAICompatible
from worker_llm.openai_api.server import create_server

HELLO = Prompt((Message("user", "she dont like dogs"),), 60, stop=())
GREETING = "Hello,\u2028 dear\x85.\nBye."
TEACHER = Path("teacher")
KEY = "sk-open-sesame"


@pytest.fixture(scope="module")
def server():
    command = [sys.executable, fake_llm_server.__file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


@pytest.fixture
def open_engine(server, monkeypatch):
    monkeypatch.setattr("worker_llm.openai_api.engine.RETRY_PAUSES_S", (0.1, 0.1, None))

    def open_at(behaviour, **options):
        defaults = {
            "llm_url": f"{server}/{behaviour.replace(' ', '-')}/v1/",
            "llm_key": KEY,
            "llm_batch": 4,
            "load_s": 5,
        }
        return OpenAICompatible(TEACHER, Settings(**{**defaults, **options}))

    return open_at


@pytest.fixture
def read_requests(server):
    def get(behaviour):
        return httpx.get(f"{server}/{behaviour.replace(' ', '-')}/requests", trust_env=False).json()

    return get


def test_the_settings_choose_it(server):
    assert set(ENGINES) == {"llama.cpp", "openai", "transformers"}
    settings = Settings(llm_engine="openai", llm_model="teacher", llm_url=f"{server}/good/v1")
    assert isinstance(load(settings), OpenAICompatible)


def test_the_request_arrives_as_it_is_meant(open_engine, read_requests):
    sampling = SamplingParams(temperature=0.7, top_p=0.9, seed=5)
    messages = (Message("system", "You are William."), Message("user", "早上好"))
    (reply,) = open_engine("good").reply([Prompt(messages, 60, ("\n\n",), sampling)])
    request = read_requests("good")[-1]
    assert reply == Completion(GREETING, "stop", 12, 7)
    assert request["headers"]["Authorization"] == f"Bearer {KEY}"
    assert request["body"] == {
        "model": "teacher",
        "messages": [{"role": "system", "content": "You are William."}, {"role": "user", "content": "早上好"}],
        "max_tokens": 60,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 5,
        "stop": ["\n\n"],
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_every_chunk_is_emitted_and_no_character_of_a_model_ends_one(open_engine):
    pieces = []
    (reply,) = open_engine("good").reply([dataclasses.replace(HELLO, on_text=pieces.append)])
    assert pieces == ["Hello", ",\u2028 dear", "\x85.", "\nBye."]
    assert reply.text == "".join(pieces)


def test_tokens_that_are_not_counted_are_estimated_and_the_log_says_so_once(open_engine, caplog):
    first, second = open_engine("uncounted").reply([HELLO, HELLO])
    assert first == second
    assert first.finish_reason == "length"
    assert first.prompt_tokens >= 4
    assert first.completion_tokens >= 3
    assert caplog.text.count("estimates") == 1


@pytest.mark.parametrize("behaviour", ["busy at first", "fails at first", "drops at first"])
def test_a_temporary_failure_is_retried(open_engine, read_requests, behaviour):
    pieces = []
    (reply,) = open_engine(behaviour).reply([dataclasses.replace(HELLO, on_text=pieces.append)])
    assert reply.text == "".join(pieces) == GREETING
    assert len(read_requests(behaviour)) == 2


@pytest.mark.parametrize("behaviour", ["busy", "down", "drops"])
def test_a_lasting_failure_leaves_the_job_to_a_later_attempt(open_engine, read_requests, behaviour):
    (error,) = open_engine(behaviour).reply([HELLO])
    assert isinstance(error, Unavailable)
    assert error.try_again
    assert len(read_requests(behaviour)) == 3


@pytest.mark.parametrize("behaviour", ["truncated", "cut", "fails within"])
def test_an_answer_that_breaks_off_is_not_asked_for_again(open_engine, read_requests, behaviour):
    pieces = []
    (error,) = open_engine(behaviour).reply([dataclasses.replace(HELLO, on_text=pieces.append)])
    assert isinstance(error, EngineFailed)
    assert pieces == ["Half an "]
    assert len(read_requests(behaviour)) == 1


@pytest.mark.parametrize("behaviour", ["page", "garbage", "endless line"])
def test_a_malformed_answer_is_a_failure(open_engine, behaviour):
    (error,) = reply_after_change(open_engine, behaviour)
    assert isinstance(error, EngineFailed)


def reply_after_change(open_engine, behaviour):
    """The reply of a server that misbehaves only after the worker has started."""
    engine = open_engine("good")
    engine.server.url = engine.server.url.replace("good", behaviour.replace(" ", "-"))
    return engine.reply([HELLO])


def test_a_redirect_is_not_followed_since_it_would_learn_the_key(open_engine, read_requests):
    before = len(read_requests("good"))
    (error,) = open_engine("moved").reply([HELLO])
    assert isinstance(error, EngineFailed)
    assert len(read_requests("good")) == before


def test_a_field_that_the_server_does_not_know_is_left_out_from_then_on(open_engine, read_requests):
    engine = open_engine("unsupported")
    lesson = dataclasses.replace(HELLO, stop=("\nB", "xyz"))
    pieces = []
    (reply,) = engine.reply([dataclasses.replace(lesson, on_text=pieces.append)])
    assert reply.text == "".join(pieces) == "Hello,\u2028 dear\x85."
    assert reply.finish_reason == "stop"
    assert engine.reply([lesson]) == [reply]
    requests = [request["body"] for request in read_requests("unsupported")]
    assert len(requests) == 6
    assert {"chat_template_kwargs", "max_tokens", "temperature", "stop"} & requests[-1].keys() == set()
    assert requests[-1]["max_completion_tokens"] == 60


def test_a_field_that_is_named_in_other_words_is_left_out_too(open_engine):
    (reply,) = open_engine("pedantic").reply([HELLO])
    assert reply.text == GREETING


def test_an_answer_may_be_as_long_as_the_context_has_room(open_engine, read_requests):
    (reply,) = open_engine("small context").reply([dataclasses.replace(HELLO, max_tokens=4000)])
    assert reply.text == GREETING
    assert "max_tokens" not in read_requests("small context")[-1]["body"]


def test_a_prompt_that_is_too_long_fails_alone(open_engine):
    long = dataclasses.replace(HELLO, messages=(Message("user", "word " * 100),))
    error, reply = open_engine("small context").reply([long, HELLO])
    assert isinstance(error, PromptTooLong)
    assert reply.text == GREETING


def test_a_rejected_key_is_reported_to_the_operator_only(open_engine, caplog):
    (error,) = open_engine("refuses the key").reply([HELLO])
    assert type(error) is EngineFailed
    assert "WAIJIAO_LLM_KEY" in caplog.text
    assert "KEY" not in error.detail


def test_a_model_that_is_gone_is_named_with_those_that_there_are(open_engine, caplog):
    (error,) = open_engine("no model").reply([HELLO])
    assert type(error) is EngineFailed
    assert "WAIJIAO_LLM_MODEL=teacher; it has teacher" in caplog.text


def test_a_quota_that_is_spent_is_not_waited_for(open_engine, read_requests):
    (error,) = open_engine("spent").reply([HELLO])
    assert isinstance(error, Unavailable)
    assert len(read_requests("spent")) == 1


def test_neither_the_key_nor_what_a_learner_said_is_in_the_log(open_engine, caplog):
    caplog.set_level(logging.DEBUG)
    (error,) = open_engine("roles").reply([HELLO])
    assert isinstance(error, BadRequest)
    assert "BadRequestError" in caplog.text
    for behaviour in ("refuses the key", "garbage", "pedantic", "good"):
        reply_after_change(open_engine, behaviour)
    for secret in (KEY, "dont like", "Hello"):
        assert secret not in caplog.text
        assert secret not in error.detail


@pytest.mark.parametrize("behaviour", ["says nothing", "stalls"])
def test_a_chat_is_canceled_while_nothing_arrives(open_engine, read_requests, behaviour):
    engine = open_engine(behaviour)

    def until_requested():
        return not read_requests(behaviour)

    (error,) = engine.reply([dataclasses.replace(HELLO, still_wanted=until_requested)])
    assert isinstance(error, Canceled)
    assert wait_for(lambda: read_requests(behaviour)[0]["hung_up"])


def test_a_canceled_chat_leaves_the_others_alone(open_engine):
    completion, error = open_engine("slow").reply([HELLO, dataclasses.replace(HELLO, still_wanted=lambda: False)])
    assert completion.text == "One, two, three."
    assert isinstance(error, Canceled)


@pytest.mark.parametrize("behaviour", ["says nothing", "stalls"])
def test_an_answer_that_stalls_is_given_up(open_engine, behaviour):
    (error,) = open_engine(behaviour, llm_reply_s=0.5).reply([HELLO])
    assert isinstance(error, TooSlow)


def test_an_answer_may_take_longer_than_the_time_between_its_pieces(open_engine):
    (reply,) = open_engine("slow", llm_reply_s=1.2).reply([HELLO])
    assert reply.text == "One, two, three."


def test_the_prompts_of_one_call_are_sent_at_the_same_time_but_not_more_than_the_batch(open_engine):
    pieces = []
    prompts = [dataclasses.replace(HELLO, on_text=lambda piece, n=n: pieces.append((n, piece))) for n in range(4)]
    open_engine("slow", llm_batch=2).reply(prompts)
    prompts_in_order = [n for n, _ in pieces]
    assert set(prompts_in_order[:6]) == {0, 1}
    assert set(prompts_in_order[6:]) == {2, 3}
    assert prompts_in_order[:3] != [0, 0, 0]


def test_a_time_limit_strikes_at_once_and_closes_the_connections(open_engine, read_requests):
    """As Celery's soft limit does: an exception from a signal's handler."""
    engine = open_engine("says nothing")
    before = len(read_requests("says nothing"))

    def strike(*_):
        raise SoftTimeLimitExceeded

    previous = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(SoftTimeLimitExceeded):
            engine.reply([HELLO, HELLO])
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert wait_for(lambda: [each["hung_up"] for each in read_requests("says nothing")[before:]] == [True, True])


# --- at the start -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8000/v1",
        "ftp://127.0.0.1/v1",
        "http://",
        "http://h:99999/v1",
        "http://u:secret@h/v1",
        "http://h?k=secret",
    ],
)
def test_a_url_that_cannot_be_used_says_what_it_must_be(url):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_URL.* http://127\.0\.0\.1:11434/v1") as refused:
        OpenAICompatible(TEACHER, Settings(llm_url=url))
    assert "secret" not in str(refused.value)


def test_a_key_that_no_header_can_carry_is_not_shown(server):
    with pytest.raises(ConfigurationError, match="WAIJIAO_LLM_KEY") as refused:
        OpenAICompatible(TEACHER, Settings(llm_url=f"{server}/good/v1", llm_key="秘密"))
    assert "秘密" not in str(refused.value)


def test_a_server_that_is_starting_is_waited_for(open_engine, caplog):
    assert open_engine("starting").reply([HELLO])[0].text == GREETING
    assert caplog.text.count("does not answer yet") == 1


def test_a_server_that_never_answers_is_not_waited_for_without_end():
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(ConfigurationError, match=f"WAIJIAO_LLM_URL={url}: no server answers there"):
        OpenAICompatible(TEACHER, Settings(llm_url=url, load_s=2))


@pytest.mark.parametrize("behaviour", ["page", "elsewhere"])
def test_another_kind_of_server_is_refused(open_engine, behaviour):
    with pytest.raises(ConfigurationError, match="WAIJIAO_LLM_URL"):
        open_engine(behaviour)


def test_a_model_that_the_server_does_not_have_is_named_with_those_it_has(server):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_MODEL='gpt': .* expected one of teacher"):
        OpenAICompatible(Path("gpt"), Settings(llm_url=f"{server}/good/v1"))


def test_a_server_without_a_single_model_says_so(open_engine):
    with pytest.raises(ConfigurationError, match="expected one of none"):
        open_engine("empty")


def test_a_server_that_does_not_list_its_models_is_used_all_the_same(open_engine):
    engine = open_engine("unlisted")
    engine.warm(HELLO)
    assert engine.reply([HELLO])[0].text == GREETING


@pytest.mark.parametrize("behaviour", ["refuses the key", "no model", "roles", "garbage"])
def test_a_first_chat_that_fails_keeps_the_worker_from_taking_jobs(open_engine, behaviour):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_URL=.*: the first chat failed: "):
        open_engine(behaviour).warm(HELLO)


@pytest.mark.parametrize(
    ("url", "key", "exposed"),
    [
        ("http://vllm:8000/v1", KEY, True),
        ("http://192.168.1.2/v1", KEY, True),
        ("http://vllm:8000/v1", "", False),
        ("https://api.example.com/v1", KEY, False),
        ("http://127.0.0.1:8000/v1", KEY, False),
        ("http://[::1]:8000/v1", KEY, False),
        ("http://localhost:8000/v1", KEY, False),
    ],
)
def test_a_key_that_would_be_sent_unencrypted_is_detected(url, key, exposed):
    server = create_server(Settings(llm_url=url, llm_key=key))
    assert server.exposes_key == exposed
    assert KEY not in f"{server} {server!r}"


def test_token_estimates_are_never_too_low(open_engine):
    count = open_engine("good").count_tokens
    assert count("") == 0
    assert count("Yesterday I went to the library and read two books.") >= 11
    assert count("今天天气很好") >= 6
    assert count("3.14159") >= 7
    assert count("word " * 100) < 300
