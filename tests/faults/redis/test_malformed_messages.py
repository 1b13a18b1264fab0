"""Malformed messages, in every queue: dropped and logged without their content, and the work goes on."""

import base64
import json
import os
import pickle
from pathlib import Path

import pytest

from tests.faults.harness.cluster_plan import KINDS, Plan
from tests.faults.harness.invariants import BROKER
from tests.faults.harness.load import steady_load
from tests.support.wait import wait_for

PLAN = Plan(workers=dict.fromkeys(KINDS, 1), settings={"lease_s": 5})
TASKS = {
    "asr": "asr.transcribe",
    "llm": "llm.answer",
    "tts": "tts.speak",
    "segment": "segment.segment_lessons",
    "maintenance": "maintenance.remove_orphans",
}
DROPPED = "dropped a malformed message from the queue"


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return os.mknod, (str(self.file),)


def make_message(task: str, body: bytes, content: str = "application/json") -> bytes:
    """A message as Celery writes it."""
    properties = {"delivery_info": {"exchange": "", "routing_key": ""}, "body_encoding": "base64"}
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-type": content,
            "content-encoding": "utf-8",
            "headers": {"task": task, "id": os.urandom(8).hex(), "lang": "py", "timelimit": [None, None]},
            "properties": {**properties, "delivery_tag": os.urandom(8).hex()},
        }
    ).encode()


def make_garbage(kind: str, trap: Path) -> list[bytes]:
    pickled, ready_job = pickle.dumps(Trap(trap)), json.dumps([["default/canary0"], {}, {}]).encode()
    return [
        b"",
        b"canary0",
        b"canary0 " * 130_000,
        pickled,
        make_message(TASKS[kind], pickled, "application/x-python-serialize"),
        make_message(TASKS[kind], pickled),
        make_message(TASKS[kind], b"canary0"),
        make_message(TASKS[kind], ready_job, "application/canary0"),
        make_message("canary0.sing", ready_job),
        make_message(TASKS[kind], json.dumps([["default/canary0"], {"since_version_9": "canary0"}, {}]).encode()),
        make_message(f"{TASKS[kind]}_since_version_9", ready_job),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_in_a_queue_is_removed_and_the_next_job_is_answered(cluster, client, kind, tmp_path):
    everybody = {child.pid for each in cluster.select(*KINDS) for child in each.children()}
    cluster.redis.lpush(BROKER + kind, *make_garbage(kind, tmp_path / "sprung"))
    client.expect_success(client.submit())
    wait_for(lambda: not cluster.redis.exists(BROKER + kind))
    assert any(DROPPED in each.output() for each in cluster.select(kind))
    assert everybody == {child.pid for each in cluster.select(*KINDS) for child in each.children()}
    assert not (tmp_path / "sprung").exists()


def test_garbage_among_messages_loses_no_job(cluster, client, tmp_path):
    before = set(client.accepted)
    with steady_load(cluster):
        for kind in KINDS:
            for each in make_garbage(kind, tmp_path / "sprung"):
                cluster.redis.lpush(BROKER + kind, each)
        wait_for(lambda: len(client.accepted) > len(before) + 20)
    for turn in [turn for id_, turn in client.accepted.items() if id_ not in before]:
        assert set(client.expect_success(turn)["attempts"].values()) == {1}
