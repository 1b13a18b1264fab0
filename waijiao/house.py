"""Runs the house on this machine: starts every process, brings a dead one back, stops all of them."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import httpx
from redis.exceptions import RedisError

from pipeline.errors import ConfigurationError
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from waijiao import embedded_redis, services
from waijiao.services import Service

LOOK_S = 0.1  # seconds between two looks at the processes
ENDED_S = 0.02  # seconds between two looks at one that is to end
BACK_S = 1.0  # seconds before a process that died young is started again
LOG_BYTES = 10_000_000  # size at which a log is put aside when its process is next started
HAND_BACK_S = 4.0  # seconds beyond shutdown_s that a worker may need to hand back what it could not finish
REDIS_S = 10.0  # seconds Redis may take to stop
PR_SET_PDEATHSIG = 1  # linux/prctl.h
libc = ctypes.CDLL(None)


@dataclass
class Running:
    """A service and its process."""

    service: Service
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)


class House:
    """Use as a context: inside it everything runs; on leaving, nothing that it started is left."""

    def __init__(self, settings: Settings, counts: dict[str, int]) -> None:
        self.settings = settings
        self.counts = counts
        self.running: list[Running] = []
        self.redis: Running | None = None
        self.lock: TextIO | None = None

    def __enter__(self) -> "House":
        self.settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock = (self.settings.home / "up.lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"Waijiao is already running with WAIJIAO_HOME={self.settings.home}.") from None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        if not self.settings.redis_url:
            self.redis = self.launch(Service("redis", embedded_redis.command(self.settings), {}))
        self.wait_for_redis()
        for service in [services.api(self.settings), *services.workers(self.settings, self.counts)]:
            self.running.append(self.launch(service))

    def launch(self, service: Service) -> Running:
        written = self.log(service.name)
        if written.exists() and written.stat().st_size > LOG_BYTES:
            written.replace(written.with_suffix(".log.1"))
        with written.open("ab") as log:
            process = subprocess.Popen(
                service.command,
                env={**os.environ, **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        return Running(service, process)

    def log(self, name: str) -> Path:
        folder = self.settings.home / "logs"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{name}.log"

    def wait_for_redis(self) -> None:
        redis, deadline = connect(self.settings), time.monotonic() + 30
        while True:
            try:
                redis.ping()
                return
            except RedisError as error:
                if time.monotonic() > deadline or (self.redis and self.redis.process.poll() is not None):
                    raise ConfigurationError(f"Redis cannot be reached: {error}") from error
                time.sleep(LOOK_S)

    def wait_until_ready(self) -> None:
        """Returns when every model takes work. ConfigurationError, with its log, when a process ends before that."""
        deadline = time.monotonic() + self.settings.load_s
        while time.monotonic() < deadline:
            for each in self.running:
                if each.process.poll() is not None:
                    words = self.log(each.service.name).read_text(errors="replace")[-2000:].strip()
                    raise ConfigurationError(f"{each.service.name} ended while starting:\n{words}")
            if ready(self.url):
                return
            time.sleep(LOOK_S)
        raise ConfigurationError(f"The models were not ready after {self.settings.load_s} s (WAIJIAO_LOAD_S).")

    @property
    def url(self) -> str:
        host = self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.settings.port}"

    def watch(self) -> None:
        """Bring back whatever dies, for ever; at once, or after a moment when it died young."""
        while True:
            time.sleep(LOOK_S)
            if self.redis and self.redis.process.poll() is not None:
                self.redis = self.again(self.redis)
            self.running = [each if each.process.poll() is None else self.again(each) for each in self.running]

    def again(self, dead: Running) -> Running:
        """Start a service that ended once more; what it left of its own processes is killed first."""
        kill_group(dead.process.pid)
        print(
            f"{dead.service.name} ended with status {dead.process.returncode}; starting it again",
            file=sys.stderr,
        )
        if time.monotonic() - dead.started < BACK_S:
            time.sleep(BACK_S)
        return self.launch(dead.service)

    def stop(self) -> None:
        """Ask everything to stop, kill what does not, Redis last."""
        end([each.process for each in self.running], self.settings.shutdown_s + HAND_BACK_S)
        if self.redis:
            end([self.redis.process], REDIS_S)
        if self.lock:
            self.lock.close()


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def die_with_parent() -> None:
    """In the child: end when the parent dies, however it dies. Redis keeps what it acknowledged, leases the rest."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end(processes: "list[subprocess.Popen[bytes]]", grace_s: float) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace_s
    for process in processes:
        while not ended(process) and time.monotonic() < deadline:
            time.sleep(ENDED_S)
        kill_group(process.pid)
        while not ended(process):
            time.sleep(ENDED_S)


def ended(process: "subprocess.Popen[bytes]") -> bool:
    """As Popen.poll knows, but without its lock: Ctrl-C that strikes inside poll leaves that locked for ever."""
    if process.returncode is None:
        try:
            pid, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:  # poll was told how it ended, and had no time to note it
            pid, status = process.pid, 0
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode is not None


def kill_group(leader: int) -> None:
    """Kill what is left of a process's group: each service leads its own."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
