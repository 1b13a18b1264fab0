"""How a real worker ends, comes back, and stays alive: signals, a Redis that goes and returns, garbage, catatonia."""

import base64
import json
import os
import pickle
import signal
import time

import pytest

from tests.support.wait import wait_for
from tests.support.worker_process import WorkerCluster

QUEUE, UNACKED = "waijiao:celery:llm", "waijiao:celery:unacked"
LONG = {"WAIJIAO_SHUTDOWN_S": "60"}


@pytest.fixture
def house(here):
    running = WorkerCluster(here)
    yield running
    running.close()


# --- told to stop ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["the parent", "the whole group"])
def test_told_to_stop_a_worker_finishes_what_it_has_in_hand_and_ends_then(house, send):
    house.order("hold")
    worker = house.ready(**LONG)
    job = house.working(house.submit())
    send(worker.pid, signal.SIGTERM)
    wait_for(lambda: not house.count("ready"))
    assert worker.lives
    house.withdraw("hold")
    assert worker.ended(10) == 0
    assert house.job(job).feedback
    assert house.job(job).attempts == {"llm": 1}
    assert not house.redis.exists(UNACKED)


def test_told_to_stop_a_worker_takes_nothing_new(house):
    house.order("hold")
    worker = house.ready(**LONG)
    house.working(house.submit())
    worker.send(signal.SIGTERM)
    wait_for(lambda: not house.count("ready"))
    later = house.submit()
    house.withdraw("hold")
    assert worker.ended(10) == 0
    assert not house.begun(later)


def test_work_that_takes_too_long_is_handed_back_and_costs_no_attempt(house):
    house.order("hold")
    worker = house.ready()
    job = house.working(house.submit())
    worker.send(signal.SIGTERM)
    assert worker.ended(10) == 0
    assert house.job(job).attempts == {"llm": 0}
    assert not house.redis.exists("waijiao:leases", UNACKED)
    house.withdraw("hold")
    house.ready()
    assert house.answered(job).attempts == {"llm": 1}


def test_sigquit_hands_the_work_back_at_once(house):
    house.order("hold")
    worker = house.ready(**LONG)
    job = house.working(house.submit())
    worker.send(signal.SIGQUIT)
    assert worker.ended(10) == 0
    assert house.job(job).attempts == {"llm": 0}


def test_a_worker_that_still_loads_ends_when_told_to(house):
    house.order("slow_load")
    worker = house.start(**LONG)
    wait_for((house.orders / "loading").exists)
    worker.send(signal.SIGTERM)
    assert worker.ended(10) == 0


@pytest.mark.parametrize("trouble", ["kill_redis", "freeze_redis"])
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_worker_ends_when_told_to_although_redis_is_gone_or_hangs(house, trouble, busy):
    worker = house.ready()
    if busy:
        house.order("hold")
        house.working(house.submit())
    getattr(house, trouble)()
    worker.send(signal.SIGTERM)
    assert worker.ended(15) == 0


# --- Redis goes and comes back ---------------------------------------------------------------------------------


def test_a_worker_takes_work_again_soon_after_redis_came_back(house):
    worker = house.ready()
    house.kill_redis()
    time.sleep(15)  # long enough for pauses that grow between attempts to have grown
    house.start_redis()
    assert house.answered(house.submit(), seconds=15)
    assert worker.lives


def test_a_result_waits_for_redis(house):
    house.order("hold")
    house.ready(WAIJIAO_LEASE_S="30")
    job = house.working(house.submit())
    house.kill_redis()
    house.withdraw("hold")
    time.sleep(3)
    house.start_redis()
    assert house.answered(job, seconds=10).attempts == {"llm": 1}
    assert len(house.begun(job)) == 1


def test_after_flushall_a_worker_takes_new_work(house):
    worker = house.ready()
    house.redis.flushall()
    assert house.answered(house.submit(), seconds=15)
    assert worker.lives


# --- what lies in the queue ------------------------------------------------------------------------------------

BELL = {
    "content-type": "application/json",
    "content-encoding": "utf-8",
    "headers": {"task": "llm.answer", "id": "1", "lang": "py", "timelimit": [None, None]},
    "properties": {"delivery_info": {"exchange": "", "routing_key": "llm"}, "body_encoding": "base64"},
}


def ready_job(body: bytes, *, headers: object = None, **fields: object) -> bytes:
    """A message as Celery writes it, but for what is given."""
    properties = {**BELL["properties"], "delivery_tag": os.urandom(8).hex()}
    changed = {**BELL, "body": base64.b64encode(body).decode(), "properties": properties, **fields}
    if headers is not None:
        changed["headers"] = {**BELL["headers"], **headers} if isinstance(headers, dict) else headers
    return json.dumps(changed).encode()


ARGUMENTS = b'[["default/canary"], {}, {}]'
GARBAGE = {
    "no text": b"canary\xff\xfe",
    "no message": b'["canary"]',
    "an empty object": b"{}",
    "deep nesting": b"[" * 100_000,
    "a pickle": pickle.dumps("canary"),
    "a pickle as a body": ready_job(pickle.dumps("canary"), **{"content-type": "application/x-python-serialize"}),
    "a body that is no JSON": ready_job(b"canary"),
    "a body of another form": ready_job(b'{"canary": 1}'),
    "a body that is no base64": ready_job(b"").replace(b'"body": ""', b'"body": "canary!"'),
    "too many arguments": ready_job(b'[["canary", "canary"], {}, {}]'),
    "an unknown task": ready_job(ARGUMENTS, headers={"task": "canary.sing"}),
    "a task that is no name": ready_job(ARGUMENTS, headers={"task": ["canary"]}),
    "an older protocol": ready_job(b'{"task": "canary.sing", "id": "1", "args": ["canary"], "kwargs": {}}', headers=[]),
    "headers that are no object": ready_job(ARGUMENTS, headers=["canary"]),
    "no headers": ready_job(ARGUMENTS, headers=()),
    "no properties": ready_job(ARGUMENTS, properties=None),
    "impossible limits": ready_job(ARGUMENTS, headers={"timelimit": "canary"}),
    "an impossible chain": ready_job(b'[["default/canary"], {}, {"chain": ["canary"]}]'),
}


def test_garbage_in_the_queue_is_removed_and_the_worker_goes_on(house):
    worker = house.ready()
    child = worker.child().pid
    for name, garbage in GARBAGE.items():
        house.redis.lpush(QUEUE, garbage)
        job = house.submit()
        assert house.answered(job, seconds=15), name
        assert house.begun(job) == [child], name
    wait_for(lambda: not house.redis.exists(QUEUE, UNACKED))
    assert "canary" not in worker.said()


# --- what an engine does ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "code"), [("too_big", "out_of_memory"), ("no_json", "engine_failed")])
def test_a_result_that_cannot_be_written_is_a_failure_and_the_worker_goes_on(house, order, code):
    house.order(order)
    worker = house.ready()
    job = house.answered(house.submit())
    assert (job.error["code"], job.attempts) == (code, {"llm": 3})
    house.withdraw(order)
    assert house.answered(house.submit()).feedback
    assert worker.lives


def test_a_worker_whose_engine_cannot_be_loaded_again_ends_and_says_why_once(house):
    worker = house.ready()
    house.order("no_model")
    worker.child().kill()
    assert worker.ended(10) == 1
    assert worker.said().count("the llm worker cannot start: The model is gone.") == 1


# --- catatonia -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stuck", "deaf", "numb"])
def test_a_worker_that_takes_nothing_although_redis_lives_ends(house, kind):
    worker = house.ready()
    house.order(kind)
    worker.send(signal.SIGUSR2)
    house.submit()  # which a deaf one still gets, since it had asked
    house.submit()
    assert worker.ended(20) == 1
    assert "takes nothing although Redis lives" in worker.said()


def test_a_worker_that_is_idle_or_busy_or_loads_or_has_no_redis_is_left_alone(house):
    idle = house.ready()
    time.sleep(7)  # more than two times stall_s
    house.order("hold")
    house.working(house.submit())
    house.submit()  # waits, since the only worker is busy
    time.sleep(7)
    house.order("slow_load")
    idle.child().kill()
    time.sleep(7)
    for name in ("slow_load", "hold"):
        house.withdraw(name)
    house.kill_redis()
    time.sleep(7)
    house.start_redis()
    assert house.answered(house.submit(), seconds=15)
    assert idle.lives
