"""No index is gone before the records that it names, however late they end, and none names a record that is gone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.errors import EngineFailed, Erased, UnknownAssignment, UnknownJob
from pipeline.homework.assignments import Assignment, Assignments, Student
from pipeline.jobs.job import Job
from pipeline.jobs.store import PREFIX, Jobs
from pipeline.settings import Settings
from tests.integration.jobs.snapshots import find_index_faults, find_names_left, read_keys
from tests.integration.jobs.test_held_and_waiting import lesson, segment
from tests.support.job_steps import FEEDBACK, claim_job, make_job_request, run_stage
from tests.support.redis_clock import RedisClock

DAY_S = 86_400
HOMEWORK = Assignment("hw", "default", "Homework", students=(Student("Ann"), Student("Ben")))


@pytest.fixture
def clock(cluster, tmp_path_factory) -> RedisClock:
    return RedisClock(cluster, tmp_path_factory.mktemp("clock"))


def hand_in(jobs: Jobs, id_: str, student: str = "Ann", session: str = "", **fields: object) -> Job:
    job_request = replace(make_job_request(id_, session=session or id_), assignment="hw", student=student, **fields)
    return jobs.submit(job_request).job


def hold(jobs: Jobs, id_: str, **fields: object) -> Job:
    """A job for the assignment whose answer is held."""
    hand_in(jobs, id_, hold=True, **fields)
    run_stage(jobs, "asr")
    run_stage(jobs, "llm")
    return jobs.get("default", id_)


def release_late(jobs: Jobs, clock: RedisClock) -> str:
    held = hold(jobs, "a")
    clock.move(6.9 * DAY_S)
    jobs.review(held, None, release=True)
    run_stage(jobs, "tts")
    return "a"


def correct_and_release_late(jobs: Jobs, clock: RedisClock) -> str:
    held = hold(jobs, "a")
    for _ in range(2):
        clock.move(3 * DAY_S)
        jobs.review(held, FEEDBACK, release=False)
    return release_late_again(jobs, clock, held)


def release_late_again(jobs: Jobs, clock: RedisClock, held: Job) -> str:
    clock.move(0.9 * DAY_S)
    jobs.review(held, None, release=True)
    run_stage(jobs, "tts")
    return "a"


def rerun_late(jobs: Jobs, clock: RedisClock) -> str:
    job = jobs.get("default", release_late(jobs, clock))
    clock.move(6.9 * DAY_S)
    jobs.rerun(job, replace(job.request, id="b", recording="", session="b"), "tts", {"feedback": FEEDBACK})
    run_stage(jobs, "tts")
    return "b"


def retry_late(jobs: Jobs, clock: RedisClock) -> str:
    hand_in(jobs, "a")
    run_stage(jobs, "asr")
    for _ in range(jobs.settings.attempts):
        jobs.fail("llm", claim_job(jobs, "llm"), EngineFailed(), again=True)
    clock.move(6.9 * DAY_S)
    dead = jobs.get("default", "a")
    jobs.retry(dead, replace(dead.request, id="b", recording=""))
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    return "b"


def keep_one_longer_than_others(jobs: Jobs, clock: RedisClock) -> str:
    hand_in(jobs, "a", session="shared", retention_h=24 * 90)
    run_stage(jobs, "asr")
    hand_in(jobs, "b", "Ben", session="shared", retention_h=1)
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    clock.move(50 * DAY_S)
    return "a"


LATE_ENDS = [release_late, correct_and_release_late, rerun_late, retry_late, keep_one_longer_than_others]


@pytest.mark.parametrize("end_late", LATE_ENDS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("erase", ["session", "assignment"])
def test_a_job_that_ends_late_is_erased_with_its_session_and_its_assignment(
    cluster, clock, end_late: Callable[[Jobs, RedisClock], str], erase
):
    jobs = cluster.jobs
    Assignments(jobs).put(HOMEWORK, replace=False)
    name = end_late(jobs, clock)
    clock.move(5 * DAY_S)
    job = jobs.get("default", name)
    assert find_index_faults(read_keys(jobs.redis)) == []
    if erase == "session":
        assert job.name in jobs.erase("default", job.request.conversation)
    else:
        assert job.name in Assignments(jobs).erase("default", "hw")
    with pytest.raises(Erased):
        jobs.get("default", name)
    assert find_names_left(read_keys(jobs.redis), [job.name]) == []


def test_a_released_answer_is_listed_for_as_long_as_it_is_kept(cluster, clock):
    jobs = cluster.jobs
    Assignments(jobs).put(HOMEWORK, replace=False)
    release_late(jobs, clock)
    clock.move(6.9 * DAY_S)
    assert [job.id for job in Assignments(jobs).get("default", "hw").jobs.values()] == ["a"]
    assert [each.id for each in Assignments(jobs).all("default")] == ["hw"]


@pytest.mark.parametrize("sleep_days", [10, 400])
def test_what_is_unfinished_is_found_after_any_time_in_which_nothing_ran(cluster, clock, sleep_days):
    jobs = cluster.jobs
    Assignments(jobs).put(HOMEWORK, replace=False)
    hand_in(jobs, "a", session="shared")
    lesson(jobs)
    segment(jobs)
    clock.move(sleep_days * DAY_S)
    assert find_index_faults(read_keys(jobs.redis)) == []
    assert jobs.erase("default", "shared") == ["default/a"]
    assert len(jobs.erase("default", "lesson")) == 3
    assert (
        find_names_left(read_keys(jobs.redis), ["default/a", "default/lesson", "default/lesson-1", "default/lesson-2"])
        == []
    )


def test_the_turns_of_a_lesson_are_found_while_it_is_unfinished(cluster, clock):
    jobs = cluster.jobs
    lesson(jobs)
    segment(jobs)
    run_stage(jobs, "asr")
    run_stage(jobs, "llm")
    clock.move(30 * DAY_S)
    assert find_index_faults(read_keys(jobs.redis)) == []
    assert jobs.get("default", "lesson-1").ended_at
    assert jobs.erase("default", "lesson-1") == ["default/lesson-1"]


def test_nothing_names_a_job_or_its_session_after_its_retention(cluster, clock):
    jobs = cluster.jobs
    Assignments(jobs).put(HOMEWORK, replace=False)
    hand_in(jobs, "a", session="shared")
    for stage in ("asr", "llm", "tts"):
        run_stage(jobs, stage)
    jobs.submit(make_job_request("b", session="anna", recording=False))
    jobs.cancel("default", "b")
    lesson(jobs)
    segment(jobs)
    jobs.cancel("default", "lesson")
    clock.move(7 * DAY_S - 60)
    jobs.sweep({})
    assert find_index_faults(read_keys(jobs.redis)) == []
    assert [job.id for job in Assignments(jobs).get("default", "hw").jobs.values()] == ["a"]
    clock.move(2 * DAY_S)
    jobs.sweep({})
    counters = {"accepted", "ended", "histograms", "swept-at"}
    assert {key.removeprefix(PREFIX) for key in jobs.redis.keys(f"{PREFIX}*")} <= counters
    with pytest.raises(UnknownAssignment):
        Assignments(jobs).get("default", "hw")


def test_an_assignment_is_kept_until_it_is_due_without_anything_handed_in(cluster, clock):
    jobs = cluster.jobs
    due = jobs.redis.time()[0] + 30 * DAY_S
    Assignments(jobs).put(replace(HOMEWORK, due=due), replace=False)
    clock.move(30 * DAY_S)
    jobs.sweep({})
    assert [each.id for each in Assignments(jobs).all("default")] == ["hw"]
    clock.move(9 * DAY_S)
    jobs.sweep({})
    assert Assignments(jobs).all("default") == []


@pytest.mark.parametrize("long_kept", [2, 5, 20])
def test_jobs_that_are_kept_long_do_not_keep_the_names_of_others(cluster, clock, settings: Settings, long_kept):
    jobs = Jobs(cluster.redis, settings.model_copy(update={"max_jobs": 2000, "max_jobs_tenant": 2000}))
    for number in range(long_kept):
        jobs.submit(replace(make_job_request(f"long{number}", recording=False), retention_h=24 * 365))
        jobs.cancel("default", f"long{number}")
    for number in range(300):
        jobs.submit(replace(make_job_request(f"short{number}", recording=False), retention_h=1))
        jobs.cancel("default", f"short{number}")
    clock.move(DAY_S)
    jobs.sweep({})
    jobs.sweep({})
    assert jobs.redis.zcard(f"{PREFIX}jobs:default") == jobs.redis.zcard(f"{PREFIX}turns:default/anna") == long_kept


def test_names_whose_records_were_lost_do_not_pile_up(jobs, redis):
    for number in range(400):
        jobs.submit(make_job_request(f"job{number}", recording=False))
        jobs.cancel("default", f"job{number}")
        if number >= 2:
            redis.delete(f"{PREFIX}job:default/job{number}")
    assert redis.zcard(f"{PREFIX}jobs:default") < 20


def end_by_expiry(jobs: Jobs) -> None:
    jobs.redis.delete(f"{PREFIX}job:default/a")


def end_by_erasure(jobs: Jobs) -> None:
    jobs.erase("default", "a")


def end_by_forgetting(jobs: Jobs) -> None:
    jobs.forget("default", "a")


@pytest.mark.parametrize("end", [end_by_expiry, end_by_erasure, end_by_forgetting])
@pytest.mark.parametrize("stage", ["llm", "tts"])
@pytest.mark.parametrize("assigned", [False, True])
def test_a_rerun_of_a_job_that_is_gone_is_refused_and_writes_nothing(jobs, end, stage, assigned):
    """The API read its record just before it expired, or was erased."""
    Assignments(jobs).put(HOMEWORK, replace=False)
    if assigned:
        hand_in(jobs, "a")
    else:
        jobs.submit(make_job_request("a", session="a"))
    for each in ("asr", "llm", "tts"):
        run_stage(jobs, each)
    job = jobs.get("default", "a")
    end(jobs)
    before = read_keys(jobs.redis)
    request = replace(job.request, id="b", recording="", session="b")
    with pytest.raises(UnknownJob):
        jobs.rerun(job, request, stage, {"transcript": job.transcript, "feedback": FEEDBACK})
    after = read_keys(jobs.redis)
    assert {key: found.members for key, found in after.items()} == {key: found.members for key, found in before.items()}
    assert not [key for key, found in after.items() if key.startswith("job:") and found.left_ms == -1]
