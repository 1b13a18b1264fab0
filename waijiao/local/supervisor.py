"""The process supervisor behind `waijiao up`: starts every process, restarts those that die, stops all of them."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import httpx
from redis.exceptions import RedisError

from pipeline.errors import ConfigurationError
from pipeline.private_files import make_private_folder, make_private_home, set_private_umask
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from waijiao.local import logs
from waijiao.local.console import report
from waijiao.local.redis_disk import RedisDisk
from waijiao.local.redis_server import explain_end, find_server
from waijiao.local.services import Service, api_service, redis_service, worker_services

POLL_S = 0.1  # seconds between two checks whether the processes still run
EXIT_POLL_S = 0.02  # seconds between two checks whether a process that was asked to stop has exited
RESTART_DELAY_S = 1.0  # seconds before a process is restarted that ran for less than this
LOG_TAIL_CHARS = 2000  # of a log that are shown when its process ends while starting
RELEASE_S = 4.0  # seconds beyond shutdown_s that a worker may need to return unfinished jobs to the queue
RESERVE_CHECK_S = 1.0  # seconds between two checks of the disk space that Redis has
REDIS_START_S = 30.0  # seconds Redis may take to start
REDIS_STOP_S = 10.0  # seconds Redis may take to stop
PR_SET_PDEATHSIG = 1  # linux/prctl.h
libc = ctypes.CDLL(None)


@dataclass
class RunningService:
    """A service, its process, and the time (time.monotonic) when it was started."""

    service: Service
    process: "subprocess.Popen[bytes]"
    log_start: int  # bytes that its log had before; 0 once it was rotated
    started_at: float = field(default_factory=time.monotonic)


class Supervisor:
    """Use it as a context: inside of it everything runs; on leaving it, every process that it started has ended.

    `workers[stage]` is the number of workers of each model. Raises ConfigurationError when another supervisor runs
    with the same WAIJIAO_HOME, or Redis cannot be reached. `watch` is called again and again while everything runs.
    """

    def __init__(self, settings: Settings, workers: dict[str, int], watch: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self.workers = workers
        self.watch = watch
        self.running: list[RunningService] = []
        self.redis: RunningService | None = None
        self.redis_connection = connect(settings, FAST)
        self.redis_disk: RedisDisk | None = None
        self.reserve_checked_at = self.logs_checked_at = 0.0  # time.monotonic
        self.lock_file: TextIO | None = None

    def __enter__(self) -> "Supervisor":
        set_private_umask()
        make_private_home(self.settings.home, self.settings.models_folder)
        self.lock_file = (self.settings.home / "up.lock").open("w")
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
        """Start Redis, unless the settings name one, and everything else once Redis answers."""
        if not self.settings.redis_url:
            self._launch_redis()
        self._wait_for_redis()
        self._keep_redis_writable()
        for service in [api_service(self.settings), *worker_services(self.settings, self.workers)]:
            self.running.append(self._launch(service))

    def stop(self) -> None:
        """Ask every process to stop, kill those that do not, Redis last."""
        terminate([each.process for each in self.running], self.settings.shutdown_s + RELEASE_S)
        if self.redis:
            terminate([self.redis.process], REDIS_STOP_S)
        if self.lock_file:
            self.lock_file.close()

    @property
    def url(self) -> str:
        """Where this machine itself reaches the API, without encryption."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.settings.port}"

    def wait_until_ready(self) -> None:
        """Return when every model accepts jobs.

        Raises ConfigurationError, with the end of its log, when a process ends before that.
        """
        deadline = time.monotonic() + self.settings.load_s
        while time.monotonic() < deadline:
            for each in self.running:
                if each.process.poll() is not None:
                    log = self._read_log(each)
                    raise ConfigurationError(
                        f"{each.service.name} ended while starting:\n{log[-LOG_TAIL_CHARS:].strip()}"
                    )
            if is_ready(self.url):
                return
            time.sleep(POLL_S)
        raise ConfigurationError(f"The models were not ready after {self.settings.load_s} s (WAIJIAO_LOAD_S).")

    def restart_dead_processes(self) -> None:
        """Restart every process that ends, forever: at once, or after a moment if it had only just been started."""
        while True:
            time.sleep(POLL_S)
            if self.redis and self.redis.process.poll() is not None:
                if reason := self._explain_end_of_redis(self._read_log(self.redis)):
                    report(reason, sys.stderr)
                self._clean_up(self.redis)
                self._launch_redis()
            self._keep_redis_writable()
            self._keep_logs_small()
            self.watch()
            self.running = [each if each.process.poll() is None else self._restart(each) for each in self.running]

    def _restart(self, dead: RunningService) -> RunningService:
        self._clean_up(dead)
        return self._launch(dead.service)

    def _clean_up(self, dead: RunningService) -> None:
        """Kill what is left of a service's process group, and wait for a moment if it had only just been started."""
        kill_group(dead.process.pid)
        status = dead.process.returncode
        report(f"{dead.service.name} ended with status {status}; starting it again", sys.stderr)
        if time.monotonic() - dead.started_at < RESTART_DELAY_S:
            time.sleep(RESTART_DELAY_S)

    def _launch_redis(self) -> None:
        """Start Redis with the options for its disk as it is now."""
        self.redis = self._launch(redis_service(self.settings))
        self.redis_disk = RedisDisk(self.settings.home / "redis")

    def _keep_redis_writable(self) -> None:
        """At most once in RESERVE_CHECK_S: keep disk space for the Redis that was started here."""
        if self.redis_disk and time.monotonic() - self.reserve_checked_at > RESERVE_CHECK_S:
            self.redis_disk.keep_reserve(self.redis_connection)
            self.reserve_checked_at = time.monotonic()

    def _keep_logs_small(self) -> None:
        """At most once in logs.CHECK_S: rotate the logs that have grown too large while their processes run."""
        if time.monotonic() - self.logs_checked_at < logs.CHECK_S:
            return
        for each in [*self.running, *([self.redis] if self.redis else [])]:
            if logs.rotate(self._log_path(each.service.name)):
                each.log_start = 0
        self.logs_checked_at = time.monotonic()

    def _launch(self, service: Service) -> RunningService:
        log_path = self._log_path(service.name)
        logs.rotate(log_path)
        with log_path.open("ab") as log:
            log_start = log.tell()
            process = subprocess.Popen(
                service.command,
                env={**os.environ, **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        return RunningService(service, process, log_start)

    def _read_log(self, running: RunningService) -> str:
        """What the service has written to its log since it was started; "" if somebody has removed the log."""
        try:
            with self._log_path(running.service.name).open("rb") as log:
                log.seek(running.log_start)
                return log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _explain_end_of_redis(self, log: str) -> str:
        return explain_end(log, self.settings.home / "redis", find_server())

    def _log_path(self, name: str) -> Path:
        folder = self.settings.home / "logs"
        make_private_folder(folder)
        return folder / f"{name}.log"

    def _wait_for_redis(self) -> None:
        deadline = time.monotonic() + REDIS_START_S
        is_announced = self.redis is not None  # ours is there in a moment; another one may never be
        while True:
            try:
                self.redis_connection.ping()
                return
            except RedisError as error:
                if self.redis and self.redis.process.poll() is not None:
                    log = self._read_log(self.redis)
                    raise ConfigurationError(
                        self._explain_end_of_redis(log)
                        or f"Redis ended while starting:\n{log[-LOG_TAIL_CHARS:].strip()}"
                    ) from error
                if time.monotonic() > deadline:
                    raise ConfigurationError(f"Redis cannot be reached: {error}") from error
                if not is_announced:
                    report(f"Waiting up to {REDIS_START_S:.0f} s for Redis: {error}", sys.stderr)
                    is_announced = True
                time.sleep(POLL_S)


def is_ready(url: str) -> bool:
    """Whether the server at this URL answers that every model has a ready worker."""
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def die_with_parent() -> None:
    """In the child: have the kernel kill it when the parent dies, however that happens.

    Nothing is lost: Redis has what it acknowledged on disk, and jobs that a worker has leased are leased again.
    """
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def terminate(processes: "list[subprocess.Popen[bytes]]", grace_s: float) -> None:
    """Send SIGTERM to each process, and SIGKILL to its group `grace_s` seconds later or when the process has ended."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace_s
    for process in processes:
        while not has_ended(process) and time.monotonic() < deadline:
            time.sleep(EXIT_POLL_S)
        kill_group(process.pid)
        while not has_ended(process):
            time.sleep(EXIT_POLL_S)


def has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """As Popen.poll, but without its lock: Ctrl-C during poll leaves that lock taken forever."""
    if process.returncode is None:
        try:
            pid, status = os.waitpid(process.pid, os.WNOHANG)
        except ChildProcessError:  # an interrupted poll has reaped the process and not stored its status
            pid, status = process.pid, 0
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode is not None


def kill_group(leader: int) -> None:
    """Kill what is left of a process's group: each service leads one of its own."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
