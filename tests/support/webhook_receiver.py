"""A webhook receiver: a real HTTP server on loopback that stores requests and answers as a test says."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook

OK = (204, {})


@dataclass(frozen=True)
class WebhookRequest:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> dict:
        """The payload, verified by the official library; WebhookVerificationError when the signature is wrong."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """`answers` are given one after the other, then 204; while `hangs` is set, none is given."""

    def __init__(self, trusted: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1") -> None:
        self.requests: list[WebhookRequest] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.hangs, self.closing = threading.Event(), threading.Event()
        self.host = host
        self.server = ThreadingHTTPServer((host, port), self.handler())
        self.server.daemon_threads = True
        self.port = self.server.server_port
        if trusted:
            self.server.socket = trusted.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook?secret=1"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.requests.append(WebhookRequest(self.path, headers, body))
                receiver.answer(self)

            def log_message(self, *_):
                pass

        return Handler

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        while self.hangs.is_set() and not self.closing.wait(0.02):
            pass
        status, more = self.answers.pop(0) if self.answers else OK
        to.send_response(status)
        for name, value in more.items():
            to.send_header(name, value)
        to.end_headers()

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@contextmanager
def run_receiver(trusted: ssl.SSLContext | None = None, kind: type[Receiver] = Receiver) -> Iterator[Receiver]:
    receiver = kind(trusted)
    try:
        yield receiver
    finally:
        receiver.close()
