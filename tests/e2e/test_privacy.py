"""Nothing leaves the machine, and no other user of it can read what learners said: `waijiao up`, traced while it works.

Every process is traced through one job of each kind, started by the README's commands under the usual umask.
"""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from pipeline.jobs.job import STAGES
from pipeline.settings import settings
from tests.support.recordings import RECORDINGS
from tests.support.running_app import FINAL_STATES, RunningApp, start_app, wait_until_ready
from tests.support.sample_lesson import ALL_IDS, make_lesson
from tests.support.wait import wait_for
from tests.support.webhook_receiver import Receiver, run_receiver

USUAL_UMASK = 0o022
NETWORK_CALLS = "connect,sendto,sendmsg,sendmmsg"
INTERNET_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
DNS_PORT = 53
RESOLVER = "systemd.Resolve"  # the socket of a local service that asks others for addresses
LESSON = make_lesson(ALL_IDS[4:7], pauses_s=(1.6, 2.6))


@pytest.fixture(scope="module")
def user_folder(tmp_path_factory) -> Path:
    """The home folder of a user, in which `waijiao models fetch` has been run."""
    folder = tmp_path_factory.mktemp("user")
    models, home = settings().models_folder, folder / "waijiao"
    command = [sys.executable, "-m", "waijiao", "models", "fetch", "--from", str(models)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAIJIAO_")}
    environment |= {"HOME": str(folder), "WAIJIAO_HOME": str(home)}
    subprocess.run(command, env=environment, umask=USUAL_UMASK, check=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def trace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("trace") / "calls"


@pytest.fixture(scope="module")
def app(user_folder, trace) -> Iterator[RunningApp]:
    """With every call traced that reaches a network, in every process, from its start on."""
    options = ["--seccomp-bpf", "-qq", "-s", "200", "-e", f"trace={NETWORK_CALLS}", "-o", str(trace)]
    tracer = ["strace", "-D", "-f", *options]  # -D: signals reach the server, not the tracer
    environment = {"HOME": str(user_folder), "WAIJIAO_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    before = os.umask(USUAL_UMASK)
    try:
        running = start_app(user_folder / "waijiao", tracer=tracer, **environment)
    finally:
        os.umask(before)
    yield wait_until_ready(running)
    running.process.terminate()
    running.process.wait(30)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def ended_jobs(app, receiver) -> list[dict]:
    """One job of each kind, and one with everything that can be asked for."""
    recording = RECORDINGS[0]
    files = {"audio": ("monday.flac", LESSON.flac(LESSON.split_channels()))}
    fields = {"learner": "left", "language": "en", "webhook": receiver.url}
    lesson = httpx.post(f"{app.url}/v1/lessons", data=fields, files=files, timeout=60, trust_env=False).headers[
        "Location"
    ]
    jobs = [app.ask(recording, webhook=receiver.url), app.ask(text="He go to school.", format="mp3")]
    hand_in_homework(app, recording)
    use_single_models(app, recording)
    jobs.append(wait_for(lambda: (found := app.get(lesson).json())["state"] in FINAL_STATES and found, seconds=120))
    wait_for(lambda: len(receiver.requests) >= 2)
    return jobs


def hand_in_homework(app: RunningApp, recording: Path) -> None:
    with httpx.Client(base_url=f"{app.url}/v1/assignments/", timeout=60, trust_env=False) as client:
        client.put("unit-3", json={"title": "Unit 3", "students": [{"name": "Anna"}]}).raise_for_status()
        files = {"file": (recording.name, recording.read_bytes())}
        handed_in = client.post("unit-3/submissions", files=files, data={"student": "Anna"})
    assert handed_in.is_success, handed_in.text
    wait_for(lambda: app.get("/v1/assignments/unit-3").json()["progress"]["succeeded"] == 1, seconds=120)
    app.get("/v1/assignments/unit-3/report").raise_for_status()


def use_single_models(app: RunningApp, recording: Path) -> None:
    with httpx.Client(base_url=app.url, timeout=120, trust_env=False) as client:
        files = {"file": (recording.name, recording.read_bytes())}
        client.post("/v1/audio/transcriptions", files=files, data={"model": "whisper-1"}).raise_for_status()
        messages = [{"role": "user", "content": "Hello!"}]
        client.post("/v1/chat/completions", json={"model": "default", "messages": messages}).raise_for_status()
        speech = {"model": "tts-1", "input": "Hello!", "voice": "alloy"}
        client.post("/v1/audio/speech", json=speech).raise_for_status()


def test_no_address_is_contacted_but_loopback(app, ended_jobs, trace):
    assert [job["state"] for job in ended_jobs] == ["succeeded"] * 3
    calls = trace.read_text(errors="replace").splitlines()
    processes = {line.split()[0] for line in calls}
    assert len(processes) > len([stage for stage in STAGES if stage.queue])
    assert [line for line in calls if leaves_the_machine(line)] == []


def leaves_the_machine(call: str) -> bool:
    """Whether this traced call reaches another machine, or asks a service of this one that asks others."""
    if "AF_UNIX" in call:
        return RESOLVER in call
    if not (match := INTERNET_ADDRESS.search(call)):
        return False
    port, address = int(match[1]), ip_address(match[2])
    address = getattr(address, "ipv4_mapped", None) or address
    return port == DNS_PORT or not address.is_loopback


@pytest.mark.parametrize(
    ("call", "leaves"),
    [
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0', False),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("13.69.1.2")}, 16) = -1', True),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.11")}, 16) = 0', True),
        ('7 sendto(3, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("8.8.8.8")}, 16) = 1', True),
        (
            '7 connect(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), '
            'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
            False,
        ),
        (
            '7 connect(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), '
            'inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1',
            True,
        ),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 46) = 0', True),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/data/redis.sock"}, 110) = 0', False),
        ('7 sendto(3, "GET / HTTP/1.1", 14, 0, NULL, 0) = 14', False),
    ],
)  # fmt: skip
def test_a_call_that_leaves_the_machine_is_recognised(call, leaves):
    assert leaves_the_machine(call) is leaves


def test_nothing_but_the_models_can_be_read_by_others(app, ended_jobs, user_folder):
    home = user_folder / "waijiao"
    paths = [home, *(path for path in home.rglob("*") if not path.is_relative_to(home / "models"))]
    paths.remove(home / "up.log")  # the output of `waijiao up` itself, which this test wrote
    assert {"redis", "blobs", "logs"} <= {path.name for path in paths}
    assert any(path.is_relative_to(home / "blobs") and path.is_file() for path in paths)
    assert [f"{path} {stat.filemode(path.lstat().st_mode)}" for path in paths if is_open(path)] == []


def is_open(path: Path) -> bool:
    return bool(path.lstat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)) and not path.is_symlink()


def test_no_library_leaves_files_in_the_home_folder(app, ended_jobs, user_folder):
    assert [path.name for path in user_folder.iterdir()] == ["waijiao"]
