"""TLS for tests: a certificate for this machine, and both ends of an encrypted connection."""

import socket
import ssl
import threading
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from waijiao.local.certificate import make_certificate, write_private


def write_certificate(path: Path, *addresses: str) -> Path:
    """A certificate with its key for these addresses, of this machine where none is named."""
    chosen = [ip_address(address) for address in addresses or ("127.0.0.1",)]
    write_private(path, make_certificate(["localhost"], chosen, datetime.now(UTC)))
    return path


def trusting(certificate: Path) -> ssl.SSLContext:
    """The context of a client that accepts this certificate, by the strictest rules, and no other."""
    context = ssl.create_default_context(cafile=str(certificate))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def connect_pair(certificate: Path) -> tuple[ssl.SSLSocket, ssl.SSLSocket]:
    """The server's and the client's end of an encrypted connection."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate)
    server_socket, client_socket = socket.socketpair()
    server = server_context.wrap_socket(server_socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.do_handshake)
    thread.start()
    client = trusting(certificate).wrap_socket(client_socket, server_hostname="localhost")
    thread.join()
    return server, client
