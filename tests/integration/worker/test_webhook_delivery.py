"""Webhook deliveries are recorded together with the change, sent when due, and repeated if necessary."""

import itertools
import time
from dataclasses import replace

import httpcore
import pytest
from standardwebhooks import WebhookVerificationError

from pipeline.errors import NoSpeech
from pipeline.ip_ranges import parse_networks
from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import Jobs, ReadyJob
from pipeline.webhooks import outbox
from pipeline.webhooks.outbox import DUE_KEY, Deliveries, Delivery, DeliveryLimits
from pipeline.webhooks.validation import JOB_EVENTS
from tests.integration.jobs.test_idempotent_scripts import RepeatingJobs
from tests.support.job_steps import RESULTS, WORKER, make_job_request, reach, run_stage
from tests.support.wait import wait_for
from tests.support.webhook_receiver import Receiver, run_receiver
from worker_maintenance.safe_http import SafeClient
from worker_maintenance.webhook_delivery import WebhookSender, WebhookThread

LOOPBACK = parse_networks("127.0.0.0/8")
numbers = itertools.count()
ONE, MANY = DeliveryLimits(1, 1, 1), DeliveryLimits(99, 99, 99)


@pytest.fixture
def receiver():
    with run_receiver() as receiver:
        yield receiver


@pytest.fixture
def sender(jobs) -> WebhookSender:
    return webhook_sender(jobs)


def webhook_sender(jobs: Jobs, timeout_s: float = 5) -> WebhookSender:
    return WebhookSender(Deliveries(jobs), SafeClient(LOOPBACK, timeout_s, httpcore.default_ssl_context()))


def make_request_with_webhook(receiver: Receiver, id_: str = "a", events: tuple[str, ...] = (), **more) -> JobRequest:
    return replace(make_job_request(id_, session=id_), webhook=receiver.url, webhook_events=events, **more)


def submit_and_cancel(jobs: Jobs, job_request: JobRequest) -> None:
    """Submit and cancel a job, which is the quickest way to an event."""
    jobs.submit(job_request)
    jobs.cancel(job_request.tenant, job_request.id)


def make_deliveries_due(jobs: Jobs) -> None:
    for key in jobs.redis.scan_iter(f"{DUE_KEY}*"):
        for name in jobs.redis.zrange(key, 0, -1):
            jobs.redis.zincrby(key, -1e9, name)


def list_deliveries(jobs: Jobs, id_: str = "a"):
    return Deliveries(jobs).list_for_job(jobs.get("default", id_))


def test_a_notification_has_the_state_of_the_job_and_nothing_that_was_said(jobs, redis, receiver, sender):
    jobs.submit(make_request_with_webhook(receiver, metadata={"homework": "7"}))
    for stage in RESULTS:
        run_stage(jobs, stage)
    sender.run_round()
    (request,) = receiver.requests
    said = request.verify(outbox.load_secrets(redis, "default")[0])
    data = said.pop("data")
    assert said["type"] == "job.succeeded"
    assert said["timestamp"].endswith("Z")
    assert data == {
        "id": "a",
        "state": "succeeded",
        "session": "a",
        "seq": 1,
        "outcome": "answered",
        "verdict": "not_checked",
        "error": None,
        "metadata": {"homework": "7"},
        "assignment": None,
        "rerun_of": None,
        "links": {"self": "/v1/jobs/a"},
    }
    assert request.path == "/hook?secret=1"
    assert b"home" not in request.body.replace(b"homework", b"")


def test_each_final_state_has_its_event_and_transcripts_only_when_requested(redis, settings, receiver):
    jobs = Jobs(redis, settings.model_copy(update={"deadline_s": 0}))
    submit_and_cancel(jobs, make_request_with_webhook(receiver, "canceled"))
    jobs.submit(make_request_with_webhook(receiver, "failed", JOB_EVENTS))
    (job,), _ = jobs.claim("asr", WORKER, 1)
    jobs.fail("asr", job, NoSpeech(), again=False)
    jobs.submit(make_request_with_webhook(receiver, "expired", ("job.transcribed", "job.expired")))
    run_stage(jobs, "asr")
    jobs.sweep({})
    assert [each.event for each in list_deliveries(jobs, "canceled")] == ["job.canceled"]
    assert [each.event for each in list_deliveries(jobs, "failed")] == ["job.failed"]
    assert [each.event for each in list_deliveries(jobs, "expired")] == ["job.transcribed", "job.expired"]


def test_only_requested_events_are_sent(jobs, redis, receiver):
    submit_and_cancel(jobs, make_request_with_webhook(receiver, events=("job.succeeded",)))
    submit_and_cancel(jobs, make_job_request("b"))
    assert list_deliveries(jobs) == list_deliveries(jobs, "b") == []
    assert not redis.exists(DUE_KEY)


def test_a_delivery_is_enqueued_with_the_change_and_a_lost_message_by_the_sweep(jobs, redis, receiver):
    jobs.submit(make_request_with_webhook(receiver))
    assert jobs.cancel("default", "a")[1] == [ReadyJob("maintenance", "default/a")]
    queues = {"asr": "queue", "maintenance": "maintenance"}
    assert jobs.sweep(queues) == [ReadyJob("maintenance", "default")]
    redis.rpush("maintenance", "a message")
    assert jobs.sweep(queues) == []
    redis.delete("maintenance")
    Deliveries(jobs).claim(ONE, [], 30)
    assert jobs.sweep(queues) == []


def test_a_failed_delivery_is_tried_again_later_under_the_same_id_and_the_log_has_it(jobs, receiver, sender):
    receiver.answers = [(500, {})]
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    sender.run_round()
    (waiting,) = list_deliveries(jobs)
    assert (waiting.state, waiting.host) == ("waiting", "127.0.0.1")
    assert 3 < waiting.next_at - time.time() < 7
    sender.run_round()
    assert len(receiver.requests) == 1
    make_deliveries_due(jobs)
    sender.run_round()
    (done,) = list_deliveries(jobs)
    assert (done.state, done.next_at) == ("delivered", None)
    assert [attempt.status for attempt in done.attempts] == [500, 204]
    assert len({request.id for request in receiver.requests}) == 1
    assert sender.deliveries.claim(MANY, [], 30) == []


def test_a_delivery_is_given_up_after_the_last_attempt(redis, settings, receiver):
    jobs = Jobs(redis, settings.model_copy(update={"webhook_attempts": 3}))
    receiver.answers = [(500, {})] * 9
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    for _ in range(5):
        make_deliveries_due(jobs)
        webhook_sender(jobs).run_round()
    (gone,) = list_deliveries(jobs)
    assert (gone.state, gone.next_at, len(gone.attempts)) == ("given_up", None, 3)
    assert len(receiver.requests) == 3


def test_a_delivery_that_kills_its_workers_is_given_up_too(redis, settings, receiver):
    jobs = Jobs(redis, settings.model_copy(update={"webhook_attempts": 2}))
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    claims = [len(Deliveries(jobs).claim(ONE, [], 0)) for _ in range(4)]
    assert claims == [1, 1, 0, 0]
    assert list_deliveries(jobs)[0].state == "given_up"


def test_a_receiver_that_answers_410_gets_nothing_more(jobs, receiver, sender):
    receiver.answers = [(410, {})]
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    sender.run_round()
    assert list_deliveries(jobs)[0].state == "given_up"


def test_a_receiver_may_set_retry_after(jobs, receiver, sender):
    receiver.answers = [(503, {"Retry-After": "120"})]
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    sender.run_round()
    assert 100 < list_deliveries(jobs)[0].next_at - time.time() < 130


def test_a_redirect_is_not_followed_and_counts_as_failed(jobs, receiver, sender):
    with run_receiver() as other:
        receiver.answers = [(307, {"Location": other.url})]
        submit_and_cancel(jobs, make_request_with_webhook(receiver))
        sender.run_round()
        assert other.requests == []
    assert (list_deliveries(jobs)[0].state, list_deliveries(jobs)[0].attempts[0].status) == ("waiting", 307)


def test_a_worker_that_dies_leaves_its_deliveries_to_the_next(jobs, receiver, sender):
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    (lost,) = sender.deliveries.claim(ONE, [], lease_s=0.5)
    assert sender.deliveries.claim(ONE, [], 30) == []
    wait_for(lambda: sender.run_round() or receiver.requests)
    assert [request.id for request in receiver.requests] == [lost.id]
    sender.record(lost, list_deliveries(jobs)[0].attempts[0], None)  # the dead worker's late word
    assert list_deliveries(jobs)[0].state == "delivered"


def test_a_receiver_that_hangs_delays_neither_others_nor_the_round(jobs, receiver):
    receiver.hangs.set()
    with run_receiver() as other:
        for number in range(12):
            submit_and_cancel(jobs, make_request_with_webhook(receiver, f"dead{number}"))
        quick = replace(make_request_with_webhook(other, "quick"), webhook=other.url.replace("127.0.0.1", "localhost"))
        submit_and_cancel(jobs, quick)
        sender = webhook_sender(jobs, timeout_s=0.5)
        start_time = time.monotonic()
        sender.run_round()
        took = time.monotonic() - start_time
        assert len(other.requests) == 1
    assert took < 20
    assert list_deliveries(jobs, "dead0")[0].attempts[0].error == "no answer in time"


# --- fairness


def add_deliveries(jobs: Jobs, tenant: str, *hosts: str) -> None:
    """A delivery of this tenant to each of the hosts is due, in this order."""
    for host in hosts:
        id_ = f"job{next(numbers)}"
        request = replace(make_job_request(id_, session=id_, tenant=tenant), webhook=f"http://{host}/hook")
        submit_and_cancel(jobs, request)


def claim_hosts(jobs: Jobs, limits: DeliveryLimits, open_deliveries: list[Delivery] | None = None) -> list[str]:
    """The tenants and hosts of the deliveries that are claimed."""
    claimed = Deliveries(jobs).claim(limits, open_deliveries or [], 30)
    return sorted(f"{each.tenant} {each.host}" for each in claimed)


def let_answer(jobs: Jobs, tenant: str, *hosts: str) -> None:
    """The receiver's latest answer was a good one."""
    for host in hosts:
        add_deliveries(jobs, tenant, host)
        (delivery,) = Deliveries(jobs).claim(ONE, [], 30)
        Deliveries(jobs).write(delivery, outbox.Attempt(time.time(), 0.1, 204), "delivered")


def test_deliveries_to_one_host_are_limited(jobs):
    let_answer(jobs, "one", "busy")
    add_deliveries(jobs, "one", *["busy"] * 9)
    claimed = Deliveries(jobs).claim(DeliveryLimits(64, 16, 4), [], 30)
    assert len(claimed) == 4
    assert claim_hosts(jobs, DeliveryLimits(64, 16, 4), claimed) == []
    assert claim_hosts(jobs, DeliveryLimits(64, 16, 4), claimed[:3]) == ["one busy"]


def test_a_host_that_does_not_answer_gets_one_at_a_time(jobs):
    add_deliveries(jobs, "one", *["host"] * 9)
    (claimed,) = Deliveries(jobs).claim(DeliveryLimits(64, 16, 4), [], 30)
    Deliveries(jobs).write(claimed, outbox.Attempt(time.time(), 0.1, 204), "delivered")
    claimed = Deliveries(jobs).claim(DeliveryLimits(64, 16, 4), [], 30)
    assert len(claimed) == 4
    Deliveries(jobs).write(claimed[0], outbox.Attempt(time.time(), 10, None, "no answer in time"), "waiting", 5)
    assert claim_hosts(jobs, DeliveryLimits(64, 16, 4), claimed[1:]) == []
    assert claim_hosts(jobs, DeliveryLimits(64, 16, 4)) == ["one host"]


def test_deliveries_of_one_tenant_are_limited(jobs):
    add_deliveries(jobs, "one", *[f"slow{number}" for number in range(30)])
    assert len(claim_hosts(jobs, DeliveryLimits(64, 16, 4))) == 16
    assert len(claim_hosts(jobs, DeliveryLimits(20, 16, 4))) == 10  # as many stay free for others


@pytest.mark.parametrize("tenants", [1, 2, 5, 40])
def test_who_has_none_open_gets_one_whatever_others_have(jobs, tenants):
    for number in range(tenants):
        add_deliveries(jobs, f"slow{number}", *[f"slow{number}-{host}" for host in range(80 // tenants)])
    claimed = Deliveries(jobs).claim(DeliveryLimits(64, 16, 4), [], 30)
    assert len(claimed) >= min(tenants * 8, 40)
    add_deliveries(jobs, "late", "quick")
    assert "late quick" in claim_hosts(jobs, DeliveryLimits(64, 16, 4), claimed)


def test_who_has_the_fewest_open_comes_first_and_then_who_is_due_first(jobs):
    let_answer(jobs, "one", "a")
    add_deliveries(jobs, "one", "a", "a", "b")
    add_deliveries(jobs, "two", "a", "c")
    assert claim_hosts(jobs, DeliveryLimits(3, 2, 2)) == ["one a", "two a"]
    assert claim_hosts(jobs, DeliveryLimits(3, 2, 2)) == ["one a", "two c"]
    assert claim_hosts(jobs, DeliveryLimits(3, 2, 2)) == ["one b"]


def test_a_host_of_many_tenants_leaves_one_for_other_hosts(jobs):
    for number in range(30):
        add_deliveries(jobs, f"slow{number}", "slow")
    add_deliveries(jobs, "late", "quick")
    claimed = claim_hosts(jobs, DeliveryLimits(16, 4, 2))
    assert "late quick" in claimed
    assert len(claimed) == 9


def test_thousands_that_are_due_are_claimed_quickly(jobs):
    for number in range(20):
        add_deliveries(jobs, f"slow{number}", *["slow"] * 100)
    start_time = time.monotonic()
    for _ in range(20):
        Deliveries(jobs).claim(DeliveryLimits(64, 16, 4), [], 30)
    assert time.monotonic() - start_time < 2


def test_deliveries_that_an_earlier_version_stored_are_made(jobs, redis, receiver, sender):
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    name = f"{list_deliveries(jobs)[0].name}"
    redis.delete(*redis.scan_iter(f"{DUE_KEY}*"))
    redis.zadd(DUE_KEY, {name: time.time() - 5})
    sender.run_round()
    assert [each.state for each in list_deliveries(jobs)] == ["delivered"]
    assert not redis.exists(DUE_KEY)


def test_a_failure_that_nobody_expected_does_not_end_the_thread(jobs, receiver, sender, monkeypatch):
    failures = iter([ConnectionError("no Redis"), KeyError("unexpected")])
    claim = Deliveries.claim

    def claim_or_fail(*arguments):
        if failure := next(failures, None):
            raise failure
        return claim(*arguments)

    monkeypatch.setattr(Deliveries, "claim", claim_or_fail)
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    thread = WebhookThread(sender)
    wait_for(lambda: thread.wake() or receiver.requests)
    thread.stop()
    assert not thread.thread.is_alive()


# --- what is stored


def test_erasing_a_job_erases_its_deliveries(jobs, redis, receiver, sender):
    for name in ("forgotten", "erased"):
        submit_and_cancel(jobs, make_request_with_webhook(receiver, name))
    jobs.forget("default", "forgotten")
    jobs.erase("default", "erased")
    sender.run_round()
    assert receiver.requests == []
    assert not redis.exists(DUE_KEY)
    assert [*redis.scan_iter("waijiao:delivery:*")] == []


def test_deliveries_of_expired_records_are_dropped(jobs, redis, receiver, sender):
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    redis.delete("waijiao:job:default/a")
    assert sender.deliveries.claim(ONE, [], 30) == []
    assert not redis.exists(DUE_KEY)


def test_open_deliveries_of_all_tenants_are_counted(jobs):
    assert Deliveries(jobs).count() == 0
    add_deliveries(jobs, "one", "a", "a", "b")
    add_deliveries(jobs, "two", "a")
    assert Deliveries(jobs).count() == 4
    let_answer(jobs, "three", "c")
    assert Deliveries(jobs).count() == 4


@pytest.mark.parametrize("gone_hosts", [1, 2, 40])
def test_a_host_whose_deliveries_have_expired_stops_no_other(jobs, redis, gone_hosts):
    hosts = [f"gone{number}" for number in range(gone_hosts)]
    add_deliveries(jobs, "one", *hosts, "a")
    add_deliveries(jobs, "two", "b")
    redis.delete(*(f"{DUE_KEY}:one/{host}" for host in hosts))  # which Redis does at the end of their time
    assert claim_hosts(jobs, MANY) == ["one a", "two b"]
    assert redis.zrange(f"{DUE_KEY}:one", 0, -1) == ["a"]


def test_a_tenant_whose_deliveries_have_expired_is_forgotten(jobs, redis):
    add_deliveries(jobs, "one", "gone")
    add_deliveries(jobs, "two", "b")
    redis.delete(f"{DUE_KEY}:one", f"{DUE_KEY}:one/gone")
    assert claim_hosts(jobs, MANY) == ["two b"]
    assert redis.zrange(DUE_KEY, 0, -1) == ["two"]


def test_every_key_of_a_delivery_has_a_time_to_live(jobs, redis, receiver, sender):
    jobs.submit(make_request_with_webhook(receiver, events=JOB_EVENTS))
    reach(jobs, "llm")
    jobs.cancel("default", "a")
    sender.deliveries.claim(ONE, [], 30)
    keys = set(redis.scan_iter("waijiao:deliver*"))
    assert len(keys) == 6
    assert not [key for key in keys if redis.ttl(key) < 0]


def test_repeated_scripts_count_once(redis, settings, receiver):
    repeating_jobs = RepeatingJobs(redis, settings)
    receiver.answers = [(500, {})]
    submit_and_cancel(repeating_jobs, make_request_with_webhook(receiver))
    webhook_sender(repeating_jobs).run_round()
    make_deliveries_due(repeating_jobs)
    webhook_sender(repeating_jobs).run_round()
    assert [attempt.status for attempt in list_deliveries(repeating_jobs)[0].attempts] == [500, 204]
    first, second = outbox.rotate(repeating_jobs, "default"), outbox.rotate(repeating_jobs, "default")
    assert outbox.load_secrets(redis, "default") == [second, first]


def test_deliveries_go_on_while_the_memory_is_full(jobs, redis, receiver, sender):
    jobs.submit(make_request_with_webhook(receiver))
    outbox.load_secrets(redis, "default")
    redis.config_set("maxmemory", 1)
    jobs.cancel("default", "a")
    assert len(sender.deliveries.claim(ONE, [], 0)) == 1
    sender.run_round()
    assert list_deliveries(jobs)[0].state == "delivered"


def test_after_a_rotation_the_old_secret_also_signs_for_a_day(jobs, redis, receiver, sender):
    (before,) = outbox.load_secrets(redis, "default")
    after = outbox.rotate(jobs, "default")
    submit_and_cancel(jobs, make_request_with_webhook(receiver))
    sender.run_round()
    (request,) = receiver.requests
    assert request.verify(before) == request.verify(after)
    assert 86_000 < redis.ttl("waijiao:webhook-secret:default:before") <= 86_400
    redis.delete("waijiao:webhook-secret:default:before")
    submit_and_cancel(jobs, make_request_with_webhook(receiver, "b"))
    sender.run_round()
    with pytest.raises(WebhookVerificationError):
        receiver.requests[1].verify(before)


def test_each_tenant_signs_with_a_secret_of_its_own(jobs, redis):
    one, other = outbox.load_secrets(redis, "one"), outbox.load_secrets(redis, "other")
    assert one == outbox.load_secrets(redis, "one") != other
