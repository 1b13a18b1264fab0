"""The webhook receiver in examples/, run as a process: notified by a real server, it fetches the spoken answer."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pipeline.settings import settings
from tests.support.running_app import start_app, wait_until_ready
from tests.support.wait import wait_for
from waijiao.local.up import free_port

ROOT = Path(__file__).parents[3]
LEARNER = ROOT / "examples" / "recordings" / "ruoxi-wu.wav"


@pytest.fixture(scope="module")
def notifying_server(tmp_path_factory):
    """A server that may notify receivers on this machine."""
    home = tmp_path_factory.mktemp("telling")
    environment = {"WAIJIAO_MODELS": str(settings().models_folder), "WAIJIAO_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    running = wait_until_ready(start_app(home, **environment))
    yield running
    running.process.terminate()
    running.process.wait(15)


@pytest.fixture
def receiver_url(notifying_server, tmp_path):
    """The URL of a receiver that saves answers in tmp_path/answers."""
    port = free_port()
    secret = notifying_server.get("/v1/webhooks/secret").json()["secret"]
    command = [sys.executable, ROOT / "examples" / "webhook_receiver.py", tmp_path / "answers", str(port)]
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "WAIJIAO_URL": notifying_server.url}
    with (tmp_path / "receiver.log").open("wb") as log:
        receiver = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/hooks/waijiao"
    wait_for(lambda: is_listening(url))
    yield url
    assert receiver.poll() is None, (tmp_path / "receiver.log").read_text()
    receiver.terminate()
    receiver.wait(15)


def is_listening(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == httpx.codes.METHOD_NOT_ALLOWED
    except httpx.ConnectError:
        return False


def test_an_answer_is_saved_in_the_folder_soon_after_it_was_spoken(notifying_server, receiver_url, tmp_path):
    job = notifying_server.ask(LEARNER, webhook=receiver_url)
    saved = tmp_path / "answers" / f"{job['id']}.wav"
    wait_for(saved.exists)
    assert saved.read_bytes() == notifying_server.get(job["answer"]["audio"]).content


def test_a_forged_request_is_refused_and_no_answer_is_fetched(receiver_url, tmp_path):
    forged = {"webhook-id": "msg_1", "webhook-timestamp": "1", "webhook-signature": "v1,Zm9yZ2Vk"}
    told = {"type": "job.succeeded", "data": {"id": "a" * 32}}
    assert httpx.post(receiver_url, json=told, headers=forged, trust_env=False).status_code == 401
    assert not list((tmp_path / "answers").glob("*.wav"))
