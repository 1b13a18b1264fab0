"""No receiver and no tenant delays the webhooks of others: receivers that hang, refuse or are many, thousands due."""

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from pipeline.jobs.job import JobRequest
from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.cluster_plan import Plan, find_free_port
from tests.support.wait import wait_for
from tests.support.webhook_receiver import Receiver

PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "maintenance": 1},
    settings={"webhook_networks": "127.0.0.0/8", "max_jobs": 10_000, "max_jobs_tenant": 10_000},
)
PROMISE_S = 5  # seconds after which a delivery is sent at the latest, whatever becomes of others
WEBHOOK_S = 10  # seconds after which an attempt is given up: Settings.webhook_s
names = (f"webhook{number}" for number in itertools.count())


class Receivers:
    """Receivers on loopback, where every address is a host of its own, and the events that are sent to them."""

    def __init__(self, cluster: FaultCluster) -> None:
        self.cluster = cluster
        self.resources = ExitStack()

    def open(self, hangs: bool = False) -> Receiver:
        """A receiver at all addresses of loopback."""
        receiver = Receiver(host="0.0.0.0")
        if hangs:
            receiver.hangs.set()
        self.resources.callback(receiver.close)
        return receiver

    def notify(self, tenant: str, urls: list[str]) -> None:
        """One event of this tenant for each of the URLs."""
        with ThreadPoolExecutor(8) as threads:
            [*threads.map(lambda url: self.notify_once(tenant, url), urls)]

    def notify_once(self, tenant: str, url: str) -> None:
        name = next(names)
        self.cluster.jobs.submit(JobRequest(name, name, tenant, text="hi", webhook=url))
        self.cluster.jobs.cancel(tenant, name)

    def expect_prompt_deliveries(self, tenant: str, receiver: Receiver, host: str = "127.0.0.1") -> None:
        """New events of this tenant arrive within PROMISE_S each."""
        for _ in range(3):
            before = len(receiver.requests)
            self.notify_once(tenant, url_at(host, receiver))
            wait_for(lambda count=before: len(receiver.requests) > count, PROMISE_S)


def url_at(host: str, receiver: Receiver) -> str:
    return f"http://{host}:{receiver.port}/hook"


@pytest.fixture
def receivers(cluster: FaultCluster) -> Iterator[Receivers]:
    with (receivers := Receivers(cluster)).resources:
        yield receivers
    cluster.redis.flushall()  # what one test has left to deliver is not to be the next one's


def test_a_receiver_that_hangs_delays_no_other_tenant_s_webhooks(receivers):
    slow, quick = receivers.open(hangs=True), receivers.open()
    receivers.notify("slow", [url_at("127.0.0.2", slow)] * 1500)
    wait_for(lambda: slow.requests)
    receivers.expect_prompt_deliveries("quick", quick)


def test_a_receiver_that_hangs_delays_no_other_receiver_of_its_tenant(receivers):
    slow, quick = receivers.open(hangs=True), receivers.open()
    receivers.notify("school", [url_at("127.0.0.2", slow)] * 1000)
    wait_for(lambda: slow.requests)
    receivers.expect_prompt_deliveries("school", quick)


def test_a_tenant_is_not_delayed_by_another_one_on_the_same_host(receivers):
    slow, quick = receivers.open(hangs=True), receivers.open()
    receivers.notify("slow", [url_at("127.0.0.2", slow)] * 600)
    wait_for(lambda: slow.requests)
    receivers.expect_prompt_deliveries("quick", quick, "127.0.0.2")


@pytest.mark.parametrize(("tenants", "hosts", "deliveries"), [(1, 60, 900), (4, 50, 400), (100, 1, 800)])
def test_many_hosts_of_many_tenants_that_hang_delay_no_other_tenant(receivers, tenants, hosts, deliveries):
    slow, quick = receivers.open(hangs=True), receivers.open()
    for tenant in range(tenants):
        urls = [url_at(f"127.{tenant}.{host}.2", slow) for host in range(hosts)]
        receivers.notify(f"slow{tenant}", urls * (deliveries // tenants // hosts))
    wait_for(lambda: slow.requests)
    receivers.expect_prompt_deliveries("quick", quick)


def test_many_tenants_whose_common_host_hangs_delay_no_other_host(receivers):
    slow, quick = receivers.open(hangs=True), receivers.open()
    for number in range(100):
        receivers.notify(f"slow{number}", [url_at("127.0.0.2", slow)] * 6)
    wait_for(lambda: slow.requests)
    receivers.expect_prompt_deliveries("quick", quick)


def test_a_receiver_that_refuses_thousands_of_deliveries_delays_no_other(receivers):
    quick = receivers.open()
    receivers.notify("refused", [f"http://127.0.0.2:{find_free_port()}/hook"] * 3000)
    receivers.expect_prompt_deliveries("quick", quick)


def test_other_tenants_are_served_for_as_long_as_a_receiver_hangs(receivers):
    slow, quick = receivers.open(hangs=True), receivers.open()
    receivers.notify("slow", [url_at("127.0.0.2", slow)] * 300)
    end = time.monotonic() + 2.5 * WEBHOOK_S
    while time.monotonic() < end:
        receivers.expect_prompt_deliveries("quick", quick)
        time.sleep(0.5)
    assert 2 <= len(slow.requests) <= 4  # it is tried again and again, one delivery at a time
