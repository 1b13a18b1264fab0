"""In whatever order things happen, the real scripts do what the reference model does, also when each runs twice.

Here are the rules for lessons and homework; those for conversations are in stateful_rules.py.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as checks
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from pipeline.homework.assignments import Assignment, Assignments, Student
from pipeline.jobs.results import Feedback
from pipeline.jobs.store import Jobs
from tests.integration.jobs.reference_model import (
    ATTEMPTS,
    MAX_SERVER_JOBS,
    MAX_SESSION_JOBS,
    MAX_TENANT_JOBS,
    STUDENTS,
    Turn,
)
from tests.integration.jobs.snapshots import HOMEWORK, SESSIONS
from tests.integration.jobs.stateful_rules import Records, call_or_code, make_turn
from tests.integration.jobs.test_idempotent_scripts import RepeatingJobs

BOUNDS = {"max_jobs": MAX_SERVER_JOBS, "max_jobs_tenant": MAX_TENANT_JOBS, "max_jobs_session": MAX_SESSION_JOBS}
TENANT, ID = HOMEWORK.split("/")
SET = Assignment(ID, TENANT, "Homework", students=tuple(map(Student, STUDENTS)))


class AllRecords(Records):
    """Adds lessons, homework and held answers to what happens in conversations."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs)
        self.assign()

    @initialize(what=st.sampled_from(["a lesson", "homework", "held homework"]))
    def begin_lessons_and_homework(self, what):
        if what == "a lesson":
            self.submit_lesson(SESSIONS[0])
            for lesson in self.lessons():  # none when too many wait
                for number in (1, 2):
                    self.submit_turn(lesson, number)
        else:
            for student in STUDENTS:
                self.hand_in(student, "aa", what == "held homework")

    # --- lessons

    @rule(session=st.sampled_from(SESSIONS))
    def submit_lesson(self, session):
        self.submit_one(replace(self.request(session, recording=True), task="lesson", text=""))

    @precondition(lambda self: self.lessons())
    @rule(data=st.data(), number=st.sampled_from([1, 2]))
    def submit_turn_of_lesson(self, data, number):
        """A worker submits a turn, perhaps again or late because it was wrongly taken for dead."""
        lesson = self.draw(data, [turn for turn in self.lessons() if not turn.ended], self.lessons())
        self.submit_turn(lesson, number)

    def submit_turn(self, lesson: Turn, number: int) -> None:
        id_ = f"{lesson.name.split('/')[1]}-{number}"
        job_request = replace(self.request(f"{lesson.tenant}/{id_}", recording=True), id=id_, lesson=id_[:-2])
        job_request = replace(job_request, task="turn" if number == 1 else "transcribe", details={"number": number})
        if job_request.name not in self.model.erased:
            self.submit_one(job_request)

    def lessons(self) -> list[Turn]:
        return [
            turn
            for turn in self.model.turns.values()
            if "segment" in turn.stages and turn.stage in {"segment", "parts"}
        ]

    # --- answers that are held

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data(), edit=st.booleans(), go=st.booleans())
    def review(self, data, edit, go):
        turn, before = self.draw(data, self.held_turns(), [*self.model.turns.values()]), self.ready()
        feedback = Feedback(*[f"better {next(self.numbers)}"] * 4) if edit else None
        done, ready_jobs = self.jobs.review(self.job(turn), feedback, go)
        assert done == self.model.review(turn.name, feedback, go)
        self.compare_ready(ready_jobs, before)

    def held_turns(self) -> list[Turn]:
        return [turn for turn in self.model.unfinished() if turn.stage == "hold"]

    # --- homework

    @rule(
        student=st.sampled_from(STUDENTS),
        sha256=st.sampled_from(["aa", "bb"]),
        hold=st.booleans(),
        session=st.sampled_from(["", *(each.split("/")[1] for each in SESSIONS if each.startswith(f"{TENANT}/"))]),
    )
    def hand_in(self, student, sha256, hold, session=""):
        job_request = self.request(f"{TENANT}/x", recording=True)
        session = session or job_request.id
        whole = replace(job_request, session=session, assignment=ID, student=student, sha256=sha256, hold=hold)
        self.submit_one(replace(whole, webhook="http://x", webhook_events=("assignment.completed",)))

    @precondition(lambda self: self.rerunnable())
    @rule(data=st.data())
    def rerun(self, data):
        """From the language model on, with the same transcript."""
        turn, before = data.draw(st.sampled_from(self.rerunnable())), self.ready()
        job, job_request = self.job(turn), self.repeat_request(turn)
        if job.request.session == job.id:
            job_request = replace(job_request, session=job_request.id)
        answer = call_or_code(self.jobs.rerun, job, job_request, "llm", {"transcript": job.transcript})
        again = make_turn(job_request)
        again.stages = again.stages[again.stages.index("llm") :]
        self.compare_accepted(answer, self.model.rerun(turn.name, again), job_request, before)

    def rerunnable(self) -> list[Turn]:
        turns = [turn for turn in self.model.turns.values() if "transcript" in turn.facts and "llm" in turn.stages]
        return [turn for turn in turns if not self.is_too_late(turn)]

    @precondition(lambda self: not self.model.assigned)
    @rule()
    def assign(self):
        Assignments(self.jobs).put(SET, replace=True)
        self.model.assigned = True

    @precondition(lambda self: self.model.submissions)
    @rule()
    def erase_assignment(self):
        assert Assignments(self.jobs).erase(TENANT, ID) == self.model.unassign()


@pytest.mark.parametrize("kind", [Jobs, RepeatingJobs])
def test_the_records_equal_the_reference_model(redis, settings, kind):
    redis.config_set("appendfsync", "no")  # nothing must survive here, and the disk is slow
    jobs = kind(redis, settings.model_copy(update={**BOUNDS, "attempts": ATTEMPTS}))
    limits = checks(max_examples=100, stateful_step_count=40, derandomize=True, deadline=None, database=None)
    run_state_machine_as_test(
        lambda: AllRecords(jobs), settings=checks(limits, suppress_health_check=list(HealthCheck))
    )
