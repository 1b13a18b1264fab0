"""The memory of our own Redis follows what is stored: it gives back what it needed to rewrite its file."""

import os
import subprocess

import psutil
import pytest

from pipeline.redis_connection import connect
from pipeline.settings import Settings
from tests.support.wait import is_answering, wait_for
from waijiao.local.services import redis_service

KEYS, KEY_DELAY_US = 50, 20_000  # a rewrite takes their product: a second
REWRITES = 3
VALUE_BYTES = 50_000
ROOM_BYTES = 1_500_000  # for the buffers of a connection and of the file


@pytest.mark.parametrize("written_bytes", [2_000_000, 8_000_000, 25_000_000])
def test_what_a_rewrite_of_the_file_needed_is_given_back(tmp_path, written_bytes):
    """`written_bytes` are written while the file is rewritten, and wait in Redis's memory for the new file."""
    service = redis_service(Settings(home=tmp_path, redis_url=""))
    process = subprocess.Popen(service.command, env={**os.environ, **service.environment}, stdout=subprocess.DEVNULL)
    try:
        with connect(Settings(home=tmp_path, redis_url="")) as redis:
            wait_for(lambda: is_answering(redis))
            redis.config_set("rdb-key-save-delay", KEY_DELAY_US)
            for number in range(KEYS):
                redis.set(f"key{number}", "x")
            memory_before = psutil.Process(process.pid).memory_info().rss
            for _ in range(REWRITES):
                redis.bgrewriteaof()
                for _ in range(0, written_bytes, VALUE_BYTES):
                    redis.set("overwritten", "x" * VALUE_BYTES)
                wait_for(lambda: not redis.info("persistence")["aof_rewrite_in_progress"])
            redis.delete("overwritten")
            memory_after = psutil.Process(process.pid).memory_info().rss
    finally:
        process.kill()
        process.wait()
    assert memory_after < memory_before + ROOM_BYTES
