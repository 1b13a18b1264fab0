"""Faults: real processes are broken on purpose, and nothing may be lost or answered twice.

A test takes `house`, breaks it, and says what must come of it; afterwards the house is healed and every invariant
(invariants.py) is checked, so that a test need not. One house serves all tests of a module, as long as they pass; the
module's `PLAN = Plan(…)` says which (plan.py). A test can have one of its own: `with Cluster(folder, Plan()) as mine`.

    house["asr1"].kill()                      # process.py: also kill_child, stop, freeze, thaw, children
    house.start("asr1"), house.keep_alive()   # house.py: also restart, until_up, worker_with, redis (a connection)
    house.orders.give("asr", n, "die")        # given_orders.py: at utterance n, or at a crash point such as after_blob
    said = house.client.say(n, session="x")   # client.py: also post, ended, succeeded, failed, turns, forget
    house.proxy.black_hole()                  # proxy.py, with Plan(proxied=True): also reset, delay_s, cut_reply, flow

n is an utterance: `n = house.client.utterance()`, orders for it, then say(n). With Plan(), nothing is sped up but the
clocks: leases of 2 s, a sweep every 0.3 s. Celery's visibility timeout stays long, so that what recovers, recovers by
the sweep alone.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.harness.cluster import Cluster
from tests.faults.harness.cluster_plan import Plan
from tests.faults.harness.invariants import check
from tests.support.memory_folder import memory_folder


class SharedCluster:
    """The house that a module's tests share; a new one is built after a test that failed in it.

    It lies in memory; of one in which a test failed, the logs are copied into pytest's temporary folder.
    """

    def __init__(self, folders: pytest.TempPathFactory, plan: Plan) -> None:
        self.folders, self.plan = folders, plan
        self.house: Cluster | None = None
        self.opened = ExitStack()

    def open(self) -> Cluster:
        if self.house and self.house.spoilt:
            self.close()
        if not self.house:
            folder = self.folders.mktemp("house")
            house = Cluster(self.opened.enter_context(memory_folder(folder)), self.plan)
            self.opened.callback(self.keep_logs, house, folder)
            self.house = self.opened.enter_context(house)
        return self.house

    def close(self) -> None:
        self.house = None
        self.opened.close()

    def keep_logs(self, house: Cluster, folder: Path) -> None:
        if house.spoilt and house.logs.parent != folder:
            shutil.copytree(house.logs, folder / "logs")


@pytest.fixture(scope="module")
def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedCluster]:
    street = SharedCluster(tmp_path_factory, getattr(request.module, "PLAN", Plan()))
    yield street
    street.close()


@pytest.fixture
def house(street: SharedCluster) -> Cluster:
    """A house in which everything lives."""
    return street.open()


@pytest.fixture
def client(house: Cluster):
    return house.client


@pytest.fixture
def orders(house: Cluster):
    return house.orders


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function):
    """After a test's own words, and as a part of it: heal the house and check every invariant."""
    house = pyfuncitem.funcargs.get("house")
    try:
        result = yield
        if house:
            house.heal()
            house.keep_alive()
            check(house)
            house.keeping.clear()
    except BaseException:
        if house:
            house.spoilt = True
        raise
    return result
