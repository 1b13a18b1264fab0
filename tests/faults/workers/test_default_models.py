"""The models that everybody gets, under `waijiao up`: each worker is killed while it works, and Redis too."""

import hashlib
import io
import os
import signal
from collections.abc import Iterator

import psutil
import pytest
import soundfile

from pipeline.jobs.job import MODEL_STAGES
from pipeline.jobs.store import PREFIX
from pipeline.redis_connection import connect
from pipeline.settings import Settings, settings
from tests.support.memory_folder import memory_folder
from tests.support.recordings import RECORDINGS
from tests.support.running_app import FINAL_STATES, RunningApp, start_app, wait_until_ready
from tests.support.wait import wait_for

CLOCKS = {"WAIJIAO_LEASE_S": "2", "WAIJIAO_SWEEP_S": "0.3"}
RECORDINGS_COUNT = 6  # recordings
ANSWER_S = 120  # seconds, on a busy machine
STOP_S = 30  # within which all processes stop, on a busy machine


@pytest.fixture
def up(tmp_path) -> Iterator[RunningApp]:
    counts = [part for stage in MODEL_STAGES for part in (f"--{stage}", "1")]
    with memory_folder(tmp_path) as home:
        running = wait_until_ready(start_app(home, *counts, WAIJIAO_MODELS=str(settings().models_folder), **CLOCKS))
        yield running
        running.process.terminate()
        assert running.process.wait(STOP_S) == 0


def test_every_learner_is_answered_although_each_worker_and_redis_are_killed(up):
    sessions = ["anna", "ben"]
    accepted = [
        up.post(recording, session=sessions[number % 2], language="en").json()
        for number, recording in enumerate(RECORDINGS[:RECORDINGS_COUNT])
    ]
    with connect(Settings(home=up.home, redis_url="")) as redis:
        for stage in MODEL_STAGES:
            worker = find_leader(up, f"worker_{stage}")
            wait_for(lambda: kill_if_working(redis, stage, worker), ANSWER_S, poll_s=0.01)  # noqa: B023 - called at once
    os.killpg(find_leader(up, "redis-server"), signal.SIGKILL)

    ended = [
        wait_for(lambda each=each: (found := get_job(up, each))["state"] in FINAL_STATES and found, ANSWER_S)
        for each in accepted
    ]
    assert [each["state"] for each in ended] == ["succeeded"] * RECORDINGS_COUNT
    for stage in MODEL_STAGES:
        assert max(each["attempts"][stage] for each in ended) > 1
    for number, session in enumerate(sessions):
        turns = up.get(f"/v1/sessions/{session}").json()["turns"]
        assert [turn["id"] for turn in turns] == [each["id"] for each in accepted[number::2]]
        assert [turn["seq"] for turn in turns] == [1, 2, 3]
    for each in ended:
        audio = up.get(each["answer"]["audio"]).content
        assert hashlib.sha256(audio).hexdigest() == each["answer"]["sha256"]
        assert soundfile.info(io.BytesIO(audio)).duration > 0.3


def get_job(up: RunningApp, accepted: dict) -> dict:
    """The record, as soon as Redis answers."""
    answer = wait_for(lambda: (asked := up.get(accepted["links"]["self"])).status_code == 200 and asked)
    return answer.json()


def kill_if_working(redis, stage: str, worker: int) -> bool:
    """SIGKILL to the stage's worker and its child, if they work on something: they are frozen while that is asked."""
    found = is_working(redis, stage)
    if found:
        os.killpg(worker, signal.SIGSTOP)
        found = is_working(redis, stage)
        os.killpg(worker, signal.SIGKILL if found else signal.SIGCONT)
    return found


def is_working(redis, stage: str) -> bool:
    names = redis.zrange(f"{PREFIX}leases", 0, -1)
    return any(redis.hget(f"{PREFIX}job:{name}", "stage") == stage for name in names)


def find_leader(up: RunningApp, name: str) -> int:
    """The process id of the service with `name` in its command line, which leads its group."""
    services = (each.info for each in psutil.process_iter(["pid", "ppid", "cmdline"]))  # a dead one has no cmdline
    its_own = (each for each in services if each["ppid"] == up.process.pid and name in " ".join(each["cmdline"] or ()))
    return next(each["pid"] for each in its_own)
