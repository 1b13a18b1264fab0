"""Which cluster to build: how many of each process, with which clocks, and how each process is started."""

import os
import random
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.settings import Settings
from tests.support.process import Process
from waijiao.local import services

KINDS = ("asr", "llm", "tts", "segment", "maintenance")
ENTRY_POINTS = {  # the product's entry points, and those of harness/injected in their place
    "api:create_app()": "tests.faults.harness.injected.api:create_app()",
    **{f"worker_{kind}.tasks": "tests.faults.harness.injected.worker" for kind in KINDS},
}
CLOCKS = {"lease_s": 2, "sweep_s": 0.3, "stage_s": 5, "shutdown_s": 3, "orphan_s": 3, "stall_s": 5, "load_s": 30}
ENGINES = {f"{kind}_engine": "scripted" for kind in ("asr", "llm", "tts")}
NOT_INHERITED_PREFIXES = ("WAIJIAO_", "FAULTS_", "PYTHONPATH")
PORTS = range(20_000, 32_000)  # below those that the system hands out, so that a dead server's port stays free


@dataclass
class Plan:
    """How many workers of each kind, how many API processes, and what differs from CLOCKS and the defaults."""

    workers: dict[str, int] = field(default_factory=lambda: {"asr": 2, "llm": 1, "tts": 1, "maintenance": 1})
    apis: int = 1
    proxied: bool = False  # everything but the test itself speaks to Redis through cluster.proxy
    may_fork: bool = True  # processes start faster, and are larger
    visibility_s: float | None = None  # Celery's visibility timeout; None: the product's own
    retention_s: float | None = None  # how long what has ended is kept; None: as the settings say, in hours
    settings: dict[str, object] = field(default_factory=dict)  # by their names in pipeline/settings.py

    def make_settings(self, home: Path) -> Settings:
        """The product's settings, with Redis at the socket in HOME."""
        models = {f"{kind}_model": str(home / "orders") for kind in ("asr", "llm", "tts")}
        fields = {**CLOCKS, **ENGINES, **models, **self.settings}
        return Settings(home=home, redis_url="", **fields)

    def make_processes(self, settings: Settings, redis_port: int) -> Iterator[Process]:
        """All processes but Redis, which they reach at `redis_port`."""
        at_port = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{redis_port}/0"})
        for number in range(1, self.apis + 1):
            yield self.make_process(f"api{number}", at_port.model_copy(update={"port": find_free_port()}))
        for kind, count in self.workers.items():
            for number in range(1, count + 1):
                yield self.make_process(f"{kind}{number}", at_port)

    def make_process(self, name: str, settings: Settings) -> Process:
        """The product's own command with our entry point in it; every setting is in its environment."""
        kind = name.rstrip("0123456789")
        number = int(name.removeprefix(kind))
        is_api = kind == "api"
        service = services.api_service(settings) if is_api else services.worker_service(settings, kind, number, 1)
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(NOT_INHERITED_PREFIXES)},
            "WAIJIAO_API_PROCESSES": "1",
            **{f"WAIJIAO_{key.upper()}": str(getattr(settings, key)) for key in settings.model_fields_set},
            **service.environment,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "TMPDIR": str(settings.home / "temporary"),  # for gunicorn's heartbeats and long uploads
            "FAULTS_FOLDER": str(settings.home / "orders"),
            "FAULTS_NAME": name,
            "FAULTS_VISIBILITY_S": str(self.visibility_s or ""),
            "FAULTS_RETENTION_S": str(self.retention_s or ""),
        }
        command = [ENTRY_POINTS.get(part, part) for part in service.command]
        return Process(name, command, environment, settings.home / "logs" / f"{name}.log", self.may_fork)


def find_free_port() -> int:
    """A free port of the loopback interface."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
