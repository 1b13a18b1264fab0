"""Serving below a path, such as https://school.example/waijiao/, behind a proxy that names the path.

The proxy sends X-Forwarded-Prefix: /waijiao, and passes the request's path with that prefix or without it. Like
X-Forwarded-Proto, the header is believed only from the addresses in FORWARDED_ALLOW_IPS (a variable of gunicorn's; by
default this machine's): otherwise a client could choose where the links of its pages lead.
"""

import ipaddress
import os
import re
from collections.abc import Iterable
from typing import Any

from flask import Flask, request

from pipeline.errors import BadRequest
from pipeline.ip_ranges import is_in_networks, parse_networks

VARIABLE, THIS_MACHINE = "FORWARDED_ALLOW_IPS", "127.0.0.1,::1"
HEADER = "HTTP_X_FORWARDED_PREFIX"  # as WSGI names it
PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,8}")  # no `//`, which would lead to another host, and no `..`


class SubPath:
    """WSGI middleware: the path in a trusted proxy's X-Forwarded-Prefix becomes the SCRIPT_NAME of the application."""

    def __init__(self, application: Any) -> None:
        self.application = application
        addresses = os.environ.get(VARIABLE, THIS_MACHINE)
        self.trusts_all = "*" in addresses
        self.networks = () if self.trusts_all else parse_networks(addresses)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if HEADER in environ and not self.trusts(environ.get("REMOTE_ADDR", "")):
            del environ[HEADER]
        prefix = environ.get(HEADER, "").rstrip("/")
        if PREFIX.fullmatch(prefix):  # else there is none, or one that `check_prefix` refuses
            environ["SCRIPT_NAME"] = prefix
            if f"{environ['PATH_INFO']}/".startswith(f"{prefix}/"):
                environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        return self.application(environ, start_response)  # type: ignore[no-any-return]

    def trusts(self, address: str) -> bool:
        try:
            return self.trusts_all or is_in_networks(ipaddress.ip_address(address), self.networks)
        except ValueError:
            return False


def register(app: Flask) -> None:
    """Serve below the path that a trusted proxy names."""
    app.before_request(check_prefix)
    app.wsgi_app = SubPath(app.wsgi_app)  # type: ignore[method-assign]


def check_prefix() -> None:
    prefix = request.headers.get("X-Forwarded-Prefix", "").rstrip("/")
    if prefix and not PREFIX.fullmatch(prefix):
        raise BadRequest("The proxy's X-Forwarded-Prefix must be a path of letters, digits and . _ ~ -, like /waijiao.")
