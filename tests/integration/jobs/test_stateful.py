"""Whatever happens in whatever order, the real scripts do as the plain model does; also when each is said twice.

Here are the rules of lessons and homework; those of conversations are in record_rules.py.
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
from tests.integration.jobs.reference_model import ATTEMPTS, MOST_SERVER, MOST_SESSION, MOST_TENANT, STUDENTS, Turn
from tests.integration.jobs.snapshots import HOMEWORK, SESSIONS
from tests.integration.jobs.stateful_rules import Records, told, turn_of
from tests.integration.jobs.test_idempotent_scripts import SaidTwice

BOUNDS = {"max_jobs": MOST_SERVER, "max_jobs_tenant": MOST_TENANT, "max_jobs_session": MOST_SESSION}
TENANT, ID = HOMEWORK.split("/")
SET = Assignment(ID, TENANT, "Homework", students=tuple(map(Student, STUDENTS)))


class Everything(Records):
    """Beside all that happens in conversations: lessons, homework, and answers that are held."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(jobs)
        self.assign()

    @initialize(what=st.sampled_from(["a lesson", "homework", "held homework"]))
    def begin_also(self, what):
        if what == "a lesson":
            self.leave_a_lesson(SESSIONS[0])
            for lesson in self.lessons():  # none when too many wait
                for number in (1, 2):
                    self.submit_turn(lesson, number)
        else:
            for student in STUDENTS:
                self.hand_in(student, "aa", what == "held homework")

    # --- lessons

    @rule(session=st.sampled_from(SESSIONS))
    def leave_a_lesson(self, session):
        self.submit_one(replace(self.request(session, recording=True), task="lesson", text=""))

    @precondition(lambda self: self.lessons())
    @rule(data=st.data(), number=st.sampled_from([1, 2]))
    def submit_a_turn(self, data, number):
        """What a worker does that cuts, also one that was taken for dead and says it once more, or late."""
        lesson = self.some(data, [turn for turn in self.lessons() if not turn.ended], self.lessons())
        self.submit_turn(lesson, number)

    def submit_turn(self, lesson: Turn, number: int) -> None:
        id_ = f"{lesson.name.split('/')[1]}-{number}"
        asked = replace(self.request(f"{lesson.tenant}/{id_}", recording=True), id=id_, lesson=id_[:-2])
        asked = replace(asked, task="turn" if number == 1 else "transcribe", details={"number": number})
        if asked.name not in self.plain.erased:
            self.submit_one(asked)

    def lessons(self) -> list[Turn]:
        return [
            turn
            for turn in self.plain.turns.values()
            if "segment" in turn.stages and turn.stage in {"segment", "parts"}
        ]

    # --- answers that are held

    @precondition(lambda self: self.plain.turns)
    @rule(data=st.data(), edit=st.booleans(), go=st.booleans())
    def review(self, data, edit, go):
        turn, before = self.some(data, self.held(), [*self.plain.turns.values()]), self.ready()
        feedback = Feedback(*[f"better {next(self.numbers)}"] * 4) if edit else None
        done, rung = self.jobs.review(self.job(turn), feedback, go)
        assert done == self.plain.review(turn.name, feedback, go)
        self.compare_rung(rung, before)

    def held(self) -> list[Turn]:
        return [turn for turn in self.plain.alive() if turn.stage == "hold"]

    # --- homework

    @rule(student=st.sampled_from(STUDENTS), sha256=st.sampled_from(["aa", "bb"]), hold=st.booleans())
    def hand_in(self, student, sha256, hold):
        job_request = self.request(f"{TENANT}/x", recording=True)
        whole = replace(job_request, session=job_request.id, assignment=ID, student=student, sha256=sha256, hold=hold)
        self.submit_one(replace(whole, webhook="http://x", webhook_events=("assignment.completed",)))

    @precondition(lambda self: self.rerunnable())
    @rule(data=st.data())
    def rerun(self, data):
        """From the language model on, with what was heard."""
        turn, before = data.draw(st.sampled_from(self.rerunnable())), self.ready()
        job, job_request = self.job(turn), self.once_more(turn)
        if job.request.session == job.id:
            job_request = replace(job_request, session=job_request.id)
        answer = told(self.jobs.rerun, job, job_request, "llm", {"transcript": job.transcript})
        again = turn_of(job_request)
        again.stages = again.stages[again.stages.index("llm") :]
        self.compare_accepted(answer, self.plain.rerun(turn.name, again), job_request, before)

    def rerunnable(self) -> list[Turn]:
        turns = [turn for turn in self.plain.turns.values() if "transcript" in turn.facts and "llm" in turn.stages]
        return [turn for turn in turns if not self.comes_too_late(turn)]

    @precondition(lambda self: not self.plain.assigned)
    @rule()
    def assign(self):
        Assignments(self.jobs).put(SET, replace=True)
        self.plain.assigned = True

    @precondition(lambda self: self.plain.handed_in)
    @rule()
    def erase_the_homework(self):
        assert Assignments(self.jobs).erase(TENANT, ID) == self.plain.unassign()


@pytest.mark.parametrize("kind", [Jobs, SaidTwice])
def test_the_records_do_as_the_plain_model_says(redis, settings, kind):
    redis.config_set("appendfsync", "no")  # nothing is to survive here, and the disk is slow
    jobs = kind(redis, settings.model_copy(update={**BOUNDS, "attempts": ATTEMPTS}))
    limits = checks(max_examples=100, stateful_step_count=40, derandomize=True, deadline=None, database=None)
    run_state_machine_as_test(
        lambda: Everything(jobs), settings=checks(limits, suppress_health_check=list(HealthCheck))
    )
