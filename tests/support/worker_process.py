"""A Redis that can be killed and started again, and real small workers (scripted_worker.py) on it."""

import os
import sys
from pathlib import Path

import psutil

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.worker.registry import count_workers
from tests.support.process import Process
from tests.support.wait import answers, wait_for
from waijiao.local import services

ROOT = Path(__file__).parents[2]
CLOCKS = {"WAIJIAO_SWEEP_S": "0.3", "WAIJIAO_LEASE_S": "4", "WAIJIAO_SHUTDOWN_S": "3", "WAIJIAO_STALL_S": "3"}


class Worker(Process):
    """One worker; its log is a file."""

    def __init__(self, home: Path, log: Path, **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.support.scripted_worker", "worker"]
        command += ["-Q", "llm", "-c", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        command += ["-n", f"{log.stem}@%h"]
        chosen = {"WAIJIAO_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **CLOCKS, **environment}
        super().__init__(log.stem, command, {**os.environ, **chosen}, log)
        self.start()

    def send(self, number: int) -> None:
        """A signal to the parent, as supervisors send it."""
        os.kill(self.pid, number)

    @property
    def lives(self) -> bool:
        return self.alive

    def child(self) -> psutil.Process:
        return self.children()[0]


class WorkerCluster:
    """Close it at the end: nothing that it started is left."""

    def __init__(self, here: Settings) -> None:
        self.here = here
        self.orders = here.home / "orders"
        self.orders.mkdir()
        self.workers: list[Worker] = []
        self.redis = connect(here)
        self.jobs = Jobs(self.redis, here)
        self.submitted = 0
        self.server = Process("redis", services.redis_command(here), dict(os.environ), here.home / "redis.log")
        self.start_redis()

    def start_redis(self) -> None:
        self.server.start()
        wait_for(lambda: answers(self.redis))

    def kill_redis(self) -> None:
        self.server.kill()

    def freeze_redis(self) -> None:
        self.server.freeze()

    def thaw_redis(self) -> None:
        self.server.thaw()

    def start(self, **environment: str) -> Worker:
        """A new worker, which may still be loading."""
        log = self.here.home / f"worker{len(self.workers)}.log"
        self.workers.append(Worker(self.here.home, log, **environment))
        return self.workers[-1]

    def ready(self, **environment: str) -> Worker:
        """A new worker that has said that it is ready."""
        before = self.count("ready")
        worker = self.start(**environment)
        wait_for(lambda: self.count("ready") > before)
        return worker

    def count(self, state: str) -> int:
        return count_workers(self.redis).get("llm", {}).get(state, 0)

    def order(self, name: str) -> None:
        (self.orders / name).touch()

    def withdraw(self, name: str) -> None:
        (self.orders / name).unlink()

    def submit(self) -> str:
        """The id of a new job, each in a session of its own, which the sweep rings."""
        self.submitted += 1
        id_ = f"job{self.submitted}"
        self.jobs.submit(JobRequest(id_, f"session{self.submitted}", text="I goed"))
        return id_

    def begun(self, id_: str) -> list[int]:
        """The ids of the processes that began on this job, in order."""
        ledger = self.orders / "ledger"
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return [int(line.split()[1]) for line in lines if line.split()[0] == id_]

    def working(self, id_: str) -> str:
        wait_for(lambda: self.begun(id_))
        return id_

    def job(self, id_: str) -> Job:
        return self.jobs.get("default", id_)

    def answered(self, id_: str, seconds: float = 30) -> Job:
        """The job once the language model's part is done, or it ended."""
        return wait_for(lambda: (job := self.job(id_)) and (job.feedback or job.ended_at) and job, seconds)

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.thaw_redis()
        self.kill_redis()
        self.redis.close()
