"""Tidies up, and tells webhooks.  Run with: celery -A worker_chores.tasks worker -Q chores -c 1"""

import functools
import logging

import httpcore
from redis.exceptions import RedisError

from pipeline.blob_store import FolderBlobs
from pipeline.celery_app import app
from pipeline.ip_ranges import networks
from pipeline.settings import settings
from pipeline.webhooks.outbox import Deliveries
from pipeline.worker.bootsteps import install
from pipeline.worker.engine_process import EngineProcess
from pipeline.worker.task import job_store
from worker_chores.delivering import ROUND_S, Post
from worker_chores.posting import Client

log = logging.getLogger("waijiao")
install(app, EngineProcess())
LONGEST_S = ROUND_S + settings().webhook_s + 30  # seconds one round may take, with a resolver that does not answer


@app.task(name="chores.tidy")
def tidy() -> None:
    """Remove audio that no record needs: its retention has passed, its upload was cut off, or its writer died."""
    FolderBlobs(settings().blobs_folder).remove_orphans(job_store().blobs, settings().orphan_s)


@app.task(name="chores.deliver", soft_time_limit=LONGEST_S, time_limit=LONGEST_S + 10)
def deliver(hint: str) -> None:
    """Tell webhooks whatever is due. What a lost message would have rung for, the sweep rings."""
    try:
        Post(Deliveries(job_store()), client()).round()
    except RedisError as error:
        log.warning("deliveries wait for Redis: %s", error)


@functools.cache
def client() -> Client:
    """This process's; to read all certificates takes long."""
    chosen = settings()
    return Client(networks(chosen.webhook_networks), chosen.webhook_s, httpcore.default_ssl_context())
