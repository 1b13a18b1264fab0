"""Connects to hosts that strangers chose: only to addresses that may be sent to, and in bounded time."""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from pipeline.ip_ranges import Network, is_public, within


class Refused(Exception):
    """Raised when a name leads to an address that this server does not send to, or to none."""


class Bounded(httpcore.NetworkStream):
    """A connection whose every operation ends by the same moment, `until`, however slowly the other side goes."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self.stream, self.until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.stream.read(max_bytes, left(self.until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.stream.write(buffer, left(self.until))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return Bounded(self.stream.start_tls(ssl_context, server_hostname, left(self.until)), self.until)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


class Guard(httpcore.NetworkBackend):
    """Connects to the very addresses that it checked, so that a name cannot mean another one a moment later.

    Public addresses may be sent to by https; those of the `named` networks by http as well.
    """

    def __init__(self, named: tuple[Network, ...], plain: bool, until: float) -> None:
        self.named, self.plain, self.until = named, plain, until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = Refused("the name leads nowhere")
        for address in self.checked(host, port):
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, left(self.until))
                return Bounded(stream, self.until)
            except httpcore.ConnectError as error:
                failure = error
        raise failure

    def checked(self, host: str, port: int) -> list[str]:
        """All addresses of the host. Refused when one of them may not be sent to: it would be only a matter of luck."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # UnicodeError: no name can be so
            raise Refused("the name leads nowhere") from None
        addresses = [*dict.fromkeys(str(each[4][0]) for each in found)]
        if not all(self.allows(address) for address in addresses):
            raise Refused("the name leads to an address that this server does not send to")
        return addresses

    def allows(self, text: str) -> bool:
        address = ipaddress.ip_address(text)
        return within(address, self.named) or (not self.plain and is_public(address))


def left(until: float) -> float:
    """Seconds until then; httpcore.ReadTimeout when there are none left."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout
    return seconds
