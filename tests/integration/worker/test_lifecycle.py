"""How a real worker ends, comes back, and stays alive: signals, Redis restarts, garbage messages, a hanging parent."""

import base64
import json
import os
import pickle
import signal
import time

import pytest

from tests.support.wait import wait_for
from tests.support.worker_cluster import WorkerCluster

QUEUE, NEXT_QUEUE, UNACKED = "waijiao:celery:llm", "waijiao:celery:tts", "waijiao:celery:unacked"
LONG = {"WAIJIAO_SHUTDOWN_S": "60"}
MAX_RESULT_BYTES = 16_384  # a pipe holds four times as much
LOST_CHILD_S = (
    2 + 3
)  # seconds in which a worker ends whose child died while it loaded, and patience with a busy machine


@pytest.fixture
def cluster(settings):
    running = WorkerCluster(settings)
    yield running
    running.close()


# --- stopping --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["the parent", "the whole group"])
def test_a_stopping_worker_finishes_its_job_and_ends(cluster, send):
    cluster.order("hold")
    worker = cluster.start_ready_worker(**LONG)
    job = cluster.wait_until_begun(cluster.submit())
    send(worker.pid, signal.SIGTERM)
    wait_for(lambda: not cluster.count_workers("ready"))
    assert worker.alive
    cluster.withdraw("hold")
    assert worker.wait_for_exit(10) == 0
    assert cluster.get_job(job).feedback
    assert cluster.get_job(job).attempts == {"llm": 1}
    assert not cluster.redis.exists(UNACKED)


def test_a_stopping_worker_claims_nothing_more(cluster):
    cluster.order("hold")
    worker = cluster.start_ready_worker(**LONG)
    cluster.wait_until_begun(cluster.submit())
    worker.signal_parent(signal.SIGTERM)
    wait_for(lambda: not cluster.count_workers("ready"))
    later = cluster.submit()
    cluster.withdraw("hold")
    assert worker.wait_for_exit(10) == 0
    assert not cluster.find_runs(later)


def test_work_longer_than_the_shutdown_time_is_released_and_costs_no_attempt(cluster):
    cluster.order("hold")
    worker = cluster.start_ready_worker()
    job = cluster.wait_until_begun(cluster.submit())
    worker.signal_parent(signal.SIGTERM)
    assert worker.wait_for_exit(10) == 0
    assert cluster.get_job(job).attempts == {"llm": 0}
    assert not cluster.redis.exists("waijiao:leases", UNACKED)
    cluster.withdraw("hold")
    cluster.start_ready_worker()
    assert cluster.wait_until_answered(job).attempts == {"llm": 1}


def test_sigquit_releases_the_work_at_once(cluster):
    cluster.order("hold")
    worker = cluster.start_ready_worker(**LONG)
    job = cluster.wait_until_begun(cluster.submit())
    worker.signal_parent(signal.SIGQUIT)
    assert worker.wait_for_exit(10) == 0
    assert cluster.get_job(job).attempts == {"llm": 0}


def test_a_worker_that_still_loads_can_be_stopped(cluster):
    cluster.order("slow_load")
    worker = cluster.start_worker(**LONG)
    wait_for((cluster.orders / "loading").exists)
    worker.signal_parent(signal.SIGTERM)
    assert worker.wait_for_exit(10) == 0


@pytest.mark.parametrize("trouble", ["kill", "freeze"])
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_worker_can_be_stopped_although_redis_is_gone_or_hangs(cluster, trouble, busy):
    worker = cluster.start_ready_worker()
    if busy:
        cluster.order("hold")
        cluster.wait_until_begun(cluster.submit())
    getattr(cluster["redis"], trouble)()
    worker.signal_parent(signal.SIGTERM)
    assert worker.wait_for_exit(15) == 0


# --- Redis stops and returns -----------------------------------------------------------------------------------


def test_a_worker_takes_work_again_soon_after_redis_came_back(cluster):
    worker = cluster.start_ready_worker()
    cluster["redis"].kill()
    time.sleep(15)  # long enough for pauses that grow between attempts to have grown
    cluster.start("redis")
    assert cluster.wait_until_answered(cluster.submit(), seconds=15)
    assert worker.alive


def test_a_result_waits_for_redis(cluster):
    cluster.order("hold")
    cluster.start_ready_worker(WAIJIAO_LEASE_S="30")
    job = cluster.wait_until_begun(cluster.submit())
    cluster["redis"].kill()
    cluster.withdraw("hold")
    time.sleep(3)
    cluster.start("redis")
    assert cluster.wait_until_answered(job, seconds=10).attempts == {"llm": 1}
    assert len(cluster.find_runs(job)) == 1


def test_after_flushall_a_worker_takes_new_work(cluster):
    worker = cluster.start_ready_worker()
    cluster.redis.flushall()
    assert cluster.wait_until_answered(cluster.submit(), seconds=15)
    assert worker.alive


def lose_redis_before_committing(cluster):
    cluster.order("hold")
    cluster.wait_until_begun(cluster.submit())
    cluster["redis"].kill()
    cluster.withdraw("hold")
    time.sleep(6)  # longer than a lease, for which a result waits


def lose_redis_before_publishing(cluster):
    cluster.order("hold_publishing")
    cluster.submit()
    wait_for((cluster.orders / "publishing").exists)
    cluster["redis"].kill()
    cluster.withdraw("hold_publishing")
    time.sleep(6)  # longer than Redis's client tries


@pytest.mark.parametrize("lose_redis", [lose_redis_before_committing, lose_redis_before_publishing])
def test_a_child_that_loses_redis_tells_its_parent_no_more_than_fits_into_a_pipe(cluster, lose_redis):
    worker = cluster.start_ready_worker(WAIJIAO_STALL_S="300")
    cluster.wait_until_answered(cluster.submit())
    wait_for(lambda: cluster.redis.llen(NEXT_QUEUE))  # its child has a connection, which breaks
    lose_redis(cluster)
    cluster.start("redis")
    assert cluster.wait_until_answered("job2", seconds=15).feedback
    wait_for(lambda: cluster.redis.llen(NEXT_QUEUE) == 2, seconds=15)  # the sweep sent what was lost
    assert cluster.wait_until_answered(cluster.submit(), seconds=15).feedback
    sizes = [int(line) for line in (cluster.orders / "result_sizes").read_text().split()]
    assert max(sizes) < MAX_RESULT_BYTES, sizes
    assert worker.alive


# --- messages in the queue -------------------------------------------------------------------------------------

MESSAGE = {
    "content-type": "application/json",
    "content-encoding": "utf-8",
    "headers": {"task": "llm.answer", "id": "1", "lang": "py", "timelimit": [None, None]},
    "properties": {"delivery_info": {"exchange": "", "routing_key": "llm"}, "body_encoding": "base64"},
}


def make_message(body: bytes, *, headers: object = None, **fields: object) -> bytes:
    """A message as Celery writes it, with these changes."""
    properties = {**MESSAGE["properties"], "delivery_tag": os.urandom(8).hex()}
    changed = {**MESSAGE, "body": base64.b64encode(body).decode(), "properties": properties, **fields}
    if headers is not None:
        changed["headers"] = {**MESSAGE["headers"], **headers} if isinstance(headers, dict) else headers
    return json.dumps(changed).encode()


ARGUMENTS = b'[["default/canary"], {}, {}]'
GARBAGE = {
    "no text": b"canary\xff\xfe",
    "no message": b'["canary"]',
    "an empty object": b"{}",
    "deep nesting": b"[" * 100_000,
    "a pickle": pickle.dumps("canary"),
    "a pickle as a body": make_message(pickle.dumps("canary"), **{"content-type": "application/x-python-serialize"}),
    "a body that is no JSON": make_message(b"canary"),
    "a body of another form": make_message(b'{"canary": 1}'),
    "a body that is no base64": make_message(b"").replace(b'"body": ""', b'"body": "canary!"'),
    "too many arguments": make_message(b'[["canary", "canary"], {}, {}]'),
    "an unknown task": make_message(ARGUMENTS, headers={"task": "canary.sing"}),
    "a task that is no name": make_message(ARGUMENTS, headers={"task": ["canary"]}),
    "an older protocol": make_message(
        b'{"task": "canary.sing", "id": "1", "args": ["canary"], "kwargs": {}}', headers=[]
    ),
    "headers that are no object": make_message(ARGUMENTS, headers=["canary"]),
    "no headers": make_message(ARGUMENTS, headers=()),
    "no properties": make_message(ARGUMENTS, properties=None),
    "impossible limits": make_message(ARGUMENTS, headers={"timelimit": "canary"}),
    "an impossible chain": make_message(b'[["default/canary"], {}, {"chain": ["canary"]}]'),
}


def test_garbage_in_the_queue_is_removed_and_the_worker_goes_on(cluster):
    worker = cluster.start_ready_worker()
    child = worker.children()[0].pid
    for name, garbage in GARBAGE.items():
        cluster.redis.lpush(QUEUE, garbage)
        job = cluster.submit()
        assert cluster.wait_until_answered(job, seconds=15), name
        assert cluster.find_runs(job) == [child], name
    wait_for(lambda: not cluster.redis.exists(QUEUE, UNACKED))
    assert "canary" not in worker.output()


def test_a_worker_that_loses_redis_while_it_reads_a_large_result_takes_work_again(cluster):
    worker = cluster.start_ready_worker(WAIJIAO_STALL_S="300")  # the watchdog does not help
    for _ in range(5):
        cluster.order("lose_connection")

        def has_lost_connection():
            cluster.redis.lpush(QUEUE, make_message(b'[["!"], {}, {}]', headers={"task": "llm.shout"}))
            return not (cluster.orders / "lose_connection").exists()

        wait_for(has_lost_connection, poll_s=1)  # a result may come whole
        assert cluster.wait_until_answered(cluster.submit(), seconds=15).feedback
    assert worker.alive


# --- results and engines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "code"), [("too_big", "out_of_memory"), ("no_json", "engine_failed")])
def test_a_result_that_cannot_be_written_is_a_failure_and_the_worker_goes_on(cluster, order, code):
    cluster.order(order)
    worker = cluster.start_ready_worker()
    job = cluster.wait_until_answered(cluster.submit())
    assert (job.error["code"], job.attempts) == (code, {"llm": 3})
    cluster.withdraw(order)
    assert cluster.wait_until_answered(cluster.submit()).feedback
    assert worker.alive


def test_a_worker_whose_engine_cannot_be_loaded_again_ends_and_says_why_once(cluster):
    worker = cluster.start_ready_worker()
    cluster.order("no_model")
    worker.children()[0].kill()
    assert worker.wait_for_exit(10) == 1
    assert worker.output().count("the llm worker cannot start: The model is gone.") == 1


# --- children that die while they load -------------------------------------------------------------------------


def expect_end_and_reason(worker, reason):
    """The worker ends soon, so that its supervisor starts it again, and says once why."""
    assert worker.wait_for_exit(LOST_CHILD_S) == 1
    assert worker.output().count("the llm worker cannot start: ") == 1
    assert f"its child process ended with {reason} before the engine was loaded" in worker.output()


@pytest.mark.parametrize("into_load_s", [0, 0.3, 1.5])
def test_a_worker_whose_child_is_killed_while_it_loads_ends_and_says_why(cluster, into_load_s):
    cluster.order("slow_load")
    worker = cluster.start_worker()
    wait_for((cluster.orders / "loading").exists)
    time.sleep(into_load_s)
    worker.kill_child()
    expect_end_and_reason(worker, "signal 9 (SIGKILL)")


def test_a_worker_whose_child_is_killed_before_it_did_anything_ends_and_says_why(cluster):
    cluster.order("slow_fork")
    worker = cluster.start_worker()
    wait_for(worker.children)
    worker.kill_child()
    expect_end_and_reason(worker, "signal 9 (SIGKILL)")


@pytest.mark.parametrize(
    ("order", "reason"), [("exit", "exitcode 3"), ("abort", "signal 6 (SIGABRT)"), ("leave", "exitcode 4")]
)
def test_a_worker_whose_child_ends_by_itself_while_it_loads_ends_and_says_why(cluster, order, reason):
    cluster.order("slow_load")
    cluster.order(order)
    worker = cluster.start_worker()
    wait_for((cluster.orders / "loading").exists)
    cluster.withdraw("slow_load")
    expect_end_and_reason(worker, reason)


def test_a_child_that_is_killed_while_its_worker_waits_for_redis_is_noticed(cluster):
    cluster["redis"].kill()
    worker = cluster.start_worker()
    wait_for((cluster.orders / "loading").exists)
    time.sleep(1)
    worker.kill_child()
    cluster.start("redis")
    assert worker.wait_for_exit(15) == 1


def test_a_child_that_is_killed_while_it_replaces_another_is_replaced_too(cluster):
    worker = cluster.start_ready_worker()
    cluster.order("slow_load")
    for _ in range(3):
        (cluster.orders / "loading").unlink()
        worker.kill_child()
        wait_for((cluster.orders / "loading").exists)
    cluster.withdraw("slow_load")
    assert cluster.wait_until_answered(cluster.submit(), seconds=15)
    assert worker.alive


# --- hanging parents -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stuck", "deaf", "numb"])
def test_a_worker_that_takes_no_work_although_redis_answers_ends(cluster, kind):
    worker = cluster.start_ready_worker(WAIJIAO_LLM_BATCH="1")  # it does not take the second job with the first
    cluster.order(kind)
    worker.signal_parent(signal.SIGUSR2)
    cluster.submit()  # which a deaf one still gets, since it had asked
    cluster.submit()
    assert worker.wait_for_exit(20) == 1
    assert "takes no messages although Redis answers" in worker.output()


def test_a_worker_that_does_not_learn_that_its_child_is_done_ends(cluster):
    cluster.order("hold")
    worker = cluster.start_ready_worker()
    job = cluster.wait_until_begun(cluster.submit())
    time.sleep(7)  # more than two times stall_s, in which the child is busy
    cluster.order("blind")
    worker.signal_parent(signal.SIGUSR2)
    cluster.withdraw("hold")
    assert cluster.wait_until_answered(job).feedback
    cluster.submit()
    assert worker.wait_for_exit(20) == 1
    assert "takes no messages although Redis answers" in worker.output()


def test_a_worker_that_is_idle_or_busy_or_loads_or_has_no_redis_is_left_alone(cluster):
    idle = cluster.start_ready_worker()
    time.sleep(7)  # more than two times stall_s
    cluster.order("hold")
    cluster.wait_until_begun(cluster.submit())
    cluster.submit()  # waits, since the only worker is busy
    time.sleep(7)
    cluster.order("slow_load")
    idle.children()[0].kill()
    time.sleep(7)
    for name in ("slow_load", "hold"):
        cluster.withdraw(name)
    cluster["redis"].kill()
    time.sleep(7)
    cluster.start("redis")
    assert cluster.wait_until_answered(cluster.submit(), seconds=15)
    assert idle.alive
