"""Posts to URLs that strangers chose: through the guard, reading little."""

import contextlib
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import httpcore

from pipeline.ip_ranges import Network
from worker_chores.guarded import Guard

MOST_READ = 64_000  # bytes of an answer that are read, and thrown away


@dataclass(frozen=True)
class Answer:
    """What the receiver said: its status, and its Retry-After as it was sent."""

    status: int
    retry_after: str | None


@dataclass(frozen=True)
class Client:
    """Follows no redirect, keeps no cookie, and knows no proxy. `limit_s` bounds the whole of one request."""

    named: tuple[Network, ...]
    limit_s: float
    trusts: ssl.SSLContext

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises Refused, httpcore.TimeoutException, httpcore.NetworkError or httpcore.ProtocolError."""
        guard = Guard(self.named, url.startswith("http://"), time.monotonic() + self.limit_s)
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        with (
            httpcore.ConnectionPool(ssl_context=self.trusts, network_backend=guard) as pool,
            pool.stream("POST", url, headers=[*host_of(url), *sent], content=body) as answer,
        ):
            said = {name.lower(): value for name, value in answer.headers}
            read_some(answer.iter_stream())
            return Answer(answer.status, said.get(b"retry-after", b"").decode("latin-1") or None)


def host_of(url: str) -> Iterator[tuple[bytes, bytes]]:
    """The Host header, as httpcore wants it given."""
    target = httpcore.URL(url)
    name = b"[" + target.host + b"]" if b":" in target.host else target.host
    yield b"host", name if target.port is None else b"%s:%d" % (name, target.port)


def read_some(chunks: Iterable[bytes]) -> None:
    """Take the end of an answer politely, unless it is long: what it says is of no use to us."""
    size = 0
    with contextlib.suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for chunk in chunks:  # the status was said already: that the rest does not come changes nothing
            size += len(chunk)
            if size > MOST_READ:
                return
