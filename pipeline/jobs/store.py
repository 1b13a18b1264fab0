"""The only writer of job records. Each change is one atomic script (scripts/*.lua) with Redis's own clock."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from pipeline.errors import (
    BrokenRecord,
    Canceled,
    EnoughTries,
    Erased,
    KeyReused,
    MinutesUsed,
    NotDead,
    QuotaFull,
    RateLimited,
    ServerFull,
    UnknownAssignment,
    UnknownJob,
    UnknownSession,
    WaijiaoError,
)
from pipeline.jobs.job import MAX_TRIES, MODEL_STAGES, RESULT_FIELDS, SEGMENT, Job, JobRequest
from pipeline.jobs.records import read_hashes, read_json, to_json
from pipeline.jobs.results import Answer, Completion, Feedback, LessonSegments, Transcript
from pipeline.learners.entries import entry_json
from pipeline.learners.identity import find_learner
from pipeline.settings import Settings
from pipeline.webhooks.validation import webhook_fields

SCRIPTS = Path(__file__).parent / "scripts"
LIBRARY = (
    "records",
    "lifetimes",
    "ready",
    "deliveries",
    "ledger",
    "ending",
    "unreadable",
)  # of scripts/lib; each builds on those before it
PREFIX = "waijiao:"  # of every key; scripts/lib/records.lua has the same
CHANGED_CHANNEL = f"{PREFIX}changed"  # channel on which the name of each changed job or assignment is published
SWEEP_BATCH = 200  # jobs that one sweep takes back, ends or enqueues, so that it never blocks Redis for long
SLEPT_S = 60  # seconds from one sweep to the next that count as time in which the machine slept
MAX_SURPLUS_MESSAGES = 16  # messages that may wait in a queue without a job that is ready for them
EXPIRY_BATCH = 1000  # expired jobs that one sweep takes out of their indexes
IDEMPOTENCY_S = 86_400  # seconds for which a repeated request is recognised by its Idempotency-Key
# fields of a JobRequest on which its transcript depends; a test names the others, so that none is forgotten
TRANSCRIPT_FIELDS = ("sha256", "language", "hint", "persona", "task", "owner")
STARVATION_S = 30  # seconds after which a lane whose jobs wait is served next, however many jobs faster lanes have
PROGRESS_S = 3600  # seconds for which partial results are kept
DEFAULT_PACE_S = 10  # seconds from one job's end to the next's, for Retry-After, before any job has ended

CANCELED_DETAIL = "The job was canceled before it was answered."
STARTED_OVER_DETAIL = "The session was started over before this turn was answered."
REPLACED_DETAIL = "It was submitted again, or rerun, before it was answered."

Result = Transcript | Feedback | Completion | Answer | LessonSegments
# results that a job has from its start, by the record's field
EarlierResults = Mapping[str, Transcript | Feedback | LessonSegments | None]


@dataclass(frozen=True)
class ReadyJob:
    """A job that became ready for a stage; a message for a worker of that stage is to be enqueued."""

    stage: str
    name: str


@dataclass(frozen=True)
class Idempotency:
    """What identifies a repeated request: the client's Idempotency-Key, and a fingerprint of all its fields."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class AcceptedJob:
    """The accepted job: the one that was submitted, or the `earlier` one that the same request made before."""

    job: Job
    earlier: bool
    ready_jobs: list[ReadyJob]


class Jobs:
    """Job records in one Redis. Every method is atomic; every clock is Redis's."""

    def __init__(self, redis: "Redis", settings: Settings) -> None:
        self.redis = redis
        self.settings = settings
        library = "".join((SCRIPTS / "lib" / f"{name}.lua").read_text() for name in LIBRARY)
        self.scripts: dict[str, Script] = {
            path.stem: redis.register_script(library + path.read_text()) for path in SCRIPTS.glob("*.lua")
        }

    def run(self, script: str, /, **args: object) -> list[Any]:
        """Run scripts/SCRIPT.lua, which reads the argument `name` as `args.name`; None becomes nil."""
        text = json.dumps({name: arg for name, arg in args.items() if arg is not None}, ensure_ascii=False)
        lua_script = self.scripts[script]
        try:
            return cast(list[Any], lua_script(args=[text]))
        except NoScriptError:  # flushed once more, between its loading and its running
            return cast(list[Any], self.redis.eval(str(lua_script.script), 0, text))

    def submit(self, job_request: JobRequest, repeatable: Idempotency | None = None) -> AcceptedJob:
        """Accept a job: when this returns, its record exists and waits for the first of its stages.

        If the same recording was transcribed before, as its `sha256` says, the transcript is reused. Raises KeyReused;
        UnknownAssignment; Canceled when its lesson has ended; EnoughTries; ServerFull or QuotaFull when too many jobs
        wait; RateLimited or MinutesUsed when the client's key is used up. In these cases nothing was written.
        """
        # without a later stage, reusing a transcript would save nothing
        transcript = self.find_earlier_transcript(job_request) if "llm" in job_request.stages else None
        first_stage = "llm" if transcript else job_request.stages[0]
        return self._accept(job_request, first_stage, {"transcript": transcript}, repeatable)

    def retry(self, dead: Job, job_request: JobRequest) -> AcceptedJob:
        """Accept a job in the place of a dead one: it goes on at the stage that failed. Raises NotDead."""
        return self._accept(job_request, dead.stage, earlier_results(dead), retry_of=dead.name)

    def rerun(
        self,
        job: Job,
        job_request: JobRequest,
        stage: str,
        results: EarlierResults,
        repeatable: Idempotency | None = None,
    ) -> AcceptedJob:
        """Accept another version of a job: it begins at `stage`, with the results of the stages before.

        One that is `repeatable`, which learners may ask for, counts like a submitted job: it raises RateLimited. Raises
        UnknownJob when the job's record is gone.
        """
        return self._accept(job_request, stage, results, repeatable, rerun_of=job.name)

    def _accept(
        self,
        job_request: JobRequest,
        stage: str,
        results: EarlierResults,
        repeatable: Idempotency | None = None,
        retry_of: str | None = None,
        rerun_of: str | None = None,
    ) -> AcceptedJob:
        s, stages = self.settings, job_request.stages
        result_fields = {name: to_json(result) for name, result in results.items() if result}
        fields = {
            "question": to_json(job_request),
            "tenant": job_request.tenant,
            "session": job_request.conversation,
            "stages": ",".join(stages[stages.index(stage) :]),
            **key_fields(job_request),
            **parent_fields(job_request),
            **self.transcript_key_fields(job_request),
            **webhook_fields(job_request),
            **result_fields,
            **ledger_fields(job_request, results),
        }
        outcome, flat, retry_after_s, ready = self.run(
            "submit",
            job=job_request.name,
            fields=fields,
            lane=job_request.lane,
            group=served_as(job_request),
            due=job_request.due,
            number=job_request.details["number"] if job_request.lesson else None,
            idempotency_key=digest(f"{job_request.key} {repeatable.key}") if repeatable else None,
            fingerprint=repeatable.fingerprint if repeatable else None,
            retry_of=retry_of,
            rerun_of=rerun_of,
            is_counted=repeatable is not None or not (retry_of or rerun_of),
            limits={"server": s.max_jobs, "tenant": s.max_jobs_tenant, "session": s.max_jobs_session},
            max_tries=MAX_TRIES,
            retention_s=3600 * (s.retention_h if job_request.retention_h is None else job_request.retention_h),
            deadline_s=s.deadline_s,
            idempotency_s=IDEMPOTENCY_S,
            default_pace_s=DEFAULT_PACE_S,
            replaced_detail=REPLACED_DETAIL,
        )
        raise_for_outcome(outcome, float(retry_after_s))
        return AcceptedJob(
            existing_job(record_from_pairs(flat)), earlier=outcome == "same", ready_jobs=parse_ready_jobs(ready)
        )

    def find_earlier_transcript(self, job_request: JobRequest) -> Transcript | None:
        """The transcript of the same recording by the same model with the same settings, if it is still stored."""
        for key in self.transcript_key_fields(job_request).values():
            name = cast(str | None, self.redis.get(f"{PREFIX}heard-as:{key}"))
            if name:
                text = cast(str | None, self.redis.hget(f"{PREFIX}job:{name}", "transcript"))
                with suppress(BrokenRecord):
                    return read_json(Transcript, text) if text else None
        return None

    def transcript_key_fields(self, job_request: JobRequest) -> dict[str, str]:
        """The record's field with the key of the transcript cache; no field if the transcript must not be reused."""
        if not job_request.sha256:
            return {}
        s = self.settings
        model = (s.asr_engine, s.asr_model, s.asr_compute_type, str(s.asr_beam), s.misheard)
        fields = (str(getattr(job_request, name)) for name in TRANSCRIPT_FIELDS)
        details = job_request.details
        text = details.get("text") if details.get("clearness") and s.clearness == "on" else None  # its reading
        words = json.dumps([details.get("words", ()), text])
        return {"heard_as": f"{job_request.tenant}/{digest(chr(0).join((*model, *fields, words)))}"}

    def has(self, name: str) -> bool:
        """Whether there is a record of the job `tenant/id`, or a tombstone."""
        return bool(self.redis.exists(f"{PREFIX}job:{name}"))

    def turns_of(self, job: Job) -> list[str]:
        """The names of a lesson's turns, in their order; none of any other job."""
        return cast(list[str], self.redis.zrange(f"{PREFIX}children:{job.name}", 0, -1))

    def tries_of(self, job: Job) -> list[str]:
        """The names of the jobs in which its better sentence is said again, in their order."""
        return cast(list[str], self.redis.zrange(f"{PREFIX}tries:{job.name}", 0, -1))

    def get(self, tenant: str, job_id: str, owner: str = "") -> Job:
        """The job's record; UnknownJob when there is none for this tenant, Erased when it was erased.

        An `owner`, a learner's key, sees its own jobs only.
        """
        (record,) = read_hashes(self.redis, [f"{PREFIX}job:{tenant}/{job_id}"])
        if record is None:
            raise BrokenRecord
        return existing_job({} if owner and record.get("owner") != owner else record)

    def blobs(self, name: str) -> set[str]:
        """The names of the blobs that the record of the job `tenant/id` still needs; none when there is no record.

        Raises BrokenRecord, also when it was written by a newer version.
        """
        try:
            return self.get(*name.split("/")).blobs(self.settings.keep_recordings)
        except (UnknownJob, Erased):
            return set()

    def claim(self, stage: str, worker: str, limit: int) -> tuple[list[Job], list[ReadyJob]]:
        """Lease the first `limit` ready jobs of the stage to this worker, in order of acceptance."""
        s = self.settings
        claims, ready = self.run(
            "claim",
            stage=stage,
            worker=worker,
            call=call_token(),
            limit=limit,
            lease_s=s.lease_s,
            attempts=s.attempts,
            stage_s=self.stage_limit_s(stage),
            starvation_s=STARVATION_S,
        )
        ready_jobs = parse_ready_jobs(ready)
        claimed_jobs = []
        for name, flat in claims:
            record = record_from_pairs(flat)
            try:
                claimed_jobs.append(Job.from_record(record))
            except BrokenRecord as error:  # the others of its batch are worked on
                ready_jobs += self._fail(name, stage, record["fence"], error, again=False)
        return claimed_jobs, ready_jobs

    def stage_limit_s(self, stage: str) -> float:
        """Seconds for which a job may run at a stage."""
        return self.settings.lesson_s if stage == SEGMENT else self.settings.stage_s

    def renew(self, stage: str, claimed_jobs: Sequence[Job]) -> list[str]:
        """Extend the leases of `claimed_jobs` to lease_s from now; returns the names of those that are lost."""
        leases = [{"job": job.name, "fence": job.fence} for job in claimed_jobs]
        return cast(list[str], self.run("renew", stage=stage, leases=leases, lease_s=self.settings.lease_s)[0])

    def complete(self, stage: str, job: Job, result: Result) -> tuple[bool, list[ReadyJob]]:
        """Write the stage's result and send the job on; False when the job is not this worker's any more."""
        value = to_json(result)
        is_accepted, ready = self.run(
            "complete",
            job=job.name,
            stage=stage,
            fence=job.fence,
            field=RESULT_FIELDS[type(result)],
            value=value,
            ledger=entry_json(job.request, job.transcript, result) if isinstance(result, Feedback) else None,
            ledger_s=86_400 * self.settings.ledger_days,
            reset=isinstance(result, Feedback) and result.reset,
            limit_s=self.stage_limit_s(stage),
            audio_ms=round(1000 * result.duration_s) if isinstance(result, Transcript) else 0,
        )
        return bool(is_accepted), parse_ready_jobs(ready)

    def progress(self, stage: str, job: Job, number: int, entry: Mapping[str, Any]) -> bool:
        """Publish a partial result to those who wait; `number` counts this attempt's entries from 1.

        False when the job is not this worker's any more.
        """
        text = json.dumps(entry, ensure_ascii=False)
        is_accepted = self.run(
            "progress",
            job=job.name,
            stage=stage,
            fence=job.fence,
            number=number,
            partial_result=text,
            ttl_s=PROGRESS_S,
        )[0]
        return bool(is_accepted)

    def partial_results(self, job: Job, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """The partial results of the latest attempt at a stage: entries and their numbers, those after `after`."""
        stream = f"{PREFIX}progress:{job.name}"
        entries = cast(list[Any], self.redis.xrange(stream, f"({job.fence}-{after}", f"{job.fence}-{2**63}"))
        return [(int(number.split("-")[1]), json.loads(entry["said"])) for number, entry in entries]

    def fail(self, stage: str, job: Job, error: WaijiaoError, again: bool) -> list[ReadyJob]:
        """Record that the attempt failed; `again` tries once more while attempts are left."""
        return self._fail(job.name, stage, job.fence, error, again)

    def _fail(self, name: str, stage: str, fence: str, error: WaijiaoError, again: bool) -> list[ReadyJob]:
        error_json = json.dumps({**error.as_dict(), "stage": stage}, ensure_ascii=False)
        _, ready = self.run(
            "fail",
            job=name,
            stage=stage,
            fence=fence,
            error=error_json,
            again=again,
            attempts=self.settings.attempts,
        )
        return parse_ready_jobs(ready)

    def release(self, worker: str) -> list[ReadyJob]:
        """Give back all jobs that this worker has leased, at an orderly shutdown; the attempts do not count."""
        return parse_ready_jobs(self.run("release", worker=worker)[0])

    def cancel(self, tenant: str, job_id: str) -> tuple[bool, list[ReadyJob]]:
        """End the job, wherever it is; False when it has ended already."""
        self.get(tenant, job_id)
        was_canceled, ready = self.run("cancel", job=f"{tenant}/{job_id}", detail=CANCELED_DETAIL, call=call_token())
        return bool(was_canceled), parse_ready_jobs(ready)

    def review(self, job: Job, feedback: Feedback | None, release: bool) -> tuple[bool, list[ReadyJob]]:
        """Replace the feedback of a held answer, if any is given, and `release` it; False if it is not held."""
        was_held, ready = self.run(
            "review",
            job=job.name,
            feedback=to_json(feedback) if feedback else None,
            ledger=entry_json(job.request, job.transcript, feedback) if feedback else None,
            release=release,
            deadline_s=self.settings.deadline_s,
            call=call_token(),
        )
        return bool(was_held), parse_ready_jobs(ready)

    def end_unreadable(self, tenant: str, job_id: str) -> None:
        """End a job whose record cannot be read: it failed."""
        self.run("end_unreadable", job=f"{tenant}/{job_id}")

    def forget(self, tenant: str, job_id: str) -> None:
        """Erase a job that has ended; afterwards `get` raises Erased."""
        self.run("forget", job=f"{tenant}/{job_id}", tombstone_s=self.settings.retention_h * 3600)

    def sweep(self, queues: dict[str, str]) -> list[ReadyJob]:
        """Take back expired leases, end overdue jobs, and find ready jobs whose messages are lost.

        `queues`: the stages, and for each the Redis list of its messages.
        """
        s = self.settings
        (ready,) = self.run(
            "sweep",
            queues=[{"stage": stage, "queue": queue} for stage, queue in queues.items()],
            limit=SWEEP_BATCH,
            expiry_limit=EXPIRY_BATCH,
            surplus=MAX_SURPLUS_MESSAGES,
            slept_s=SLEPT_S,
            lease_s=s.lease_s,
            worker_s=3 * s.sweep_s,
            attempts=s.attempts,
            stage_s=s.stage_s,
            lesson_s=s.lesson_s,
        )
        return parse_ready_jobs(ready)

    def erase(self, tenant: str, session: str, tombstone_s: int | None = None) -> list[str]:
        """Erase a session's jobs, running ones too; returns their names, whose blobs must be deleted.

        For `tombstone_s` seconds, by default the server's retention, `get` raises Erased for them.
        """
        if tombstone_s is None:
            tombstone_s = self.settings.retention_h * 3600
        job_names = self.run("erase", session=f"{tenant}/{session}", tombstone_s=tombstone_s, call=call_token())[0]
        return cast(list[str], job_names)

    def reset(self, tenant: str, session: str) -> list[str]:
        """Start the session over and cancel its unanswered turns; returns their names. Raises UnknownSession."""
        exists, job_names = self.run(
            "reset", session=f"{tenant}/{session}", detail=STARTED_OVER_DETAIL, call=call_token()
        )
        if not exists:
            raise UnknownSession("There is no such session: it has no turns, or it was erased.")
        return cast(list[str], job_names)

    def waiting(self) -> dict[str, int]:
        """Jobs ready and unclaimed, for each stage."""
        return {stage: self.redis.zcard(f"{PREFIX}ready:{stage}") for stage in MODEL_STAGES}


def call_token() -> str:
    """A name for one call of a script. It stays the same when the connection repeats the call after a lost answer."""
    return secrets.token_hex(8)


def parse_ready_jobs(ready: Sequence[str]) -> list[ReadyJob]:
    """Parse a script's ready jobs, each 'stage tenant/id'."""
    return [ReadyJob(*each.split(" ", 1)) for each in ready]


def record_from_pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script returns it: names and values alternate."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def existing_job(record: dict[str, str]) -> Job:
    """The job of a record. Raises UnknownJob if it has no fields, Erased if it is a tombstone."""
    if "erased" in record:
        raise Erased
    if "stages" not in record:
        raise UnknownJob("There is no such job: it was never submitted, or its retention has passed.")
    return Job.from_record(record)


def digest(key: str) -> str:
    """A client's key as a part of a Redis key: of fixed length, whatever the client sent."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_fields(job_request: JobRequest) -> dict[str, str]:
    """The record's fields about the client: the key that is charged, the learner who owns the job."""
    return {name: id_ for name, id_ in (("key", job_request.key), ("owner", job_request.owner)) if id_}


def served_as(job_request: JobRequest) -> str:
    """Whose jobs are served in turn with those of others: a learner who waits stands for the key that submits."""
    whole_class = job_request.key if job_request.lane == "interactive" else job_request.group
    return whole_class or job_request.conversation


def parent_fields(job_request: JobRequest) -> dict[str, str]:
    """The record's fields about the assignment, the lesson or the practised job that the job belongs to."""
    fields = {"sha256": job_request.sha256}
    if job_request.assignment:
        student = job_request.pupil or job_request.student  # as Student.key
        fields |= {"assignment": f"{job_request.tenant}/{job_request.assignment}", "student": student}
    if job_request.lesson:
        fields["lesson"] = f"{job_request.tenant}/{job_request.lesson}"
    if job_request.practised:
        fields["practised"] = f"{job_request.tenant}/{job_request.practised}"
    return {name: value for name, value in fields.items() if value}


def ledger_fields(job_request: JobRequest, results: EarlierResults) -> dict[str, str]:
    """The record's fields about the learner's ledger: whose it is, and what feedback that exists already adds to it."""
    learner, feedback, transcript = find_learner(job_request), results.get("feedback"), results.get("transcript")
    if not learner:
        return {}
    fields = {"learner": f"{job_request.tenant}/{learner}"}
    if isinstance(feedback, Feedback):
        heard = transcript if isinstance(transcript, Transcript) else None
        if text := entry_json(job_request, heard, feedback):
            fields["ledger"] = text
    return fields


def earlier_results(job: Job) -> EarlierResults:
    """The results of the stages before the one at which the job failed."""
    return {"transcript": job.transcript, "feedback": job.feedback, "segments": job.segments}


def raise_for_outcome(outcome: str, retry_after_s: float) -> None:
    """Raise the error whose code submit.lua answers, unless the job was accepted, now or before."""
    code, _, owner = outcome.partition(":")
    if code == QuotaFull.code:
        raise QuotaFull(f"This {owner} has too many unfinished jobs. Nothing was accepted; try again.", retry_after_s)
    if code in REFUSALS:
        raise REFUSALS[code](retry_after_s)


REFUSALS: dict[str, Callable[[float], WaijiaoError]] = {
    UnknownJob.code: lambda _: UnknownJob("The job has expired or was erased meanwhile. Submit its recording again."),
    UnknownAssignment.code: lambda _: UnknownAssignment(),
    Canceled.code: lambda _: Canceled("The lesson was canceled, or has ended."),
    KeyReused.code: lambda _: KeyReused(),
    NotDead.code: lambda _: NotDead(),
    EnoughTries.code: lambda _: EnoughTries(),
    ServerFull.code: lambda retry_after_s: ServerFull(retry_after_s=retry_after_s),
    RateLimited.code: lambda retry_after_s: RateLimited(
        "This key has submitted as many jobs as it may in a minute. Nothing was accepted.", retry_after_s
    ),
    MinutesUsed.code: lambda retry_after_s: MinutesUsed(
        "This key has no minutes of recordings left today (UTC). Nothing was accepted.", retry_after_s
    ),
}
