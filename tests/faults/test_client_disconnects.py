"""Clients that go away while they upload, or never seem to end: no job, no audio, nothing held open, nobody waits."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.harness.client import recording
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

THREADS = 4  # requests that the API serves at once
PLAN = Plan(workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1}, settings={"api_threads": THREADS})
LONG = 6_000  # an utterance of a minute, whose recording of 2 MB goes through a temporary file
BYTES = 10  # of a slow upload


@pytest.mark.parametrize("farewell", [socket.socket.close, lambda line: line.shutdown(socket.SHUT_WR)])
def test_an_upload_that_breaks_off_leaves_nothing(house, client, farewell):
    client.succeeded(client.say())
    kept, handles = kept_things(house), open_handles(house)
    request = upload(LONG)
    with connection(house) as line:
        line.sendall(request[: len(request) // 2])
        wait_for(lambda: open_handles(house) > handles)
        farewell(line)
        wait_for(lambda: open_handles(house) <= handles)
    assert kept_things(house) == kept


def test_a_slow_upload_keeps_nobody_waiting_and_is_accepted_in_the_end(house, client):
    request = upload(client.utterance())
    with connection(house) as line:
        line.sendall(request[:-BYTES])
        for number in range(BYTES):
            client.succeeded(client.say(typed=True))
            line.sendall(request[len(request) - BYTES + number :][:1])
        assert line.recv(1024).startswith(b"HTTP/1.1 202")


def test_clients_that_fall_silent_hold_up_nobody_for_long(house, client):
    request, kept = upload(client.utterance()), kept_things(house)
    ends = [30] + [len(request) // 2] * (THREADS - 1)  # one in its head, the others in their recordings
    lines = [connection(house) for _ in ends]
    for line, end in zip(lines, ends, strict=True):
        line.sendall(request[:end])
    job = client.succeeded(client.say(typed=True))
    for line in lines:
        said = line.recv(1024)
        assert not said or said.startswith(b"HTTP/1.1 408")
        line.close()
    made = kept_things(house) - kept
    assert len(made) == 3 + len(job["parts"])  # one job, its session, its answer whole and in sentences


def connection(house) -> socket.socket:
    where = urlsplit(house.client.urls[0])
    return socket.create_connection((where.hostname, where.port), timeout=30)


def upload(n: int) -> bytes:
    """The bytes of a request."""
    request = httpx.Request("POST", "http://127.0.0.1/v1/jobs", files={"audio": recording(n)}, data={"session": "gone"})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"POST /v1/jobs HTTP/1.1\r\n{head}\r\n".encode() + request.read()


def kept_things(house) -> set[str]:
    """Every key of a job or a session, and every file in the blob store."""
    keys = house.redis.keys("waijiao:job:*") + house.redis.keys("waijiao:session:*")
    return {*keys, *map(str, house.settings.blobs_folder.glob("*/*/*"))}


def open_handles(house) -> int:
    """How many files and connections the API holds open."""
    return sum(child.num_fds() for child in house["api1"].children())
