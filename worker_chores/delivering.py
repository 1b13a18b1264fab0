"""Delivers what webhooks wait for: signed, several at the same time, again later when it fails."""

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import httpcore

from pipeline.errors import Erased, UnknownJob, wordless
from pipeline.jobs.job import Job
from pipeline.timestamps import iso
from pipeline.webhooks import outbox
from pipeline.webhooks.outbox import Attempt, Deliveries, Delivery
from pipeline.worker.task import retry_while_redis_is_away
from worker_chores.guarded import Refused
from worker_chores.posting import Answer, Client
from worker_chores.trying_again import verdict

log = logging.getLogger("waijiao")
AT_ONCE, AT_ONCE_HOST = 16, 4  # deliveries at the same time; of them, those to one host, so that none takes all
ROUND_S = 20  # seconds for which one message's task takes up deliveries, before other chores have their turn
LOOK_S = 0.2  # seconds between two looks for deliveries that became due meanwhile


@dataclass(frozen=True)
class Post:
    """What delivers: `client` posts, `deliveries` has what is due and keeps what came of it."""

    deliveries: Deliveries
    client: Client

    def round(self) -> None:
        """Deliver whatever is due, for ROUND_S or until nothing is."""
        until, in_hand = time.monotonic() + ROUND_S, dict[Future[None], str]()
        with ThreadPoolExecutor(AT_ONCE, "delivering") as threads:
            while True:
                free = AT_ONCE - len(in_hand) if time.monotonic() < until else 0
                for delivery in self.claim(free, [*in_hand.values()]) if free else ():
                    in_hand[threads.submit(self.deliver, delivery)] = delivery.host
                if not in_hand:
                    return
                for each in wait(in_hand, LOOK_S, FIRST_COMPLETED).done:
                    del in_hand[each]
                    each.result()

    def claim(self, most: int, busy: list[str]) -> list[Delivery]:
        lease_s = self.client.limit_s + self.deliveries.jobs.settings.lease_s
        return self.deliveries.claim(most, AT_ONCE_HOST, busy, lease_s)

    def deliver(self, delivery: Delivery) -> None:
        """Try once, and write what came of it."""
        jobs = self.deliveries.jobs
        try:
            job = jobs.get(delivery.tenant, delivery.job_id)
        except (UnknownJob, Erased):
            return  # nothing is told of it any more
        body, now = payload(job, delivery), time.time()
        owned = outbox.secrets_of(jobs.redis, delivery.tenant)
        headers = {
            "content-type": "application/json",
            "user-agent": "Waijiao",
            **outbox.headers(owned, delivery.id, int(now), body),
        }
        attempt, answer = attempted(lambda: self.client.post(job.request.webhook, headers, body))
        self.write(delivery, attempt, answer)

    def write(self, delivery: Delivery, attempt: Attempt, answer: Answer | None) -> None:
        state, wait_s = verdict(delivery.tried, answer, self.deliveries.jobs.settings.webhook_attempts)
        retry_while_redis_is_away(self.deliveries.jobs, lambda: self.deliveries.write(delivery, attempt, state, wait_s))
        if state != "delivered":
            why = attempt.error or f"status {attempt.status}"
            log.warning("%s was not told to %s at attempt %s: %s", delivery.id, delivery.host, delivery.tried, why)


def attempted(post: Callable[[], Answer]) -> tuple[Attempt, Answer | None]:
    """How one try went."""
    at, begun = time.time(), time.monotonic()
    answer, error = None, None
    try:
        answer = post()
    except Refused as refused:
        error = str(refused)
    except httpcore.TimeoutException:
        error = "no answer in time"
    except httpcore.ConnectError as failed:
        error = f"no connection: {failed}"[:200]
    except (httpcore.NetworkError, httpcore.ProtocolError) as failed:
        error = f"the connection broke ({type(failed).__name__})"
    except Exception as failed:  # noqa: BLE001 - one delivery's trouble is not the others'
        log.error("a delivery failed here: %s", wordless(failed))
        error = f"failed here ({type(failed).__name__})"
    return Attempt(at, round(time.monotonic() - begun, 3), answer.status if answer else None, error), answer


def payload(job: Job, delivery: Delivery) -> bytes:
    """What is told: how the job stands, and nothing that anybody said; who may see that asks for it with a key."""
    data = {
        "id": job.id,
        "state": job.state,
        "session": job.request.session,
        "seq": job.seq,
        "outcome": job.outcome,
        "error": job.error,
        "metadata": dict(job.request.metadata),
        "assignment": job.request.assignment or None,
        "links": {"self": f"/v1/jobs/{job.id}"},
    }
    return json.dumps({"type": delivery.event, "timestamp": iso(delivery.at), "data": data}).encode()
