"""A language model on a real server of another make, llama.cpp's own: asked over HTTP, with a key."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_house import opened

from pipeline import personas
from pipeline.errors import Canceled, ConfigurationError, PromptTooLong
from pipeline.jobs.results import Completion
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings, settings
from waijiao.local.up import free_port
from worker_llm.engine import Message, Prompt, Sampling
from worker_llm.feedback import understand
from worker_llm.openai import OpenAICompatible
from worker_llm.prompt import compose

NAME, KEY = "smollm", "sesame"
COUNT = Prompt((Message("user", "Count from one to ten."),), 60, stop=())
SERVER = Path(__file__).parents[1] / "llama_server.py"


@pytest.fixture(scope="module")
def server():
    """Its URL."""
    model, port = locate("smollm2-135m", settings().models_folder), free_port()
    with subprocess.Popen([sys.executable, SERVER, model, NAME, str(port), KEY]) as process:
        yield f"http://127.0.0.1:{port}/v1"
        process.kill()


@pytest.fixture(scope="module")
def chosen(server):
    return Settings(llm_engine="openai", llm_model=NAME, llm_url=server, llm_key=KEY, llm_batch=2)


@pytest.fixture(scope="module")
def model(chosen):
    return OpenAICompatible(Path(NAME), chosen)


def test_a_chat_is_answered_and_told_as_it_comes(model):
    told = []
    (reply,) = model.reply([dataclasses.replace(COUNT, tell=told.append)])
    assert "".join(told) == reply.text != ""
    assert 1 < len(told) <= reply.completion_tokens <= 60
    assert 5 < reply.prompt_tokens < 60
    assert reply.finish_reason in {"stop", "length"}


def test_a_lesson_is_taught(model, chosen):
    william = personas.load("william", chosen.personas)
    model.warm(compose(william, [], "Hello.", chosen, model.count_tokens))
    (reply,) = model.reply([compose(william, [], "he go to school by bus", chosen, model.count_tokens)])
    assert understand("he go to school by bus", reply.text, william).corrected == "He goes to school by bus."


def test_it_ends_after_max_tokens_or_before_a_stop_word(model):
    whole, few, stopped = model.reply(
        [COUNT, dataclasses.replace(COUNT, max_tokens=3), dataclasses.replace(COUNT, stop=("3",))]
    )
    assert (few.finish_reason, few.completion_tokens) == ("length", 3)
    assert stopped.finish_reason == "stop"
    assert whole.text.startswith(stopped.text)
    assert "3" not in stopped.text


def test_a_seed_gives_the_same_again(model):
    story = Prompt((Message("user", "Tell me a story."),), 20)
    seeds = [dataclasses.replace(story, sampling=Sampling(1.0, 1.0, seed)) for seed in (7, 7, 8)]
    first, second, other = (model.reply([each])[0].text for each in seeds)
    assert first == second != other


def test_a_prompt_that_is_too_long_fails_alone(model):
    long = dataclasses.replace(COUNT, messages=(Message("user", "word " * 3000),))
    reply, error = model.reply([COUNT, long])
    assert isinstance(reply, Completion)
    assert isinstance(error, PromptTooLong)


def test_what_is_not_wanted_any_more_is_given_up_and_the_next_is_answered(model):
    told = []
    endless = dataclasses.replace(COUNT, messages=(Message("user", "a b " * 10),), max_tokens=400)
    (error,) = model.reply([dataclasses.replace(endless, tell=told.append, wanted=lambda: len(told) < 3)])
    assert isinstance(error, Canceled)
    assert isinstance(model.reply([COUNT])[0], Completion)


def test_the_tokens_of_english_are_never_more_than_was_estimated(model):
    english = (
        "Last week we saw a film in Zyxelia's theatre, at 7:30 p.m.; it was about 3 bears and cost 12.50 euros. " * 4
    )
    (reply,) = model.reply([Prompt((Message("user", english),), 1)])
    assert reply.prompt_tokens <= model.count_tokens(english) + 40 < 2 * reply.prompt_tokens


def test_a_wrong_key_and_a_wrong_name_keep_the_worker_from_starting(chosen):
    with pytest.raises(ConfigurationError, match=r"WAIJIAO_LLM_KEY.* refuses it"):
        OpenAICompatible(Path(NAME), chosen.model_copy(update={"llm_key": "wrong"}))
    with pytest.raises(ConfigurationError, match=f"expected one of {NAME}"):
        OpenAICompatible(Path("gpt"), chosen)


def test_a_whole_house_teaches_with_it(server, tmp_path):
    given = {"WAIJIAO_LLM_ENGINE": "openai", "WAIJIAO_LLM_MODEL": NAME, "WAIJIAO_LLM_URL": server}
    with opened(tmp_path, WAIJIAO_LLM_KEY=KEY, **given) as house:
        job = house.ask(text="he go to school by bus")
        assert job["state"] == "succeeded", job["error"]
        assert job["feedback"]["corrected"] == "He goes to school by bus."
        assert NAME in [each["id"] for each in house.get("/v1/models").json()["data"]]
        assert KEY not in (tmp_path / "up.log").read_text()
