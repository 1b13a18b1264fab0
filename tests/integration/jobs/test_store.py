"""Records in a real Redis: how a job moves, who may move it, and what can never happen."""

import time
from dataclasses import replace

import pytest

from pipeline.errors import BadAudio, EngineFailed, UnknownJob, UnknownSession
from pipeline.jobs.job import State
from pipeline.jobs.listing import existing_turns, turns
from pipeline.jobs.records import read_json, to_json
from pipeline.jobs.results import Transcript
from pipeline.jobs.store import ReadyJob
from tests.support.job_steps import (
    ANSWER,
    FEEDBACK,
    OTHER,
    RESET_FEEDBACK,
    RESULTS,
    TRANSCRIPT,
    WORKER,
    claim_job,
    let_job_die,
    make_job_request,
    reach,
    run_stage,
)


def test_a_job_goes_through_all_three_stages(jobs):
    assert jobs.submit(make_job_request("a")).ready_jobs == [ReadyJob("asr", "default/a")]
    assert jobs.get("default", "a").state == State.QUEUED
    assert run_stage(jobs, "asr") == ("default/a", [ReadyJob("llm", "default/a")])
    assert jobs.get("default", "a").state == State.THINKING
    assert run_stage(jobs, "llm") == ("default/a", [ReadyJob("tts", "default/a")])
    assert run_stage(jobs, "tts") == ("default/a", [])
    job = jobs.get("default", "a")
    assert (job.state, job.outcome, job.transcript, job.feedback, job.answer) == (
        State.SUCCEEDED, "answered", TRANSCRIPT, FEEDBACK, ANSWER,
    )  # fmt: skip
    assert job.attempts == {"asr": 1, "llm": 1, "tts": 1}


def test_text_alone_skips_recognition(jobs):
    assert jobs.submit(make_job_request("a", recording=False)).ready_jobs == [ReadyJob("llm", "default/a")]


def test_a_claim_finds_nothing_when_a_message_is_repeated(jobs):
    jobs.submit(make_job_request("a"))
    assert len(jobs.claim("asr", WORKER, 1)[0]) == 1
    assert jobs.claim("asr", OTHER, 1) == ([], [])


def test_jobs_are_claimed_in_the_order_accepted(jobs):
    for name in "cab":
        jobs.submit(make_job_request(name, session=name))
    batch, _ = jobs.claim("asr", WORKER, 2)
    assert [job.id for job in batch] == ["c", "a"]


def test_a_stale_fence_is_refused(jobs):
    jobs.submit(make_job_request("a"))
    (first,), _ = jobs.claim("asr", WORKER, 1)
    (second,), _ = jobs.claim("asr", WORKER, 1)
    assert jobs.complete("asr", first, TRANSCRIPT) == (False, [])
    assert jobs.complete("asr", second, TRANSCRIPT)[0]


def test_a_second_completion_changes_nothing(jobs):
    jobs.submit(make_job_request("a"))
    (job,), _ = jobs.claim("asr", WORKER, 1)
    jobs.complete("asr", job, TRANSCRIPT)
    before = jobs.get("default", "a")
    assert jobs.complete("asr", job, Transcript("other", "en", 1.0)) == (True, [ReadyJob("llm", "default/a")])
    assert jobs.get("default", "a") == before


def test_later_turns_wait_for_the_earlier_ones_before_the_language_model(jobs):
    jobs.submit(make_job_request("a"))
    jobs.submit(make_job_request("b"))
    jobs.submit(make_job_request("other", session="ben"))
    batch, _ = jobs.claim("asr", WORKER, 3)
    by_id = {job.id: job for job in batch}
    ready_jobs = [jobs.complete("asr", by_id[name], TRANSCRIPT)[1] for name in ("other", "b", "a")]
    assert ready_jobs == [[ReadyJob("llm", "default/other")], [], [ReadyJob("llm", "default/a")]]
    assert {job.id for job in jobs.claim("llm", WORKER, 9)[0]} == {"a", "other"}


def test_an_answered_turn_lets_the_next_one_pass(jobs):
    for name in "ab":
        jobs.submit(make_job_request(name))
        run_stage(jobs, "asr")
    assert run_stage(jobs, "llm") == ("default/a", [ReadyJob("llm", "default/b"), ReadyJob("tts", "default/a")])


def test_a_failed_turn_lets_the_next_one_pass(jobs):
    jobs.submit(make_job_request("a"))
    jobs.submit(make_job_request("b", recording=False))
    (job,), _ = jobs.claim("asr", WORKER, 1)
    assert jobs.fail("asr", job, BadAudio("damaged"), again=False) == [ReadyJob("llm", "default/b")]
    failed = jobs.get("default", "a")
    assert (failed.state, failed.error["code"], failed.error["stage"]) == (State.FAILED, "bad_audio", "asr")


def test_a_failing_engine_is_tried_as_often_as_attempts_say(jobs, settings):
    jobs.submit(make_job_request("a"))
    for left in reversed(range(settings.attempts)):
        (job,), _ = jobs.claim("asr", WORKER, 1)
        ready_jobs = jobs.fail("asr", job, EngineFailed("broken"), again=True)
        assert ready_jobs == ([ReadyJob("asr", "default/a")] if left else [])
    assert jobs.get("default", "a").error["code"] == "engine_failed"


def test_a_dead_child_s_work_is_taken_back_by_the_next_child(jobs, settings):
    jobs.submit(make_job_request("a"))
    for attempt in range(settings.attempts):
        batch, _ = jobs.claim("asr", WORKER, 1)
        assert [job.attempts["asr"] for job in batch] == [attempt + 1]
    assert jobs.claim("asr", WORKER, 1) == ([], [])
    assert jobs.get("default", "a").error["code"] == "worker_lost"


def test_released_work_costs_no_attempt(jobs):
    jobs.submit(make_job_request("a"))
    (job,), _ = jobs.claim("asr", WORKER, 1)
    assert jobs.release(OTHER) == []
    assert jobs.release(WORKER) == [ReadyJob("asr", "default/a")]
    assert jobs.complete("asr", job, TRANSCRIPT) == (False, [])
    assert jobs.claim("asr", WORKER, 1)[0][0].attempts == {"asr": 1}


@pytest.mark.parametrize("stage", RESULTS)
def test_a_released_job_is_claimed_by_the_next_worker_at_the_same_stage(jobs, stage):
    jobs.submit(make_job_request("a"))
    first = reach(jobs, stage)
    jobs.release(WORKER)
    assert jobs.renew(stage, [first]) == ["default/a"]
    assert jobs.fail(stage, first, EngineFailed(), again=False) == []
    again = claim_job(jobs, stage, OTHER)
    assert (again.attempts, again.error) == (first.attempts, None)
    assert jobs.complete(stage, again, RESULTS[stage])[0]


def test_a_job_may_be_released_any_number_of_times(jobs, settings):
    jobs.submit(make_job_request("a"))
    for _ in range(2 * settings.attempts):
        claim_job(jobs, "asr")
        jobs.release(WORKER)
    let_job_die(jobs, "asr")
    assert jobs.get("default", "a").attempts == {"asr": settings.attempts}


def test_a_lease_that_expires_after_the_time_limit_of_the_stage_is_too_slow(jobs, settings):
    for name in ("slow", "lost"):
        jobs.submit(make_job_request(name, session=name))
    for _ in range(2 * settings.attempts + 1):
        for job in jobs.claim("asr", WORKER, 2)[0]:
            if job.id == "slow":
                jobs.redis.hincrbyfloat(f"waijiao:job:{job.name}", "claimed_at", -settings.stage_s - 1)
    assert [jobs.get("default", name).error["code"] for name in ("slow", "lost")] == ["too_slow", "worker_lost"]


def test_history_is_the_answered_turns_in_order(jobs, redis):
    for name in "abc":
        jobs.submit(make_job_request(name, recording=False))
    run_stage(jobs, "llm")
    assert [job.id for job in turns(redis, "default", "anna", before=3)] == ["a", "b"]
    assert turns(redis, "default", "anna", before=3)[0].feedback == FEEDBACK


def test_only_the_latest_turns_of_a_long_history_are_read(jobs, redis):
    for name in "abcdef":
        jobs.submit(make_job_request(name, recording=False))
    assert [job.id for job in turns(redis, "default", "anna", before=6, limit=2)] == ["d", "e"]
    assert [job.id for job in turns(redis, "default", "anna", limit=0)] == []


def test_starting_over_hides_earlier_turns(jobs, redis):
    for name in "abc":
        jobs.submit(make_job_request(name, recording=False))
    run_stage(jobs, "llm")
    run_stage(jobs, "llm", RESET_FEEDBACK)
    assert [job.id for job in turns(redis, "default", "anna")] == ["c"]
    run_stage(jobs, "tts")
    run_stage(jobs, "tts")
    assert jobs.get("default", "b").outcome == "session_reset"


def test_tenants_never_see_each_other_s_jobs(jobs, redis):
    jobs.submit(make_job_request("a", tenant="north"))
    with pytest.raises(UnknownJob):
        jobs.get("south", "a")
    with pytest.raises(UnknownSession):
        existing_turns(redis, "south", "anna")


def test_scripts_survive_being_flushed(jobs, redis):
    jobs.submit(make_job_request("a"))
    redis.script_flush()
    assert len(jobs.claim("asr", WORKER, 1)[0]) == 1


EVERY_KIND = "\x00\x1f\x7f\\/'\" \n 你好 🎉 \u2028 \ufeff {} [] null 1e999"


def test_no_character_changes_on_the_way_through_a_script(jobs, redis):
    jobs.submit(
        replace(make_job_request("a"), text=EVERY_KIND, details={"empty": [], "none": None, "number": 2**53 + 1})
    )
    job = claim_job(jobs, "asr")
    assert (job.request.text, job.request.details) == (
        EVERY_KIND,
        {"empty": [], "none": None, "number": 2**53 + 1},
    )
    text = to_json(replace(TRANSCRIPT, text=EVERY_KIND, duration_s=0.1 + 0.2))
    jobs.complete("asr", job, read_json(Transcript, text))
    assert redis.hget("waijiao:job:default/a", "transcript") == text
    assert jobs.progress("llm", claim_job(jobs, "llm"), 1, {"text": EVERY_KIND, "parts": []})
    assert jobs.partial_results(jobs.get("default", "a")) == [(1, {"text": EVERY_KIND, "parts": []})]


def test_a_text_that_no_store_accepts_is_refused_before_redis_is_asked(jobs, redis):
    jobs.submit(make_job_request("a"))
    job = claim_job(jobs, "asr")
    before = redis.hgetall("waijiao:job:default/a")
    with pytest.raises(UnicodeEncodeError):
        jobs.complete("asr", job, replace(TRANSCRIPT, text="\ud800"))
    assert redis.hgetall("waijiao:job:default/a") == before


def test_a_record_is_kept_until_the_job_ends_and_then_for_the_retention_time(jobs, redis, settings):
    jobs.submit(make_job_request("a"))
    assert redis.ttl("waijiao:job:default/a") == -1
    jobs.cancel("default", "a")
    assert 0 < redis.ttl("waijiao:job:default/a") <= settings.retention_h * 3600


def test_a_session_forgets_turns_whose_records_expired(jobs, redis):
    for name in "abc":
        jobs.submit(make_job_request(name))
    redis.delete("waijiao:job:default/a", "waijiao:job:default/b")
    jobs.submit(make_job_request("d"))
    assert redis.zrange("waijiao:turns:default/anna", 0, -1) == ["default/c", "default/d"]


def test_every_key_has_a_time_to_live_or_is_an_index(jobs, redis):
    jobs.submit(make_job_request("a"))
    for stage in RESULTS:
        run_stage(jobs, stage)
    lasting = {key for key in redis.scan_iter("*") if redis.ttl(key) < 0}
    assert lasting == {"waijiao:accepted", "waijiao:ended", "waijiao:histograms"}


def test_a_job_that_was_tried_before_is_claimed_alone(jobs):
    for name in "abcd":
        jobs.submit(make_job_request(name, session=name))
    assert [job.id for job in jobs.claim("asr", WORKER, 3)[0]] == ["a", "b", "c"]
    again = []
    for _ in range(3):  # each time the worker dies, and its next child claims
        batch = jobs.claim("asr", WORKER, 3)[0]
        again.append([job.id for job in batch])
        assert jobs.complete("asr", batch[0], TRANSCRIPT)[0]
    assert again == [["a"], ["b"], ["c"]]
    assert [job.id for job in jobs.claim("asr", WORKER, 3)[0]] == ["d"]


def test_a_batch_ends_before_a_job_that_was_tried_before(jobs):
    begun = time.time()

    def hand_in(name: str, due_h: int) -> None:
        jobs.submit(replace(make_job_request(name, session=name), lane="homework", due=begun + 3600 * due_h))

    hand_in("tried", 5)
    jobs.fail("asr", claim_job(jobs, "asr"), EngineFailed(), again=True)
    for name in ("first", "second"):  # which are due before it
        hand_in(name, 2)
    assert [job.id for job in jobs.claim("asr", WORKER, 9)[0]] == ["first", "second"]
    hand_in("last", 7)
    assert [job.id for job in jobs.claim("asr", OTHER, 9)[0]] == ["tried"]  # in its old place, before the last one
