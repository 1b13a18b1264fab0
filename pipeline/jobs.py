"""The only writer of job records. Each change is one atomic script (scripts/*.lua) with Redis's own clock."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script

from pipeline.errors import Erased, UnknownJob, WaijiaoError
from pipeline.record import STAGES, Job, Question
from pipeline.settings import Settings
from pipeline.turns import Answer, Feedback, Transcript

SCRIPTS = Path(__file__).parent / "scripts"
PREFIX = "waijiao:"  # of every key; scripts/common.lua has the same
AT_ONCE = 200  # records one sweep takes back, ends or rings, so that it never blocks Redis for long

Result = Transcript | Feedback | Answer
FIELDS: dict[type[Any], str] = {Transcript: "transcript", Feedback: "feedback", Answer: "answer"}


@dataclass(frozen=True)
class Bell:
    """A job that became ready for a stage, so that a worker of that stage should be rung."""

    stage: str
    name: str


@dataclass(frozen=True)
class Worker:
    """Who claims: `name` stays the same when a worker's child process dies and a new `child` takes its place."""

    name: str
    child: str


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

    def _run(self, script: str, *args: object) -> list[Any]:
        return cast(list[Any], self.scripts[script](args=[str(arg) for arg in args]))

    def submit(self, question: Question) -> list[Bell]:
        """Accept a question; its record exists and waits for the first stage of its road when this returns."""
        retention = self.settings.retention_h * 3600
        fields = {
            "question": json.dumps(asdict(question)),
            "tenant": question.tenant,
            "session": question.session,
            "road": ",".join(question.road),
        }
        flat = [part for pair in fields.items() for part in pair]
        return bells(self._run("submit", question.name, retention, self.settings.deadline_s, *flat)[0])

    def get(self, tenant: str, job_id: str) -> Job:
        """The job's record; UnknownJob when there is none for this tenant, Erased when it was erased."""
        record = cast(dict[str, str], self.redis.hgetall(f"{PREFIX}job:{tenant}/{job_id}"))
        if "erased" in record:
            raise Erased
        if "road" not in record:
            raise UnknownJob("There is no such job: it was never submitted, or it is no longer kept.")
        return Job.from_record(record)

    def exists(self, name: str) -> bool:
        """Whether the job `tenant/id` has a record, so that its blobs are wanted."""
        return bool(self.redis.hexists(f"{PREFIX}job:{name}", "road"))

    def claim(self, stage: str, worker: Worker, most: int) -> tuple[list[Job], list[Bell]]:
        """Lease the first `most` ready jobs of the stage to this worker, in order of acceptance."""
        s = self.settings
        claims, rung = self._run("claim", stage, worker.name, worker.child, most, s.lease_s, s.attempts)
        records = [dict(zip(flat[::2], flat[1::2], strict=True)) for _, flat in claims]
        return [Job.from_record(record) for record in records], bells(rung)

    def renew(self, stage: str, claimed: Sequence[Job]) -> list[str]:
        """Keep the leases of `claimed` for another lease_s; answers the names that are no longer ours."""
        fences = [part for job in claimed for part in (job.name, job.fence)]
        return cast(list[str], self._run("renew", self.settings.lease_s, stage, *fences)[0])

    def complete(self, stage: str, job: Job, result: Result) -> tuple[bool, list[Bell]]:
        """Write the stage's result and send the job on; False when the job is no longer ours to complete."""
        reset = int(isinstance(result, Feedback) and result.reset)
        value = json.dumps(result.as_dict(), ensure_ascii=False)
        done, rung = self._run("complete", job.name, stage, job.fence, FIELDS[type(result)], value, reset)
        return bool(done), bells(rung)

    def fail(self, stage: str, job: Job, error: WaijiaoError, again: bool) -> list[Bell]:
        """Record that the attempt failed; `again` tries once more while attempts are left."""
        why = json.dumps({**error.as_dict(), "stage": stage}, ensure_ascii=False)
        return bells(self._run("fail", job.name, stage, job.fence, why, int(again), self.settings.attempts)[1])

    def release(self, stage: str, job: Job) -> list[Bell]:
        """Hand the job back unharmed, as an orderly shutdown does; the attempt does not count."""
        return bells(self._run("release", job.name, stage, job.fence)[1])

    def sweep(self, queues: dict[str, str]) -> list[Bell]:
        """Take back expired leases, end overdue jobs, answer the missing bells; `queues`: stage -> Redis list."""
        flat = [part for pair in queues.items() for part in pair]
        return bells(self._run("sweep", self.settings.attempts, AT_ONCE, *flat)[0])

    def erase(self, tenant: str, session: str) -> list[str]:
        """Forget a session's jobs, running ones too; answers their names, whose blobs are to be removed."""
        return cast(list[str], self._run("erase", f"{tenant}/{session}", self.settings.retention_h * 3600)[0])

    def waiting(self) -> dict[str, int]:
        """Jobs ready and unclaimed, for each stage."""
        return {stage: self.redis.zcard(f"{PREFIX}ready:{stage}") for stage in STAGES}


def bells(rung: Sequence[str]) -> list[Bell]:
    """Read a script's bells, each 'stage tenant/id'."""
    return [Bell(*each.split(" ", 1)) for each in rung]
