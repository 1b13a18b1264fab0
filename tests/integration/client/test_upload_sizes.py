"""The client and the command look at the server's limits before they send, and say what is too large and what to do."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.support.echo_worker import BlockingAsyncClient
from waijiao import Client
from waijiao.errors import Unreachable, WaijiaoError

MB = 1_000_000
HEADER = b"RIFF\xff\xff\xff\x7fWAVEfmt "
LIMITS = {"max_upload_mb": 2, "max_lesson_mb": 4, "max_hand_in_mb": 3}
both = pytest.mark.parametrize("kind", [Client, BlockingAsyncClient])
PROBLEM = {"code": "too_large", "detail": "The upload is larger than 2 MB.", "retryable": False}


class Recording(io.BytesIO):
    """A recording of so many bytes, which counts those that are read."""

    def __init__(self, size: int) -> None:
        super().__init__(HEADER + bytes(size - len(HEADER)))
        self.read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


@pytest.fixture
def server(serve) -> str:
    return str(serve(**LIMITS).base_url)


SENDING = {
    "a recording": (2, lambda client, recording: client.submit(recording), "Record"),
    "a lesson": (4, lambda client, recording: client.submit_lesson(recording, file="a.mp4"), "divide"),
    "homework": (2, lambda client, recording: client.hand_in("unit-3", recording, file="anna.wav"), "Record"),
    "a ZIP of homework": (3, lambda client, recording: client.hand_in("unit-3", recording, file="b.ZIP"), "several"),
}


@both
@pytest.mark.parametrize("what", SENDING)
def test_what_is_too_large_is_not_sent_and_the_reason_is_given(server, kind, what):
    most, send, advice = SENDING[what]
    with kind(server, "") as client:
        for size in (most * MB + 1, 60 * MB):
            recording = Recording(size)
            with pytest.raises(WaijiaoError, match=f"at most {most} MB") as caught:
                send(client, recording)
            assert caught.value.code == "too_large"
            assert advice in str(caught.value)
            assert recording.read_bytes == 0


@both
def test_what_just_fits_is_sent(server, kind):
    with kind(server, "") as client:
        client.put_assignment("unit-3", title="Unit 3")
        for what, (most, send, _) in SENDING.items():
            answer = send(client, Recording(most * MB - 20_000 if "ZIP" in what else most * MB))
            assert getattr(answer, "state", "queued") in {"queued", "segmenting"}, what


@pytest.mark.parametrize("way", ["bytes", "path", "file"])
def test_every_kind_of_recording_is_measured(server, tmp_path, way):
    path = tmp_path / "a.wav"
    path.write_bytes(HEADER + bytes(3 * MB))
    with Client(server, "") as client, path.open("rb") as file:
        with pytest.raises(WaijiaoError, match=r"3\.0 MB") as caught:
            client.submit({"bytes": path.read_bytes(), "path": path, "file": file}[way])
        assert caught.value.code == "too_large"


def test_one_that_is_too_large_stops_no_other(server, echo_worker):
    small = HEADER + bytes(4000)
    with Client(server, "") as client:
        outcomes = list(client.ask_all([small, Recording(3 * MB), small]))
    assert [outcome.error and outcome.error.code for outcome in outcomes] == [None, "too_large", None]


@both
def test_a_wrong_key_is_refused_before_anything_is_sent(serve, kind):
    recording = Recording(20 * MB)
    with kind(str(serve(keys=True).base_url), "wrong") as client, pytest.raises(WaijiaoError) as caught:
        client.submit(recording)
    assert (caught.value.code, recording.read_bytes) == ("key_unknown", 0)


class Server(BaseHTTPRequestHandler):
    """Another server, whose response to GET /v1/capabilities is `status`, `text`; it refuses every upload."""

    status, text = 200, ""

    def do_GET(self) -> None:
        self.reply(self.status, self.text)

    def do_POST(self) -> None:
        remaining = int(self.headers["Content-Length"])
        while remaining:
            remaining -= len(self.rfile.read(min(remaining, 65_536)))
        self.reply(413, json.dumps(PROBLEM))

    def reply(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


UNREADABLE = {
    "an error": (500, ""),
    "unknown": (404, json.dumps({"code": "not_found", "detail": "x", "retryable": False})),
    "not allowed": (403, ""),
    "full": (503, json.dumps({"code": "unavailable", "detail": "x", "retryable": True})),
    "a page": (200, "<html>"),
    "another document": (200, "[1]"),
    "limits that are no numbers": (200, json.dumps({"limits": {"upload_mb": "2"}})),
    "no limits": (200, json.dumps({"version": "0.1.0"})),
    "other limits": (200, json.dumps({"limits": {"text_chars": 5}})),
    "deeply nested": (200, "[" * 5000),
}


@pytest.fixture(params=UNREADABLE)
def other_server(request) -> Iterator[str]:
    status, text = UNREADABLE[request.param]
    handler = type("Handler", (Server,), {"status": status, "text": text})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@both
def test_where_the_limits_cannot_be_read_the_server_decides(other_server, kind):
    recording = Recording(3 * MB)
    with kind(other_server, "", patience_s=1) as client, pytest.raises(WaijiaoError, match="larger than 2 MB"):
        client.submit(recording)
    assert recording.read_bytes >= 3 * MB


def test_without_a_server_it_is_still_unreachable():
    with Client("http://127.0.0.1:1", "") as client, pytest.raises(Unreachable):
        client.submit(Recording(3 * MB))


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "waijiao", *map(str, words)], capture_output=True, text=True, check=False
    )


def test_the_commands_say_what_is_too_large(server, tmp_path):
    tmp_path.joinpath("anna.wav").write_bytes(HEADER + bytes(5 * MB))
    tmp_path.joinpath("hw.yaml").write_text("title: Unit 3\n")
    for words in (
        ("ask", "--url", server, tmp_path / "anna.wav"),
        ("ask", "--later", "--url", server, tmp_path / "anna.wav"),
        ("lesson", "--url", server, tmp_path / "anna.wav"),
        ("homework", "submit", tmp_path / "anna.wav", "--assignment", tmp_path / "hw.yaml", "--url", server),
    ):
        done = run(*words)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 1, said
        assert "too_large" in said
        assert "anna.wav" in said or "The recording has" in said
        assert "5.0 MB" in said
