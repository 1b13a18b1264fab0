"""The API as it is served: gunicorn on a free port of loopback, over the test's own Redis, without workers."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from pipeline.settings import Settings
from tests.support.wait import wait_for
from waijiao.local import services
from waijiao.local.up import free_port


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
    service = services.api_service(here.model_copy(update={"port": free_port()}))
    own = {"WAIJIAO_API_PROCESSES": "1"} | {f"WAIJIAO_{name.upper()}": str(value) for name, value in chosen.items()}
    with (here.home / "api.log").open("ab") as log:
        process = subprocess.Popen(
            service.command, env={**os.environ, **service.environment, **own}, stdout=log, stderr=log
        )
    url = f"http://127.0.0.1:{service.environment['WAIJIAO_PORT']}"
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False, limits=httpx.Limits()) as client:
            wait_for(lambda: alive(client, process))
            yield client
    finally:
        process.terminate()
        process.wait(10)


def alive(client: httpx.Client, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the server ended by itself; its log is api.log in the test's folder"
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False
