"""Starts Python processes for tests faster: it has imported the libraries already, and each process is a fork of it.

`python -m module …` spends most of its first second on imports of Flask, Celery and others. A fork of this server runs
the same module with its own arguments, environment, log and session; of the project itself nothing was imported before.
It takes one JSON object a line on standard input and answers each with one on standard output:

    {"start": ["celery", …], "environment": {…}, "log": path} -> pid
    {"status": pid}                                           -> exit status as subprocess has it; null while it runs
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

LIBRARIES = [
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
FORKED_VARIABLES = {"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONWARNINGS"}  # of which a fork can do the same
POLL_S = 0.005


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
    """One for each process of pytest, with which it ends."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self.close)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> ForkedProcess:
        return ForkedProcess(self, self.ask(start=arguments, environment=environment, log=str(log)))

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
def fork_server() -> ForkServer:
    return ForkServer()


def can_fork(command: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether a fork can do what this command does: a module of Python, started in the way that pytest was."""

    def start_variables(variables: Mapping[str, str]) -> set[tuple[str, str]]:
        return {
            (name, value)
            for name, value in variables.items()
            if name.startswith(START_VARIABLES) and name not in FORKED_VARIABLES
        }

    is_module = list(command[:2]) == [sys.executable, "-m"]
    return sys.platform == "linux" and is_module and start_variables(environment) == start_variables(os.environ)


def die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serve() -> dict[str, Any]:
    """In the server, runs until its input ends. In a fork, returns the request which that fork is to carry out."""
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            begun, begins = os.pipe()
            answer: int | None = os.fork()
            if answer == 0:
                os.setsid()
                os.close(begins)  # from now on its group can be killed
                os.close(begun)
                answers.close()
                return dict(request)
            os.close(begins)
            os.read(begun, 1)
            os.close(begun)
        else:
            pid, status = os.waitpid(request["status"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        print(json.dumps(answer), file=answers, flush=True)
    sys.exit()


def become(request: Mapping[str, Any]) -> None:
    """Turn this fork into what a new process with this environment and log would be."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    with open(os.devnull, "rb") as nothing, open(request["log"], "ab") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.path[1:1] = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    options = [option for option in os.environ.get("PYTHONWARNINGS", "").split(",") if option]
    warnings._processoptions(options)  # type: ignore[attr-defined]  # as Python itself does when it starts


def main() -> None:
    die_with_parent()
    for library in LIBRARIES:
        importlib.import_module(library)
    request = serve()
    become(request)
    sys.argv[1:] = request["start"][1:]
    runpy.run_module(request["start"][0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
