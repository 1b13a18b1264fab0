"""https and http on one port: which connections are encrypted, and what those that are not may do.

The first byte of a connection tells TLS from HTTP. What comes from this machine itself, as from the supervisor and the
commands, may speak plain HTTP: nobody can listen to it. From elsewhere, a browser that opens a page over http is led to
https, and every other request is refused: its key and its recording would be read on the way.
"""

import ipaddress
import logging
import os
import socket
import ssl
import threading
from typing import Any

from flask import Flask, redirect, request
from gunicorn.http import get_parser
from werkzeug.wrappers import Response

from pipeline.errors import HttpsNeeded
from pipeline.settings import Settings

TLS_HANDSHAKE = b"\x16"  # the first byte of every TLS connection (RFC 8446, 5.1); HTTP begins with a letter
REDIRECTED_METHODS = {"GET", "HEAD"}

log = logging.getLogger("waijiao")


class ServerCertificate:
    """The TLS context with the certificate of these PEM files; a renewed file counts from the next connection on."""

    def __init__(self, certificate: str, key: str | None) -> None:
        self.files = (certificate, key)
        self.lock = threading.Lock()
        self.versions: list[tuple[int, int, int]] = []
        self.context: ssl.SSLContext | None = None

    def current_context(self) -> ssl.SSLContext:
        """Raises OSError (ssl.SSLError is one) when the files were never usable."""
        with self.lock:
            try:
                versions = [read_version(path) for path in self.files if path]
                if self.context is None or versions != self.versions:
                    self.context, self.versions = load_context(*self.files), versions
            except OSError as error:  # damaged, or replaced at this moment: the last usable one is used
                if self.context is None:
                    raise
                log.error("the certificate was not read again (%s)", type(error).__name__)
            return self.context


def read_version(path: str) -> tuple[int, int, int]:
    """What differs when a file was replaced or rewritten."""
    state = os.stat(path)
    return state.st_ino, state.st_size, state.st_mtime_ns


def load_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """A server's TLS context; the key may be in the certificate's file. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key, password=lambda: "")  # else OpenSSL asks for it at the terminal
    return context


class WithoutTls:
    """gunicorn's settings for the requests of a connection without TLS, whose scheme is then http."""

    is_ssl = False

    def __init__(self, config: Any) -> None:
        self.config = config

    def __getattr__(self, name: str) -> Any:
        return getattr(self.config, name)


def begin_connection(conn: Any) -> bool:
    """Shake hands with the client of a connection of gunicorn's, of which the first byte is there, unless it speaks
    plain HTTP; False when it gives up, such as a phone that refuses the certificate.
    """
    try:
        conn.sock.setblocking(True)
        if conn.sock.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
            conn.init()
        else:
            conn.parser = get_parser(WithoutTls(conn.cfg), conn.sock, conn.client)
            conn.initialized = True
    except OSError as error:
        log.debug("no TLS connection came about: %s", type(error).__name__)
        return False
    return True


def is_from_this_machine(peer: str, connection: socket.socket | None) -> bool:
    """Whether the other end of a connection is this machine: a loopback address, or the one that it is connected to."""
    own = connection.getsockname()[0] if connection else None
    return peer == own or ipaddress.ip_address(peer).is_loopback


def register(app: Flask, settings: Settings) -> None:
    """Lead pages to https and refuse everything else that comes over http from another machine, if there is https."""
    if settings.tls_certificate:
        app.before_request(require_https)


def require_https() -> Response | None:
    if request.is_secure or is_from_this_machine(request.remote_addr or "", request.environ.get("gunicorn.socket")):
        return None
    if request.method not in REDIRECTED_METHODS:
        raise HttpsNeeded
    return redirect(request.url.replace("http://", "https://", 1), code=308)
