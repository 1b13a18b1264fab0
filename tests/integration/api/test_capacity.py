"""/v1/capacity: each model's workers, their queued jobs by lane, and their recent speed."""

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from api import create_app
from pipeline.schemas.status import Capacity
from pipeline.worker.registry import register
from tests.support.job_steps import claim_job, make_job_request, run_stage
from waijiao.cli.planning.plan import plan

NOTHING = {"interactive": 0, "homework": 0, "bulk": 0}


@pytest.fixture
def read(redis, settings):
    """What a server with these settings answers."""

    def read_capacity(**chosen: object) -> Capacity:
        answer = create_app(settings.model_copy(update=chosen)).test_client().get("/v1/capacity")
        assert answer.status_code == 200, answer.text
        return Capacity.model_validate(answer.json)

    return read_capacity


def test_a_server_without_answers_has_no_speed(read):
    found = read()
    assert (list(found.models), found.heard_s, found.cores) == (
        ["asr", "llm", "tts"],
        None,
        len(os.sched_getaffinity(0)),
    )
    for model in found.models.values():
        assert (model.ready, model.loading, model.running, model.ran_s, model.each_s) == (0, 0, 0, None, None)
        assert model.waiting.model_dump() == NOTHING


def test_queued_jobs_are_counted_by_lane_and_running_ones_separately(read, jobs):
    for lane, names in {"interactive": "a", "homework": "bcd", "bulk": "ef"}.items():
        for name in names:
            jobs.submit(replace(make_job_request(name, session=name), lane=lane))
    found = read().models
    assert found["asr"].waiting.model_dump() == {"interactive": 1, "homework": 3, "bulk": 2}
    run_stage(jobs, "asr")
    claim_job(jobs, "asr")
    found = read().models
    assert found["asr"].waiting.model_dump() == {"interactive": 0, "homework": 2, "bulk": 2}
    assert found["llm"].waiting.model_dump() == {**NOTHING, "interactive": 1}
    assert [found[stage].running for stage in ("asr", "llm", "tts")] == [1, 0, 0]


def test_workers_speeds_and_lengths_of_recordings_are_shown(read, jobs, redis):
    register(redis, "llm", "llm1", "ready", 30)
    register(redis, "llm", "llm2", "loading", 30)
    jobs.submit(make_job_request("a"))
    for stage in ("asr", "llm", "tts"):
        run_stage(jobs, stage)
    redis.hset("waijiao:pace", mapping={"ran:llm": 8, "each:llm": 2})
    found = read()
    assert (found.models["llm"].ready, found.models["llm"].loading) == (1, 1)
    assert (found.models["llm"].ran_s, found.models["llm"].each_s) == (8, 2)
    assert found.models["tts"].each_s
    assert found.heard_s == 2


@pytest.mark.parametrize(
    ("chosen", "places"),
    [
        ({}, ["cpu", "cpu", "cpu"]),
        ({"asr_device": "cuda", "llm_engine": "openai"}, ["gpu", "server", "cpu"]),
        ({"llm_gpu_layers": 99, "tts_engine": "bark", "tts_device": "cuda"}, ["cpu", "gpu", "gpu"]),
        ({"llm_engine": "transformers", "llm_device": "cuda", "tts_device": "cuda"}, ["cpu", "gpu", "cpu"]),
    ],
)
def test_the_device_of_each_model_is_shown_as_configured(read, chosen, places):
    assert [model.computes_on for model in read(**chosen).models.values()] == places


def test_the_command_asks_the_server_and_its_status_says_whether_a_class_is_in_time(server, redis):
    pace = {"heard": 10, "ran:asr": 2, "each:asr": 2, "ran:llm": 4, "each:llm": 4, "ran:tts": 1, "each:tts": 1}
    redis.hset("waijiao:pace", mapping=pace)
    for stage in ("asr", "llm", "tts"):
        register(redis, stage, f"{stage}1", "ready", 30)

    def run_plan(due_s: float, *options: str) -> tuple[int, str]:
        due = (datetime.now() + timedelta(seconds=due_s)).isoformat()
        url = f"http://127.0.0.1:{server.base_url.port}"
        chosen = ["--students", "10", "--minutes", "0.16667", "--due", due, "--cores", "3", "--url", url, *options]
        done = CliRunner().invoke(plan, chosen)
        return done.exit_code, done.output

    status, said = run_plan(600)
    assert (status, "Language model is the bottleneck." in said) == (0, True)
    status, said = run_plan(600, "--json")
    found = json.loads(said)
    assert (status, found["in_time"], found["bottleneck"], found["cores"]) == (0, True, "llm", 3)
    assert found["took_s"] == pytest.approx(2 + 40 + 1, abs=0.1)
    assert datetime.fromisoformat(found["done"]) - datetime.fromisoformat(found["start"]) == timedelta(seconds=43)
    status, said = run_plan(30)
    assert (status, "With asr=1,llm=2,tts=1 it would be at" in said) == (1, True)
