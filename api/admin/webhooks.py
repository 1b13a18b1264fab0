"""/v1/webhooks and a job's deliveries: what its webhook was told, and the secret that signs it."""

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
    """One try: what the receiver answered, or what stopped it."""

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
    """What a job's webhook was told, and is still to be told, in the order in which it happened."""

    deliveries: list[JobDelivery]


class WebhookSecret(ResponseModel):
    """What this tenant's deliveries are signed with. Give it to receivers, and to nobody else."""

    secret: str


@routes.get("/v1/jobs/<job_id>/deliveries")
@requires(TEACHER)
@answers("webhooks", {200: JobDeliveries}, UnknownJob, Erased)
def deliveries(job_id: str) -> Response:
    """What the job's webhook was told, how often that was tried, and when it will be tried again."""
    deliveries = Deliveries(context.jobs()).list_for_job(context.job(job_id))
    return jsonify({"deliveries": [show(delivery) for delivery in deliveries]})


@routes.get("/v1/webhooks/secret")
@requires(ADMIN)
@answers("webhooks", {200: WebhookSecret})
def secret() -> Response:
    """The tenant's secret, by which receivers know that a delivery is ours (standardwebhooks.com)."""
    return show_secret(outbox.load_secrets(context.jobs().redis, context.caller().tenant)[0])


@routes.post("/v1/webhooks/secret/rotate")
@requires(ADMIN)
@answers("webhooks", {200: WebhookSecret})
def rotate() -> Response:
    """Sign with a new secret; for 24 hours the one before it signs as well, so that no receiver misses anything."""
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
