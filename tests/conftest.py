"""Real parts for every test: a Redis server of the test's own, settings that point into a temporary folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings, settings
from tests.support.process import Process
from tests.support.wait import answers, wait_for
from waijiao.local import services

STOP_S = 10  # seconds that Redis may take to stop in order
REAL_MODELS = settings().models_folder


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Settings of a house in a temporary folder, with the models that are really installed."""
    return Settings(home=tmp_path, models=REAL_MODELS, redis_url="", url="", port=8000)


@pytest.fixture
def redis(here: Settings) -> Iterator[Redis]:
    """A connection to a real Redis that lives as long as the test."""
    server = Process("redis", services.redis_command(here), dict(os.environ), here.home / "redis.log")
    server.start()
    connection = connect(here)
    wait_for(lambda: answers(connection))
    yield connection
    connection.close()
    server.stop()
    server.ended(STOP_S)


@pytest.fixture
def jobs(redis: Redis, here: Settings) -> Jobs:
    return Jobs(redis, here)
