"""`waijiao up` as a person starts it, with the real default models, and a client of it."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pipeline.settings import settings
from tests.support.fork_server import ForkedProcess
from tests.support.memory_folder import memory_folder
from tests.support.process import Process
from tests.support.wait import wait_for
from waijiao.local.up import free_port

FINAL_STATES = {"succeeded", "failed", "canceled", "expired"}


@dataclass
class RunningApp:
    """A running `waijiao up`: its address, its HOME, its process."""

    url: str
    home: Path
    process: ForkedProcess

    def post(self, audio: bytes | Path | None = None, **fields) -> httpx.Response:
        content = audio.read_bytes() if isinstance(audio, Path) else audio
        files = {"audio": ("recording", content)} if content is not None else None
        return httpx.post(f"{self.url}/v1/jobs", data=fields, files=files, timeout=60, trust_env=False)

    def get(self, path: str, **kwargs) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=60, trust_env=False, **kwargs)

    def wait_until_ended(self, accepted: httpx.Response, seconds: float = 120) -> dict:
        """The job as it stands when it has ended."""
        assert accepted.status_code == 202, accepted.text
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.get(accepted.headers["Location"]).json()
            if job["state"] in FINAL_STATES:
                return job
            time.sleep(0.1)
        raise AssertionError(f"the job did not end in {seconds} s: {job['state']}")

    def ask(self, audio: bytes | Path | None = None, **fields) -> dict:
        return self.wait_until_ended(self.post(audio, **fields))


def start_app(home: Path, *arguments: str, tracer: Sequence[str] = (), **environment: str) -> RunningApp:
    """`waijiao up` with this HOME, not ready yet; `tracer` is the command of a program that runs it."""
    port = free_port()
    command = [*tracer, sys.executable, "-m", "waijiao", "up", "--port", str(port), *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAIJIAO_HOME")}
    (home / "up.log").unlink(missing_ok=True)  # of an earlier start, which would say that this one listens
    up = Process("up", command, {**inherited, "WAIJIAO_HOME": str(home), **environment}, home / "up.log")
    up.start()
    return RunningApp(f"http://127.0.0.1:{port}", home, up.runs[-1])


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[RunningApp]:
    """One `waijiao up` for all tests of a folder whose conftest.py names this fixture."""
    with run_app(tmp_path_factory.mktemp("app")) as running:
        yield running


@pytest.fixture(scope="session")
def server_with_keys(tmp_path_factory) -> Iterator[RunningApp]:
    """The same with WAIJIAO_KEYS=true, also for tests that kill its processes: they are started again."""
    with run_app(tmp_path_factory.mktemp("guarded"), WAIJIAO_KEYS="true") as running:
        yield running


@contextmanager
def run_app(folder: Path, **environment: str) -> Iterator[RunningApp]:
    """`waijiao up` with the default models, which is ready, and stops in order at the end.

    Its HOME is in memory, or this folder where there is no memory for it.
    """
    with memory_folder(folder) as home:
        running = wait_until_ready(start_app(home, WAIJIAO_MODELS=str(settings().models_folder), **environment))
        try:
            yield running
        finally:
            running.process.send_signal(signal.SIGINT)
            stopped = running.process.wait(15)
        assert stopped == 0


def wait_until_ready(app: RunningApp) -> RunningApp:
    """The same app, once it says that it listens."""

    def listens() -> bool:
        output = (app.home / "up.log").read_text()
        assert app.process.poll() is None, output
        return "listens on" in output

    wait_for(listens, seconds=120)
    return app
