"""A Redis that can be killed and started again, and real small workers (small_worker.py) on it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from pipeline.worker.registry import count_workers
from tests.support.wait import answers, wait_for
from waijiao.local import services

HERE = Path(__file__).parent
CLOCKS = {"WAIJIAO_SWEEP_S": "0.3", "WAIJIAO_LEASE_S": "4", "WAIJIAO_SHUTDOWN_S": "3", "WAIJIAO_STALL_S": "3"}


class Worker:
    """One worker; its log is a file."""

    def __init__(self, home: Path, log: Path, **environment: str) -> None:
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "small_worker", "worker", "-Q", "llm", "-c", "1"]
        command += ["--loglevel", "WARNING", "--without-gossip", "--without-mingle", "-n", f"{log.stem}@%h"]
        path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
        chosen = {"WAIJIAO_HOME": str(home), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **CLOCKS, **environment}
        self.log = log
        with log.open("ab") as written:
            self.process = subprocess.Popen(
                command, env={**os.environ, **chosen}, stdout=written, stderr=written, start_new_session=True
            )

    def send(self, number: int) -> None:
        """A signal to the parent, as supervisors send it."""
        self.process.send_signal(number)

    def ended(self, seconds: float) -> int:
        """The exit status, once it has ended by itself."""
        return self.process.wait(seconds)

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def child(self) -> psutil.Process:
        return psutil.Process(self.process.pid).children()[0]

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        if self.lives:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class House:
    """Close it at the end: nothing that it started is left."""

    def __init__(self, here: Settings) -> None:
        self.here = here
        self.orders = here.home / "orders"
        self.orders.mkdir()
        self.workers: list[Worker] = []
        self.redis = connect(here)
        self.jobs = Jobs(self.redis, here)
        self.submitted = 0
        self.start_redis()

    def start_redis(self) -> None:
        log = (self.here.home / "redis.log").open("ab")
        self.server = subprocess.Popen(services.redis_command(self.here), stdout=log, stderr=log)
        log.close()
        wait_for(lambda: answers(self.redis))

    def kill_redis(self) -> None:
        self.server.kill()
        self.server.wait()

    def freeze_redis(self) -> None:
        self.server.send_signal(signal.SIGSTOP)

    def thaw_redis(self) -> None:
        self.server.send_signal(signal.SIGCONT)

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
