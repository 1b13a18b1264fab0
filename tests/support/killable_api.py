"""The API as it is served, on a port of its own, to be killed and started again."""

import os
import signal
import subprocess

import httpx

from pipeline.settings import Settings
from tests.support.wait import wait_for
from waijiao.local import services
from waijiao.local.up import free_port


class Server:
    """Starts at once; `kill` takes it away in the middle of everything, `start` brings it back."""

    def __init__(self, here: Settings) -> None:
        self.here = here.model_copy(update={"port": free_port()})
        self.url = f"http://127.0.0.1:{self.here.port}"
        self.start()

    def start(self) -> None:
        service = services.api_service(self.here)
        with (self.here.home / "api.log").open("ab") as log:
            self.process = subprocess.Popen(
                service.command,
                env={**os.environ, **service.environment, "WAIJIAO_API_PROCESSES": "1"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.lives)

    def lives(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
