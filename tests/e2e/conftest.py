"""One house for all end-to-end tests."""

import signal
from collections.abc import Iterator

import pytest
from e2e_house import House, start, until_ready

from pipeline.settings import settings


@pytest.fixture(scope="session")
def house(tmp_path_factory) -> Iterator[House]:
    running = until_ready(start(tmp_path_factory.mktemp("house"), WAIJIAO_MODELS=str(settings().models_folder)))
    yield running
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(15) == 0
