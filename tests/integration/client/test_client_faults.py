"""The Python client when servers die and connections break: nothing is submitted twice and nothing hangs."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.harness.redis_proxy import Proxy
from tests.support.echo_worker import BlockingAsyncClient, recording
from tests.support.wait import wait_for
from waijiao import Client
from waijiao.errors import Unreachable

both = pytest.mark.parametrize("kind", [Client, BlockingAsyncClient])


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.base_url.port)
    yield proxy
    proxy.close()


@both
def test_a_server_that_is_killed_and_comes_back_is_waited_for(served_cluster, echo_worker, kind):
    echo_worker.idle.set()
    accepted = threading.Event()
    with kind(served_cluster.url(), "") as client, ThreadPoolExecutor() as pool:
        pending = pool.submit(client.ask, recording(1), on_change=lambda _: accepted.set())
        assert accepted.wait(20)
        served_cluster["api1"].kill()
        echo_worker.idle.clear()
        time.sleep(1)
        assert not pending.done()
        served_cluster.start("api1")
        assert pending.result(30).audio == recording(1)


@both
def test_a_server_that_stays_down_is_given_up_after_the_client_s_patience(served_cluster, kind):
    with kind(served_cluster.url(), "", patience_s=1) as client:
        job = client.submit(text="hi")
        served_cluster["api1"].kill()
        start = time.monotonic()
        with pytest.raises(Unreachable, match=served_cluster.url()):
            client.wait(job)
        assert time.monotonic() - start < 10
        served_cluster.start("api1")


@both
def test_a_server_that_never_answered_is_not_waited_for(kind):
    with kind("http://127.0.0.1:1", "") as client:
        start = time.monotonic()
        with pytest.raises(Unreachable, match="waijiao up"):
            client.ask(text="hi")
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1"])
def test_an_invalid_address_is_unreachable(url):
    with Client(url, "") as client, pytest.raises(Unreachable):
        client.readiness()


@pytest.mark.parametrize("way", ["file", "path", "bytes"])
@both
def test_a_connection_that_breaks_in_the_answer_to_a_submission_makes_one_job(proxy, jobs, tmp_path, kind, way):
    path = tmp_path / "hw.wav"
    path.write_bytes(recording(1))
    proxy.drop_reply(b"", b"202 ACCEPTED")
    with kind(f"http://127.0.0.1:{proxy.port}", "") as client, path.open("rb") as file:
        job = client.submit({"file": file, "path": path, "bytes": recording(1)}[way])
        assert proxy.dropped_replies == 1
        assert [each.id for each in client.jobs()] == [job.id]


@both
def test_a_connection_that_breaks_in_the_answer_to_a_cancellation_erases_nothing(proxy, kind):
    with kind(f"http://127.0.0.1:{proxy.port}", "") as client:
        job = client.submit(text="hi")
        proxy.drop_reply(b"/cancel")
        assert client.cancel(job).state == "canceled"  # it was asked for again
        assert proxy.dropped_replies == 1
        assert client.job(job).state == "canceled"


@both
def test_an_erasure_whose_answer_was_lost_is_not_repeated(proxy, kind):
    with kind(f"http://127.0.0.1:{proxy.port}", "") as client:
        job = client.submit(text="hi")
        proxy.drop_reply(b"DELETE")
        with pytest.raises(Unreachable):
            client.erase(job)
        assert proxy.dropped_replies == 1
        assert client.job(job).state == "canceled"


@both
def test_an_answer_is_whole_though_the_connection_broke_half_way(proxy, echo_worker, kind):
    with kind(f"http://127.0.0.1:{proxy.port}", "") as client:
        proxy.drop_reply(b"/audio")
        assert client.ask(recording(1)).audio == recording(1)
        assert proxy.dropped_replies == 1


@both
def test_connections_that_are_reset_in_a_wait_are_opened_again(proxy, echo_worker, kind):
    echo_worker.idle.set()
    accepted = threading.Event()
    with kind(f"http://127.0.0.1:{proxy.port}", "") as client, ThreadPoolExecutor() as pool:
        pending = pool.submit(client.ask, recording(1), on_change=lambda _: accepted.set())
        assert accepted.wait(20)
        proxy.reset()
        echo_worker.idle.clear()
        assert pending.result(30).audio == recording(1)


@both
def test_many_recordings_are_answered_although_the_server_is_killed(served_cluster, echo_worker, kind, jobs):
    third_changed = threading.Event()

    def on_change(number: int, job: object) -> None:
        if number == 2:
            third_changed.set()

    with kind(served_cluster.url(), "") as client, ThreadPoolExecutor() as pool:
        pending = pool.submit(lambda: list(client.ask_all(map(recording, range(8)), at_once=2, on_change=on_change)))
        assert third_changed.wait(20)
        served_cluster["api1"].kill()
        served_cluster.start("api1")
        assert [outcome.answer and outcome.answer.audio for outcome in pending.result(60)] == list(
            map(recording, range(8))
        )
    assert wait_for(lambda: jobs.redis.get("waijiao:accepted")) == "8"


def test_a_program_that_fails_amid_many_recordings_ends(server, echo_worker):
    """The outcomes are still held by the traceback when the interpreter ends."""
    code = f"""
from tests.support.echo_worker import recording
from waijiao import Client
outcomes = Client("{server.base_url}", "").ask_all(map(recording, range(9)), at_once=2)
for outcome in outcomes:
    raise ValueError("of its own")
"""
    path = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=30)
    assert ended.stderr.rstrip().endswith("ValueError: of its own")
