"""Which Redis `waijiao up` runs: the system's, if it is new enough, else the one of a Python package."""

import pytest

from pipeline.errors import ConfigurationError
from waijiao.local import redis_server
from waijiao.local.redis_server import MIN_VERSION, check_records, explain_end, find_server


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a program on a PATH that has no others, which prints a text and ends with a status."""
    monkeypatch.setenv("PATH", str(tmp_path))
    find_server.cache_clear()

    def install(name: str, output: str, status: int = 0) -> str:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
        program.chmod(0o755)
        return str(program)

    yield install
    find_server.cache_clear()


@pytest.mark.parametrize(
    ("program", "output", "name", "version"),
    [
        ("redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "Redis", (7, 0, 15)),
        ("redis-server", "Redis server v=6.2.0 sha=00000000:0", "Redis", (6, 2, 0)),
        ("valkey-server", "Valkey server v=8.0.1 sha=00000000:0 malloc=jemalloc", "Valkey", (8, 0, 1)),
        ("redis-server", "Valkey server v=8.1.0 sha=00000000:0", "Valkey", (8, 1, 0)),  # an alias, as Fedora has it
    ],
)
def test_the_system_s_server_is_taken_and_named(install, program, output, name, version):
    path = install(program, output)
    server = find_server()
    assert (server.path, server.name, server.version, server.is_bundled) == (path, name, version, False)
    assert str(server) == f"{name} {'.'.join(map(str, version))} ({path})"


@pytest.mark.parametrize(
    ("output", "status"),
    [("Redis server v=6.0.16 sha=0", 0), ("Redis server v=5.0.3 sha=0", 0), ("something else", 0), ("", 127)],
)
def test_a_server_that_is_too_old_or_does_not_run_is_passed_over(install, output, status):
    install("redis-server", output, status)
    server = find_server()
    assert server.is_bundled
    assert server.version >= MIN_VERSION
    valkey = install("valkey-server", "Valkey server v=8.0.1 sha=0")
    find_server.cache_clear()
    assert find_server().path == valkey


def test_without_any_server_the_error_says_what_to_do(install, monkeypatch):
    monkeypatch.setattr(redis_server.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="Install redis or valkey, or set WAIJIAO_REDIS_URL"):
        find_server()


def test_records_of_a_newer_redis_are_not_taken_for_none(install, tmp_path):
    folder = tmp_path / "redis"
    (folder / "appendonlydir").mkdir(parents=True)
    install("redis-server", "Redis server v=6.2.14 sha=0")
    with pytest.raises(ConfigurationError, match="written by Redis 7 or newer"):
        check_records(folder, find_server())
    install("redis-server", "Redis server v=7.2.4 sha=0")
    find_server.cache_clear()
    check_records(folder, find_server())


@pytest.mark.parametrize(
    ("log", "advice"),
    [
        ("# Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup", "--fix"),
        ("# Unrecoverable error reading the append only file: Input/output error", "--fix"),
        ("# Terminating server after rdb file reading failure.", "--fix"),
        ("# Invalid AOF manifest file format", "--fix"),
        ("# Can't handle RDB format version 12", "newer Redis"),
        ("# Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...", ""),
        ("Warning: Could not create server TCP listening socket: Address already in use", ""),
    ],
)
def test_what_redis_says_when_it_ends_becomes_advice(install, tmp_path, log, advice):
    install("redis-server", "Redis server v=7.0.15 sha=0")
    explanation = explain_end(log, tmp_path / "redis", find_server())
    assert (advice in explanation) if advice else explanation == ""
