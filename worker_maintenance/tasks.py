"""Send webhooks, remove orphaned audio.  Run with: celery -A worker_maintenance.tasks worker -Q maintenance -c 1"""

import functools
import logging
from typing import cast

import httpcore
from celery.signals import worker_process_shutdown
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import app
from pipeline.ip_ranges import parse_networks
from pipeline.jobs.store import PREFIX
from pipeline.practice.tries import find_needed_blobs
from pipeline.settings import settings
from pipeline.webhooks.outbox import Deliveries
from pipeline.worker.bootsteps import install, take_turn
from pipeline.worker.engine_process import EngineProcess
from pipeline.worker.task import job_store
from worker_maintenance.safe_http import SafeClient
from worker_maintenance.webhook_delivery import WebhookSender, WebhookThread

log = logging.getLogger("waijiao")
child = EngineProcess()
install(app, child)
CURSOR_KEY, WALKING_KEY = f"{PREFIX}orphans-cursor", f"{PREFIX}orphans-walking"
ROUND_S = 20  # seconds for which one task looks for orphans, so that other tasks have their turn
WALKING_S = 60  # seconds without a sign of it after which the search counts as broken off; more than ROUND_S
TIME_LIMIT_S = ROUND_S + 30


@app.task(name="maintenance.remove_orphans", soft_time_limit=TIME_LIMIT_S, time_limit=TIME_LIMIT_S + 10)
def remove_orphans(is_continued: bool = False) -> None:
    """Remove audio that no record needs: its retention has passed, its upload was cut off, or its writer died.

    It works for ROUND_S, so that other tasks have their turn, and is continued by another message until all folders
    were looked through. Redis stores how far it came, in case that message is lost.
    """
    redis = job_store().redis
    try:
        if not is_continued and not take_turn(redis, WALKING_KEY, WALKING_S):
            return  # its next message is on its way
        blobs, cursor = FolderBlobs(settings().blobs_folder), cast(str | None, redis.get(CURSOR_KEY)) or ""
        find_needed = functools.partial(find_needed_blobs, job_store())
        with child.working():
            cursor = blobs.remove_orphans(find_needed, settings().orphan_s, cursor, ROUND_S)
        if not cursor:
            redis.delete(CURSOR_KEY, WALKING_KEY)
            return
        redis.set(CURSOR_KEY, cursor)
        redis.set(WALKING_KEY, "1", ex=WALKING_S)
        remove_orphans.apply_async(kwargs={"is_continued": True})
    except (RedisError, OperationalError) as error:
        log.warning("the search for audio that no record needs goes on later: %s", error)


@app.task(name="maintenance.deliver_webhooks")
def deliver_webhooks(hint: str) -> None:
    """Have all delivered that is due, whatever job the message names. The sweeper makes up for lost messages."""
    webhook_thread().wake()


@functools.cache
def webhook_thread() -> WebhookThread:
    """This process's thread, with its client: loading the certificates takes long."""
    config = settings()
    client = SafeClient(parse_networks(config.webhook_networks), config.webhook_s, httpcore.default_ssl_context())
    return WebhookThread(WebhookSender(Deliveries(job_store()), client))


@worker_process_shutdown.connect
def finish_deliveries(**_: object) -> None:
    if webhook_thread.cache_info().currsize:
        webhook_thread().stop()
