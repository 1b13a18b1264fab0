"""Who handed in what, and when a class is complete: decided in the scripts, also when their answers are lost."""

from dataclasses import replace

import pytest

from pipeline.errors import NoSpeech, UnknownAssignment
from pipeline.homework.assignments import Assignment, Assignments, Student
from pipeline.jobs.job import JobRequest, State
from pipeline.jobs.store import Jobs
from tests.integration.jobs.test_idempotent_scripts import RepeatingJobs
from tests.support.job_steps import TRANSCRIPT, claim_job, let_job_die, make_job_request, run_stage

HOMEWORK = Assignment("hw", "default", "Homework", students=(Student("Ann"), Student("Ben")))


@pytest.fixture(params=[False, True], ids=["said once", "said twice"])
def jobs(request, redis, settings) -> Jobs:
    """With plain records, and with records that run every script twice, as after a lost answer."""
    jobs = (RepeatingJobs if request.param else Jobs)(redis, settings)
    Assignments(jobs).put(HOMEWORK, replace=False)
    return jobs


def homework_request(id_: str, student: str, sha256: str) -> JobRequest:
    request = replace(make_job_request(id_, session=id_), text="", assignment="hw", student=student, sha256=sha256)
    return replace(request, webhook="http://there", webhook_events=("assignment.completed",))


def hand_in(jobs: Jobs, id_: str, student: str = "Ann", sha256: str = "aa") -> tuple[str, bool]:
    """Submit a recording; return the id of the job that counts, and whether it existed before."""
    accepted = jobs.submit(homework_request(id_, student, sha256))
    return accepted.job.id, accepted.earlier


def read_submissions(jobs: Jobs) -> dict[str, str]:
    return {student: job.id for student, job in Assignments(jobs).get("default", "hw").jobs.items()}


def completing_jobs(jobs: Jobs) -> list[str]:
    """The jobs whose end made the class complete."""
    names = [name for key in jobs.redis.scan_iter("waijiao:deliveries:*/*") for name in jobs.redis.zrange(key, 0, -1)]
    return [name.split("/")[1] for name in names]


def answer(jobs: Jobs) -> None:
    for stage in ("asr", "llm", "tts"):
        while jobs.waiting()[stage]:
            run_stage(jobs, stage)


def test_the_same_recording_is_one_job_while_it_waits_and_when_it_is_answered(jobs):
    assert hand_in(jobs, "first") == ("first", False)
    assert hand_in(jobs, "again") == ("first", True)
    answer(jobs)
    assert hand_in(jobs, "late") == ("first", True)
    assert not jobs.has("default/again")


def test_another_recording_replaces_one_that_waits(jobs):
    hand_in(jobs, "first")
    assert hand_in(jobs, "better", sha256="bb") == ("better", False)
    assert (jobs.get("default", "first").state, read_submissions(jobs)) == (State.CANCELED, {"Ann": "better"})
    assert hand_in(jobs, "first-again") == ("first-again", False)


def test_a_failed_recording_may_be_repeated_and_two_students_may_submit_the_same(jobs):
    hand_in(jobs, "first")
    jobs.fail("asr", claim_job(jobs, "asr"), NoSpeech(), again=False)
    assert hand_in(jobs, "again") == ("again", False)
    assert hand_in(jobs, "ben", "Ben") == ("ben", False)


def test_a_class_is_complete_when_its_last_student_is_answered_and_not_before(jobs):
    hand_in(jobs, "ann")
    answer(jobs)
    assert completing_jobs(jobs) == []
    hand_in(jobs, "ben", "Ben", "bb")
    hand_in(jobs, "ann-again", sha256="cc")
    run_stage(jobs, "asr")
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    assert (jobs.get("default", "ben").state, completing_jobs(jobs)) == (State.SUCCEEDED, [])
    answer(jobs)
    assert completing_jobs(jobs) == ["ann-again"]


def test_a_class_is_complete_also_when_its_last_job_fails(jobs):
    hand_in(jobs, "ann")
    hand_in(jobs, "ben", "Ben", "bb")
    answer(jobs)
    assert completing_jobs(jobs) == ["ben"]
    hand_in(jobs, "ben-again", "Ben", "cc")
    let_job_die(jobs, "asr")
    assert completing_jobs(jobs) == ["ben", "ben-again"]


def test_a_rerun_of_a_replaced_job_replaces_nothing(jobs):
    hand_in(jobs, "first")
    run_stage(jobs, "asr")
    first = jobs.get("default", "first")
    hand_in(jobs, "better", sha256="bb")
    jobs.rerun(first, replace(first.request, id="anew", recording=""), "llm", {"transcript": TRANSCRIPT})
    assert read_submissions(jobs) == {"Ann": "better"}


def test_an_erased_job_is_no_submission(jobs):
    hand_in(jobs, "ann")
    assert Assignments(jobs).erase("default", "hw") == ["default/ann"]
    with pytest.raises(UnknownAssignment):
        hand_in(jobs, "again")
    Assignments(jobs).put(HOMEWORK, replace=False)
    assert read_submissions(jobs) == {}


@pytest.mark.parametrize("stage", ["asr", "llm"])
@pytest.mark.parametrize("claimed", [False, True])
def test_erasing_an_assignment_lets_the_next_turn_of_each_session_pass(jobs, stage, claimed):
    jobs.submit(replace(homework_request("homework", "Ann", "aa"), session="shared"))
    for id_ in ("next", "after it"):
        jobs.submit(make_job_request(id_, session="shared", recording=False))
    if stage == "llm":
        run_stage(jobs, "asr")
    if claimed:
        claim_job(jobs, stage)
    assert jobs.get("default", "next").attempts == {}
    Assignments(jobs).erase("default", "hw")
    assert run_stage(jobs, "llm")[0] == "default/next"
    assert run_stage(jobs, "llm")[0] == "default/after it"


def test_erasing_one_of_two_assignments_of_a_session_lets_the_other_pass(jobs):
    Assignments(jobs).put(replace(HOMEWORK, id="other"), replace=False)
    for id_, assignment in (("a", "hw"), ("b", "hw"), ("c", "other"), ("d", "hw"), ("e", "other")):
        jobs.submit(replace(homework_request(id_, f"student {id_}", id_), session="shared", assignment=assignment))
        run_stage(jobs, "asr")
    Assignments(jobs).erase("default", "hw")
    assert [run_stage(jobs, "llm")[0] for _ in range(2)] == ["default/c", "default/e"]


def test_a_turn_whose_record_was_lost_holds_nobody(jobs, redis):
    for id_ in ("lost", "next", "last"):
        jobs.submit(make_job_request(id_, session="shared", recording=id_ == "next"))
    redis.delete("waijiao:job:default/lost")
    run_stage(jobs, "asr")
    assert run_stage(jobs, "llm")[0] == "default/next"
    assert run_stage(jobs, "llm")[0] == "default/last"
