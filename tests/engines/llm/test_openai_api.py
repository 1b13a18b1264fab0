"""A language model on a real server of another make, llama.cpp's own: asked over HTTP, with a key."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import personas
from pipeline.errors import Canceled, ConfigurationError, PromptTooLong
from pipeline.jobs.results import Completion
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings, settings
from tests.support import llama_server
from tests.support.running_app import run_app
from waijiao.local.up import free_port
from worker_llm.engine import Message, Prompt, SamplingParams
from worker_llm.openai_api.engine import OpenAICompatible
from worker_llm.tutor.model_reply import correct_by_model
from worker_llm.tutor.prompt import compose

NAME, KEY = "smollm", "sesame"
COUNT = Prompt((Message("user", "Count from one to ten."),), 60, stop=())
SERVER = llama_server.__file__


@pytest.fixture(scope="module")
def server():
    """Its URL."""
    model, port = locate("smollm2-135m", settings().models_folder), free_port()
    with subprocess.Popen([sys.executable, SERVER, model, NAME, str(port), KEY]) as process:
        yield f"http://127.0.0.1:{port}/v1"
        process.kill()


@pytest.fixture(scope="module")
def server_settings(server):
    return Settings(llm_engine="openai", llm_model=NAME, llm_url=server, llm_key=KEY, llm_batch=2)


@pytest.fixture(scope="module")
def model(server_settings):
    return OpenAICompatible(Path(NAME), server_settings)


def test_a_chat_is_answered_and_streamed(model):
    pieces = []
    (reply,) = model.reply([dataclasses.replace(COUNT, on_text=pieces.append)])
    assert "".join(pieces) == reply.text != ""
    assert 1 < len(pieces) <= reply.completion_tokens <= 60
    assert 5 < reply.prompt_tokens < 60
    assert reply.finish_reason in {"stop", "length"}


def test_a_mistake_is_corrected(model, server_settings):
    william = personas.load("william", server_settings.personas)
    model.warm(compose(william, [], "Hello.", server_settings, model.count_tokens))
    (reply,) = model.reply([compose(william, [], "he go to school by bus", server_settings, model.count_tokens)])
    assert correct_by_model("he go to school by bus", reply.text).corrected == "He goes to school by bus."


def test_it_ends_after_max_tokens_or_before_a_stop_text(model):
    whole, few, stopped = model.reply(
        [COUNT, dataclasses.replace(COUNT, max_tokens=3), dataclasses.replace(COUNT, stop=("3",))]
    )
    assert (few.finish_reason, few.completion_tokens) == ("length", 3)
    assert stopped.finish_reason == "stop"
    assert whole.text.startswith(stopped.text)
    assert "3" not in stopped.text


def test_a_seed_gives_the_same_again(model):
    story = Prompt((Message("user", "Tell me a story."),), 20)
    seeds = [dataclasses.replace(story, sampling=SamplingParams(1.0, 1.0, seed)) for seed in (7, 7, 8)]
    first, second, other = (model.reply([each])[0].text for each in seeds)
    assert first == second != other


def test_a_prompt_that_is_too_long_fails_alone(model):
    long = dataclasses.replace(COUNT, messages=(Message("user", "word " * 3000),))
    reply, error = model.reply([COUNT, long])
    assert isinstance(reply, Completion)
    assert isinstance(error, PromptTooLong)


def test_a_chat_that_is_no_longer_wanted_is_canceled_and_the_next_is_answered(model):
    pieces = []
    endless = dataclasses.replace(COUNT, messages=(Message("user", "a b " * 10),), max_tokens=400)
    (error,) = model.reply([dataclasses.replace(endless, on_text=pieces.append, still_wanted=lambda: len(pieces) < 3)])
    assert isinstance(error, Canceled)
    assert isinstance(model.reply([COUNT])[0], Completion)


def test_the_tokens_of_english_are_never_more_than_was_estimated(model):
    english = (
        "Last week we saw a film in Zyxelia's theatre, at 7:30 p.m.; it was about 3 bears and cost 12.50 euros. " * 4
    )
    (reply,) = model.reply([Prompt((Message("user", english),), 1)])
    assert reply.prompt_tokens <= model.count_tokens(english) + 40 < 2 * reply.prompt_tokens


def test_a_wrong_key_and_a_wrong_name_keep_the_worker_from_starting(server_settings):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_KEY.* rejects it"):
        OpenAICompatible(Path(NAME), server_settings.model_copy(update={"llm_key": "wrong"}))
    with pytest.raises(ConfigurationError, match=f"expected one of {NAME}"):
        OpenAICompatible(Path("gpt"), server_settings)


def test_a_whole_server_answers_with_it(server, tmp_path):
    given = {"WAIJIAO_LLM_ENGINE": "openai", "WAIJIAO_LLM_MODEL": NAME, "WAIJIAO_LLM_URL": server}
    with run_app(tmp_path, WAIJIAO_LLM_KEY=KEY, **given) as app:
        job = app.ask(text="he go to school by bus")
        assert job["state"] == "succeeded", job["error"]
        assert job["feedback"]["corrected"] == "He goes to school by bus."
        assert NAME in [each["id"] for each in app.get("/v1/models").json()["data"]]
        assert KEY not in (app.home / "up.log").read_text()
