"""Redis, the API and workers as `waijiao up` starts them: processes that a test can kill, freeze and start again."""

import os
from collections.abc import Mapping

import httpx

from pipeline.jobs.store import Jobs
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from tests.support.process import Process
from tests.support.wait import is_answering, wait_for
from waijiao.local import services
from waijiao.local.services import Service
from waijiao.local.up import free_port

START_S = 60  # seconds that everything may take to start
REDIS_POLL_S, POLL_S = 0.005, 0.05  # seconds between two looks whether Redis alone, or anything else, has started


class Cluster:
    """A Redis, and the services that are added to it. Use as a context: at its end everything is killed.

    cluster["redis"] is a Process; cluster.redis is a connection to it, and cluster.jobs its job records.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.logs = settings.home / "logs"
        self.logs.mkdir(exist_ok=True)
        self.processes: dict[str, Process] = {}
        self.redis = connect(settings)
        self.probe = connect(settings, FAST)  # which tries once: a retry would come later than the next look
        self.jobs = Jobs(self.redis, settings)
        self.add_redis()

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def select(self, *kinds: str) -> list[Process]:
        """The processes of these kinds: redis, api, asr, llm, tts, segment, maintenance."""
        return [each for each in self.processes.values() if each.kind in kinds]

    def add_redis(self) -> None:
        """It leaves syncing to the kernel, which loses nothing when a process dies; a test waits for no disk."""
        service = services.redis_service(self.settings)
        self.add(Service(service.name, [*service.command, "--appendfsync", "no"], service.environment))

    def add_api(self, name: str = "api1", **chosen: object) -> Process:
        """An API on a free port of loopback, with the settings that are named here."""
        service = services.api_service(self.settings.model_copy(update={"port": free_port()}))
        own = {f"WAIJIAO_{key.upper()}": str(value) for key, value in chosen.items()}
        return self.add(Service(name, service.command, service.environment), {"WAIJIAO_API_PROCESSES": "1", **own})

    def add(self, service: Service, environment: Mapping[str, str] | None = None) -> Process:
        """A process of the cluster, which does not run yet; `environment` comes on top of the service's own."""
        everything = {**os.environ, **service.environment, **(environment or {})}
        process = Process(service.name, service.command, everything, self.logs / f"{service.name}.log")
        self.processes[service.name] = process
        return process

    def url(self, name: str = "api1") -> str:
        return f"http://127.0.0.1:{self[name].environment['WAIJIAO_PORT']}"

    def start(self, *names: str) -> None:
        """Start what is not running; returns when it works."""
        for name in names:
            self.start_if_dead(self[name])
        self.wait_until_up(*names)

    def restart(self, *names: str) -> None:
        """Kill and start again; returns when all of them work."""
        for name in names:
            self[name].kill()
        self.start(*names)

    def start_if_dead(self, process: Process) -> None:
        process.thaw()
        if not process.alive:
            process.kill()  # what its leader left
            process.start()

    def wait_until_up(self, *names: str) -> None:
        poll_s = POLL_S if {self[name].kind for name in names} - {"redis"} else REDIS_POLL_S
        wait_for(lambda: all(self.is_up(self[name]) for name in names), START_S, poll_s)

    def is_up(self, process: Process) -> bool:
        """Whether it does its work: Redis answers, an API answers, another process runs."""
        self.check_alive(process)
        if process.kind == "redis":
            return is_answering(self.probe)
        return process.kind != "api" or self.is_api_up(process.name)

    def check_alive(self, process: Process) -> None:
        assert process.alive, f"{process.name} ended by itself:\n{process.output()}"

    def is_api_up(self, name: str) -> bool:
        try:
            return httpx.get(f"{self.url(name)}/healthz", trust_env=False, verify=False, timeout=30).is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        """Kill everything."""
        for each in self.processes.values():
            each.kill()
        self.redis.close()
        self.probe.close()
