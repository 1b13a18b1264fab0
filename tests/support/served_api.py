"""The API served by gunicorn on a free port of loopback, with the test's own Redis and without workers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.support.cluster import Cluster


@pytest.fixture
def serve(cluster: Cluster) -> Iterator[Callable[..., httpx.Client]]:
    """Starts an API process, with the settings that are given, and returns a client of it."""
    with ExitStack() as clients:

        def start_api(**changes: object) -> httpx.Client:
            name = f"api{len(cluster.select('api')) + 1}"
            cluster.add_api(name, **changes)
            cluster.start(name)
            client = httpx.Client(base_url=cluster.url(name), timeout=30, trust_env=False, limits=httpx.Limits())
            return clients.enter_context(client)

        yield start_api


@pytest.fixture
def server(serve: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an API process with the settings of the test."""
    return serve()


@pytest.fixture
def served_cluster(cluster: Cluster) -> Cluster:
    """A cluster with one API process, which may be killed and started again."""
    cluster.add_api("api1")
    cluster.start("api1")
    return cluster
