"""A damaged append-only file: `waijiao up` says what is wrong, and the command that it names repairs the file."""

import os
import re
import signal
import subprocess
from collections.abc import Callable

import pytest

from pipeline.errors import ConfigurationError
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from tests.faults.harness.redis_faults import find_append_only_file
from tests.support.wait import is_answering, wait_for
from waijiao.local.services import redis_command
from waijiao.local.supervisor import Supervisor

KEYS = 50


def run_redis(settings: Settings, work: Callable[..., None]) -> None:
    """Start Redis as `waijiao up` does, call `work` with a connection, and stop it."""
    process = subprocess.Popen(redis_command(settings), stdout=subprocess.DEVNULL)
    try:
        with connect(settings, FAST) as redis:
            wait_for(lambda: is_answering(redis))
            work(redis)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def write_keys(redis) -> None:
    for number in range(KEYS):
        redis.set(f"key{number:02}", "value" * 10)


def overwrite(content: bytes, where: float, garbage: bytes) -> bytes:
    start = int(where * (len(content) - len(garbage)))
    return content[:start] + garbage + content[start + len(garbage) :]


DAMAGES = {
    "random bytes in the middle": lambda content: overwrite(content, 0.5, bytes(range(200, 240))),
    "random bytes near the beginning": lambda content: overwrite(content, 0.1, bytes(range(200, 240))),
    "zeros at the end": lambda content: overwrite(content, 1, bytes(200)),
    "a flipped bit in a length": lambda content: content.replace(b"$50", b"$70", 25).replace(b"$70", b"$50", 24),
    "text that was inserted": lambda content: content.replace(b"key30", b"key30hello"),
}


@pytest.mark.parametrize(
    ("damage", "name"),
    [*((damage, "home") for damage in DAMAGES), (next(iter(DAMAGES)), "o'brien"), (next(iter(DAMAGES)), '"$HOME" `x`')],
)
def test_a_damaged_file_is_named_with_a_command_that_repairs_it(tmp_path, damage, name):
    home = tmp_path / name
    settings = Settings(home=home, redis_url="")
    run_redis(settings, write_keys)
    file = find_append_only_file(home)
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    with pytest.raises(ConfigurationError, match=re.escape(f"The records in {home / 'redis'} are damaged")) as error:
        Supervisor(settings, {}).__enter__()
    command = next(line.strip() for line in str(error.value).splitlines() if "--fix" in line)
    subprocess.run(command, shell=True, check=True, input=b"y\n", stdout=subprocess.DEVNULL)
    kept: list[bytes] = []
    run_redis(settings, lambda redis: kept.extend(redis.keys("key*")))
    assert 0 < len(kept) < KEYS


def test_a_file_that_was_cut_off_is_read_up_to_there(tmp_path):
    settings = Settings(home=tmp_path, redis_url="")
    run_redis(settings, write_keys)
    file = find_append_only_file(tmp_path)
    os.truncate(file, file.stat().st_size - 20)
    kept: list[bytes] = []
    run_redis(settings, lambda redis: kept.extend(redis.keys("key*")))
    assert len(kept) == KEYS - 1


def test_another_reason_is_shown_as_redis_says_it(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path, redis_url="")
    command = [*redis_command(settings), "--unknown-option", "1"]
    monkeypatch.setattr("waijiao.local.services.redis_command", lambda _: command)
    with pytest.raises(ConfigurationError, match=r"Redis ended while starting:(.|\n)*unknown-option"):
        Supervisor(settings, {}).__enter__()
