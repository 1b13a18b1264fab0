"""Runs the commands that docker-compose.yml gives the Redis container, but without a container."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError, ConnectionError

from tests.support.compose import load_compose
from tests.support.wait import wait_for
from waijiao.local import services

PASSWORD = "5ec2e7" * 10
REDIS = load_compose()["services"]["redis"]


class Container:
    """What a container has: its /run/secrets and /tmp are folders here, its server listens on a socket in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        (folder / "secrets").mkdir()
        (folder / "bin").mkdir()
        server = services.find_redis_server()
        wrapper = f'#!/bin/sh\nexec "{server}" "$@" --port 0 --unixsocket "{self.socket}" --dir "{folder}"\n'
        (folder / "bin/redis-server").write_text(wrapper, encoding="utf-8")
        (folder / "bin/redis-server").chmod(0o755)

    def set_address(self, url: str) -> None:
        (self.folder / "secrets/waijiao_redis_url").write_text(f"{url}\n", encoding="utf-8")

    def start(self) -> "subprocess.Popen[str]":
        command = [self.settings(word) for word in REDIS["command"]]
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return subprocess.Popen(
            command, env={"PATH": path}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def settings(self, word: str) -> str:
        return re.sub("/run(?=/secrets/)|/tmp(?=/)", str(self.folder), word)

    def ping(self, password: str | None = None) -> object:
        with Redis(unix_socket_path=str(self.socket), password=password) as redis:
            return redis.ping()


@pytest.fixture
def container(tmp_path):
    return Container(tmp_path)


@pytest.fixture
def running_container(container):
    container.set_address(f"redis://:{PASSWORD}@redis:6379/0")
    process = container.start()
    wait_for(container.socket.exists)
    yield container, process
    process.terminate()
    process.communicate(timeout=10)


def test_redis_wants_the_password_of_the_address(running_container):
    container, _ = running_container

    assert container.ping(PASSWORD)
    with pytest.raises(AuthenticationError):
        container.ping()
    with pytest.raises((AuthenticationError, ConnectionError)):
        container.ping("guessed")


def test_the_password_is_in_no_command_line_and_no_environment(running_container):
    _, process = running_container

    for place in ("cmdline", "environ"):
        assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/{place}").read_bytes()


def test_only_redis_may_read_the_file_with_the_password(running_container):
    container, _ = running_container

    for name in ("password", "redis.conf"):
        assert (container.folder / name).stat().st_mode & 0o077 == 0


def test_redis_evicts_nothing_and_refuses_writes_when_full(running_container):
    container, _ = running_container
    with Redis(unix_socket_path=str(container.socket), password=PASSWORD, decode_responses=True) as redis:
        said = {
            name: redis.config_get(name)[name] for name in ("appendonly", "appendfsync", "maxmemory-policy", "save")
        }

    assert said == {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}


def test_the_health_check_asks_with_the_password(running_container):
    container, _ = running_container
    kind, line = REDIS["healthcheck"]["test"]
    (container.folder / "bin/redis-cli").write_text(
        f'#!/bin/sh\ntest "$REDISCLI_AUTH" = {PASSWORD} && test "$*" = ping && echo PONG\n', encoding="utf-8"
    )
    (container.folder / "bin/redis-cli").chmod(0o755)
    path = f"{container.folder / 'bin'}:{os.environ['PATH']}"

    assert kind == "CMD-SHELL"
    assert subprocess.run(["sh", "-c", container.settings(line)], env={"PATH": path}, check=False).returncode == 0


@pytest.mark.parametrize(
    "url", ["", "redis://redis:6379/0", f"redis://:{PASSWORD}@elsewhere:6379/0", "redis://:@redis:6379/0", "nonsense"]
)
def test_an_address_without_a_password_or_of_another_place_starts_no_server(container, url):
    container.set_address(url)
    process = container.start()
    said, _ = process.communicate(timeout=10)

    assert process.returncode != 0
    assert "must be redis://:PASSWORD@redis:6379/0" in said
    assert not container.socket.exists()
