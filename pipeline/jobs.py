"""The only writer of job records. Each change is one atomic script (scripts/*.lua) with Redis's own clock."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from pipeline.errors import (
    Erased,
    KeyReused,
    MinutesUsed,
    NotDead,
    QuotaFull,
    RateLimited,
    ServerFull,
    UnknownJob,
    UnknownSession,
    WaijiaoError,
)
from pipeline.record import LANES, STAGES, Job, Question
from pipeline.settings import Settings
from pipeline.turns import Answer, Completion, Feedback, Transcript
from pipeline.webhooks import told

SCRIPTS = Path(__file__).parent / "scripts"
PREFIX = "waijiao:"  # of every key; scripts/common.lua has the same
CHANGED = f"{PREFIX}changed"  # channel on which a job's name is said whenever it changed
AT_ONCE = 200  # records one sweep takes back, ends or rings, so that it never blocks Redis for long
REPEAT_S = 86_400  # seconds for which a repeated request is known by its Idempotency-Key
BULK = 10**12  # jobs of the bulk lane stand this many places behind the interactive ones accepted at the same time
PROGRESS_S = 3600  # seconds that what there was of an unfinished result is kept
PACE_S = 10  # seconds from one job's end to the next's, for Retry-After, while none has ended yet

CANCELED = "The job was canceled before it was answered."
STARTED_OVER = "The session was started over before this turn was answered."

Result = Transcript | Feedback | Completion | Answer
FIELDS: dict[type[Any], str] = {
    Transcript: "transcript",
    Feedback: "feedback",
    Completion: "completion",
    Answer: "answer",
}


@dataclass(frozen=True)
class Bell:
    """A job that became ready for a stage, so that a worker of that stage should be rung."""

    stage: str
    name: str


@dataclass(frozen=True)
class Repeatable:
    """What makes two requests the same: the client's Idempotency-Key, and a fingerprint of all that was asked."""

    key: str
    fingerprint: str


@dataclass(frozen=True)
class Accepted:
    """The accepted job: the one that was submitted, or the `earlier` one that the same request made before."""

    job: Job
    earlier: bool
    bells: list[Bell]


class Jobs:
    """Job records in one Redis. Every method is atomic; every clock is Redis's."""

    def __init__(self, redis: "Redis", settings: Settings) -> None:
        self.redis = redis
        self.settings = settings
        common = (SCRIPTS / "common.lua").read_text()
        self.scripts: dict[str, Script] = {
            path.stem: redis.register_script(common + path.read_text())
            for path in SCRIPTS.glob("*.lua")
            if path.stem != "common"
        }

    def run(self, script: str, *args: object) -> list[Any]:
        known, texts = self.scripts[script], [str(arg) for arg in args]
        try:
            return cast(list[Any], known(args=texts))
        except NoScriptError:  # flushed once more, between its loading and its running
            return cast(list[Any], self.redis.eval(str(known.script), 0, *texts))

    def submit(self, question: Question, repeatable: Repeatable | None = None) -> Accepted:
        """Accept a question; its record exists and waits for the first stage of its road when this returns.

        Raises KeyReused; ServerFull or QuotaFull when too many jobs wait; RateLimited or MinutesUsed when the client's
        key has used up what it may. Then nothing was written.
        """
        terms: dict[str, str] = {}
        if repeatable:
            whose = f"{question.key} {repeatable.key}"
            terms = {"key": digest(whose), "fingerprint": repeatable.fingerprint}
        return self._accept(question, ",".join(question.road), terms, {})

    def retry(self, dead: Job, question: Question) -> Accepted:
        """Accept `question` in the place of a dead job: it goes on at the stage that failed. NotDead if it is not."""
        road = question.road[question.road.index(dead.stage) :]
        facts = {"transcript": dead.transcript, "feedback": dead.feedback}
        done = {name: json.dumps(fact.as_dict(), ensure_ascii=False) for name, fact in facts.items() if fact}
        return self._accept(question, ",".join(road), {"retry_of": dead.name}, done)

    def _accept(self, question: Question, road: str, terms: dict[str, str], done: dict[str, str]) -> Accepted:
        s = self.settings
        bounds = {"most_server": s.max_jobs, "most_tenant": s.max_jobs_tenant, "most_session": s.max_jobs_session}
        clocks = {"retention_s": s.retention_h * 3600, "deadline_s": s.deadline_s, "repeat_s": REPEAT_S, "pace": PACE_S}
        fields = {
            "question": json.dumps(asdict(question), ensure_ascii=False),
            "tenant": question.tenant,
            "session": question.conversation,
            "road": road,
            "behind": BULK * LANES.index(question.lane),
            **client(question),
            **told(question),
            **done,
        }
        answer = self.run("submit", question.name, json.dumps({**terms, **bounds, **clocks}), json.dumps(fields))
        outcome, flat, free_in_s, rung = answer
        refuse(outcome, float(free_in_s))
        return Accepted(known(record(flat)), earlier=outcome == "same", bells=bells(rung))

    def get(self, tenant: str, job_id: str, owner: str = "") -> Job:
        """The job's record; UnknownJob when there is none for this tenant, Erased when it was erased.

        An `owner`, a learner's key, sees no job but its own.
        """
        found = cast(dict[str, str], self.redis.hgetall(f"{PREFIX}job:{tenant}/{job_id}"))
        return known({} if owner and found.get("owner") != owner else found)

    def blobs(self, name: str) -> set[str]:
        """The names of the blobs that the record of the job `tenant/id` still needs; none when there is no record."""
        try:
            return self.get(*name.split("/")).blobs(self.settings.keep_recordings)
        except (UnknownJob, Erased):
            return set()

    def claim(self, stage: str, worker: str, most: int) -> tuple[list[Job], list[Bell]]:
        """Lease the first `most` ready jobs of the stage to this worker, in order of acceptance."""
        s = self.settings
        claims, rung = self.run("claim", stage, worker, one_call(), most, s.lease_s, s.attempts, s.stage_s)
        return [Job.from_record(record(flat)) for flat in claims], bells(rung)

    def renew(self, stage: str, claimed: Sequence[Job]) -> list[str]:
        """Keep the leases of `claimed` for another lease_s; answers the names that are no longer ours."""
        fences = [part for job in claimed for part in (job.name, job.fence)]
        return cast(list[str], self.run("renew", self.settings.lease_s, stage, *fences)[0])

    def complete(self, stage: str, job: Job, result: Result) -> tuple[bool, list[Bell]]:
        """Write the stage's result and send the job on; False when the job is no longer ours to complete."""
        reset = int(isinstance(result, Feedback) and result.reset)
        heard_ms = round(1000 * result.duration_s) if isinstance(result, Transcript) else 0
        value = json.dumps(result.as_dict(), ensure_ascii=False)
        done, rung = self.run("complete", job.name, stage, job.fence, FIELDS[type(result)], value, reset, heard_ms)
        return bool(done), bells(rung)

    def progress(self, stage: str, job: Job, number: int, entry: Mapping[str, Any]) -> bool:
        """Tell who waits what there is of the result so far; `number` counts this attempt's entries from 1.

        False when the job is no longer ours.
        """
        said = json.dumps(entry, ensure_ascii=False)
        return bool(self.run("progress", job.name, stage, job.fence, number, said, PROGRESS_S)[0])

    def so_far(self, job: Job, after: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """What the latest attempt at a stage has told by `progress`: entries and their numbers, those after `after`."""
        stream = f"{PREFIX}progress:{job.name}"
        told = cast(list[Any], self.redis.xrange(stream, f"({job.fence}-{after}", f"{job.fence}-{2**63}"))
        return [(int(number.split("-")[1]), json.loads(entry["said"])) for number, entry in told]

    def fail(self, stage: str, job: Job, error: WaijiaoError, again: bool) -> list[Bell]:
        """Record that the attempt failed; `again` tries once more while attempts are left."""
        why = json.dumps({**error.as_dict(), "stage": stage}, ensure_ascii=False)
        return bells(self.run("fail", job.name, stage, job.fence, why, int(again), self.settings.attempts)[1])

    def release(self, worker: str) -> list[Bell]:
        """Hand back, unharmed, all that this worker holds, as an orderly shutdown does; the attempts do not count."""
        return bells(self.run("release", worker)[0])

    def cancel(self, tenant: str, job_id: str) -> tuple[bool, list[Bell]]:
        """End the job, wherever it is; False when it has ended already."""
        self.get(tenant, job_id)
        done, rung = self.run("cancel", f"{tenant}/{job_id}", CANCELED, one_call())
        return bool(done), bells(rung)

    def forget(self, tenant: str, job_id: str) -> None:
        """Erase a job that has ended; afterwards it is answered with Erased."""
        self.run("forget", f"{tenant}/{job_id}", self.settings.retention_h * 3600)

    def sweep(self, queues: dict[str, str]) -> list[Bell]:
        """Take back expired leases, end overdue jobs, answer the missing bells; `queues`: stage -> Redis list."""
        flat = [part for pair in queues.items() for part in pair]
        return bells(self.run("sweep", self.settings.attempts, self.settings.stage_s, AT_ONCE, *flat)[0])

    def erase(self, tenant: str, session: str, tombstone_s: int | None = None) -> list[str]:
        """Forget a session's jobs, running ones too; answers their names, whose blobs are to be removed.

        For `tombstone_s` seconds, those of the retention if not said otherwise, they are answered with Erased.
        """
        if tombstone_s is None:
            tombstone_s = self.settings.retention_h * 3600
        return cast(list[str], self.run("erase", f"{tenant}/{session}", tombstone_s, one_call())[0])

    def reset(self, tenant: str, session: str) -> list[str]:
        """Start the session over and cancel its unanswered turns; answers their names. UnknownSession."""
        known, canceled = self.run("reset", f"{tenant}/{session}", STARTED_OVER, one_call())
        if not known:
            raise UnknownSession("There is no such session: nothing was said in it, or it was erased.")
        return cast(list[str], canceled)

    def waiting(self) -> dict[str, int]:
        """Jobs ready and unclaimed, for each stage."""
        return {stage: self.redis.zcard(f"{PREFIX}ready:{stage}") for stage in STAGES}


def one_call() -> str:
    """A name for one call of a script: the same however often the connection sends it, since answers can be lost."""
    return secrets.token_hex(8)


def bells(rung: Sequence[str]) -> list[Bell]:
    """Read a script's bells, each 'stage tenant/id'."""
    return [Bell(*each.split(" ", 1)) for each in rung]


def record(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script answers it: names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def known(found: dict[str, str]) -> Job:
    """The job of a record that may not exist: UnknownJob, or Erased when it was erased."""
    if "erased" in found:
        raise Erased
    if "road" not in found:
        raise UnknownJob("There is no such job: it was never submitted, or it is no longer kept.")
    return Job.from_record(found)


def digest(key: str) -> str:
    """A client's key as a part of a Redis key: of fixed length, whatever the client sent."""
    return hashlib.sha256(key.encode()).hexdigest()


def client(question: Question) -> dict[str, str]:
    """What a job's record says of its client to the scripts: the key that is charged, the learner who owns it."""
    return {name: id_ for name, id_ in (("key", question.key), ("owner", question.owner)) if id_}


def refuse(outcome: str, free_in_s: float) -> None:
    """Raise what `outcome` of submit.lua means, unless the job was accepted, now or before."""
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
