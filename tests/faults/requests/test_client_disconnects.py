"""Clients that disconnect or hang while they upload: no job, no audio, no open files, and nobody waits."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.harness.client import make_recording
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

THREADS = 4  # requests that the API serves at once
PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1}, settings={"api_threads": THREADS})
LONG_UTTERANCE = 6_000  # an utterance of a minute, whose recording of 2 MB goes through a temporary file
SLOW_BYTES = 10  # of a slow upload


@pytest.mark.parametrize("farewell", [socket.socket.close, lambda line: line.shutdown(socket.SHUT_WR)])
def test_an_upload_that_breaks_off_leaves_nothing(cluster, client, farewell):
    client.expect_success(client.submit())
    stored, open_files = list_stored(cluster), count_open_files(cluster)
    request = make_request(LONG_UTTERANCE)
    with connect(cluster) as line:
        line.sendall(request[: len(request) // 2])
        wait_for(lambda: count_open_files(cluster) > open_files)
        farewell(line)
        wait_for(lambda: count_open_files(cluster) <= open_files)
    assert list_stored(cluster) == stored


def test_a_slow_upload_keeps_nobody_waiting_and_is_accepted_in_the_end(cluster, client):
    request = make_request(client.new_utterance())
    with connect(cluster) as line:
        line.sendall(request[:-SLOW_BYTES])
        for number in range(SLOW_BYTES):
            client.expect_success(client.submit(typed=True))
            line.sendall(request[len(request) - SLOW_BYTES + number :][:1])
        assert line.recv(1024).startswith(b"HTTP/1.1 202")


def test_clients_that_fall_silent_hold_up_nobody_for_long(cluster, client):
    request, stored = make_request(client.new_utterance()), list_stored(cluster)
    ends = [30] + [len(request) // 2] * (THREADS - 1)  # one in its head, the others in their recordings
    lines = [connect(cluster) for _ in ends]
    for line, end in zip(lines, ends, strict=True):
        line.sendall(request[:end])
    job = client.expect_success(client.submit(typed=True))
    for line in lines:
        answer = line.recv(1024)
        assert not answer or answer.startswith(b"HTTP/1.1 408")
        line.close()
    made = list_stored(cluster) - stored
    assert len(made) == 3 + len(job["parts"])  # one job, its session, its answer whole and in sentences


def connect(cluster) -> socket.socket:
    where = urlsplit(cluster.client.urls[0])
    return socket.create_connection((where.hostname, where.port), timeout=30)


def make_request(utterance: int) -> bytes:
    """The bytes of a request."""
    request = httpx.Request(
        "POST", "http://127.0.0.1/v1/jobs", files={"audio": make_recording(utterance)}, data={"session": "gone"}
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST /v1/jobs HTTP/1.1\r\n{head}\r\n".encode() + request.read()


def list_stored(cluster) -> set[str]:
    """Every key of a job or a session, and every file in the blob store."""
    keys = cluster.redis.keys("waijiao:job:*") + cluster.redis.keys("waijiao:session:*")
    return {*keys, *map(str, cluster.settings.blobs_folder.glob("*/*/*"))}


def count_open_files(cluster) -> int:
    """How many files and connections the API holds open."""
    return sum(child.num_fds() for child in cluster["api1"].children())
