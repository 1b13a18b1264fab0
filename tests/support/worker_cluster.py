"""A Redis that can be killed and started again, and real small workers (scripted_worker.py) on it."""

import sys
from pathlib import Path

from pipeline.jobs.job import Job, JobRequest
from pipeline.settings import Settings
from pipeline.worker.registry import count_workers
from tests.support.cluster import Cluster
from tests.support.process import Process
from tests.support.wait import wait_for
from waijiao.local.services import Service

ROOT = Path(__file__).parents[2]
CLOCKS = {"WAIJIAO_SWEEP_S": "0.3", "WAIJIAO_LEASE_S": "4", "WAIJIAO_SHUTDOWN_S": "3", "WAIJIAO_STALL_S": "3"}


class WorkerCluster(Cluster):
    """Starts with Redis alone; the test starts the workers, and orders what their engines do."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.orders = settings.home / "orders"
        self.orders.mkdir()
        self.submitted = 0
        self.start("redis")

    def start_worker(self, **environment: str) -> Process:
        """A new worker, which may still be loading."""
        name = f"llm{len(self.select('llm')) + 1}"
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.support.scripted_worker", "worker"]
        command += ["-Q", "llm", "-c", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        command += ["-n", f"{name}@%h"]
        common = {"WAIJIAO_HOME": str(self.settings.home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **CLOCKS}
        worker = self.add(Service(name, command, common), environment)
        worker.start()
        return worker

    def start_ready_worker(self, **environment: str) -> Process:
        """A new worker that has registered as ready."""
        count = self.count_workers("ready")
        worker = self.start_worker(**environment)
        wait_for(lambda: self.count_workers("ready") > count)
        return worker

    def count_workers(self, state: str) -> int:
        return count_workers(self.redis).get("llm", {}).get(state, 0)

    def order(self, name: str) -> None:
        (self.orders / name).touch()

    def withdraw(self, name: str) -> None:
        (self.orders / name).unlink()

    def submit(self) -> str:
        """The id of a new job, each in a session of its own, for which the sweep sends the message."""
        self.submitted += 1
        id_ = f"job{self.submitted}"
        self.jobs.submit(JobRequest(id_, f"session{self.submitted}", text="I goed"))
        return id_

    def find_runs(self, id_: str) -> list[int]:
        """The ids of the processes that began on this job, in order."""
        ledger = self.orders / "ledger"
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return [int(line.split()[1]) for line in lines if line.split()[0] == id_]

    def wait_until_begun(self, id_: str) -> str:
        """The same id, once a worker began on the job."""
        wait_for(lambda: self.find_runs(id_))
        return id_

    def get_job(self, id_: str) -> Job:
        return self.jobs.get("default", id_)

    def wait_until_answered(self, id_: str, seconds: float = 30) -> Job:
        """The job once the language model's part is done, or it ended."""

        def answered_job() -> Job | None:
            job = self.get_job(id_)
            return job if job.feedback or job.ended_at else None

        return wait_for(answered_job, seconds)
