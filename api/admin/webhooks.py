"""/v1/webhooks and a job's deliveries: the events sent to its webhook, and the secret that signs them."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import context
from api.auth import ADMIN, TEACHER, requires
from api.openapi import answers
from pipeline.errors import Erased, UnknownJob
from pipeline.schemas.jobs import ResponseModel, Seconds
from pipeline.timestamps import format_iso
from pipeline.webhooks import outbox
from pipeline.webhooks.outbox import Deliveries, Delivery

routes = Blueprint("webhooks", __name__)


class DeliveryAttempt(ResponseModel):
    """One attempt: the receiver's response, or what prevented it."""

    at: datetime
    seconds: Seconds
    status: int | None
    error: str | None


class JobDelivery(ResponseModel):
    """One event of the job; `id` is its webhook-id, `host` all that is shown of the URL."""

    id: str
    event: str
    host: str
    at: datetime
    state: Literal["waiting", "delivered", "given_up"]
    attempts: list[DeliveryAttempt]
    next_at: datetime | None


class JobDeliveries(ResponseModel):
    """The deliveries of a job's events, including those to come, in the order of the events."""

    deliveries: list[JobDelivery]


class WebhookSecret(ResponseModel):
    """The secret that signs this tenant's deliveries. Give it to receivers, and to nobody else."""

    secret: str


@routes.get("/v1/jobs/<job_id>/deliveries")
@requires(TEACHER)
@answers("webhooks", {200: JobDeliveries}, UnknownJob, Erased)
def deliveries(job_id: str) -> Response:
    """The deliveries of the job's events, the attempts at each, and when the next attempt is due."""
    deliveries = Deliveries(context.jobs()).list_for_job(context.job(job_id))
    return jsonify({"deliveries": [show(delivery) for delivery in deliveries]})


@routes.get("/v1/webhooks/secret")
@requires(ADMIN)
@answers("webhooks", {200: WebhookSecret})
def secret() -> Response:
    """The tenant's secret, by which receivers verify deliveries (standardwebhooks.com)."""
    return show_secret(outbox.load_secrets(context.jobs().redis, context.caller().tenant)[0])


@routes.post("/v1/webhooks/secret/rotate")
@requires(ADMIN)
@answers("webhooks", {200: WebhookSecret})
def rotate() -> Response:
    """Sign with a new secret; for 24 hours the previous one signs as well, so that no receiver misses anything."""
    return show_secret(outbox.rotate(context.jobs(), context.caller().tenant))


def show_secret(secret: str) -> Response:
    answer = jsonify({"secret": secret})
    answer.headers["Cache-Control"] = "no-store"
    return answer


def show(delivery: Delivery) -> dict[str, object]:
    return {
        "id": delivery.id,
        "event": delivery.event,
        "host": delivery.host,
        "at": format_iso(delivery.at),
        "state": delivery.state,
        "attempts": [{**asdict(attempt), "at": format_iso(attempt.at)} for attempt in delivery.attempts],
        "next_at": None if delivery.next_at is None else format_iso(delivery.next_at),
    }
