"""What can happen to turns of conversations, as rules: each does it to the records and to the plain model."""

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
from tests.integration.jobs.reference_model import PlainRecords, Turn
from tests.integration.jobs.snapshots import SESSIONS, WORKED_AT, WORKERS, Found, everything, expected, recorded
from tests.integration.jobs.test_idempotent_scripts import SaidTwice

QUEUES = {stage: f"queue:{stage}" for stage in WORKED_AT}
CHANGED_LATER: dict[str, Any] = {"version": 0, "updated_at": 0, "dead": False, "retried_as": None, "rerun_as": None}


class Records(RuleBasedStateMachine):
    """Each rule does one thing to the records and to the model; after each, all that both know is compared."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.jobs, self.redis, self.plain = jobs, jobs.redis, PlainRecords()
        self.redis.flushdb()
        self.numbers = itertools.count()
        self.claims: list[tuple[str, Job]] = []  # every claim ever made; most were overtaken
        self.ended: dict[str, Job] = {}  # each job as it was when it had ended

    # --- what the learner does

    @initialize(asked=st.lists(st.tuples(st.sampled_from(SESSIONS), st.booleans()), min_size=2, max_size=5))
    def begin(self, asked):
        for session, recording in asked:
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
        answer = told(self.jobs.submit, job_request, Idempotency(key, fingerprint) if key else None)
        name = self.plain.submit(turn_of(job_request), key, fingerprint)
        self.compare_accepted(answer, name, job_request, before)

    @precondition(lambda self: self.plain.turns)
    @rule(data=st.data())
    def retry(self, data):
        possible = [turn for turn in self.plain.turns.values() if not self.comes_too_late(turn)]
        if possible:
            turn, before = self.some(data, [turn for turn in possible if turn.dead], possible), self.ready()
            job_request = self.once_more(turn)
            answer = told(self.jobs.retry, self.job(turn), job_request)
            self.compare_accepted(answer, self.plain.retry(turn.name, turn_of(job_request)), job_request, before)

    @precondition(lambda self: self.plain.turns)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "cancel", "forget", "reset", "erase"]))
    def stop(self, data, what):
        turn, before = data.draw(st.sampled_from([*self.plain.turns.values()])), self.ready()
        asked_for = turn.name if what in {"cancel", "forget"} else turn.session
        answer = getattr(self.jobs, what)(*asked_for.split("/"))
        should = getattr(self.plain, what)(asked_for)
        if what == "cancel":
            answer, rung = answer
            self.compare_rung(rung, before)
        if what == "erase":  # and maybe turns of a lesson that were erased before
            assert set(should) <= set(answer) <= self.plain.erased
        else:
            assert answer == should

    @rule(session=st.sampled_from(SESSIONS))
    def start_over_where_nothing_was_said(self, session):
        if session not in self.plain.said:
            assert told(self.jobs.reset, *session.split("/")) == "unknown_session"
            assert self.jobs.erase(*session.split("/")) == []

    # --- what workers do

    @rule(data=st.data(), worker=st.sampled_from(WORKERS), most=st.integers(1, 3))
    def claim(self, data, worker, most):
        """What a worker does that is free, and also one whose child died: its next child asks in the same name."""
        stage, before = data.draw(st.sampled_from(self.stages_with_work() or WORKED_AT)), self.ready()
        claimed, rung = self.jobs.claim(stage, worker, most)
        names = self.plain.claim(stage, worker, most)
        assert [job.name for job in claimed] == names or (self.twice and {job.name for job in claimed} == set(names))
        self.claims += [(stage, job) for job in claimed]
        self.compare_rung(rung, before)

    @precondition(lambda self: self.stages_with_work())
    @rule(data=st.data(), times=st.integers(1, 6), reset=st.sampled_from([False, False, False, True]))
    def work(self, data, times, reset):
        """Claim and complete at once, as most work is done."""
        for _ in range(times):
            if self.stages_with_work():
                self.claim(data, data.draw(st.sampled_from(WORKERS)), 1)
            if self.holding():
                self.complete_one(*self.holding()[-1], reset)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), reset=st.booleans())
    def complete(self, data, reset):
        self.complete_one(*self.some_claim(data), reset)

    def complete_one(self, stage: str, job: Job, reset: bool) -> None:
        before, made = self.ready(), result(stage, f"{job.name}-{next(self.numbers)}", reset)
        done, rung = self.jobs.complete(stage, job, made)
        assert done == self.plain.complete(stage, job.name, int(job.fence), (RESULT_FIELDS[type(made)], made))
        self.compare_rung(rung, before)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), error=st.sampled_from([NoSpeech(), EngineFailed(), EngineFailed()]))
    def fail(self, data, error):
        (stage, job), before = self.some_claim(data), self.ready()
        rung = self.jobs.fail(stage, job, error, again=error.try_again)
        self.plain.fail(stage, job.name, int(job.fence), error)
        self.compare_rung(rung, before)

    @rule(worker=st.sampled_from(WORKERS))
    def release(self, worker):
        before, rung = self.ready(), self.jobs.release(worker)
        self.plain.release(worker)
        self.compare_rung(rung, before)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def renew(self, data):
        stage, job = self.some_claim(data)
        ours = self.plain.holds(job.name, stage, int(job.fence))
        assert self.jobs.renew(stage, [job]) == ([] if ours else [job.name])

    # --- what time does

    @precondition(lambda self: self.running())
    @rule(data=st.data())
    def take_too_long(self, data):
        turn = data.draw(st.sampled_from(self.running()))
        self.redis.hset(f"{PREFIX}job:{turn.name}", "claimed_at", 1)
        turn.slow = True

    @precondition(lambda self: self.plain.counted())
    @rule(data=st.data())
    def let_a_lease_expire_or_a_deadline_pass(self, data):
        turn = self.some(data, self.running(), self.plain.counted())
        self.redis.zadd(PREFIX + ("leases" if turn.worker else "deadlines"), {turn.name: 1})
        if turn.worker:
            self.plain.take_back(turn)
        else:
            self.plain.expire(turn)
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
    def all_is_as_it_must_be(self):
        found = everything(self.redis)
        assert recorded(found, self.plain) == expected(self.plain)
        for turn in self.plain.turns.values():
            if turn.ended:
                self.it_has_not_changed(Job.from_record(found[f"{PREFIX}job:{turn.name}"]))
        for session in SESSIONS:
            self.only_the_first_open_turn_is_at_the_language_model(session, found)
            assert [job.name for job in turns(self.redis, *session.split("/"))] == self.plain.history(session)

    def it_has_not_changed(self, ended: Job) -> None:
        ended = replace(ended, **CHANGED_LATER)
        assert ended == self.ended.setdefault(ended.name, ended)

    def only_the_first_open_turn_is_at_the_language_model(self, session: str, found: Found) -> None:
        names = found.get(f"{PREFIX}turns:{session}", [])
        where = {name: (found[f"{PREFIX}job:{name}"]["stage"], found[f"{PREFIX}job:{name}"]["phase"]) for name in names}
        at_it = [name for name in names if where[name] in {("llm", "ready"), ("llm", "running")}]
        assert at_it in ([], found.get(f"{PREFIX}open:{session}", [])[:1])

    def compare_sweep(self, messages: int) -> None:
        """It asks for as many bells as each queue's `messages` fall short of the ready jobs, for the first ones."""
        ready = {stage: self.plain.ready(stage) for stage in WORKED_AT}
        missing = {stage: names[: max(0, len(names) - messages)] for stage, names in ready.items()}
        assert self.jobs.sweep(QUEUES) == [ReadyJob(stage, name) for stage in WORKED_AT for name in missing[stage]]

    def compare_rung(self, rung: list[ReadyJob], before: set[ReadyJob]) -> None:
        """Whatever became ready was rung; a second answer may lack a bell, which the sweep then rings."""
        assert self.twice or self.ready() - before <= set(rung)

    def compare_accepted(self, answer: Any, name: str, job_request: JobRequest, before: set[ReadyJob]) -> None:
        """`answer` is the job `name`, or the code of an error."""
        if isinstance(answer, str):
            assert answer == name
        else:
            assert (answer.job.name, answer.earlier) == (name, name != job_request.name)
            self.compare_rung(answer.ready_jobs, before)

    # --- what is chosen from

    @property
    def twice(self) -> bool:
        return isinstance(self.jobs, SaidTwice)

    def request(self, session: str, recording: bool) -> JobRequest:
        (tenant, name), id_ = session.split("/"), f"job{next(self.numbers)}"
        return JobRequest(id_, name, tenant, recording=f"{tenant}/{id_}/x" if recording else "", text="hi")

    def once_more(self, turn: Turn) -> JobRequest:
        """The question of an earlier turn under another id, with a recording if that is to be heard again."""
        job_request = self.job(turn).request
        id_ = f"job{next(self.numbers)}"
        recording = f"{job_request.tenant}/{id_}/x" if turn.stage == "asr" else ""
        return replace(job_request, id=id_, recording=recording)

    def comes_too_late(self, turn: Turn) -> bool:
        """Whether it is a turn of a lesson that is being summed up: another one would not be waited for."""
        lesson = self.plain.turns.get(turn.lesson)
        return lesson is not None and not lesson.ended and lesson.stage in {"llm", "tts"}

    def job(self, turn: Turn) -> Job:
        return self.jobs.get(*turn.name.split("/"))

    def ready(self) -> set[ReadyJob]:
        return {ReadyJob(stage, name) for stage in WORKED_AT for name in self.plain.ready(stage)}

    def stages_with_work(self) -> list[str]:
        return [stage for stage in WORKED_AT if self.plain.ready(stage)]

    def running(self) -> list[Turn]:
        return [turn for turn in self.plain.alive() if turn.worker]

    def some(self, data, likely: list[Any], possible: list[Any]) -> Any:
        """One of the likely ones, three times of four while there are any; else one of the possible ones."""
        return data.draw(st.sampled_from(likely if likely and data.draw(st.integers(0, 3)) else possible))

    def some_claim(self, data) -> tuple[str, Job]:
        """One that holds, or one that did: most that were ever made have been overtaken."""
        return self.some(data, self.holding(), self.claims)

    def holding(self) -> list[tuple[str, Job]]:
        return [(stage, job) for stage, job in self.claims if self.plain.holds(job.name, stage, int(job.fence))]


def result(stage: str, words: str, reset: bool) -> Result:
    if stage == "asr":
        return Transcript(words, "en", 1.0)
    if stage == "segment":
        return LessonSegments(2.0, (LessonSegment(1, 0.0, 1.0), LessonSegment(2, 1.0, 2.0)))
    return Feedback(*[words] * 4, reset=reset) if stage == "llm" else Answer(words, words, "00", 1, 1.0, "wav")


def turn_of(job_request: JobRequest) -> Turn:
    """What the plain model makes of a question."""
    lesson = job_request.lesson and f"{job_request.tenant}/{job_request.lesson}"
    session = f"{job_request.tenant}/{job_request.session}"
    return Turn(job_request.name, session, job_request.stages, lesson, job_request.student, job_request.sha256)


def told(do: Callable[..., Any], *arguments: object) -> Any:
    """What `do` answers, or the code of the error that it raises."""
    try:
        return do(*arguments)
    except WaijiaoError as error:
        return error.code
