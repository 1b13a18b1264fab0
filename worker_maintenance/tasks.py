"""Send webhooks, remove orphaned audio.  Run with: celery -A worker_maintenance.tasks worker -Q maintenance -c 1"""

import functools
import logging

import httpcore
from redis.exceptions import RedisError

from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import app
from pipeline.ip_ranges import parse_networks
from pipeline.settings import settings
from pipeline.webhooks.outbox import Deliveries
from pipeline.worker.bootsteps import install
from pipeline.worker.engine_process import EngineProcess
from pipeline.worker.task import job_store
from worker_maintenance.safe_http import SafeClient
from worker_maintenance.webhook_delivery import ROUND_S, WebhookSender

log = logging.getLogger("waijiao")
child = EngineProcess()
install(app, child)
TIME_LIMIT_S = ROUND_S + settings().webhook_s + 30  # for one round, even with a resolver that does not answer


@app.task(name="maintenance.remove_orphans")
def remove_orphans() -> None:
    """Remove audio that no record needs: its retention has passed, its upload was cut off, or its writer died."""
    try:
        with child.working():
            FolderBlobs(settings().blobs_folder).remove_orphans(job_store().blobs, settings().orphan_s)
    except RedisError as error:
        log.warning("orphaned audio is removed next time, since Redis is gone: %s", error)


@app.task(name="maintenance.deliver_webhooks", soft_time_limit=TIME_LIMIT_S, time_limit=TIME_LIMIT_S + 10)
def deliver_webhooks(hint: str) -> None:
    """Deliver all that is due, whatever job the message names. The sweeper makes up for lost messages."""
    try:
        with child.working():
            WebhookSender(Deliveries(job_store()), http_client()).run_round()
    except RedisError as error:
        log.warning("webhook deliveries wait for Redis: %s", error)


@functools.cache
def http_client() -> SafeClient:
    """This process's client; loading the certificates takes long."""
    config = settings()
    return SafeClient(parse_networks(config.webhook_networks), config.webhook_s, httpcore.default_ssl_context())
