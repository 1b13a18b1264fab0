"""HTTP POST to untrusted URLs: only to allowed addresses, in bounded time, reading little of the response.

This prevents server-side request forgery: no name, redirect or proxy leads a request to an internal address.
"""

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore

from pipeline.ip_ranges import Network, is_in_networks, is_public

MAX_RESPONSE_BYTES = 64_000  # of a response that are read, and thrown away


class AddressRefused(Exception):
    """Raised when a host name resolves to an address that this server does not send to, or to none."""


@dataclass(frozen=True)
class Response:
    """The receiver's status, and its Retry-After as it was sent."""

    status: int
    retry_after: str | None


@dataclass(frozen=True)
class SafeClient:
    """Follows no redirect, keeps no cookie, uses no proxy. `timeout_s` bounds the whole of one request."""

    allowed_networks: tuple[Network, ...]
    timeout_s: float
    ssl_context: ssl.SSLContext

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Raises AddressRefused, httpcore.TimeoutException, httpcore.NetworkError or httpcore.ProtocolError."""
        deadline = time.monotonic() + self.timeout_s
        backend = GuardedBackend(self.allowed_networks, url.startswith("http://"), deadline)
        encoded_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        with (
            httpcore.ConnectionPool(ssl_context=self.ssl_context, network_backend=backend) as pool,
            pool.stream("POST", url, headers=[*host_header(url), *encoded_headers], content=body) as response,
        ):
            response_headers = {name.lower(): value for name, value in response.headers}
            discard_body(response.iter_stream())
            return Response(response.status, response_headers.get(b"retry-after", b"").decode("latin-1") or None)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that it has checked, since a name may resolve to another one a moment later.

    Public addresses may be sent to by https; those of `allowed_networks` by http as well. `deadline` is a time of
    time.monotonic().
    """

    def __init__(self, allowed_networks: tuple[Network, ...], is_plain_http: bool, deadline: float) -> None:
        self.allowed_networks, self.is_plain_http, self.deadline = allowed_networks, is_plain_http, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = AddressRefused("host name does not resolve")
        for address in self.resolve(host, port):
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, seconds_left(self.deadline))
                return DeadlineStream(stream, self.deadline)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    def resolve(self, host: str, port: int) -> list[str]:
        """All addresses of the host. Raises AddressRefused when any is not allowed: chance decides which is used."""
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # UnicodeError: it cannot be a host name
            raise AddressRefused("host name does not resolve") from None
        addresses = [*dict.fromkeys(str(entry[4][0]) for entry in entries)]
        if not all(self.is_allowed(address) for address in addresses):
            raise AddressRefused("host name resolves to an address that this server does not send to")
        return addresses

    def is_allowed(self, text: str) -> bool:
        address = ipaddress.ip_address(text)
        return is_in_networks(address, self.allowed_networks) or (not self.is_plain_http and is_public(address))


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every operation ends by the same `deadline`, however slowly the other side goes."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self.stream, self.deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, seconds_left(self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, seconds_left(self.deadline))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self.stream.start_tls(ssl_context, server_hostname, seconds_left(self.deadline))
        return DeadlineStream(stream, self.deadline)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def seconds_left(deadline: float) -> float:
    """Seconds until the deadline; raises httpcore.ReadTimeout when there are none left."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout
    return seconds


def host_header(url: str) -> Iterator[tuple[bytes, bytes]]:
    """The Host header, which httpcore does not add by itself."""
    target = httpcore.URL(url)
    name = b"[" + target.host + b"]" if b":" in target.host else target.host
    yield b"host", name if target.port is None else b"%s:%d" % (name, target.port)


def discard_body(chunks: Iterable[bytes]) -> None:
    """Read a response to its end, unless it is long or breaks off: only its status matters, which is known."""
    size = 0
    with contextlib.suppress(httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
        for chunk in chunks:
            size += len(chunk)
            if size > MAX_RESPONSE_BYTES:
                return
