"""Real parts for every test: a Redis server of the test's own, settings that point into a temporary folder."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings, settings
from tests.support.wait import answers, wait_for
from waijiao.local import services

REAL_MODELS = settings().models_folder


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Settings of a house in a temporary folder, with the models that are really installed."""
    return Settings(home=tmp_path, models=REAL_MODELS, redis_url="", url="", port=8000)


@pytest.fixture
def redis(here: Settings) -> Iterator[Redis]:
    """A connection to a real Redis that lives as long as the test."""
    log = (here.home / "redis.log").open("wb")
    server = subprocess.Popen(services.redis_command(here), stdout=log, stderr=log, env=os.environ)
    connection = connect(here)
    wait_for(lambda: answers(connection))
    yield connection
    connection.close()
    server.terminate()
    server.wait()
    log.close()


@pytest.fixture
def jobs(redis: Redis, here: Settings) -> Jobs:
    return Jobs(redis, here)
