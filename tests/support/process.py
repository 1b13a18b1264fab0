"""A process that a test starts, leader of its own group: killed, stopped, frozen, started again."""

import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.fork_server import ForkedProcess, start_process

# For a test that has to give its process pipes: as those of fork_server.py, it dies with the tests, and heeds Ctrl-C.
# The launcher turns into the process, so that its id stays.
LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])
"""
LAUNCH = [sys.executable, "-IS", "-c", LAUNCHER]


@dataclass
class Process:
    """A command that can be run again and again; all its runs write to the same log."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    may_fork: bool = True  # of a process that has imported the libraries already, and holds more of them
    runs: list[ForkedProcess] = field(default_factory=list)

    def start(self) -> None:
        self.log.touch()  # a fork opens it later than its caller may want to read it
        self.runs.append(start_process(self.command, self.environment, self.log, self.may_fork))

    @property
    def kind(self) -> str:
        """redis, api, asr, llm, tts, segment or maintenance."""
        return self.name.rstrip("0123456789")

    @property
    def pid(self) -> int:
        """Of the parent: the leader of the group."""
        return self.runs[-1].pid

    @property
    def alive(self) -> bool:
        return bool(self.runs) and self.runs[-1].poll() is None

    @property
    def status(self) -> int | None:
        """How the latest run ended; None while it runs."""
        return self.runs[-1].poll()

    def output(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def children(self) -> list[psutil.Process]:
        """The processes that the parent started: a worker's only one has the engine, gunicorn's answers requests."""
        return psutil.Process(self.pid).children()

    def kill(self) -> None:
        """SIGKILL to the parent and its children."""
        self.signal(signal.SIGKILL)
        for run in self.runs[-1:]:
            run.wait()

    def kill_child(self) -> None:
        """SIGKILL to the children alone."""
        for child in self.children():
            child.kill()

    def kill_parent(self) -> None:
        """SIGKILL to the parent alone; what becomes of its children is its own affair."""
        self.runs[-1].kill()
        self.runs[-1].wait()

    def stop(self) -> None:
        """SIGTERM to the parent, as supervisors send it. Follow with `wait_for_exit`."""
        self.runs[-1].terminate()

    def signal_parent(self, number: int) -> None:
        """Send to the parent alone, as supervisors do."""
        os.kill(self.pid, number)

    def wait_for_exit(self, seconds: float) -> int:
        """The exit status, once it has ended by itself; subprocess.TimeoutExpired when it does not."""
        return self.runs[-1].wait(seconds)

    def freeze(self) -> None:
        """SIGSTOP to parent and children: nothing of it runs until `thaw`."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """Send to every process of the group, also when its leader is gone."""
        for run in self.runs[-1:]:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, number)
