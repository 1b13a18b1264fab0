"""A refusal that comes while its client is still sending reaches the client, with its reason, however it sends."""

import socket
import time
from contextlib import ExitStack

import httpx
import pytest

from pipeline.api_keys import Keys, Limits
from tests.support.wait import wait_for
from waijiao import Client

MB = 1_000_000
FILE = b"RIFF\xff\xff\xff\x7fWAVEfmt " + bytes(40 * MB)  # far more than the buffers of two sockets take
LIMIT_MB = 25


@pytest.fixture
def key(redis) -> str:
    return Keys(redis).create("school", "learner", "Anna", Limits(per_minute=1))[1]


@pytest.fixture
def server(serve) -> httpx.Client:
    return serve(keys=True, max_upload_mb=LIMIT_MB)


def post(server: httpx.Client, path: str, key: str, part: str = "audio") -> httpx.Response:
    return server.post(path, files={part: ("a.wav", FILE)}, headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/audio/transcriptions"])
def test_a_recording_that_is_too_large(server, key, path):
    answer = post(server, path, key, "file" if "audio" in path else "audio")
    assert answer.status_code == 413
    assert f"{LIMIT_MB} MB" in answer.text


def test_the_limit_that_is_named_is_that_of_the_address(serve):
    server = serve(max_lesson_mb=30)
    answer = server.post("/v1/lessons", files={"audio": ("a.wav", FILE)})
    assert (answer.status_code, answer.json()["detail"]) == (413, "The upload is larger than 30 MB.")


@pytest.mark.parametrize("form", [{f"field{number}": "x" for number in range(2000)}, {"text": "x" * 2 * MB}])
def test_a_form_that_is_too_large_without_a_recording(server, key, form):
    parts = {name: (None, text) for name, text in form.items()}
    answer = server.post("/v1/jobs", files=parts, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The form has more than 1000 parts, or more than 500 kB of text."


@pytest.mark.parametrize(
    "path", ["/v1/jobs", "/v1/lessons", "/v1/assignments/unit-3/submissions", "/v1/audio/transcriptions"]
)
def test_a_wrong_key(server, path):
    answer = post(server, path, "wrong")
    assert answer.status_code == 401
    assert "key" in answer.text


def test_a_role_that_may_not(server, key):
    assert post(server, "/v1/keys", key).json()["code"] == "role_too_low"


@pytest.mark.parametrize(("path", "status"), [("/v1/nothing", 404), ("/v1/sessions/anna", 405)])
def test_an_address_that_takes_no_upload(server, key, path, status):
    assert post(server, path, key).status_code == status


def test_a_server_without_redis(served_cluster):
    served_cluster.processes["redis"].kill()
    with httpx.Client(base_url=served_cluster.url("api1"), timeout=30, trust_env=False) as server:
        answer = server.post("/v1/jobs", files={"audio": ("a.wav", FILE[: 20 * MB])})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_the_connection_of_a_refused_upload_is_used_again(server, key):
    for _ in range(3):
        assert post(server, "/v1/jobs", "wrong").status_code == 401
    assert server.post("/v1/jobs", json={"text": "hi"}, headers={"Authorization": f"Bearer {key}"}).status_code == 202


def test_the_client_raises_the_error_of_the_refusal(server, key):
    with Client(str(server.base_url), "wrong") as client, pytest.raises(Exception, match="key") as caught:
        client.submit(FILE)
    assert caught.value.code == "key_unknown"


def test_a_slow_client_reads_its_refusal_after_it_has_sent_everything(server):
    """It sends half a megabyte a second, for longer than servers usually wait before they close a connection."""
    with connect(server) as kept, connect(server) as closing:
        for connection, name in (kept, "keep-alive"), (closing, "close"):
            head = f"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: {name}\r\nContent-Length: 8000000\r\n\r\n"
            connection.sendall(head.encode())
        for _ in range(16):
            kept.sendall(bytes(500_000))
            closing.sendall(bytes(500_000))
            time.sleep(1)
        assert (kept.recv(12), closing.recv(12)) == (b"HTTP/1.1 401", b"HTTP/1.1 401")


SLOW_REQUESTS = {
    "headers that never end": b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "a body that is refused": b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 30000000\r\n\r\n",
    "a body that is read": b"POST /v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Content-Length: 30000\r\n\r\n",
}


def test_a_client_that_sends_a_byte_now_and_then_is_left(server):
    with ExitStack() as stack:
        connections = {name: stack.enter_context(connect(server)) for name in SLOW_REQUESTS}
        for name, connection in connections.items():
            connection.sendall(SLOW_REQUESTS[name])

        def find_open() -> list[str]:
            return [name for name, connection in connections.items() if not is_closed_after(connection, b"x")]

        wait_for(lambda: find_open() == [], seconds=90, poll_s=0.2)


def test_requests_are_answered_again_soon_after_clients_sent_slow_headers(serve):
    server = serve(api_processes=1, api_threads=4)
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(server)) for _ in range(8)]
        for connection in slow:
            connection.sendall(SLOW_REQUESTS["headers that never end"])
        wait_for(lambda: answers_in_time(server, slow), seconds=60)


def answers_in_time(server: httpx.Client, slow: list[socket.socket]) -> bool:
    for connection in slow:
        is_closed_after(connection, b"x")
    try:
        return server.get("/healthz", timeout=2).status_code == 200
    except httpx.TimeoutException:
        return False


def connect(server: httpx.Client) -> socket.socket:
    return socket.create_connection((server.base_url.host, server.base_url.port), timeout=30)


def is_closed_after(connection: socket.socket, data: bytes) -> bool:
    """Whether the other side has closed the connection, which shows when more is sent."""
    try:
        connection.sendall(data)
    except OSError:
        return True
    return False
