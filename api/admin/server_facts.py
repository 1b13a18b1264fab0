"""What an administrator wants to know of the machine and the version, for /metrics and /status."""

import logging
import time
from collections.abc import Iterator
from importlib.metadata import version
from threading import Lock

from prometheus_client.core import GaugeMetricFamily, Metric
from redis import Redis

from pipeline.errors import ConfigurationError
from pipeline.gpu.devices import Gpu, gpus
from pipeline.jobs.job import MAINTENANCE, MODEL_STAGES, SEGMENT
from pipeline.model_files.machine import free_memory
from pipeline.settings import Settings

GPU_CHECK_S = 30.0  # seconds between two calls of nvidia-smi, which takes a process and some time
HOUR_S = 3600

log = logging.getLogger("waijiao")


class GpuReader:
    """The GPUs of the API's machine, read at most once in GPU_CHECK_S."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.checked_at = float("-inf")  # time.monotonic
        self.latest: list[Gpu] = []

    def read(self) -> list[Gpu]:
        """Those of the latest call; none where there are none, or their memory is not known."""
        with self.lock:
            if time.monotonic() - self.checked_at > GPU_CHECK_S:
                self.checked_at = time.monotonic()
                try:
                    self.latest = gpus()
                except ConfigurationError as error:
                    log.debug("no GPU: %s", error)
                    self.latest = []
            return self.latest


gpu_reader = GpuReader()


def server_metrics(redis: "Redis", settings: Settings) -> Iterator[Metric]:
    """Version, retention, free memory, each GPU's memory, and the messages in each queue."""
    information = GaugeMetricFamily("waijiao_info", "1, with the version of the server.", labels=["version"])
    information.add_metric([version("waijiao")], 1)
    yield information
    retention_s = settings.retention_h * HOUR_S
    yield GaugeMetricFamily("waijiao_retention_seconds", "Seconds an ended job is kept.", retention_s)
    try:
        yield GaugeMetricFamily("waijiao_memory_free_bytes", "Bytes programs can still take here.", free_memory())
    except ConfigurationError as error:
        log.debug("the free memory is not known: %s", error)
    yield from gpu_metrics(gpu_reader.read())
    messages = GaugeMetricFamily("waijiao_queue_messages", "Celery messages in a queue.", labels=["queue"])
    for queue in (*MODEL_STAGES, SEGMENT, MAINTENANCE):
        messages.add_metric([queue], redis.llen(queue))
    yield messages


def gpu_metrics(devices: list[Gpu]) -> Iterator[Metric]:
    free_bytes = GaugeMetricFamily("waijiao_gpu_free_bytes", "Bytes free on a GPU.", labels=["gpu", "name"])
    all_bytes = GaugeMetricFamily("waijiao_gpu_bytes", "Bytes of memory of a GPU.", labels=["gpu", "name"])
    for number, device in enumerate(devices):
        free_bytes.add_metric([str(number), device.name], device.free)
        all_bytes.add_metric([str(number), device.name], device.total)
    yield from (free_bytes, all_bytes)
