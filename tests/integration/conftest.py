"""Some tests use the API as gunicorn serves it; they are marked `served`, since each has a server of its own."""

from collections.abc import Iterator

import pytest

from pipeline.jobs.store import Jobs
from pipeline.settings import Settings
from tests.support.echo_worker import EchoWorker
from tests.support.served_api import serve, served_cluster, server

__all__ = ["serve", "served_cluster", "server"]
SERVED = {"serve", "server", "served_cluster", "echo_worker"}  # fixtures that start a server or answer for the workers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVED & set(getattr(item, "fixturenames", ())):
            item.add_marker("served")


@pytest.fixture
def echo_worker(jobs: Jobs, settings: Settings) -> Iterator[EchoWorker]:
    worker = EchoWorker(jobs, settings.blobs_folder)
    yield worker
    worker.close()
