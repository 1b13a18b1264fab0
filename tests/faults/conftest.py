"""Faults: real processes are broken on purpose, and nothing may be lost or answered twice.

A test takes the fixture `cluster`, breaks it, and says what must come of it; afterwards the cluster is healed and every
invariant (harness/invariants.py) is checked, so that a test need not. One cluster serves all tests of a module, as long
as they pass; the module's `PLAN = Plan(…)` says which processes and settings it has (harness/cluster_plan.py).

    cluster["asr1"].kill()                       # tests/support/process.py: also kill_child, stop, freeze, thaw
    cluster.start("asr1"), cluster.keep_alive()  # harness/cluster.py: also restart, wait_until_up, redis
    cluster.orders.give("asr", utterance, "die")  # harness/fault_orders.py: also at a crash point, such as after_blob
    turn = cluster.client.submit(utterance)      # harness/client.py: also post, ask, expect_success, expect_failure
    cluster.proxy.suspend()                      # harness/redis_proxy.py, with Plan(proxied=True)

An utterance is a number: `utterance = client.new_utterance()`, then orders for it, then `client.submit(utterance)`. The
orders are carried out by harness/injected, which runs inside the product's processes.

With Plan(), nothing is sped up but the clocks: leases of 2 s, a sweep every 0.3 s. Celery's visibility timeout stays
long, so that what recovers, recovers by the sweep alone.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.harness.client import Client
from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.fault_orders import Orders
from tests.faults.harness.invariants import check_invariants
from tests.support.memory_folder import memory_folder


class SharedCluster:
    """The cluster that a module's tests share; a new one is built after a test that failed in it.

    It lies in memory; of one in which a test failed, the logs are copied into pytest's temporary folder.
    """

    def __init__(self, folders: pytest.TempPathFactory, plan: Plan) -> None:
        self.folders, self.plan = folders, plan
        self.cluster: FaultCluster | None = None
        self.resources = ExitStack()

    def get(self) -> FaultCluster:
        if self.cluster and self.cluster.test_failed:
            self.close()
        if not self.cluster:
            folder = self.folders.mktemp("cluster")
            cluster = FaultCluster(self.resources.enter_context(memory_folder(folder)), self.plan)
            self.resources.callback(self.copy_logs_of_failure, cluster, folder)
            self.cluster = self.resources.enter_context(cluster)
        return self.cluster

    def close(self) -> None:
        self.cluster = None
        self.resources.close()

    def copy_logs_of_failure(self, cluster: FaultCluster, folder: Path) -> None:
        if cluster.test_failed and cluster.logs.parent != folder:
            shutil.copytree(cluster.logs, folder / "logs")


@pytest.fixture(scope="module")
def shared_cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedCluster]:
    shared = SharedCluster(tmp_path_factory, getattr(request.module, "PLAN", Plan()))
    yield shared
    shared.close()


@pytest.fixture
def cluster(shared_cluster: SharedCluster) -> FaultCluster:
    """A cluster in which every process works."""
    return shared_cluster.get()


@pytest.fixture
def client(cluster: FaultCluster) -> Client:
    return cluster.client


@pytest.fixture
def orders(cluster: FaultCluster) -> Orders:
    return cluster.orders


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    """After a test's own words, and as a part of it: heal the cluster and check every invariant."""
    cluster = pyfuncitem.funcargs.get("cluster")
    try:
        result = yield
        if cluster:
            cluster.heal()
            cluster.keep_alive()
            check_invariants(cluster)
            cluster.restarting.clear()
    except BaseException:
        if cluster:
            cluster.test_failed = True
        raise
    return result
