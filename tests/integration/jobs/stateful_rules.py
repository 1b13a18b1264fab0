"""Rules for turns of conversations: each makes the same change to the records and to the reference model."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.errors import EngineFailed, NoSpeech, WaijiaoError
from pipeline.jobs.job import RESULT_FIELDS, Job, JobRequest
from pipeline.jobs.listing import turns
from pipeline.jobs.results import Answer, Feedback, LessonSegment, LessonSegments, Transcript
from pipeline.jobs.store import PREFIX, Idempotency, Jobs, ReadyJob, Result
from tests.integration.jobs.reference_model import ReferenceModel, Turn
from tests.integration.jobs.snapshots import (
    SESSIONS,
    WORKED_AT,
    WORKERS,
    Found,
    build_snapshot,
    find_index_faults,
    find_names_left,
    read_keys,
    read_redis,
    read_snapshot,
)
from tests.integration.jobs.test_idempotent_scripts import RepeatingJobs

QUEUES = {stage: f"queue:{stage}" for stage in WORKED_AT}
CHANGED_LATER: dict[str, Any] = {"version": 0, "updated_at": 0, "dead": False, "retried_as": None, "rerun_as": None}


class Records(RuleBasedStateMachine):
    """Each rule does one thing to the records and to the model; after each rule, their states are compared."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.jobs, self.redis, self.model = jobs, jobs.redis, ReferenceModel()
        self.redis.flushdb()
        self.numbers = itertools.count()
        self.claims: list[tuple[str, Job]] = []  # every claim ever made; most are outdated
        self.ended: dict[str, Job] = {}  # each job as it was when it had ended

    # --- what the learner does

    @initialize(requests=st.lists(st.tuples(st.sampled_from(SESSIONS), st.booleans()), min_size=2, max_size=5))
    def begin(self, requests):
        for session, recording in requests:
            self.submit_one(self.request(session, recording))

    @rule(
        session=st.sampled_from(SESSIONS),
        recording=st.booleans(),
        hold=st.sampled_from([False, False, True]),
        key=st.sampled_from(["", "", "key", "another key"]),
        fingerprint=st.sampled_from(["same", "same", "other"]),
    )
    def submit(self, session, recording, hold, key, fingerprint):
        self.submit_one(replace(self.request(session, recording), hold=hold), key, fingerprint)

    def submit_one(self, job_request: JobRequest, key: str = "", fingerprint: str = "") -> None:
        before = self.ready()
        answer = call_or_code(self.jobs.submit, job_request, Idempotency(key, fingerprint) if key else None)
        name = self.model.submit(make_turn(job_request), key, fingerprint)
        self.compare_accepted(answer, name, job_request, before)

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data())
    def retry(self, data):
        possible = [turn for turn in self.model.turns.values() if not self.is_too_late(turn)]
        if possible:
            turn, before = self.draw(data, [turn for turn in possible if turn.dead], possible), self.ready()
            job_request = self.repeat_request(turn)
            answer = call_or_code(self.jobs.retry, self.job(turn), job_request)
            self.compare_accepted(answer, self.model.retry(turn.name, make_turn(job_request)), job_request, before)

    @precondition(lambda self: self.model.turns)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "cancel", "forget", "reset", "erase"]))
    def stop(self, data, what):
        turn, before = data.draw(st.sampled_from([*self.model.turns.values()])), self.ready()
        asked_for = turn.name if what in {"cancel", "forget"} else turn.session
        answer = getattr(self.jobs, what)(*asked_for.split("/"))
        should = getattr(self.model, what)(asked_for)
        if what == "cancel":
            answer, ready_jobs = answer
            self.compare_ready(ready_jobs, before)
        if what == "erase":  # and maybe turns of a lesson that were erased before
            assert set(should) <= set(answer) <= self.model.erased
        else:
            assert answer == should

    @rule(session=st.sampled_from(SESSIONS))
    def reset_unknown_session(self, session):
        if session not in self.model.turn_counts:
            assert call_or_code(self.jobs.reset, *session.split("/")) == "unknown_session"
            assert self.jobs.erase(*session.split("/")) == []

    # --- what workers do

    @rule(data=st.data(), worker=st.sampled_from(WORKERS), max_jobs=st.integers(1, 3))
    def claim(self, data, worker, max_jobs):
        """A claim of an idle worker, or of one whose child died: the next child claims under the same name."""
        stage, before = data.draw(st.sampled_from(self.stages_with_work() or WORKED_AT)), self.ready()
        claimed_jobs, ready_jobs = self.jobs.claim(stage, worker, max_jobs)
        names = self.model.claim(stage, worker, max_jobs)
        assert [job.name for job in claimed_jobs] == names or (
            self.repeats_scripts and {job.name for job in claimed_jobs} == set(names)
        )
        self.claims += [(stage, job) for job in claimed_jobs]
        self.compare_ready(ready_jobs, before)

    @precondition(lambda self: self.stages_with_work())
    @rule(data=st.data(), times=st.integers(1, 6), reset=st.sampled_from([False, False, False, True]))
    def work(self, data, times, reset):
        """Claim and complete at once, as most work is done."""
        for _ in range(times):
            if self.stages_with_work():
                self.claim(data, data.draw(st.sampled_from(WORKERS)), 1)
            if self.valid_claims():
                self.complete_one(*self.valid_claims()[-1], reset)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), reset=st.booleans())
    def complete(self, data, reset):
        self.complete_one(*self.draw_claim(data), reset)

    def complete_one(self, stage: str, job: Job, reset: bool) -> None:
        before, made = self.ready(), result(stage, f"{job.name}-{next(self.numbers)}", reset)
        done, ready_jobs = self.jobs.complete(stage, job, made)
        assert done == self.model.complete(stage, job.name, int(job.fence), (RESULT_FIELDS[type(made)], made))
        self.compare_ready(ready_jobs, before)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), error=st.sampled_from([NoSpeech(), EngineFailed(), EngineFailed()]))
    def fail(self, data, error):
        (stage, job), before = self.draw_claim(data), self.ready()
        ready_jobs = self.jobs.fail(stage, job, error, again=error.try_again)
        self.model.fail(stage, job.name, int(job.fence), error)
        self.compare_ready(ready_jobs, before)

    @rule(worker=st.sampled_from(WORKERS))
    def release(self, worker):
        before, ready_jobs = self.ready(), self.jobs.release(worker)
        self.model.release(worker)
        self.compare_ready(ready_jobs, before)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def renew(self, data):
        stage, job = self.draw_claim(data)
        ours = self.model.holds(job.name, stage, int(job.fence))
        assert self.jobs.renew(stage, [job]) == ([] if ours else [job.name])

    # --- what time does

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def take_too_long(self, data):
        turn = data.draw(st.sampled_from(self.running()))
        self.redis.hset(f"{PREFIX}job:{turn.name}", "claimed_at", 1)
        turn.slow = True

    @precondition(lambda self: self.model.with_deadlines())
    @rule(data=st.data())
    def let_a_lease_expire_or_a_deadline_pass(self, data):
        turn = self.draw(data, self.running(), self.model.with_deadlines())
        self.redis.zadd(PREFIX + ("leases" if turn.worker else "deadlines"), {turn.name: 1})
        if turn.worker:
            self.model.take_back(turn)
        else:
            self.model.expire(turn)
        self.compare_sweep(messages=0)

    @rule(messages=st.integers(0, 3))
    def sweep(self, messages):
        for queue in QUEUES.values():
            self.redis.rpush(queue, *range(messages + 1))
            self.redis.lpop(queue)
        self.compare_sweep(messages)
        self.redis.delete(*QUEUES.values())

    # --- what is compared

    @invariant()
    def check_records_equal_model(self):
        found = read_redis(self.redis)
        assert read_snapshot(found, self.model) == build_snapshot(self.model)
        for turn in self.model.turns.values():
            if turn.ended:
                self.check_unchanged(Job.from_record(found[f"{PREFIX}job:{turn.name}"]))
        keys = read_keys(self.redis)
        faults, names_left = find_index_faults(keys), find_names_left(keys, self.model.erased)
        assert not faults, faults
        assert not names_left, names_left
        for session in SESSIONS:
            self.check_only_first_turn_at_llm(session, found)
            assert [job.name for job in turns(self.redis, *session.split("/"))] == self.model.history(session)

    def check_unchanged(self, ended: Job) -> None:
        ended = replace(ended, **CHANGED_LATER)
        assert ended == self.ended.setdefault(ended.name, ended)

    def check_only_first_turn_at_llm(self, session: str, found: Found) -> None:
        names = found.get(f"{PREFIX}turns:{session}", [])
        where = {name: (found[f"{PREFIX}job:{name}"]["stage"], found[f"{PREFIX}job:{name}"]["phase"]) for name in names}
        at_it = [name for name in names if where[name] in {("llm", "ready"), ("llm", "running")}]
        assert at_it in ([], found.get(f"{PREFIX}open:{session}", [])[:1])

    def compare_sweep(self, messages: int) -> None:
        """The sweep enqueues the first ready jobs of each stage, as many as its queue has too few messages."""
        ready = {stage: self.model.ready(stage) for stage in WORKED_AT}
        missing = {stage: names[: max(0, len(names) - messages)] for stage, names in ready.items()}
        assert self.jobs.sweep(QUEUES) == [ReadyJob(stage, name) for stage in WORKED_AT for name in missing[stage]]

    def compare_ready(self, ready_jobs: list[ReadyJob], before: set[ReadyJob]) -> None:
        """What became ready is enqueued; a repeated call may leave out a job, which the sweep then enqueues."""
        assert self.repeats_scripts or self.ready() - before <= set(ready_jobs)

    def compare_accepted(self, answer: Any, name: str, job_request: JobRequest, before: set[ReadyJob]) -> None:
        """`answer` is the job `name`, or the code of an error."""
        if isinstance(answer, str):
            assert answer == name
        else:
            assert (answer.job.name, answer.earlier) == (name, name != job_request.name)
            self.compare_ready(answer.ready_jobs, before)

    # --- what the rules draw from

    @property
    def repeats_scripts(self) -> bool:
        return isinstance(self.jobs, RepeatingJobs)

    def request(self, session: str, recording: bool) -> JobRequest:
        (tenant, name), id_ = session.split("/"), f"job{next(self.numbers)}"
        return JobRequest(id_, name, tenant, recording=f"{tenant}/{id_}/x" if recording else "", text="hi")

    def repeat_request(self, turn: Turn) -> JobRequest:
        """The request of an earlier turn under another id, with a recording if it is to be recognised again."""
        job_request = self.job(turn).request
        id_ = f"job{next(self.numbers)}"
        recording = f"{job_request.tenant}/{id_}/x" if turn.stage == "asr" else ""
        return replace(job_request, id=id_, recording=recording)

    def is_too_late(self, turn: Turn) -> bool:
        """Whether it is a turn of a lesson whose summary has begun: the lesson would not wait for another one."""
        lesson = self.model.turns.get(turn.lesson)
        return lesson is not None and not lesson.ended and lesson.stage in {"llm", "tts"}

    def job(self, turn: Turn) -> Job:
        return self.jobs.get(*turn.name.split("/"))

    def ready(self) -> set[ReadyJob]:
        return {ReadyJob(stage, name) for stage in WORKED_AT for name in self.model.ready(stage)}

    def stages_with_work(self) -> list[str]:
        return [stage for stage in WORKED_AT if self.model.ready(stage)]

    def running(self) -> list[Turn]:
        return [turn for turn in self.model.unfinished() if turn.worker]

    def draw(self, data, likely: list[Any], possible: list[Any]) -> Any:
        """One of the likely ones in three cases of four, if there are any; otherwise one of the possible ones."""
        return data.draw(st.sampled_from(likely if likely and data.draw(st.integers(0, 3)) else possible))

    def draw_claim(self, data) -> tuple[str, Job]:
        """A claim, usually a valid one: most claims that were ever made are outdated."""
        return self.draw(data, self.valid_claims(), self.claims)

    def valid_claims(self) -> list[tuple[str, Job]]:
        return [(stage, job) for stage, job in self.claims if self.model.holds(job.name, stage, int(job.fence))]


def result(stage: str, words: str, reset: bool) -> Result:
    if stage == "asr":
        return Transcript(words, "en", 1.0)
    if stage == "segment":
        return LessonSegments(2.0, (LessonSegment(1, 0.0, 1.0), LessonSegment(2, 1.0, 2.0)))
    return Feedback(*[words] * 4, reset=reset) if stage == "llm" else Answer(words, words, "00", 1, 1.0, "wav")


def make_turn(job_request: JobRequest) -> Turn:
    """The reference model's turn for a request."""
    lesson = job_request.lesson and f"{job_request.tenant}/{job_request.lesson}"
    session = f"{job_request.tenant}/{job_request.session}"
    return Turn(job_request.name, session, job_request.stages, lesson, job_request.student, job_request.sha256)


def call_or_code(do: Callable[..., Any], *arguments: object) -> Any:
    """What `do` returns, or the code of the error that it raises."""
    try:
        return do(*arguments)
    except WaijiaoError as error:
        return error.code
