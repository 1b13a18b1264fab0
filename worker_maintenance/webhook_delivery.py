"""Delivers webhooks: signed, several at the same time, and again later when it fails."""

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import httpcore
from redis.exceptions import RedisError

from pipeline.errors import BrokenRecord, Erased, UnknownJob, safe_traceback
from pipeline.jobs.job import Job
from pipeline.timestamps import format_iso
from pipeline.webhooks import outbox
from pipeline.webhooks.outbox import Attempt, Deliveries, Delivery, DeliveryLimits
from pipeline.worker.task import retry_while_redis_is_away
from worker_maintenance.safe_http import AddressRefused, Response, SafeClient

log = logging.getLogger("waijiao")
LIMITS = DeliveryLimits(total=256, tenant=32, host=4)  # deliveries at the same time, most of which only wait
POLL_S = 0.2  # seconds between two checks for deliveries that became due meanwhile
RETRY_WAITS_S = (5, 30, 120, 600, 3600, 10_800, 21_600)  # after the 1st, 2nd … failed attempt; the last for all others
RETRY_JITTER = 0.2  # share of itself by which a wait is longer or shorter, so that retries do not coincide
HTTP_GONE = 410  # by which a receiver says that it wants nothing more


@dataclass(frozen=True)
class WebhookSender:
    """Sends the deliveries that are due by `client`, and records how each attempt went."""

    deliveries: Deliveries
    client: SafeClient
    stopping: threading.Event = field(default_factory=threading.Event)  # when set, what is open is finished, no more

    def run_round(self) -> None:
        """Deliver whatever is due, until nothing is."""
        open_deliveries: dict[Future[None], Delivery] = {}
        with ThreadPoolExecutor(LIMITS.total, "webhooks") as threads:
            while True:
                for delivery in () if self.stopping.is_set() else self.claim(open_deliveries.values()):
                    open_deliveries[threads.submit(self.deliver, delivery)] = delivery
                if not open_deliveries:
                    return
                for future in wait(open_deliveries, POLL_S, FIRST_COMPLETED).done:
                    del open_deliveries[future]
                    future.result()

    def claim(self, open_deliveries: Iterable[Delivery]) -> list[Delivery]:
        lease_s = self.client.timeout_s + self.deliveries.jobs.settings.lease_s
        return self.deliveries.claim(LIMITS, open_deliveries, lease_s)

    def deliver(self, delivery: Delivery) -> None:
        """Make one attempt, and record it."""
        jobs = self.deliveries.jobs
        try:
            job = jobs.get(delivery.tenant, delivery.job_id)
        except (UnknownJob, Erased):
            return  # an erased job has no webhooks
        except BrokenRecord as error:  # which nobody can be told; the others are delivered
            log.error("%s was not delivered: %s", delivery.id, error)
            return
        body = build_payload(job, delivery)
        secrets = outbox.load_secrets(jobs.redis, delivery.tenant)
        headers = {
            "content-type": "application/json",
            "user-agent": "Waijiao",
            **outbox.headers(secrets, delivery.id, int(time.time()), body),
        }
        attempt, response = make_attempt(lambda: self.client.post(job.request.webhook, headers, body))
        self.record(delivery, attempt, response)

    def record(self, delivery: Delivery, attempt: Attempt, response: Response | None) -> None:
        state, wait_s = next_state(delivery.tried, response, self.deliveries.jobs.settings.webhook_attempts)
        retry_while_redis_is_away(self.deliveries.jobs, lambda: self.deliveries.write(delivery, attempt, state, wait_s))
        if state != "delivered":
            reason = attempt.error or f"status {attempt.status}"
            log.warning("attempt %s to deliver %s to %s failed: %s", delivery.tried, delivery.id, delivery.host, reason)


class WebhookThread:
    """Sends webhooks beside everything else that its process does: neither waits for the other."""

    def __init__(self, sender: WebhookSender) -> None:
        self.sender = sender
        self.due = threading.Event()
        self.thread = threading.Thread(target=self.run, name="webhooks", daemon=True)
        self.thread.start()

    def wake(self) -> None:
        """Something is due."""
        self.due.set()

    def run(self) -> None:
        while not self.sender.stopping.is_set():
            self.due.wait()
            self.due.clear()
            try:
                self.sender.run_round()
            except RedisError as error:
                log.warning("webhook deliveries wait for Redis: %s", error)
            except Exception as error:  # noqa: BLE001 - the sweep wakes it again; without it nothing would be sent
                log.error("the delivery of webhooks failed unexpectedly: %s", safe_traceback(error))

    def stop(self) -> None:
        """Begin no more deliveries, and wait for those that are open: at most as long as one may take."""
        self.sender.stopping.set()
        self.due.set()
        self.thread.join(self.sender.client.timeout_s)


def make_attempt(post: Callable[[], Response]) -> tuple[Attempt, Response | None]:
    """Post once. Returns how it went, and the response if there was one."""
    at, start = time.time(), time.monotonic()
    response, reason = None, None
    try:
        response = post()
    except AddressRefused as error:
        reason = str(error)
    except httpcore.TimeoutException:
        reason = "no answer in time"
    except httpcore.ConnectError as error:
        reason = f"no connection: {error}"[:200]
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        reason = f"the connection broke ({type(error).__name__})"
    except Exception as error:  # noqa: BLE001 - one failing delivery must not stop the others
        log.error("a webhook delivery failed unexpectedly: %s", safe_traceback(error))
        reason = f"failed here ({type(error).__name__})"
    return Attempt(at, round(time.monotonic() - start, 3), response.status if response else None, reason), response


def next_state(attempts: int, response: Response | None, max_attempts: int) -> tuple[str, float | None]:
    """The delivery's state after attempt number `attempts`, and the seconds until the next one."""
    if response and 200 <= response.status < 300:
        return "delivered", None
    if attempts >= max_attempts or (response and response.status == HTTP_GONE):
        return "given_up", None
    wait_s = RETRY_WAITS_S[min(attempts, len(RETRY_WAITS_S)) - 1]
    jittered_s = wait_s * random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311 - not a secret
    return "waiting", max(jittered_s, min(retry_after_s(response), RETRY_WAITS_S[-1]))


def retry_after_s(response: Response | None) -> float:
    """The receiver's Retry-After (RFC 9110, 10.2.3) in seconds; 0 when there is none that can be read."""
    value = (response and response.retry_after) or ""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0


def build_payload(job: Job, delivery: Delivery) -> bytes:
    """The job's state and verdict, and no text; who may read that asks the API for it with a key."""
    data = {
        "id": job.id,
        "state": job.state,
        "session": job.request.session,
        "seq": job.seq,
        "outcome": job.outcome,
        "verdict": job.feedback.verdict if job.feedback else None,
        "error": job.error,
        "metadata": dict(job.request.metadata),
        "assignment": job.request.assignment or None,
        "rerun_of": job.rerun_of,
        "links": {"self": f"/v1/jobs/{job.id}"},
    }
    return json.dumps({"type": delivery.event, "timestamp": format_iso(delivery.at), "data": data}).encode()
