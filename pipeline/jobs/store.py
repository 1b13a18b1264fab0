"""The only writer of job records. Each change is one atomic script (scripts/*.lua) with Redis's own clock."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from pipeline.errors import (
    Canceled,
    Erased,
    KeyReused,
    MinutesUsed,
    NoSpeech,
    NotDead,
    QuotaFull,
    RateLimited,
    ServerFull,
    UnknownAssignment,
    UnknownJob,
    UnknownSession,
    WaijiaoError,
)
from pipeline.jobs.job import MODEL_STAGES, RESULT_FIELDS, SEGMENT, Job, JobRequest
from pipeline.jobs.results import Answer, Completion, Feedback, LessonSegments, Transcript
from pipeline.settings import Settings
from pipeline.webhooks.validation import webhook_fields

SCRIPTS = Path(__file__).parent / "scripts"
PREFIX = "waijiao:"  # of every key; scripts/lib.lua has the same
CHANGED_CHANNEL = f"{PREFIX}changed"  # channel on which a job's name is said whenever it changed
SWEEP_BATCH = 200  # records one sweep takes back, ends or rings, so that it never blocks Redis for long
IDEMPOTENCY_S = 86_400  # seconds for which a repeated request is known by its Idempotency-Key
STARVATION_S = 30  # seconds after which a lane that waits has the next turn, however much is in faster ones
PROGRESS_S = 3600  # seconds that what there was of an unfinished result is kept
DEFAULT_PACE_S = 10  # seconds from one job's end to the next's, for Retry-After, while none has ended yet

CANCELED_DETAIL = "The job was canceled before it was answered."
STARTED_OVER_DETAIL = "The session was started over before this turn was answered."
REPLACED_DETAIL = "It was handed in again, or answered anew, before it was answered."

Result = Transcript | Feedback | Completion | Answer | LessonSegments
KnownResults = Mapping[
    str, Transcript | Feedback | LessonSegments | None
]  # what is known of a job at its start, by field


@dataclass(frozen=True)
class ReadyJob:
    """A job that became ready for a stage, so that a worker of that stage should be rung."""

    stage: str
    name: str


@dataclass(frozen=True)
class Idempotency:
    """What makes two requests the same: the client's Idempotency-Key, and a fingerprint of all that was asked."""

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
        lib = (SCRIPTS / "lib.lua").read_text()
        self.scripts: dict[str, Script] = {
            path.stem: redis.register_script(lib + path.read_text())
            for path in SCRIPTS.glob("*.lua")
            if path.stem != "lib"
        }

    def run(self, script: str, *args: object) -> list[Any]:
        existing_job, texts = self.scripts[script], [str(arg) for arg in args]
        try:
            return cast(list[Any], existing_job(args=texts))
        except NoScriptError:  # flushed once more, between its loading and its running
            return cast(list[Any], self.redis.eval(str(existing_job.script), 0, *texts))

    def submit(self, job_request: JobRequest, repeatable: Idempotency | None = None) -> AcceptedJob:
        """Accept a question; its record exists and waits for the first of its stages when this returns.

        Where its recording was recognised before, as its `sha256` says, the words are taken over. Raises KeyReused;
        UnknownAssignment; Canceled when its lesson has ended; ServerFull or QuotaFull when too many jobs wait;
        RateLimited or MinutesUsed when the client's key has used up what it may. Then nothing was written.
        """
        terms: dict[str, str] = {}
        if repeatable:
            whose = f"{job_request.key} {repeatable.key}"
            terms = {"key": digest(whose), "fingerprint": repeatable.fingerprint}
        heard = (
            self.find_earlier_transcript(job_request) if "llm" in job_request.stages else None
        )  # else there is nothing to be spared
        return self._accept(job_request, "llm" if heard else job_request.stages[0], terms, {"transcript": heard})

    def retry(self, dead: Job, job_request: JobRequest) -> AcceptedJob:
        """Accept `question` in the place of a dead job: it goes on at the stage that failed. NotDead if it is not."""
        return self._accept(job_request, dead.stage, {"retry_of": dead.name}, known_results(dead))

    def rerun(self, job: Job, job_request: JobRequest, stage: str, facts: KnownResults) -> AcceptedJob:
        """Accept `question` as another version of a job that has ended: from `stage` on, with what is known before."""
        return self._accept(job_request, stage, {"rerun_of": job.name}, facts)

    def _accept(
        self, job_request: JobRequest, stage: str, terms: Mapping[str, str], facts: KnownResults
    ) -> AcceptedJob:
        s, stages = self.settings, job_request.stages
        bounds = {"most_server": s.max_jobs, "most_tenant": s.max_jobs_tenant, "most_session": s.max_jobs_session}
        retention_s = 3600 * (s.retention_h if job_request.retention_h is None else job_request.retention_h)
        clocks: dict[str, float] = {"retention_s": retention_s, "deadline_s": s.deadline_s, "repeat_s": IDEMPOTENCY_S}
        clocks["pace"] = DEFAULT_PACE_S
        places = {
            "lane": job_request.lane,
            "group": job_request.group or job_request.conversation,
            "replaced": REPLACED_DETAIL,
        }
        if job_request.due is not None:
            clocks["due"] = job_request.due
        if job_request.lesson:
            clocks["number"] = job_request.details["number"]
        known_facts = {name: json.dumps(fact.as_dict(), ensure_ascii=False) for name, fact in facts.items() if fact}
        fields = {
            "question": json.dumps(asdict(job_request), ensure_ascii=False),
            "tenant": job_request.tenant,
            "session": job_request.conversation,
            "stages": ",".join(stages[stages.index(stage) :]),
            **key_fields(job_request),
            **parent_fields(job_request),
            **self.transcript_key_fields(job_request),
            **webhook_fields(job_request),
            **known_facts,
        }
        answer = self.run(
            "submit", job_request.name, json.dumps({**terms, **bounds, **clocks, **places}), json.dumps(fields)
        )
        outcome, flat, free_in_s, rung = answer
        raise_for_outcome(outcome, float(free_in_s))
        return AcceptedJob(
            existing_job(record_from_pairs(flat)), earlier=outcome == "same", ready_jobs=parse_ready_jobs(rung)
        )

    def find_earlier_transcript(self, job_request: JobRequest) -> Transcript | None:
        """What was heard in the same recording by the same model under the same circumstances, if that is kept."""
        for heard_as in self.transcript_key_fields(job_request).values():
            name = cast(str | None, self.redis.get(f"{PREFIX}heard-as:{heard_as}"))
            if name:
                return Job.transcript_of(cast(dict[str, str], self.redis.hgetall(f"{PREFIX}job:{name}")))
        return None

    def transcript_key_fields(self, job_request: JobRequest) -> dict[str, str]:
        """What the record says to have the words found again; nothing when that is not wanted."""
        if not job_request.sha256:
            return {}
        s = self.settings
        model = (s.asr_engine, s.asr_model, s.asr_compute_type, str(s.asr_beam))
        heard = (
            job_request.sha256,
            job_request.language,
            job_request.hint,
            job_request.persona,
            job_request.task,
            job_request.owner,
        )
        words = json.dumps(job_request.details.get("words", ()))
        return {"heard_as": f"{job_request.tenant}/{digest(chr(0).join((*model, *heard, words)))}"}

    def has(self, name: str) -> bool:
        """Whether there is a record of the job `tenant/id`, be it only that it was erased."""
        return bool(self.redis.exists(f"{PREFIX}job:{name}"))

    def turns_of(self, job: Job) -> list[str]:
        """The names of a lesson's turns, in their order; none of any other job."""
        return cast(list[str], self.redis.zrange(f"{PREFIX}children:{job.name}", 0, -1))

    def get(self, tenant: str, job_id: str, owner: str = "") -> Job:
        """The job's record; UnknownJob when there is none for this tenant, Erased when it was erased.

        An `owner`, a learner's key, sees no job but its own.
        """
        found = cast(dict[str, str], self.redis.hgetall(f"{PREFIX}job:{tenant}/{job_id}"))
        return existing_job({} if owner and found.get("owner") != owner else found)

    def blobs(self, name: str) -> set[str]:
        """The names of the blobs that the record of the job `tenant/id` still needs; none when there is no record."""
        try:
            return self.get(*name.split("/")).blobs(self.settings.keep_recordings)
        except (UnknownJob, Erased):
            return set()

    def claim(self, stage: str, worker: str, most: int) -> tuple[list[Job], list[ReadyJob]]:
        """Lease the first `most` ready jobs of the stage to this worker, in order of acceptance."""
        s = self.settings
        longest_s = s.lesson_s if stage == SEGMENT else s.stage_s
        claims, rung = self.run(
            "claim", stage, worker, call_token(), most, s.lease_s, s.attempts, longest_s, STARVATION_S
        )
        return [Job.from_record(record_from_pairs(flat)) for flat in claims], parse_ready_jobs(rung)

    def renew(self, stage: str, claimed: Sequence[Job]) -> list[str]:
        """Keep the leases of `claimed` for another lease_s; answers the names that are no longer ours."""
        fences = [part for job in claimed for part in (job.name, job.fence)]
        return cast(list[str], self.run("renew", self.settings.lease_s, stage, *fences)[0])

    def complete(self, stage: str, job: Job, result: Result) -> tuple[bool, list[ReadyJob]]:
        """Write the stage's result and send the job on; False when the job is no longer ours to complete."""
        reset = int(isinstance(result, Feedback) and result.reset)
        heard_ms = round(1000 * result.duration_s) if isinstance(result, Transcript) else 0
        value = json.dumps(result.as_dict(), ensure_ascii=False)
        field = RESULT_FIELDS[type(result)]
        done, rung = self.run("complete", job.name, stage, job.fence, field, value, reset, heard_ms)
        return bool(done), parse_ready_jobs(rung)

    def progress(self, stage: str, job: Job, number: int, entry: Mapping[str, Any]) -> bool:
        """Tell who waits what there is of the result so far; `number` counts this attempt's entries from 1.

        False when the job is no longer ours.
        """
        said = json.dumps(entry, ensure_ascii=False)
        return bool(self.run("progress", job.name, stage, job.fence, number, said, PROGRESS_S)[0])

    def partial_results(self, job: Job, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """What the latest attempt at a stage has told by `progress`: entries and their numbers, those after `after`."""
        stream = f"{PREFIX}progress:{job.name}"
        webhook_fields = cast(list[Any], self.redis.xrange(stream, f"({job.fence}-{after}", f"{job.fence}-{2**63}"))
        return [(int(number.split("-")[1]), json.loads(entry["said"])) for number, entry in webhook_fields]

    def fail(self, stage: str, job: Job, error: WaijiaoError, again: bool) -> list[ReadyJob]:
        """Record that the attempt failed; `again` tries once more while attempts are left."""
        why = json.dumps({**error.as_dict(), "stage": stage}, ensure_ascii=False)
        return parse_ready_jobs(
            self.run("fail", job.name, stage, job.fence, why, int(again), self.settings.attempts)[1]
        )

    def release(self, worker: str) -> list[ReadyJob]:
        """Hand back, unharmed, all that this worker holds, as an orderly shutdown does; the attempts do not count."""
        return parse_ready_jobs(self.run("release", worker)[0])

    def cancel(self, tenant: str, job_id: str) -> tuple[bool, list[ReadyJob]]:
        """End the job, wherever it is; False when it has ended already."""
        self.get(tenant, job_id)
        done, rung = self.run("cancel", f"{tenant}/{job_id}", CANCELED_DETAIL, call_token())
        return bool(done), parse_ready_jobs(rung)

    def review(self, job: Job, feedback: Feedback | None, go: bool) -> tuple[bool, list[ReadyJob]]:
        """Change an answer that is held, unless `feedback` is None, and let it `go` on; False when it is not held."""
        changed = json.dumps(feedback.as_dict(), ensure_ascii=False) if feedback else ""
        done, rung = self.run("review", job.name, changed, int(go), self.settings.deadline_s, call_token())
        return bool(done), parse_ready_jobs(rung)

    def forget(self, tenant: str, job_id: str) -> None:
        """Erase a job that has ended; afterwards it is answered with Erased."""
        self.run("forget", f"{tenant}/{job_id}", self.settings.retention_h * 3600)

    def sweep(self, queues: dict[str, str]) -> list[ReadyJob]:
        """Take back expired leases, end overdue jobs, answer the missing bells; `queues`: stage -> Redis list."""
        s, flat = self.settings, [part for pair in queues.items() for part in pair]
        return parse_ready_jobs(self.run("sweep", s.attempts, s.stage_s, s.lesson_s, SWEEP_BATCH, *flat)[0])

    def erase(self, tenant: str, session: str, tombstone_s: int | None = None) -> list[str]:
        """Forget a session's jobs, running ones too; answers their names, whose blobs are to be removed.

        For `tombstone_s` seconds, those of the retention if not said otherwise, they are answered with Erased.
        """
        if tombstone_s is None:
            tombstone_s = self.settings.retention_h * 3600
        return cast(list[str], self.run("erase", f"{tenant}/{session}", tombstone_s, call_token())[0])

    def reset(self, tenant: str, session: str) -> list[str]:
        """Start the session over and cancel its unanswered turns; answers their names. UnknownSession."""
        existing_job, canceled = self.run("reset", f"{tenant}/{session}", STARTED_OVER_DETAIL, call_token())
        if not existing_job:
            raise UnknownSession("There is no such session: nothing was said in it, or it was erased.")
        return cast(list[str], canceled)

    def waiting(self) -> dict[str, int]:
        """Jobs ready and unclaimed, for each stage."""
        return {stage: self.redis.zcard(f"{PREFIX}ready:{stage}") for stage in MODEL_STAGES}


def call_token() -> str:
    """A name for one call of a script: the same however often the connection sends it, since answers can be lost."""
    return secrets.token_hex(8)


def parse_ready_jobs(rung: Sequence[str]) -> list[ReadyJob]:
    """Read a script's bells, each 'stage tenant/id'."""
    return [ReadyJob(*each.split(" ", 1)) for each in rung]


def record_from_pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script answers it: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def existing_job(found: dict[str, str]) -> Job:
    """The job of a record that may not exist: UnknownJob, or Erased when it was erased."""
    if "erased" in found:
        raise Erased
    if "stages" not in found:
        raise UnknownJob("There is no such job: it was never submitted, or it is no longer kept.")
    return Job.from_record(found)


def digest(key: str) -> str:
    """A client's key as a part of a Redis key: of fixed length, whatever the client sent."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_fields(job_request: JobRequest) -> dict[str, str]:
    """What a job's record says of its client to the scripts: the key that is charged, the learner who owns it."""
    return {name: id_ for name, id_ in (("key", job_request.key), ("owner", job_request.owner)) if id_}


def parent_fields(job_request: JobRequest) -> dict[str, str]:
    """What a job's record says to the scripts of the assignment or the lesson that it is a part of."""
    found = {"sha256": job_request.sha256}
    if job_request.assignment:
        found |= {"assignment": f"{job_request.tenant}/{job_request.assignment}", "student": job_request.student}
    if job_request.lesson:
        found["lesson"] = f"{job_request.tenant}/{job_request.lesson}"
    return {name: value for name, value in found.items() if value}


def known_results(job: Job) -> KnownResults:
    return {"transcript": job.transcript, "feedback": job.feedback, "segments": job.segments}


def raise_for_outcome(outcome: str, free_in_s: float) -> None:
    """Raise what `outcome` of submit.lua means, unless the job was accepted, now or before."""
    if outcome == "assignment":
        raise UnknownAssignment
    if outcome == "ended":
        raise Canceled("The lesson was canceled, or has ended.")
    if outcome == "other":
        raise KeyReused
    if outcome == "gone":
        raise NotDead
    if outcome == "server":
        raise ServerFull(retry_after_s=free_in_s)
    if outcome == "rate":
        raise RateLimited("This key has submitted as many jobs as it may in a minute. Nothing was accepted.", free_in_s)
    if outcome == "minutes":
        raise MinutesUsed("This key has no minutes of recordings left today (UTC). Nothing was accepted.", free_in_s)
    if outcome in {"tenant", "session"}:
        raise QuotaFull(f"This {outcome} has too many unfinished jobs. Nothing was accepted; try again.", free_in_s)


PAGE_CHUNK = 100  # records read in one go
MAX_SCANNED = 2000  # records one page looks at, however few of them it wants


@dataclass(frozen=True)
class Page:
    """Jobs, and the cursor after which the next page begins; None when this one is the last."""

    jobs: list[Job]
    next: int | None


def list_jobs(redis: "Redis", line: str, wanted: Callable[[Job], bool], most: int, before: int | None) -> Page:
    """At most `most` wanted jobs of `line`, a sorted set of job names, those whose score is below `before`.

    It may hold fewer though more follow: it looks at LOOKED_AT records and no more.
    """
    jobs: list[Job] = []
    last = before
    for looked_at, (score, job) in enumerate(newest_first(redis, line, before)):
        if last is not None and (len(jobs) == most or looked_at == MAX_SCANNED):
            return Page(jobs, last)
        if job and wanted(job):
            jobs.append(job)
        last = score
    return Page(jobs, None)


def newest_first(redis: "Redis", line: str, before: int | None) -> Iterator[tuple[int, Job | None]]:
    """Each score below `before` and its job; None in the place of a job that is not kept any more."""
    while True:
        below = "+inf" if before is None else f"({before}"
        names = cast(
            list[tuple[str, float]],
            redis.zrevrangebyscore(f"{PREFIX}{line}", below, "-inf", start=0, num=PAGE_CHUNK, withscores=True),
        )
        with redis.pipeline(transaction=False) as reading:
            for name, _ in names:
                reading.hgetall(f"{PREFIX}job:{name}")
            records = reading.execute()
        for (_, score), record in zip(names, records, strict=True):
            before = int(score)
            yield before, Job.from_record(record) if "stages" in record else None
        if len(names) < PAGE_CHUNK:
            return


def turns(redis: "Redis", tenant: str, session: str, before: float = float("inf"), most: int = -1) -> list[Job]:
    """The session's jobs with seq < `before` since it was last started over, oldest first; silence is no turn.

    A turn that was retried or done again is left out: the one in its place stands where it was accepted again.
    Of the records, the latest `most` are read; all of them when it is negative.
    """
    name = f"{tenant}/{session}"
    since = cast(str | None, redis.hget(f"{PREFIX}session:{name}", "since")) or "0"
    latest = redis.zrevrangebyscore(f"{PREFIX}turns:{name}", f"({before}", f"({since}", start=0, num=most)
    jobs = cast(list[str], latest)[::-1]
    with redis.pipeline(transaction=False) as reading:
        for job in jobs:
            reading.hgetall(f"{PREFIX}job:{job}")
        records = reading.execute()
    left_out = {"retried_as", "rerun_as"}
    found = [Job.from_record(record) for record in records if "stages" in record and not left_out & record.keys()]
    return [job for job in found if not (job.error and job.error["code"] == NoSpeech.code)]


def known_turns(redis: "Redis", tenant: str, session: str) -> list[Job]:
    """As `turns`, but UnknownSession when nothing was ever said in it, or all of it was erased."""
    if not redis.exists(f"{PREFIX}turns:{tenant}/{session}"):
        raise UnknownSession("There is no such session: nothing was said in it, or it was erased.")
    return turns(redis, tenant, session)
