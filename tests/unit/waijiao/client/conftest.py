"""A job's record as the API shows it, and a server that is not Waijiao but answers every request with it."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

EMPTY_FIELDS = ["owner", "queue_position", "eta_seconds", "transcript", "feedback", "completion", "answer", "outcome"]
EMPTY_LINKS = ["retry_of", "retried_as", "rerun_of", "rerun_as", "assignment", "student", "lesson", "error"]


@pytest.fixture(scope="session")
def job_record() -> dict[str, Any]:
    return {
        **dict.fromkeys([*EMPTY_FIELDS, *EMPTY_LINKS]),
        **dict.fromkeys(("created_at", "updated_at", "deadline_at"), "2026-01-01T00:00:00Z"),
        **{name: {} for name in ("attempts", "timings", "metadata", "links")},
        "id": "0" * 32,
        "state": "queued",
        "task": "teach",
        "lane": "interactive",
        "session": "anna",
        "seq": 1,
        "persona": "william",
        "parts": [],
        "question": {"text": "hi", "said": None, "to_read": None, "duration_s": None},
    }


class StubServer(http.server.ThreadingHTTPServer):
    """Answers every request with `document`; while `hang` is set, only after `released`."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), StubHandler)
        self.body = json.dumps(document).encode()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.hang = False
        self.received, self.released = threading.Event(), threading.Event()
        self.client_ports: list[int] = []  # of each request: they distinguish connections
        self.disconnects = threading.Semaphore(0)

    def handle_error(self, *_: object) -> None:
        """Connections that a test breaks are meant."""


class StubHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StubServer

    def do_GET(self) -> None:
        self.server.client_ports.append(self.client_address[1])
        self.server.received.set()
        if self.server.hang:
            self.server.released.wait(60)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def finish(self) -> None:
        super().finish()
        self.server.disconnects.release()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(job_record) -> Iterator[StubServer]:
    """Its answer to every request is both a succeeded job and a readiness."""
    server = StubServer({**job_record, "state": "succeeded", "ready": True, "models": {}})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
