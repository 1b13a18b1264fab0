"""A disk that is full to the last byte: all can be read and erased, keys be revoked, and new work is refused."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from redis.exceptions import RedisError

from pipeline.errors import DiskFull
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings, settings
from tests.support.full_disk import FullDisk
from tests.support.memory_folder import memory_folder
from tests.support.recordings import make_wav
from tests.support.running_app import RunningApp, start_app, wait_until_ready
from tests.support.wait import wait_for
from waijiao.client import Client
from waijiao.local.redis_disk import RESERVE_BYTES

FULL_S = 15  # seconds for which a disk stays full; three attempts take a third of that
RECOVERY_S = 15  # seconds after space is back in which everything works again
HEARTBEATS_S = 5  # seconds in which every worker has written to Redis


@dataclass
class FullDiskApp:
    """A running `waijiao up` on a disk that can be filled, and the key of an administrator."""

    disk: FullDisk
    folder: Path
    app: RunningApp
    key: str = ""

    def ask(self, method: str, path: str, **more) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return httpx.request(method, self.app.url + path, headers=headers, timeout=30, trust_env=False, **more)

    def status(self, method: str, path: str, **more) -> int:
        return self.ask(method, path, **more).status_code

    def is_ready(self) -> bool:
        try:
            return self.status("GET", "/readyz") == 200
        except httpx.TransportError:
            return False

    def answer(self, **fields) -> str:
        """The id of a new job that was answered."""
        accepted = self.ask("POST", "/v1/jobs", data={"text": "I goed to school.", **fields})
        assert accepted.status_code == 202, accepted.text
        path = f"/v1/jobs/{accepted.json()['id']}"
        wait_for(lambda: self.ask("GET", path).json()["state"] == "succeeded", 60)
        return accepted.json()["id"]

    def command(self, *arguments: str) -> str:
        """What the command `waijiao` prints; it runs on the same disk."""
        environment = {**os.environ, **self.disk.environment, "WAIJIAO_HOME": str(self.folder)}
        command = [sys.executable, "-m", "waijiao", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    def redis(self):
        return connect(Settings(home=self.folder, redis_url=""), FAST)

    def log(self) -> str:
        return (self.folder / "up.log").read_text()


@pytest.fixture(scope="module")
def full_app(tmp_path_factory) -> Iterator[FullDiskApp]:
    with ExitStack() as resources:
        folder = resources.enter_context(memory_folder(tmp_path_factory.mktemp("app")))
        disk = FullDisk(folder, tmp_path_factory.mktemp("tools"))
        running = FullDiskApp(disk, folder, wait_until_ready(start(folder, disk)))
        resources.callback(stop, running)
        created = running.command("key", "create", "--role", "admin", "--name", "Ms Li")
        running.key = next(word for word in created.split() if word.startswith("wj_"))
        yield running


def start(folder: Path, disk: FullDisk) -> RunningApp:
    models = str(settings().models_folder)
    options = {"WAIJIAO_MODELS": models, "WAIJIAO_KEYS": "true", "WAIJIAO_CHECKER": "none"}  # for the sake of time
    return start_app(folder, **options, **disk.environment)


def stop(running: FullDiskApp) -> None:
    running.app.process.terminate()
    running.app.process.wait(30)


@contextmanager
def full_disk(running: FullDiskApp) -> Iterator[None]:
    """At the end there is space again, and within RECOVERY_S everything works."""
    with running.disk.full():
        yield
    deadline = time.monotonic() + RECOVERY_S
    wait_for(running.is_ready, RECOVERY_S)
    recording = {"audio": ("recording.wav", make_noise(1))}
    wait_for(lambda: running.status("POST", "/v1/jobs", files=recording) == 202, deadline - time.monotonic())
    running.answer()
    assert time.monotonic() < deadline + 5, "the answer itself may take some seconds"


def make_noise(seconds: int) -> bytes:
    return make_wav(0.1 * np.sin(np.arange(16_000 * seconds, dtype=np.float32) / 8))


def list_uploads() -> list[tuple[str, dict]]:
    """Requests that each begin new work."""
    wav = ("recording.wav", make_noise(1))
    long_wav = ("lesson.wav", make_noise(20))
    chat = {"model": "smollm2-135m", "messages": [{"role": "user", "content": "hi"}]}
    return [
        ("/v1/jobs", {"files": {"audio": wav}}),
        ("/v1/jobs", {"files": {"audio": long_wav}}),
        ("/v1/jobs", {"data": {"text": "I goed"}}),
        ("/v1/jobs", {"json": {"text": "I goed"}}),
        ("/v1/lessons", {"files": {"audio": long_wav}}),
        ("/v1/assignments/hw/submissions", {"files": [("file", wav), ("file", long_wav)]}),
        ("/v1/audio/transcriptions", {"files": {"file": wav}, "data": {"model": "whisper-base"}}),
        ("/v1/audio/speech", {"json": {"model": "hibari-heart", "input": "hi", "voice": "heart"}}),
        ("/v1/chat/completions", {"json": chat}),
    ]


def expect_refusals(running: FullDiskApp) -> None:
    """Each request that begins new work is refused with 507 and a code."""
    for path, content in list_uploads():
        refusal = running.ask("POST", path, **content)
        assert (refusal.status_code, refusal.json()["code"]) == (507, "disk_full"), (path, refusal.text)
        assert refusal.json()["retryable"]
        assert int(refusal.headers["Retry-After"]) >= 1


def expect_erasing(running: FullDiskApp, job: str, session: str, assignment: str) -> None:
    """A job, a session and an assignment can be erased, and keys be revoked by the API and by the command."""
    assert running.status("DELETE", f"/v1/jobs/{job}") == 204
    assert running.status("GET", f"/v1/jobs/{job}") == 410
    assert running.status("DELETE", f"/v1/sessions/{session}") == 204
    assert running.status("GET", f"/v1/sessions/{session}") == 404
    assert running.status("DELETE", f"/v1/assignments/{assignment}") == 204
    assert running.status("GET", f"/v1/assignments/{assignment}") == 404
    blobs = running.folder / "blobs"
    assert not list(blobs.glob(f"*/{job}/*"))


def expect_words_of_clients(running: FullDiskApp, folder: Path) -> None:
    """The Python client raises DiskFull at once, and the command prints the reason and ends with an error."""
    recording = folder / "recording.wav"
    recording.write_bytes(make_noise(1))
    with Client(running.app.url, running.key) as client, pytest.raises(DiskFull, match="too little space"):
        client.submit(recording)
    environment = {**os.environ, "WAIJIAO_URL": running.app.url, "WAIJIAO_KEY": running.key}
    for arguments in (["ask", recording], ["lesson", recording]):
        command = [sys.executable, "-m", "waijiao", *map(str, arguments)]
        ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60)
        assert ended.returncode != 0
        assert "too little space" in " ".join((ended.stdout + ended.stderr).split()), arguments


def create_key(running: FullDiskApp, name: str) -> dict:
    return running.ask("POST", "/v1/keys", json={"role": "learner", "name": name}).json()


def prepare(running: FullDiskApp, name: str) -> dict:
    """What can be erased later: a job, a session, an assignment, two keys."""
    assignment = {"id": name, "title": "Homework", "students": [{"name": "Anna"}]}
    assert running.status("POST", "/v1/assignments", json=assignment) == 201
    return {
        "job": running.answer(),
        "last": running.answer(session=name),
        "keys": [create_key(running, f"{name}{number}") for number in range(2)],
    }


def expect_revoking(running: FullDiskApp, keys: list[dict]) -> None:
    assert running.status("DELETE", f"/v1/keys/{keys[0]['id']}") == 200
    running.command("key", "revoke", keys[1]["id"])
    for key in keys:
        headers = {"Authorization": f"Bearer {key['key']}"}
        assert httpx.get(f"{running.app.url}/v1/jobs", headers=headers, trust_env=False).status_code == 401


def test_accepted_jobs_wait_for_space(full_app):
    """Longer than all attempts of a job take; none of them fails."""
    jobs = [
        full_app.ask("POST", "/v1/jobs", data={"text": f"I goed there {number} times."}).json()["id"]
        for number in range(8)
    ]

    def states() -> set[str]:
        return {full_app.ask("GET", f"/v1/jobs/{job}").json()["state"] for job in jobs}

    with full_disk(full_app):
        time.sleep(FULL_S)
        assert "failed" not in states()
        assert states() != {"succeeded"}
    wait_for(lambda: states() == {"succeeded"}, 60)


def test_a_full_disk_refuses_new_work_and_lets_all_be_read_and_erased(full_app, tmp_path):
    running = full_app
    before = prepare(running, "hw")
    with full_disk(running):
        time.sleep(HEARTBEATS_S)
        expect_refusals(running)
        expect_words_of_clients(running, tmp_path)
        job = f"/v1/jobs/{before['last']}"
        for path in (job, f"{job}/audio", "/v1/jobs", "/v1/sessions/hw", "/v1/assignments/hw", "/v1/keys", "/readyz"):
            assert running.status("GET", path) == 200, path
        expect_revoking(running, before["keys"])
        expect_erasing(running, before["job"], "hw", "hw")
        assert "ended with status" not in running.log()


def test_a_server_that_starts_on_a_full_disk_lets_all_be_read_and_erased(full_app):
    running = full_app
    before = prepare(running, "start")
    with full_disk(running):
        stop(running)
        running.app = start(running.folder, running.disk)
        wait_for(running.is_ready, 120)
        assert running.status("GET", f"/v1/jobs/{before['last']}/audio") == 200
        expect_revoking(running, before["keys"])
        expect_erasing(running, before["job"], "start", "start")
        assert "ended with status" not in running.log()


def test_a_redis_that_has_used_up_its_reserve_can_be_read_and_recovers(full_app):
    running = full_app
    before = prepare(running, "reserve")
    job = f"/v1/jobs/{before['last']}"
    with full_disk(running):
        use_up_reserve(running)
        wait_for(lambda: running.status("GET", job) == 200, RECOVERY_S)
        time.sleep(HEARTBEATS_S)
        restarts = running.log().count("ended with status")
        time.sleep(2 * HEARTBEATS_S)
        assert running.log().count("ended with status") == restarts
        assert running.status("GET", f"{job}/audio") == 200
        assert running.status("POST", "/v1/jobs", data={"text": "hi"}) == 507
        use_up_reserve(running)  # a few bytes were left when Redis had repaired its file
        refusal = running.ask("DELETE", job)
        assert (refusal.status_code, refusal.json()["code"]) == (503, "unavailable")
        assert running.status("GET", f"{job}/audio") == 200
    expect_erasing(running, before["job"], "reserve", "reserve")


def use_up_reserve(running: FullDiskApp) -> None:
    """Write to Redis until it cannot write any more."""
    with running.redis() as redis, suppress(RedisError):
        for _ in range(2 * RESERVE_BYTES // 100_000):
            redis.set("filling", os.urandom(100_000))
        raise AssertionError("Redis could write more than its reserve")
