"""gunicorn's settings: a few processes, a thread for each request.

Run with: gunicorn -c python:api.gunicorn "api:create_app()"
"""

import gc
import socket
import ssl
import struct
from typing import Any

from api.encryption import ServerCertificate
from pipeline.private_files import set_private_umask
from pipeline.settings import settings

CLIENT_SILENCE_S = 10  # seconds for which a client may send nothing in the middle of a request

bind = f"[{settings().host}]:{settings().port}" if ":" in settings().host else f"{settings().host}:{settings().port}"
certfile = str(settings().tls_certificate) if settings().tls_certificate else None  # without it, http only
keyfile = str(settings().tls_key) if settings().tls_key else None
worker_class = "api.slow_clients.Worker"
workers = settings().api_processes
preload_app = True  # it is imported once; a process that replaces a dead one is there at once
threads = settings().api_threads
timeout = 60  # seconds without a heartbeat before the process is replaced
graceful_timeout = 5  # seconds requests may take to end at a stop
keepalive = 30  # seconds an idle connection is kept open; it occupies no thread
loglevel = "warning"
accesslog = None  # paths hold ids of sessions, which name learners
control_socket_disable = True
certificate = ServerCertificate(certfile or "", keyfile)  # not read yet


def ssl_context(config: Any, make_default: Any) -> ssl.SSLContext:
    """One context for all connections, so that returning clients resume their TLS sessions."""
    return certificate.current_context()


def on_starting(server: Any) -> None:
    """The processes that answer requests inherit it; gunicorn's own setting `umask` does not change theirs.

    Without a usable certificate nothing is started: else every client would be turned away without a word.
    """
    set_private_umask()
    if certfile:
        certificate.current_context()


def when_ready(server: Any) -> None:
    """Drop clients that vanish while they upload; each would occupy a thread for ever. Connections inherit this.

    What is imported stays shared by all processes: no garbage collection writes to it.
    """
    gc.freeze()
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", CLIENT_SILENCE_S, 0))
