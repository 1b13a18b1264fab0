"""The API as it is served: gunicorn on a free port of loopback, over the test's own Redis, without workers."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from pipeline.settings import Settings
from tests.support.process import Process
from tests.support.wait import wait_for
from waijiao.local import services
from waijiao.local.up import free_port

STOP_S = 10  # seconds that a server may take to stop in order


class ApiServer:
    """A server that runs from the start; `kill` takes it away in the middle of everything, `start` brings it back."""

    def __init__(self, settings: Settings, **chosen: object) -> None:
        service = services.api_service(settings.model_copy(update={"port": free_port()}))
        own = {f"WAIJIAO_{name.upper()}": str(value) for name, value in chosen.items()}
        environment = {**os.environ, **service.environment, "WAIJIAO_API_PROCESSES": "1", **own}
        self.process = Process("api", service.command, environment, settings.home / "api.log")
        self.url = f"http://127.0.0.1:{service.environment['WAIJIAO_PORT']}"
        self.start()

    def start(self) -> None:
        """Returns when it answers."""
        self.process.start()
        wait_for(self.answers)

    def answers(self) -> bool:
        assert self.process.alive, f"the server ended by itself:\n{self.process.said()}"
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        self.process.stop()
        self.process.ended(STOP_S)

    def kill(self) -> None:
        self.process.kill()


@pytest.fixture
def serve(redis, here) -> Iterator[Callable[..., httpx.Client]]:
    """Starts a server, with settings of its own where some are named; a client of it."""
    with ExitStack() as servers:
        yield lambda **settings: servers.enter_context(served(here, settings))


@pytest.fixture
def server(serve) -> httpx.Client:
    """A client of a server with the settings of the test."""
    return serve()


@contextmanager
def served(here: Settings, chosen: dict[str, object]) -> Iterator[httpx.Client]:
    server = ApiServer(here, **chosen)
    try:
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False, limits=httpx.Limits()) as client:
            yield client
    finally:
        server.stop()
