"""A cluster to break: a real Redis, API processes and workers, all with short clocks and under a test's orders."""

import threading
from pathlib import Path

from tests.faults.harness.client import AcceptedTurn, Client
from tests.faults.harness.cluster_plan import Plan, find_free_port
from tests.faults.harness.fault_orders import Orders
from tests.faults.harness.redis_proxy import Proxy
from tests.support.cluster import Cluster
from tests.support.process import Process
from tests.support.wait import wait_for
from waijiao.local import services
from waijiao.local.services import Service

POLL_S = 0.1  # seconds between two looks for dead processes, while the cluster restarts them


class FaultCluster(Cluster):
    """Use as a context. cluster["asr1"] is a Process; others are redis, api1, tts1, maintenance1 (see Plan).

    The test itself reaches Redis by the socket in HOME, past the proxy.
    """

    def __init__(self, home: Path, plan: Plan) -> None:
        self.plan = plan
        self.orders = Orders(home / "orders")
        for folder in (self.orders.folder, home / "temporary"):
            folder.mkdir()
        self.redis_port = find_free_port()
        super().__init__(plan.make_settings(home))
        self.proxy = Proxy(self.redis_port) if plan.proxied else None
        for process in plan.make_processes(self.settings, self.proxy.port if self.proxy else self.redis_port):
            self.processes[process.name] = process
        self.client = Client([self.url(api.name) for api in self.select("api")])
        self.test_failed = False  # then what is left of the cluster is of no use to another test
        self.start_lock = threading.Lock()
        self.restarting, self.closing = threading.Event(), threading.Event()
        self.restarter = threading.Thread(target=self._restart_dead_processes)

    def __enter__(self) -> "FaultCluster":
        try:
            self.heal()
        except BaseException:
            self.test_failed = True
            self.close()
            raise
        self.restarter.start()
        return self

    def add_redis(self) -> None:
        """It syncs every write, as the product's own, and listens on a port as well as on the socket in HOME."""
        service = services.redis_service(self.settings)
        address = ["--port", str(self.redis_port), "--bind", "127.0.0.1"]
        self.add(Service(service.name, [*service.command, *address], service.environment))

    def heal(self) -> None:
        """Withdraw every order, let everything run and flow again, start what died; returns when all of it works."""
        self.orders.withdraw()
        if self.proxy:
            self.proxy.resume()
        for process in self.processes.values():
            self.start_if_dead(process)
            if process.kind == "redis":
                self.wait_until_up("redis")
        if self.restarter.is_alive():
            self.keep_alive()  # for what is just about to die of an order
        self.wait_until_up(*self.processes)
        self.restarting.clear()

    def keep_alive(self) -> None:
        """From now to the end of the test, start whatever dies, as `waijiao up` does."""
        self.restarting.set()

    def is_up(self, process: Process) -> bool:
        """Whether the process works: Redis answers, an API answers, a worker has loaded its engine."""
        if not super().is_up(process):
            return False
        return process.kind in ("redis", "api", "maintenance") or self.orders.has_loaded(process.pid)

    def check_alive(self, process: Process) -> None:
        if not self.restarting.is_set():
            super().check_alive(process)

    def wait_for_worker(self, kind: str, utterance: int) -> Process:
        """The worker that began on this utterance, as soon as there is one; the latest if there were several."""
        leader = wait_for(lambda: self.orders.find_runs(kind, utterance))[-1]["leader"]
        return next(each for each in self.select(kind) if each.pid == leader)

    def submit_and_hold(self, kind: str, **fields) -> AcceptedTurn:
        """A new turn that an engine of this kind works on until `orders.withdraw(turn.utterance)`."""
        utterance = self.client.new_utterance()
        self.orders.give(kind, utterance, "wait")
        turn = self.client.submit(utterance, **fields)
        self.wait_for_worker(kind, utterance)
        return turn

    def list_blobs(self, turn: AcceptedTurn) -> list[str]:
        """The names of the job's files in the blob store."""
        return [file.name for file in self.settings.blobs_folder.glob(f"*/{turn.id}/*")]

    def start_if_dead(self, process: Process) -> None:
        with self.start_lock:
            if not self.closing.is_set():
                super().start_if_dead(process)

    def close(self) -> None:
        """Kill everything."""
        self.closing.set()
        with self.start_lock:
            super().close()
        if self.restarter.is_alive():
            self.restarter.join()
        self.client.http.close()
        if self.proxy:
            self.proxy.close()

    def _restart_dead_processes(self) -> None:
        while not self.closing.wait(POLL_S):
            for process in self.processes.values() if self.restarting.is_set() else ():
                if not process.alive:
                    self.start_if_dead(process)
