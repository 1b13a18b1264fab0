"""A house to break: a real Redis, API processes and workers, all with short clocks and under a test's orders."""

import threading
from pathlib import Path

from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from tests.faults.harness.client import Client, Said
from tests.faults.harness.cluster_plan import Plan, quiet_port
from tests.faults.harness.fault_orders import Orders
from tests.faults.harness.redis_proxy import Proxy
from tests.support.process import Process
from tests.support.wait import answers, wait_for

LOOK_S = 0.1  # seconds between two looks for what died, while the house keeps everything alive
START_S = 60  # seconds that everything may take to start


class Cluster:
    """Use as a context. house["asr1"] is a Process; others are redis, api1, tts1, maintenance1 (see Plan)."""

    def __init__(self, home: Path, plan: Plan) -> None:
        self.plan, self.settings = plan, plan.in_home(home)
        self.logs = home / "logs"
        self.orders = Orders(home / "orders")
        for folder in (self.logs, self.orders.folder, home / "temporary"):
            folder.mkdir()
        port = quiet_port()
        self.proxy = Proxy(port) if plan.proxied else None
        made = plan.processes(self.settings, port, self.proxy.port if self.proxy else port)
        self.processes = {each.name: each for each in made}
        self.client = Client([f"http://127.0.0.1:{api.environment['WAIJIAO_PORT']}" for api in self.all("api")])
        self.redis = connect(self.settings)  # the test's own connection, past the proxy
        self.jobs = Jobs(self.redis, self.settings)
        self.spoilt = False  # a test failed in it: what is left of it is no ground for another test
        self.starting = threading.Lock()
        self.keeping, self.closing = threading.Event(), threading.Event()
        self.keeper = threading.Thread(target=self._keep)

    def __getitem__(self, name: str) -> Process:
        return self.processes[name]

    def all(self, *kinds: str) -> list[Process]:
        """The processes of these kinds: redis, api, asr, llm, tts, segment, maintenance."""
        return [each for each in self.processes.values() if each.kind in kinds]

    def __enter__(self) -> "Cluster":
        try:
            self.heal()
        except BaseException:
            self.spoilt = True
            self.close()
            raise
        self.keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def heal(self) -> None:
        """Withdraw every order, let everything run and flow again, start what died; returns when all of it works."""
        self.orders.withdraw()
        if self.proxy:
            self.proxy.flow()
        for each in self.processes.values():
            self._revive(each)
            if each.kind == "redis":
                self.until_up("redis")
        if self.keeper.is_alive():
            self.keep_alive()  # for what is just about to die of an order
        self.until_up(*self.processes)
        self.keeping.clear()

    def start(self, *names: str) -> None:
        """Start what is not running; returns when it works."""
        for name in names:
            self._revive(self[name])
        self.until_up(*names)

    def restart(self, *names: str) -> None:
        """Kill and start again; returns when all of them work."""
        for name in names:
            self[name].kill()
        self.start(*names)

    def keep_alive(self) -> None:
        """From now to the end of the test, start whatever dies, as `waijiao up` does."""
        self.keeping.set()

    def until_up(self, *names: str) -> None:
        wait_for(lambda: all(self.up(self[name]) for name in names), START_S)

    def up(self, process: Process) -> bool:
        """Whether it does its work: Redis answers, an API answers, a worker has its engine."""
        assert process.alive or self.keeping.is_set(), f"{process.name} ended:\n{process.said()}"
        if process.kind == "redis":
            return answers(self.redis)
        if process.kind == "api":
            return self.client.lives(int(process.name.removeprefix("api")))
        return process.kind == "maintenance" or self.orders.loaded(process.pid)

    def worker_with(self, kind: str, n: int) -> Process:
        """The worker that began on utterance n, as soon as there is one; the latest if there were several."""
        leader = wait_for(lambda: self.orders.runs(kind, n))[-1]["leader"]
        return next(each for each in self.all(kind) if each.pid == leader)

    def held(self, kind: str, **fields) -> Said:
        """A new turn that an engine of this kind works on until `orders.withdraw(said.n)`."""
        n = self.client.utterance()
        self.orders.give(kind, n, "wait")
        said = self.client.say(n, **fields)
        self.worker_with(kind, n)
        return said

    def kept(self, said: Said) -> list[str]:
        """The names of the job's files in the blob store."""
        return [file.name for file in self.settings.blobs_folder.glob(f"*/{said.id}/*")]

    def close(self) -> None:
        """Kill everything."""
        self.closing.set()
        with self.starting:
            for each in self.processes.values():
                each.kill()
        if self.keeper.is_alive():
            self.keeper.join()
        self.client.http.close()
        self.redis.close()
        if self.proxy:
            self.proxy.close()

    def _revive(self, process: Process) -> None:
        with self.starting:
            process.thaw()
            if not process.alive and not self.closing.is_set():
                process.kill()  # what its leader left
                process.start()

    def _keep(self) -> None:
        while not self.closing.wait(LOOK_S):
            for each in self.processes.values() if self.keeping.is_set() else ():
                if not each.alive:
                    self._revive(each)
