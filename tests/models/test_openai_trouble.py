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
from waiting import wait_for

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
from waijiao.local.up import free_port
from worker_llm.engine import ENGINES, Message, Prompt, Sampling, load
from worker_llm.openai import OpenAICompatible
from worker_llm.openai_server import named

HELLO = Prompt((Message("user", "she dont like dogs"),), 60, stop=())
GREETING = "Hello,\u2028 dear\x85.\nBye."
TEACHER = Path("teacher")
KEY = "sk-open-sesame"


@pytest.fixture(scope="module")
def server():
    command = [sys.executable, str(Path(__file__).parents[1] / "bad_llm_server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.terminate()


@pytest.fixture
def engine(server, monkeypatch):
    monkeypatch.setattr("worker_llm.openai_chat.PAUSES_S", (0.1, 0.1, None))

    def at(habit, **chosen):
        given = {"llm_url": f"{server}/{habit.replace(' ', '-')}/v1/", "llm_key": KEY, "llm_batch": 4, "load_s": 5}
        return OpenAICompatible(TEACHER, Settings(**{**given, **chosen}))

    return at


@pytest.fixture
def seen(server):
    def of(habit):
        return httpx.get(f"{server}/{habit.replace(' ', '-')}/seen", trust_env=False).json()

    return of


def test_the_settings_choose_it(server):
    assert set(ENGINES) == {"llama.cpp", "openai", "transformers"}
    chosen = Settings(llm_engine="openai", llm_model="teacher", llm_url=f"{server}/good/v1")
    assert isinstance(load(chosen), OpenAICompatible)


def test_what_is_asked_arrives(engine, seen):
    sampling = Sampling(temperature=0.7, top_p=0.9, seed=5)
    messages = (Message("system", "You are William."), Message("user", "早上好"))
    (reply,) = engine("good").reply([Prompt(messages, 60, ("\n\n",), sampling)])
    request = seen("good")[-1]
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


def test_every_piece_is_told_and_no_character_of_a_model_ends_one(engine):
    told = []
    (reply,) = engine("good").reply([dataclasses.replace(HELLO, tell=told.append)])
    assert told == ["Hello", ",\u2028 dear", "\x85.", "\nBye."]
    assert reply.text == "".join(told)


def test_tokens_that_are_not_counted_are_estimated_and_the_log_says_so_once(engine, caplog):
    first, second = engine("uncounted").reply([HELLO, HELLO])
    assert first == second
    assert first.finish_reason == "length"
    assert first.prompt_tokens >= 4
    assert first.completion_tokens >= 3
    assert caplog.text.count("estimates") == 1


@pytest.mark.parametrize("habit", ["busy at first", "fails at first", "drops at first"])
def test_trouble_that_passes_is_waited_out(engine, seen, habit):
    told = []
    (reply,) = engine(habit).reply([dataclasses.replace(HELLO, tell=told.append)])
    assert reply.text == "".join(told) == GREETING
    assert len(seen(habit)) == 2


@pytest.mark.parametrize("habit", ["busy", "down", "drops"])
def test_trouble_that_lasts_is_worth_another_attempt_later(engine, seen, habit):
    (error,) = engine(habit).reply([HELLO])
    assert isinstance(error, Unavailable)
    assert error.try_again
    assert len(seen(habit)) == 3


@pytest.mark.parametrize("habit", ["truncated", "cut", "fails within"])
def test_an_answer_that_breaks_off_is_not_asked_for_again(engine, seen, habit):
    told = []
    (error,) = engine(habit).reply([dataclasses.replace(HELLO, tell=told.append)])
    assert isinstance(error, EngineFailed)
    assert told == ["Half an "]
    assert len(seen(habit)) == 1


@pytest.mark.parametrize("habit", ["page", "garbage", "endless line"])
def test_what_is_no_answer_is_none(engine, habit):
    (error,) = turned(engine, habit)
    assert isinstance(error, EngineFailed)


def turned(engine, habit):
    """A chat with a server that was good when the worker started."""
    asked = engine("good")
    asked.server.url = asked.server.url.replace("good", habit.replace(" ", "-"))
    return asked.reply([HELLO])


def test_a_redirect_is_not_followed_since_it_would_learn_the_key(engine, seen):
    before = len(seen("good"))
    (error,) = engine("moved").reply([HELLO])
    assert isinstance(error, EngineFailed)
    assert len(seen("good")) == before


def test_a_field_that_the_server_does_not_know_is_left_out_from_then_on(engine, seen):
    asked = engine("unsupported")
    lesson = dataclasses.replace(HELLO, stop=("\nB", "xyz"))
    told = []
    (reply,) = asked.reply([dataclasses.replace(lesson, tell=told.append)])
    assert reply.text == "".join(told) == "Hello,\u2028 dear\x85."
    assert reply.finish_reason == "stop"
    assert asked.reply([lesson]) == [reply]
    requests = [request["body"] for request in seen("unsupported")]
    assert len(requests) == 6
    assert {"chat_template_kwargs", "max_tokens", "temperature", "stop"} & requests[-1].keys() == set()
    assert requests[-1]["max_completion_tokens"] == 60


def test_a_field_that_is_named_in_other_words_is_left_out_too(engine):
    (reply,) = engine("pedantic").reply([HELLO])
    assert reply.text == GREETING


def test_an_answer_may_be_as_long_as_the_context_has_room(engine, seen):
    (reply,) = engine("small context").reply([dataclasses.replace(HELLO, max_tokens=4000)])
    assert reply.text == GREETING
    assert "max_tokens" not in seen("small context")[-1]["body"]


def test_a_prompt_that_is_too_long_fails_alone(engine):
    long = dataclasses.replace(HELLO, messages=(Message("user", "word " * 100),))
    error, reply = engine("small context").reply([long, HELLO])
    assert isinstance(error, PromptTooLong)
    assert reply.text == GREETING


def test_a_refused_key_is_the_operator_s_affair(engine, caplog):
    (error,) = engine("refuses the key").reply([HELLO])
    assert type(error) is EngineFailed
    assert "WAIJIAO_LLM_KEY" in caplog.text
    assert "KEY" not in error.detail


def test_a_model_that_is_gone_is_named_with_those_that_there_are(engine, caplog):
    (error,) = engine("no model").reply([HELLO])
    assert type(error) is EngineFailed
    assert "WAIJIAO_LLM_MODEL=teacher; it has teacher" in caplog.text


def test_a_quota_that_is_spent_is_not_waited_for(engine, seen):
    (error,) = engine("spent").reply([HELLO])
    assert isinstance(error, Unavailable)
    assert len(seen("spent")) == 1


def test_neither_the_key_nor_what_a_learner_said_is_in_the_log(engine, caplog):
    caplog.set_level(logging.DEBUG)
    (error,) = engine("roles").reply([HELLO])
    assert isinstance(error, BadRequest)
    assert "BadRequestError" in caplog.text
    for habit in ("refuses the key", "garbage", "pedantic", "good"):
        turned(engine, habit)
    for secret in (KEY, "dont like", "Hello"):
        assert secret not in caplog.text
        assert secret not in error.detail


class Until:
    """Whether a prompt is wanted: until it is over."""

    def __init__(self):
        self.over = False

    def __call__(self):
        return not self.over


@pytest.mark.parametrize("habit", ["says nothing", "stalls"])
def test_what_is_not_wanted_any_more_is_given_up_while_nothing_arrives(engine, seen, habit):
    asked, wanted, beside = engine(habit), Until(), []

    def until_asked():
        wanted.over = wanted.over or bool(seen(habit))
        return not wanted.over

    (error,) = asked.reply([dataclasses.replace(HELLO, wanted=until_asked, tell=beside.append)])
    assert isinstance(error, Canceled)
    assert wait_for(lambda: seen(habit)[0]["hung_up"])


def test_what_is_given_up_leaves_the_others_alone(engine):
    kept, given_up = engine("slow").reply([HELLO, dataclasses.replace(HELLO, wanted=lambda: False)])
    assert kept.text == "One, two, three."
    assert isinstance(given_up, Canceled)


@pytest.mark.parametrize("habit", ["says nothing", "stalls"])
def test_an_answer_that_does_not_go_on_is_given_up(engine, habit):
    (error,) = engine(habit, llm_reply_s=0.5).reply([HELLO])
    assert isinstance(error, TooSlow)


def test_an_answer_may_take_longer_than_the_time_between_its_pieces(engine):
    (reply,) = engine("slow", llm_reply_s=1.2).reply([HELLO])
    assert reply.text == "One, two, three."


def test_the_prompts_of_one_call_are_asked_at_the_same_time_but_not_more_than_the_batch(engine):
    begun = []
    prompts = [dataclasses.replace(HELLO, tell=lambda piece, n=n: begun.append((n, piece))) for n in range(4)]
    engine("slow", llm_batch=2).reply(prompts)
    places = [n for n, _ in begun]
    assert set(places[:6]) == {0, 1}
    assert set(places[6:]) == {2, 3}
    assert places[:3] != [0, 0, 0]


def test_a_time_limit_strikes_at_once_and_closes_the_connections(engine, seen):
    """As Celery's soft limit does: an exception from a signal's handler."""
    asked = engine("says nothing")
    before = len(seen("says nothing"))

    def strike(*_):
        raise SoftTimeLimitExceeded

    usual = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(SoftTimeLimitExceeded):
            asked.reply([HELLO, HELLO])
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert wait_for(lambda: [each["hung_up"] for each in seen("says nothing")[before:]] == [True, True])


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


def test_a_server_that_is_starting_is_waited_for(engine, caplog):
    assert engine("starting").reply([HELLO])[0].text == GREETING
    assert caplog.text.count("does not answer yet") == 1


def test_a_server_that_never_answers_is_not_waited_for_without_end():
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(ConfigurationError, match=f"WAIJIAO_LLM_URL={url}: no server answers there"):
        OpenAICompatible(TEACHER, Settings(llm_url=url, load_s=2))


@pytest.mark.parametrize("habit", ["page", "elsewhere"])
def test_what_is_no_such_server_is_told_so(engine, habit):
    with pytest.raises(ConfigurationError, match="WAIJIAO_LLM_URL"):
        engine(habit)


def test_a_model_that_the_server_does_not_have_is_named_with_those_it_has(server):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_MODEL='gpt': .* expected one of teacher"):
        OpenAICompatible(Path("gpt"), Settings(llm_url=f"{server}/good/v1"))


def test_a_server_without_a_single_model_says_so(engine):
    with pytest.raises(ConfigurationError, match="expected one of none"):
        engine("empty")


def test_a_server_that_does_not_list_its_models_is_asked_all_the_same(engine):
    asked = engine("unlisted")
    asked.warm(HELLO)
    assert asked.reply([HELLO])[0].text == GREETING


@pytest.mark.parametrize("habit", ["refuses the key", "no model", "roles", "garbage"])
def test_a_first_chat_that_fails_keeps_the_worker_from_taking_jobs(engine, habit):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_URL=.*: the first chat failed: "):
        engine(habit).warm(HELLO)


@pytest.mark.parametrize(
    ("url", "key", "shown"),
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
def test_it_is_known_whether_anybody_on_the_way_can_read_the_key(url, key, shown):
    server = named(Settings(llm_url=url, llm_key=key))
    assert server.shows_the_key == shown
    assert KEY not in f"{server} {server!r}"


def test_a_token_is_counted_rather_twice_than_not_at_all(engine):
    count = engine("good").count_tokens
    assert count("") == 0
    assert count("Yesterday I went to the library and read two books.") >= 11
    assert count("今天天气很好") >= 6
    assert count("3.14159") >= 7
    assert count("word " * 100) < 300
