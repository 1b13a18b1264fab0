"""Answers that are held for review, and lessons that wait for their turns."""

import time
from dataclasses import replace

import pytest

from pipeline.errors import Canceled, EngineFailed, Erased, NoSpeech, UnknownJob
from pipeline.jobs.job import State
from pipeline.jobs.results import LessonSegment, LessonSegments
from pipeline.jobs.store import Jobs, ReadyJob
from pipeline.settings import Settings
from tests.integration.jobs.test_idempotent_scripts import RepeatingJobs
from tests.support.job_steps import ANSWER, FEEDBACK, TRANSCRIPT, claim_job, let_job_die, make_job_request, run_stage

SEGMENTS = LessonSegments(12.0, (LessonSegment(1, 0.5, 4.0), LessonSegment(2, 5.0, 11.0)))
BETTER = replace(FEEDBACK, spoken="Much better.")


@pytest.fixture(params=[False, True], ids=["said once", "said twice"])
def jobs(request, redis, settings) -> Jobs:
    """With plain records, and with records that run every script twice, as after a lost answer."""
    return (RepeatingJobs if request.param else Jobs)(redis, settings)


def to_hold(jobs: Jobs, id_: str = "a"):
    jobs.submit(replace(make_job_request(id_, session=id_), hold=True))
    run_stage(jobs, "asr")
    name, ready_jobs = run_stage(jobs, "llm")
    assert (name, ready_jobs) == (f"default/{id_}", [])
    return jobs.get("default", id_)


def test_an_answer_that_is_to_be_held_waits_unspoken_until_it_is_released(jobs):
    held = to_hold(jobs)
    assert (held.state, held.stage, held.ended_at) == (State.HELD, "hold", None)
    assert jobs.claim("tts", "worker", 1)[0] == []
    assert jobs.review(held, None, release=True) == (True, [ReadyJob("tts", "default/a")])
    assert jobs.get("default", "a").state == State.SPEAKING
    run_stage(jobs, "tts")
    assert jobs.get("default", "a").state == State.SUCCEEDED


def test_a_teacher_s_correction_replaces_the_model_s_and_is_spoken(jobs):
    held = to_hold(jobs)
    assert jobs.review(held, BETTER, release=False) == (True, [])
    assert jobs.get("default", "a").state == State.HELD
    jobs.review(held, None, release=True)
    assert claim_job(jobs, "tts").feedback == BETTER


def test_only_held_answers_can_be_reviewed(jobs):
    jobs.submit(replace(make_job_request("a"), hold=True))
    assert jobs.review(jobs.get("default", "a"), BETTER, release=True) == (False, [])
    run_stage(jobs, "asr")
    run_stage(jobs, "llm")
    held = jobs.get("default", "a")
    jobs.review(held, None, release=True)
    assert jobs.review(held, BETTER, release=True) == (False, [])
    assert jobs.get("default", "a").feedback == FEEDBACK


def test_a_held_answer_is_kept_for_the_retention_time(jobs, redis, settings):
    held = to_hold(jobs)
    assert held.deadline_at - held.updated_at == pytest.approx(settings.retention_h * 3600, abs=1)
    jobs.review(held, None, release=True)
    released = jobs.get("default", "a")
    assert released.deadline_at - released.updated_at == pytest.approx(settings.deadline_s, abs=1)


def test_a_held_answer_does_not_delay_later_turns(jobs):
    jobs.submit(replace(make_job_request("a"), hold=True))
    jobs.submit(make_job_request("b", recording=False))
    run_stage(jobs, "asr")
    run_stage(jobs, "llm")
    assert run_stage(jobs, "llm")[0] == "default/b"


def test_a_held_answer_can_be_canceled_and_erased(jobs):
    held = to_hold(jobs)
    assert jobs.cancel("default", "a") == (True, [])
    assert jobs.get("default", "a").error["stage"] == "hold"
    assert jobs.review(held, None, release=True) == (False, [])
    jobs.forget("default", "a")
    with pytest.raises(Erased):
        jobs.get("default", "a")


# --- a lesson and its turns


def lesson(jobs: Jobs, id_: str = "lesson"):
    job_request = replace(make_job_request(id_, session=id_), task="lesson", lane="bulk", text="")
    jobs.submit(job_request)
    return job_request


def turn(jobs: Jobs, number: int, id_: str = "lesson") -> str:
    job_request = replace(
        make_job_request(f"{id_}-{number}", session=f"{id_}-{number}"),
        task="turn", lane="bulk", lesson=id_, details={"number": number}, text="",
    )  # fmt: skip
    jobs.submit(job_request)
    return job_request.name


def segment(jobs: Jobs, turns: int = 2) -> list[str]:
    job = claim_job(jobs, "segment", "segmenter")
    names = [turn(jobs, number) for number in range(1, turns + 1)]
    assert jobs.complete("segment", job, SEGMENTS)[0]
    return names


def test_a_lesson_waits_for_its_turns_and_is_then_summarised_and_spoken(jobs):
    lesson(jobs)
    names = segment(jobs)
    waiting = jobs.get("default", "lesson")
    assert (waiting.state, waiting.segments, jobs.turns_of(waiting)) == (State.LISTENING, SEGMENTS, names)
    for _ in names:
        run_stage(jobs, "asr")
    assert [run_stage(jobs, "llm")[0] for _ in range(3)] == [*names, "default/lesson"]
    run_stage(jobs, "tts")
    assert jobs.get("default", "lesson").state == State.SUCCEEDED
    assert jobs.get("default", "lesson-1").state == State.SUCCEEDED


def test_a_lesson_whose_turns_are_done_at_its_segmentation_continues_at_once(jobs):
    lesson(jobs)
    job = claim_job(jobs, "segment", "segmenter")
    turn(jobs, 1)
    run_stage(jobs, "asr")
    assert run_stage(jobs, "llm")[1] == []
    assert jobs.complete("segment", job, SEGMENTS) == (True, [ReadyJob("llm", "default/lesson")])


def test_failed_turns_fail_neither_other_turns_nor_the_lesson(jobs):
    lesson(jobs)
    segment(jobs)
    assert jobs.fail("asr", claim_job(jobs, "asr"), NoSpeech(), again=False) == []
    let_job_die(jobs, "asr")
    assert claim_job(jobs, "llm").id == "lesson"


def test_a_turn_submitted_twice_is_one_job_and_is_refused_after_the_lesson_s_end(jobs):
    lesson(jobs)
    job = claim_job(jobs, "segment", "segmenter")
    turn(jobs, 1)
    turn(jobs, 1)
    assert jobs.turns_of(job) == ["default/lesson-1"]
    jobs.cancel("default", "lesson")
    with pytest.raises(Canceled):
        turn(jobs, 2)


def test_canceling_a_lesson_cancels_its_turns(jobs):
    lesson(jobs)
    segment(jobs)
    jobs.cancel("default", "lesson")
    assert [jobs.get("default", f"lesson-{number}").state for number in (1, 2)] == [State.CANCELED] * 2
    assert jobs.claim("asr", "worker", 9)[0] == []


def test_erasing_a_lesson_erases_its_turns(jobs, redis):
    lesson(jobs)
    segment(jobs)
    run_stage(jobs, "asr")
    jobs.cancel("default", "lesson")
    jobs.forget("default", "lesson")
    for id_ in ("lesson", "lesson-1", "lesson-2"):
        with pytest.raises(Erased):
            jobs.get("default", id_)
    assert not any(TRANSCRIPT.text in str(redis.hgetall(key)) for key in redis.keys("waijiao:job:*"))
    assert not redis.exists("waijiao:children:default/lesson", "waijiao:parts:default/lesson")


def test_the_turns_are_kept_as_long_as_their_lesson(jobs, redis):
    lesson(jobs)
    segment(jobs)
    for stage in ("asr", "asr", "llm", "llm"):
        run_stage(jobs, stage)
    redis.expire("waijiao:job:default/lesson-1", 10)
    run_stage(jobs, "llm")
    run_stage(jobs, "tts", ANSWER)
    assert redis.ttl("waijiao:job:default/lesson-1") > 3600


def test_a_lesson_is_segmented_again_after_its_worker_died_and_keeps_the_turns_there_are(redis, settings):
    jobs = Jobs(redis, Settings(**{**settings.model_dump(exclude_unset=True), "lease_s": 0}))
    lesson(jobs)
    claim_job(jobs, "segment", "segmenter")
    turn(jobs, 1)
    assert jobs.sweep({"segment": "queue:segment"}) != []
    again = claim_job(jobs, "segment", "another")
    assert (again.id, jobs.turns_of(again), jobs.has("default/lesson-1")) == ("lesson", ["default/lesson-1"], True)


def test_a_lesson_without_a_summary_is_retried_with_the_same_turns(jobs):
    lesson(jobs)
    segment(jobs)
    for stage in ("asr", "asr", "llm", "llm"):
        run_stage(jobs, stage)
    for _ in range(jobs.settings.attempts):
        jobs.fail("llm", claim_job(jobs, "llm"), EngineFailed(), again=True)
    dead = jobs.get("default", "lesson")
    accepted = jobs.retry(dead, replace(dead.request, id="again", details={"turns_of": "lesson"}))
    assert (accepted.job.segments, accepted.job.request.turns_of) == (SEGMENTS, "lesson")
    assert claim_job(jobs, "llm").id == "again"


def test_turns_are_kept_at_least_as_long_as_their_lesson_waits(jobs, redis):
    jobs.submit(
        replace(make_job_request("lesson", session="lesson"), task="lesson", lane="bulk", text="", retention_h=1)
    )
    claim_job(jobs, "segment", "segmenter")
    jobs.submit(
        replace(
            make_job_request("first", session="first"),
            task="transcribe",
            lesson="lesson",
            details={"number": 1},
            retention_h=1,
        )
    )
    run_stage(jobs, "asr")
    assert redis.ttl("waijiao:job:default/first") == -1  # it is kept
    jobs.cancel("default", "lesson")
    assert redis.ttl("waijiao:job:default/first") == redis.ttl("waijiao:job:default/lesson") <= 3600


def test_the_other_speaker_s_turns_of_a_lesson_sent_again_are_transcribed_again(jobs):
    for id_ in ("lesson", "again"):
        lesson(jobs, id_)
        claim_job(jobs, "segment", "segmenter")
        other = replace(
            make_job_request(f"{id_}-1", session=f"{id_}-1"), task="transcribe", lesson=id_, details={"number": 1}
        )
        jobs.submit(replace(other, sha256="00"))
        assert run_stage(jobs, "asr")[0] == f"default/{id_}-1"


def test_erasing_a_session_returns_its_lessons_turns_so_that_their_recordings_are_removed(jobs):
    lesson(jobs)
    names = segment(jobs)
    assert set(jobs.erase("default", "lesson")) == {"default/lesson", *names}
    assert jobs.claim("asr", "worker", 9)[0] == []


def test_a_lesson_can_be_erased_after_one_of_its_turns_was(jobs):
    lesson(jobs)
    segment(jobs)
    jobs.cancel("default", "lesson-1")
    jobs.forget("default", "lesson-1")
    jobs.cancel("default", "lesson")
    jobs.forget("default", "lesson")
    for id_ in ("lesson", "lesson-1", "lesson-2"):
        with pytest.raises(Erased):
            jobs.get("default", id_)


def test_a_lesson_can_be_erased_although_the_record_of_a_turn_is_gone(jobs):
    lesson(jobs)
    segment(jobs)
    jobs.cancel("default", "lesson")
    jobs.redis.delete("waijiao:job:default/lesson-1")
    jobs.forget("default", "lesson")
    with pytest.raises(Erased):
        jobs.get("default", "lesson-2")
    with pytest.raises(UnknownJob):
        jobs.get("default", "lesson-1")


@pytest.mark.parametrize(("hours", "code"), [(0.5, "worker_lost"), (1.5, "too_slow")])
@pytest.mark.parametrize("found_by", ["the sweep", "the next child"])
def test_a_lesson_may_be_segmented_for_as_long_as_lessons_may(redis, settings, hours, code, found_by):
    jobs = Jobs(redis, Settings(**{**settings.model_dump(exclude_unset=True), "lease_s": 0, "attempts": 1}))
    lesson(jobs)
    claim_job(jobs, "segment", "segmenter")
    redis.hset("waijiao:job:default/lesson", "claimed_at", time.time() - 3600 * hours)
    if found_by == "the sweep":
        jobs.sweep({"segment": "queue:segment"})
    else:
        jobs.claim("segment", "segmenter", 1)
    assert jobs.get("default", "lesson").error["code"] == code
