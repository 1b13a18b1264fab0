"""/metrics, read as Prometheus reads it."""

import os
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from api import create_app
from api.admin import histograms, server_facts
from pipeline.gpu.devices import Gpu
from pipeline.jobs import store
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
    machine = ("waijiao_disk_", "waijiao_memory_", "waijiao_gpu_", "waijiao_info", "waijiao_retention_")
    assert {value for (name, *_), value in read().items() if not name.startswith(machine)} == {0}


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


def test_version_retention_memory_and_queues_are_shown(read, redis, settings):
    redis.lpush("maintenance", "a message", "another")
    figures = read()
    assert figures["waijiao_info", version("waijiao")] == 1
    assert figures["waijiao_retention_seconds",] == settings.retention_h * 3600
    assert figures["waijiao_memory_free_bytes",] > 1_000_000
    queues = {labels[0]: value for (name, *labels), value in figures.items() if name == "waijiao_queue_messages"}
    assert queues == {"asr": 0, "llm": 0, "tts": 0, "segment": 0, "maintenance": 2}


def test_gpus_are_shown_and_asked_for_seldom(read, monkeypatch):
    calls = []

    def find_gpus() -> list[Gpu]:
        calls.append(1)
        return [Gpu("NVIDIA L4", "GPU-1", 24_000, 20_000)]

    monkeypatch.setattr(server_facts, "gpus", find_gpus)
    monkeypatch.setattr(server_facts, "gpu_reader", server_facts.GpuReader())
    for _ in range(3):
        figures = read()
    assert figures["waijiao_gpu_free_bytes", "0", "NVIDIA L4"] == 20_000
    assert figures["waijiao_gpu_bytes", "0", "NVIDIA L4"] == 24_000
    assert len(calls) == 1


def test_how_long_jobs_waited_and_ran_is_counted_once_each(read, jobs, redis):
    for name in "ab":
        jobs.submit(make_job_request(name, session=name, recording=False))
        run_stage(jobs, "llm")
    figures = read()
    for kind in ("waited", "ran"):
        assert figures[f"waijiao_job_{kind}_seconds_count", "llm"] == 2
        assert figures[f"waijiao_job_{kind}_seconds_bucket", "+Inf", "llm"] == 2
        assert 0 <= figures[f"waijiao_job_{kind}_seconds_sum", "llm"] < 600
    assert ("waijiao_job_ran_seconds_count", "tts") not in figures
    assert figures["waijiao_recording_seconds_count",] == 0


def test_a_value_is_in_the_bucket_of_its_bound_and_in_all_above(read, redis):
    redis.hset("waijiao:histograms", mapping={"heard:2.5": 3, "heard:inf": 1, "heard:sum_ms": 1_005_500})
    figures = read()
    buckets = {
        labels[0]: value for (name, *labels), value in figures.items() if name == "waijiao_recording_seconds_bucket"
    }
    assert list(buckets.values()) == [0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 4]
    assert figures["waijiao_recording_seconds_sum",] == 1005.5


def test_the_scripts_count_with_the_bounds_that_the_metrics_show():
    script = (Path(store.__file__).parent / "scripts" / "lib" / "ending.lua").read_text(encoding="utf-8")
    (bounds,) = re.findall(r"BOUNDS_S = \{(.*?)\}", script)
    assert re.findall(r"'([^']+)'", bounds) == list(histograms.BOUNDS_S)
