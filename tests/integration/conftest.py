"""Some tests use the API as gunicorn serves it; they are marked `served`, since each has a server of its own."""

import pytest

from tests.support.echo_worker import Echo
from tests.support.served_api import ApiServer, serve, server

__all__ = ["serve", "server"]
SERVED = {"serve", "server", "killable", "teacher"}  # fixtures that start a server or answer for the workers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVED & set(getattr(item, "fixturenames", ())):
            item.add_marker("served")


@pytest.fixture
def killable(redis, here):
    server = ApiServer(here)
    yield server
    server.kill()


@pytest.fixture
def teacher(jobs, here):
    teacher = Echo(jobs, here.blobs_folder)
    yield teacher
    teacher.close()
