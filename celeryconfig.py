"""Celery's settings: queues, routes, time limits, messages of lost workers. docs/operations.md explains them."""

from kombu import Queue

from pipeline.jobs.job import MAINTENANCE, STAGES
from pipeline.redis_connection import broker_url
from pipeline.settings import settings

broker_url = broker_url(settings())
result_backend = None
task_ignore_result = True

QUEUES = (*(stage.queue for stage in STAGES if stage.queue), MAINTENANCE)
task_queues = [Queue(name, routing_key=name) for name in QUEUES]
task_routes = {f"{name}.*": {"queue": name, "routing_key": name} for name in QUEUES}
task_default_queue = "unrouted"  # no worker reads it: the messages of a task without a route pile up visibly
task_create_missing_queues = False

accept_content = result_accept_content = ["json"]
task_serializer = result_serializer = "json"

task_acks_late = True
task_reject_on_worker_lost = True
task_acks_on_failure = True
task_acks_on_timeout = False
worker_prefetch_multiplier = 1
worker_concurrency = 1
worker_consumer = "pipeline.worker.celery_overrides:Consumer"
worker_pool = "pipeline.worker.celery_overrides:TaskPool"
worker_send_task_events = False
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = False

# three limits from one setting: soft limit < hard limit < visibility timeout; all in seconds
task_soft_time_limit = settings().stage_s
task_time_limit = settings().stage_s + 10
visibility_timeout = 2 * settings().stage_s + 60
worker_proc_alive_timeout = settings().load_s

broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_channel_error_retry = True
task_publish_retry_policy = {"max_retries": 0}  # the sweeper repeats a message that could not be published
broker_transport_options = {
    "visibility_timeout": visibility_timeout,
    "socket_connect_timeout": 2,
    "socket_timeout": 3,
    "socket_keepalive": not broker_url.startswith("redis+socket"),
    "health_check_interval": 5,
    "global_keyprefix": "waijiao:celery:",
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
