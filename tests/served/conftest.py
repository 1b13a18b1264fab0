"""Every test has a server of its own, which some of them kill; the workers are played by a teacher who echoes."""

import pytest

from tests.support.echo_worker import Echo
from tests.support.killable_api import Server
from tests.support.served_api import serve, server

__all__ = ["serve", "server"]


@pytest.fixture
def killable(redis, here):
    server = Server(here)
    yield server
    server.kill()


@pytest.fixture
def teacher(jobs, here):
    teacher = Echo(jobs, here.blobs_folder)
    yield teacher
    teacher.close()
