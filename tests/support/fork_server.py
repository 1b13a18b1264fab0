"""Starts the processes of tests: each is a fork of a small server, which dies with it when the tests do (on Linux).

`python -m module …` spends most of its first second on imports. So there are two servers:
MODULES has imported the libraries and the API, which read no setting until they are used; its forks run such a module.
COMMANDS has imported nothing, and its forks turn into the command, which is much cheaper than a new Python for each.
Every fork has its own arguments, environment, folder, log and session, and heeds Ctrl-C, which a shell that runs tests
in the background lets them and their children ignore. A server takes one JSON object a line on standard input and
answers each with one on standard output:

    {"start": command, "environment": {…}, "folder": path, "log": path} -> pid
    {"status": pid}                        -> exit status as subprocess has it; null while it runs
"""

import atexit
import ctypes
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

MODULES_TO_IMPORT = [
    "api",
    "billiard.pool",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.log",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.events.state",
    "celery.loaders.app",
    "celery.worker.components",
    "celery.worker.consumer",
    "flask_cors",
    "gunicorn.app.wsgiapp",
    "gunicorn.glogging",
    "gunicorn.workers.gthread",
    "httpcore",
    "httpx",
    "jinja2",
    "kombu.asynchronous.hub",
    "kombu.transport.redis",
    "multiprocessing.sharedctypes",
    "prometheus_client",
    "pydantic_settings",
    "redis",
    "spectree.plugins.flask_plugin",
    "yaml",
]
START_VARIABLES = ("PYTHON", "LD_", "MALLOC_", "GLIBC_")  # which a process reads once, before any of our code runs
FORKED_VARIABLES = {  # of which a fork can do the same
    "MALLOC_ARENA_MAX",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONWARNINGS",
}
M_ARENA_MAX = -8  # of mallopt(3)
POLL_S = 0.005
MODULES, COMMANDS = "modules", "commands"
ROOT = Path(__file__).parents[2]


class ForkedProcess:
    """What is needed of subprocess.Popen, for a process that the server started."""

    def __init__(self, server: "ForkServer", pid: int) -> None:
        self.server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.server.ask(status=self.pid)
        return self.returncode

    def wait(self, timeout: float = float("inf")) -> int:
        end = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(POLL_S)
        return status

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class ForkServer:
    """At most one of a kind, MODULES or COMMANDS, for each process of pytest, with which it ends."""

    def __init__(self, kind: str) -> None:
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        atexit.register(self.close)

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> ForkedProcess:
        """The command in the current folder, leader of a session of its own; its output is appended to the log."""
        request = {"start": command, "environment": environment, "folder": str(Path.cwd()), "log": str(log)}
        return ForkedProcess(self, self.ask(**request))

    def ask(self, **request: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        with self.lock:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """Ends the server, and with it every process that still runs."""
        self.process.communicate()


@cache
def fork_server(kind: str) -> ForkServer:
    return ForkServer(kind)


def start_process(
    command: Sequence[str], environment: Mapping[str, str], log: Path, may_fork: bool = True
) -> ForkedProcess:
    """Start it by the server that does so sooner. `environment` is all that it gets.

    Without `may_fork` it imports its libraries itself, and holds no others.
    """
    kind = MODULES if may_fork and can_run_module(command, environment) else COMMANDS
    return fork_server(kind).start(command, environment, log.absolute())


def can_run_module(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a fork of MODULES can do what this command does: a module of Python, started in the way pytest was."""

    def start_variables(variables: Mapping[str, str]) -> set[tuple[str, str]]:
        return {
            (name, value)
            for name, value in variables.items()
            if name.startswith(START_VARIABLES) and name not in FORKED_VARIABLES
        }

    is_module = list(command[:2]) == [sys.executable, "-m"]
    return sys.platform == "linux" and is_module and start_variables(environment) == start_variables(os.environ)


def die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serve() -> dict[str, Any]:
    """In the server, runs until its input ends. In a fork, returns the request which that fork is to carry out."""
    answers = os.fdopen(os.dup(1), "w")
    exit_statuses: dict[int, int] = {}  # of processes that ended: two threads may ask for the same
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            begun, begins = os.pipe()
            answer: int | None = os.fork()
            if answer == 0:
                die_with_parent()
                os.setsid()
                os.close(begins)  # from now on its group can be killed, and dies with the tests
                os.close(begun)
                answers.close()
                return dict(request)
            os.close(begins)
            os.read(begun, 1)
            os.close(begun)
            exit_statuses.pop(answer, None)
        else:
            if request["status"] not in exit_statuses:
                pid, status = os.waitpid(request["status"], os.WNOHANG)
                if pid:
                    exit_statuses[pid] = os.waitstatus_to_exitcode(status)
            answer = exit_statuses.get(request["status"])
        print(json.dumps(answer), file=answers, flush=True)
    sys.exit()


def enter(request: Mapping[str, Any]) -> None:
    """Give this fork the folder, the log and the signals of a new process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["folder"])
    with open(os.devnull, "rb") as nothing, open(request["log"], "ab") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def run_module(command: Sequence[str], environment: Mapping[str, str]) -> None:
    """What `python -m module …` does in this environment."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    if "MALLOC_ARENA_MAX" in os.environ:
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, int(os.environ["MALLOC_ARENA_MAX"]))
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.path[1:1] = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    options = [option for option in os.environ.get("PYTHONWARNINGS", "").split(",") if option]
    warnings._processoptions(options)  # type: ignore[attr-defined]  # as Python itself does when it starts
    sys.argv[1:] = command[3:]
    runpy.run_module(command[2], run_name="__main__", alter_sys=True)


def main(kind: str) -> None:
    die_with_parent()
    for name in MODULES_TO_IMPORT if kind == MODULES else ():
        importlib.import_module(name)
    request = serve()
    enter(request)
    command, environment = request["start"], request["environment"]
    if kind == MODULES:
        run_module(command, environment)
    else:
        os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main(sys.argv[1])
