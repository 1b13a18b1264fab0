"""Ending a job before its answer: canceled, its session started over, erased. What comes later is refused."""

import pytest

from pipeline.errors import Erased, UnknownJob, UnknownSession
from pipeline.jobs.job import State
from pipeline.jobs.listing import existing_turns, turns
from pipeline.jobs.store import ReadyJob
from tests.support.job_steps import OTHER, RESULTS, TRANSCRIPT, WORKER, claim_job, make_job_request, reach, run_stage


def test_a_queued_job_is_canceled_at_once(jobs):
    jobs.submit(make_job_request("a"))
    assert jobs.cancel("default", "a") == (True, [])
    canceled = jobs.get("default", "a")
    assert (canceled.state, canceled.error["code"], canceled.error["stage"]) == (State.CANCELED, "canceled", "asr")
    assert jobs.claim("asr", WORKER, 1) == ([], [])


def test_a_held_turn_is_canceled_and_the_turns_around_it_go_on(jobs):
    for name in "abc":
        jobs.submit(make_job_request(name, recording=False))
    assert jobs.cancel("default", "b") == (True, [])
    assert run_stage(jobs, "llm") == ("default/a", [ReadyJob("llm", "default/c"), ReadyJob("tts", "default/a")])


def test_a_canceled_turn_lets_the_next_one_pass(jobs):
    jobs.submit(make_job_request("a"))
    jobs.submit(make_job_request("b", recording=False))
    assert jobs.cancel("default", "a") == (True, [ReadyJob("llm", "default/b")])
    assert claim_job(jobs, "llm").id == "b"


@pytest.mark.parametrize("stage", RESULTS)
def test_a_running_job_is_canceled_and_its_late_result_refused(jobs, stage):
    jobs.submit(make_job_request("a"))
    job = reach(jobs, stage)
    assert jobs.cancel("default", "a") == (True, [])
    assert jobs.renew(stage, [job]) == ["default/a"]
    before = jobs.get("default", "a")
    assert jobs.complete(stage, job, RESULTS[stage]) == (False, [])
    assert jobs.get("default", "a") == before
    assert (before.state, before.error["stage"]) == (State.CANCELED, stage)


@pytest.mark.parametrize("stage", RESULTS)
def test_a_canceled_job_is_no_longer_its_worker_s(jobs, redis, stage):
    jobs.submit(make_job_request("a"))
    reach(jobs, stage)
    jobs.cancel("default", "a")
    assert jobs.claim(stage, WORKER, 1) == ([], [])
    assert not redis.exists("waijiao:leases", "waijiao:deadlines", "waijiao:leased:worker", "waijiao:open:default/anna")


def test_a_job_that_has_ended_cannot_be_canceled(jobs):
    jobs.submit(make_job_request("a", recording=False))
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    answered = jobs.get("default", "a")
    assert jobs.cancel("default", "a") == (False, [])
    assert jobs.get("default", "a") == answered


def test_an_unknown_job_cannot_be_canceled(jobs):
    with pytest.raises(UnknownJob):
        jobs.cancel("default", "a")


def test_a_forgotten_job_leaves_the_history_and_is_answered_as_erased(jobs, redis):
    for name in "ab":
        jobs.submit(make_job_request(name, recording=False))
        run_stage(jobs, "llm")
        run_stage(jobs, "tts")
    jobs.forget("default", "a")
    assert [job.id for job in turns(redis, "default", "anna")] == ["b"]
    for late in (jobs.get, jobs.cancel):
        with pytest.raises(Erased):
            late("default", "a")


def test_a_job_is_not_forgotten_before_it_has_ended(jobs):
    jobs.submit(make_job_request("a"))
    before = jobs.get("default", "a")
    jobs.forget("default", "a")
    assert jobs.get("default", "a") == before


def test_starting_over_cancels_the_unanswered_turns_and_hides_the_answered_ones(jobs, redis):
    for name in "abcd":
        jobs.submit(make_job_request(name, recording=name == "d"))
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    run_stage(jobs, "llm")
    assert jobs.reset("default", "anna") == ["default/b", "default/c", "default/d"]
    assert [jobs.get("default", name).state for name in "abcd"] == [State.SUCCEEDED] + 3 * [State.CANCELED]
    assert turns(redis, "default", "anna") == []


@pytest.mark.parametrize("stage", RESULTS)
def test_starting_over_wins_over_a_late_answer(jobs, stage):
    jobs.submit(make_job_request("a"))
    job = reach(jobs, stage)
    jobs.reset("default", "anna")
    assert jobs.complete(stage, job, RESULTS[stage]) == (False, [])
    assert jobs.get("default", "a").state == State.CANCELED


def test_a_session_that_was_started_over_answers_new_turns(jobs, redis):
    for name in "ab":
        jobs.submit(make_job_request(name, recording=False))
    claim_job(jobs, "llm", OTHER)
    jobs.reset("default", "anna")
    assert jobs.submit(make_job_request("c", recording=False)).ready_jobs == [ReadyJob("llm", "default/c")]
    assert run_stage(jobs, "llm")[0] == "default/c"
    assert [job.id for job in turns(redis, "default", "anna")] == ["c"]


def test_only_a_session_in_which_something_was_said_can_be_started_over(jobs):
    jobs.submit(make_job_request("a", session="ben"))
    with pytest.raises(UnknownSession):
        jobs.reset("default", "anna")
    jobs.erase("default", "ben")
    with pytest.raises(UnknownSession):
        jobs.reset("default", "ben")


@pytest.mark.parametrize("stage", RESULTS)
def test_erasing_a_session_wins_over_a_late_answer(jobs, redis, stage):
    jobs.submit(make_job_request("a"))
    jobs.submit(make_job_request("b"))
    job = reach(jobs, stage)
    assert jobs.erase("default", "anna") == ["default/a", "default/b"]
    assert jobs.complete(stage, job, RESULTS[stage]) == (False, [])
    assert jobs.renew(stage, [job]) == ["default/a"]
    for name in "ab":
        with pytest.raises(Erased):
            jobs.get("default", name)
    with pytest.raises(UnknownSession):
        existing_turns(redis, "default", "anna")
    assert jobs.submit(make_job_request("c")).ready_jobs == [ReadyJob("asr", "default/c")]


def test_an_erased_session_leaves_no_text(jobs, redis):
    jobs.submit(make_job_request("a"))
    job = reach(jobs, "tts")
    jobs.erase("default", "anna")
    jobs.complete("tts", job, RESULTS["tts"])
    assert redis.hgetall("waijiao:job:default/a") == {"erased": "1"}
    kept = [redis.hgetall(key) for key in redis.scan_iter("*", _type="hash")]
    assert not [record for record in kept if TRANSCRIPT.text in str(record)]
    assert not redis.exists(
        "waijiao:leases", "waijiao:deadlines", "waijiao:unfinished:default", "waijiao:leased:worker"
    )
