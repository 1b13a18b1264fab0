"""Clients that send slowly, or that are still sending when they are refused.

A request occupies a thread from its first byte to the end of its response. So a client has HEADERS_S for its headers,
and WINDOW_BYTES of its body must arrive in WINDOW_S; otherwise nothing more is read from it. What a refused client
still sends is read to its end and dropped: if its connection were closed at once, the system would drop the response,
too, before the client has read it (RFC 9112, 9.6). A client gets the response at once, and a proxy after the body:
Caddy, for one, loses a response that comes before it has passed on the whole request. With https, HEADERS_S includes
the handshake.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from gunicorn.workers.gthread import _DEFER, DEFAULT_WORKER_DATA_TIMEOUT, ThreadWorker

from api.encryption import begin_connection

HEADERS_S = 10.0  # seconds for the headers of a request
CHUNK_BYTES = 64_000  # of a body that are read at once; smaller ones are slower, so that more uploads are in memory
WINDOW_BYTES, WINDOW_S = 2 * CHUNK_BYTES, 40.0  # what must arrive in so many seconds: 3.2 kB a second
CHECK_S = 1.0  # seconds between two checks of all connections
MAX_DROPPED_BYTES = 2_000_000_000  # of the body of a refused request
LINGER_S = 2.0  # seconds for which a client that is left may go on sending
LINGER_BYTES = 64_000  # that it may send in that time

log = logging.getLogger("waijiao")


class Transfer:
    """What one client is sending: for how many seconds (monotonic) it may still keep its reader waiting.

    `find_connection` returns its socket, which is another one when TLS has begun.
    """

    def __init__(self, find_connection: Callable[[], socket.socket], allowed_s: float) -> None:
        self.find_connection = find_connection
        self.allowed_s = allowed_s
        self.waiting_since: float | None = time.monotonic()

    def is_too_slow(self, now: float) -> bool:
        since = self.waiting_since
        return since is not None and now - since > self.allowed_s

    def stop_reading(self) -> None:
        """Whoever waits for this client's bytes is told that it sends no more."""
        self.waiting_since = None
        try:
            stop_reading(self.find_connection())
        except OSError as error:
            log.debug("a slow client has left: %s", error)


def stop_reading(connection: socket.socket) -> None:
    """As connection.shutdown(SHUT_RD). Of a TLS connection that would end TLS, and what is sent then would be plain."""
    socket.socket.shutdown(connection, socket.SHUT_RD)


class Transfers:
    """The transfers of this process. A thread looks for those that are too slow."""

    def __init__(self) -> None:
        self.current: set[Transfer] = set()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def begin(self, find_connection: Callable[[], socket.socket], allowed_s: float) -> Transfer:
        transfer = Transfer(find_connection, allowed_s)
        with self.lock:
            self.current.add(transfer)
            if self.thread is None:  # not earlier: it must live in the process that serves requests
                self.thread = threading.Thread(target=self._check_for_ever, name="slow-clients", daemon=True)
                self.thread.start()
        return transfer

    def end(self, transfer: Transfer) -> None:
        with self.lock:
            self.current.discard(transfer)

    def _check_for_ever(self) -> None:
        while True:
            time.sleep(CHECK_S)
            with self.lock:
                transfers = list(self.current)
            for transfer in transfers:
                if transfer.is_too_slow(time.monotonic()):
                    transfer.stop_reading()


transfers = Transfers()


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker with threads, in which no client takes longer than HEADERS_S for its headers, or makes the
    thread wait that accepts connections. With a certificate it speaks https, and plain HTTP with who speaks that.
    """

    def handle(self, conn: Any) -> Any:
        conn.headers = transfers.begin(lambda: conn.sock, HEADERS_S)
        try:
            stays_open = self._handle_encrypted(conn) if self.cfg.is_ssl else super().handle(conn)
        finally:
            transfers.end(conn.headers)
        if stays_open is False:
            hang_up(conn.sock)
        return stays_open

    def _handle_encrypted(self, conn: Any) -> Any:
        if not conn.initialized:
            if not conn.wait_for_data(DEFAULT_WORKER_DATA_TIMEOUT):
                return _DEFER  # it waits without a thread
            if not begin_connection(conn):
                return False
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        transfers.end(conn.headers)
        return super().handle_request(req, conn)


def hang_up(connection: socket.socket) -> None:
    """Send the end, and read what the client still sends, for a moment: it could lose the response otherwise.

    gunicorn does so too, but in the thread that accepts connections; after this, it need not wait there.
    """
    deadline, left_bytes = time.monotonic() + LINGER_S, LINGER_BYTES
    try:
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while left_bytes > 0 and (left_s := deadline - time.monotonic()) > 0:
            connection.settimeout(left_s)
            if not (data := socket.socket.recv(connection, CHUNK_BYTES)):
                return
            left_bytes -= len(data)
        stop_reading(connection)
    except OSError as error:
        log.debug("a client has left: %s", error)


class MeasuredBody:
    """The body of a request, as WSGI has it in wsgi.input: a client that is too slow seems to have ended it early."""

    def __init__(self, body: IO[bytes], connection: socket.socket) -> None:
        self.body = body
        self.size = 0
        self.window_bytes = 0
        self.transfer = transfers.begin(lambda: connection, WINDOW_S)
        self.transfer.waiting_since = None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, perhaps fewer; all of them without a size. Empty at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(CHUNK_BYTES), b""))
        return self._measure(self.body.read, min(size, CHUNK_BYTES))

    def readline(self, size: int = -1) -> bytes:
        return self._measure(self.body.readline, CHUNK_BYTES if size < 0 else min(size, CHUNK_BYTES))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _measure(self, read: Any, size: int) -> bytes:
        start = self.transfer.waiting_since = time.monotonic()
        try:
            data: bytes = read(size)
        finally:
            self.transfer.waiting_since = None
        self.size += len(data)
        self.window_bytes += len(data)
        self.transfer.allowed_s -= time.monotonic() - start
        if self.window_bytes >= WINDOW_BYTES:
            self.window_bytes, self.transfer.allowed_s = 0, WINDOW_S
        return data

    def drop_rest(self) -> None:
        """Read what the client still sends, as long as it is fast enough."""
        while self.size < MAX_DROPPED_BYTES and self.read(CHUNK_BYTES):
            pass

    def close(self) -> None:
        transfers.end(self.transfer)


class SlowClients:
    """WSGI middleware: measures how fast each body comes, and drops what a refused client still sends."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        connection = environ.get("gunicorn.socket")
        has_body = environ.get("CONTENT_LENGTH") not in {None, "", "0"} or "HTTP_TRANSFER_ENCODING" in environ
        if connection is None or not has_body:
            return self.application(environ, start_response)  # type: ignore[no-any-return]
        environ["wsgi.input"] = body = MeasuredBody(environ["wsgi.input"], connection)
        is_proxied = "HTTP_X_FORWARDED_FOR" in environ
        return Response(self.application(environ, start_response), body, is_proxied)


class Response:
    """The response to a request with a body. What is still sent is dropped after it; of a proxy's, before it."""

    def __init__(self, chunks: Iterable[bytes], body: MeasuredBody, is_proxied: bool) -> None:
        self.chunks = chunks
        self.body = body
        self.is_proxied = is_proxied

    def __iter__(self) -> Iterator[bytes]:
        if self.is_proxied:
            self.body.drop_rest()
        return iter(self.chunks)

    def close(self) -> None:
        try:
            if hasattr(self.chunks, "close"):
                self.chunks.close()
            self.body.drop_rest()
        finally:
            self.body.close()
