"""Real parts for every test: settings that point into a temporary folder, and a Redis server of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from redis import Redis

from pipeline import settings as product_settings
from pipeline.jobs.store import Jobs
from pipeline.settings import Settings
from tests.support.cluster import Cluster

hypothesis.settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
hypothesis.settings.load_profile("untimed")

REAL_MODELS = product_settings.settings().models_folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with HOME in a temporary folder, and the models that are really installed."""
    return Settings(home=tmp_path, models=REAL_MODELS, redis_url="", url="", port=8000)


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Cluster]:
    """A Redis that lives as long as the test; other processes may be added."""
    with Cluster(settings) as cluster:
        cluster.start("redis")
        yield cluster


@pytest.fixture
def redis(cluster: Cluster) -> Redis:
    return cluster.redis


@pytest.fixture
def jobs(cluster: Cluster) -> Jobs:
    return cluster.jobs
