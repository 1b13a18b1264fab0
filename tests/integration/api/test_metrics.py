"""/metrics, read as Prometheus reads it."""

import os
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import create_app
from pipeline.worker.registry import register
from tests.support.job_steps import claim_job, let_job_die, make_job_request, run_stage


@pytest.fixture
def read(redis, settings):
    client = create_app(settings).test_client()

    def figures() -> dict[tuple[str, ...], float]:
        """Each sample by its name and labels."""
        answer = client.get("/metrics")
        assert answer.content_type.startswith("text/plain; version=0.0.4")
        families = text_string_to_metric_families(answer.text)
        return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}

    return figures


def test_an_empty_server_has_metrics_of_zero(read):
    disk = {"waijiao_disk_free_bytes", "waijiao_disk_needed_bytes", "waijiao_disk_state"}
    assert {value for (name, *_), value in read().items() if name not in disk} == {0}


def test_jobs_are_counted_from_their_acceptance_to_their_end(read, jobs):
    for name in "abcd":
        jobs.submit(make_job_request(name, session=name, recording=False))
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    let_job_die(jobs, "llm")
    jobs.cancel("default", "c")
    figures = read()
    assert figures["waijiao_jobs_accepted_total",] == 4
    assert figures["waijiao_jobs_unfinished",] == 1
    assert figures["waijiao_jobs_waiting", "llm"] == 1
    for state in ("succeeded", "failed", "canceled"):
        assert figures["waijiao_jobs_ended_total", state] == 1


def test_workers_and_their_speed_are_shown(read, jobs, redis):
    register(redis, "llm", "llm1", "ready", 30)
    register(redis, "llm", "llm2", "loading", 30)
    jobs.submit(make_job_request("a", recording=False))
    job = claim_job(jobs, "llm")
    redis.hset("waijiao:pace", "ran:llm", 2.5)
    figures = read()
    assert job.state == "thinking"
    assert (figures["waijiao_workers", "llm", "ready"], figures["waijiao_workers", "llm", "loading"]) == (1, 1)
    assert figures["waijiao_stage_seconds", "llm"] == 2.5
    assert ("waijiao_stage_seconds", "asr") not in figures


def test_lessons_that_wait_to_be_segmented_are_counted_as_well(read, jobs):
    jobs.submit(replace(make_job_request("lesson"), task="lesson", lane="bulk", text=""))
    assert read()["waijiao_jobs_waiting", "segment"] == 1


def test_the_free_space_and_the_state_of_the_disk_are_shown(read, settings):
    figures, folder = read(), str(settings.home)
    free_bytes = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    assert figures["waijiao_disk_free_bytes", folder] == pytest.approx(free_bytes, rel=0.5)
    assert figures["waijiao_disk_needed_bytes", folder] == settings.min_free_mb * 1_000_000
    assert sum(figures["waijiao_disk_state", folder, state] for state in ("enough", "low", "full")) == 1


def test_a_redis_that_refuses_writes_is_shown_with_its_reason(read, redis):
    redis.config_set("maxmemory", 1)
    assert read()["waijiao_redis_refuses_writes", "memory"] == 1
    redis.config_set("maxmemory", 0)
    assert read()["waijiao_redis_refuses_writes", "memory"] == 0
