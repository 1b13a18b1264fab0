"""Partial results are published as they come, without gaps, and never delay the engine."""

import time

import pytest

from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Completion
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import FAST, Timeouts, connect
from pipeline.worker.partial_results import publishing
from tests.support.job_steps import OTHER, WORKER, claim_job
from tests.support.wait import wait_for
from tests.support.worker_cluster import WorkerCluster

PIECES = [f"word{number} " for number in range(2000)]
WHOLE = Completion("".join(PIECES), "stop", 9, 2000)


@pytest.fixture
def cluster(settings):
    running = WorkerCluster(settings)
    yield running
    running.close()


@pytest.fixture
def fast_jobs(settings):
    return Jobs(connect(settings, FAST), settings)


def chat(jobs, id_="chat"):
    jobs.submit(JobRequest(id_, id_, task="chat", details={"messages": []}))
    return claim_job(jobs, "llm")


def text(jobs, job):
    return "".join(entry["text"] for _, entry in jobs.partial_results(job))


def test_quick_pieces_are_published_together_and_the_last_before_the_end(cluster, fast_jobs):
    job = chat(cluster.jobs)
    with publishing(fast_jobs, "llm") as told:
        for piece in PIECES:
            told.text(job, piece)
    assert text(cluster.jobs, job) == WHOLE.text
    assert len(cluster.jobs.partial_results(job)) < 50
    assert cluster.jobs.complete("llm", job, WHOLE)[0]
    assert cluster.get_job("chat").completion == WHOLE
    assert text(cluster.jobs, cluster.get_job("chat")) == WHOLE.text


def test_the_first_piece_is_published_at_once(cluster, fast_jobs):
    job = chat(cluster.jobs)
    with publishing(fast_jobs, "llm") as told:
        told.text(job, "Hello")
        wait_for(lambda: text(cluster.jobs, job) == "Hello")


def test_pieces_of_the_jobs_of_a_batch_are_separate(cluster, fast_jobs):
    jobs = [chat(cluster.jobs, "one")]
    cluster.jobs.submit(JobRequest("two", "two", task="chat", details={"messages": []}))
    jobs.append(claim_job(cluster.jobs, "llm", OTHER))
    with publishing(fast_jobs, "llm") as told:
        for number in range(100):
            for job in jobs:
                told.text(job, f"{job.id} {number}, ")
    for job in jobs:
        assert text(cluster.jobs, job) == "".join(f"{job.id} {number}, " for number in range(100))


def test_an_attempt_that_was_taken_back_publishes_nothing_more(cluster, fast_jobs):
    first = chat(cluster.jobs)
    with publishing(fast_jobs, "llm") as told:
        told.text(first, "The first ")
        wait_for(lambda: text(cluster.jobs, first))
        cluster.jobs.release(WORKER)
        second = claim_job(cluster.jobs, "llm", OTHER)
        told.text(first, "attempt.")
    with publishing(fast_jobs, "llm") as told:
        told.text(second, "The second.")
    assert text(cluster.jobs, first) == "The first "
    assert text(cluster.jobs, second) == "The second."


def test_generation_continues_while_redis_hangs(cluster, settings):
    job, patient = chat(cluster.jobs), Jobs(connect(settings, Timeouts(connect_s=30, answer_s=30, retries=0)), settings)
    with publishing(patient, "llm") as told:
        told.text(job, PIECES[0])
        wait_for(lambda: text(cluster.jobs, job))
        cluster["redis"].freeze()
        for piece in PIECES[1:]:
            told.text(job, piece)
        assert not told.abandoned_jobs  # it would be, had one of them waited for the connection's 30 seconds
        cluster["redis"].thaw()
    assert text(cluster.jobs, job) == WHOLE.text


@pytest.mark.parametrize("trouble", ["kill", "freeze"])
def test_without_redis_nothing_waits_and_the_published_text_has_no_gap(cluster, fast_jobs, trouble, caplog):
    job = chat(cluster.jobs)
    with publishing(fast_jobs, "llm") as told:
        told.text(job, PIECES[0])
        wait_for(lambda: text(cluster.jobs, job))
        getattr(cluster["redis"], trouble)()
        for piece in PIECES[1:]:
            told.text(job, piece)
        wait_for(lambda: told.abandoned_jobs)
        if trouble == "kill":
            cluster.start("redis")
        cluster["redis"].thaw()
        told.text(job, "and more")
        start_time = time.monotonic()
    assert time.monotonic() - start_time < 3
    assert WHOLE.text.startswith(text(cluster.jobs, job))
    assert [record.module for record in caplog.records].count("partial_results") == 1


def test_the_end_does_not_wait_long_for_a_redis_that_hangs(cluster, fast_jobs):
    job = chat(cluster.jobs)
    cluster["redis"].freeze()
    start_time = time.monotonic()
    with publishing(fast_jobs, "llm") as told:
        told.text(job, "Hello")
    assert time.monotonic() - start_time < 5
