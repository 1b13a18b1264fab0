"""Many jobs of every kind, and what is left of them: what a server holds must not grow with what it has done."""

import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import psutil

from pipeline.jobs.store import PREFIX
from tests.faults.harness.client import make_recording
from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.cluster_plan import Plan
from tests.support.wait import wait_for

RETENTION_S = 4
API_THREADS = 16  # requests that the API serves at once: so many connections to Redis it keeps
PLAN = Plan(
    workers={"asr": 1, "llm": 1, "tts": 1, "segment": 1, "maintenance": 1},
    retention_s=RETENTION_S,
    settings={"stage_s": 60, "orphan_s": 4, "keep_recordings": True, "api_threads": API_THREADS},
)
LEARNERS = 8  # that submit at the same time
CLASS_SIZE = 20
SETTLE_S = 120  # seconds in which everything that is not kept is gone
PASSING_KEYS = tuple(  # that come and go all the time, or are kept for a minute
    f"{PREFIX}{name}" for name in ("fair-queue:", "erased:", "sweeping", "tidying", "worker:", "orphans-", "celery:")
)
ENGINES = ("asr", "llm", "tts")
QUEUES = (*ENGINES, "segment", "maintenance")
SLOW_UTTERANCE = 50  # turns of other jobs are those before it
FREEZE_S = 2  # seconds; in half of them a renewal of a lease begins
BURST_JOBS = 4 * API_THREADS
MAX_BURSTS = 5
PAUSE_S = 0.03  # seconds in which a slow Redis answers nobody, again and again


@dataclass
class Crowd:
    """Learners who submit jobs of every kind, which are answered and forgotten."""

    cluster: FaultCluster
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def warm_up(self) -> None:
        """Bring about what happens once: Redis keeps every script, and a process as many connections as it ever needs.

        A worker needs most when Redis answers nobody while a lease is renewed and an engine ends: both wait for Redis.
        """
        for script in self.cluster.jobs.scripts.values():
            self.cluster.redis.script_load(script.script)
        orders = self.cluster.orders
        recording = {"audio": ("recording.wav", make_recording(SLOW_UTTERANCE))}
        orders.give(ENGINES[0], SLOW_UTTERANCE, "wait")
        check(httpx.post(f"{self.cluster.url('api1')}/v1/jobs", files=recording, timeout=60, trust_env=False))
        for following in (*ENGINES[1:], None):
            wait_for(lambda: orders.was_met(SLOW_UTTERANCE), SETTLE_S)
            self.cluster["redis"].freeze()
            time.sleep(FREEZE_S / 2)
            orders.withdraw(SLOW_UTTERANCE)
            if following:
                orders.give(following, SLOW_UTTERANCE, "wait")
            time.sleep(FREEZE_S / 2)
            self.cluster["redis"].thaw()
        self.wait_until_answered()
        for _ in range(MAX_BURSTS):  # a request that waited in vain closed its connection
            if not self.count_refusals_of_a_burst():
                break
        self.wait_until_answered()

    def count_refusals_of_a_burst(self) -> int:
        """Have all threads of the API wait for a slow Redis at once, to store jobs and to publish their messages."""
        redis, url = self.cluster["redis"], f"{self.cluster.url('api1')}/v1/jobs"

        def post(number: int) -> httpx.Response:
            text = f"I like canary{number % SLOW_UTTERANCE} very much"
            return httpx.post(url, data={"text": text}, timeout=60, trust_env=False)

        with ThreadPoolExecutor(API_THREADS) as learners:
            requests = [learners.submit(post, number) for number in range(BURST_JOBS)]
            while not all(request.done() for request in requests):
                redis.freeze()
                time.sleep(PAUSE_S)
                redis.thaw()
                self.cluster.redis.ping()  # it has answered what waited
        return sum(not request.result().is_success for request in requests)

    def run(self, jobs: int) -> None:
        """Submit so many jobs, and wait until nothing is left of them."""
        limits = httpx.Limits(max_keepalive_connections=LEARNERS)
        url = self.cluster.url("api1")
        with (
            httpx.Client(base_url=url, timeout=60, trust_env=False, limits=limits) as http,
            ThreadPoolExecutor(LEARNERS) as learners,
        ):
            classes = [f"class{next(self.numbers)}" for _ in range(0, jobs, 10 * CLASS_SIZE)]
            for name in classes:
                students = [{"name": f"student{number}"} for number in range(CLASS_SIZE)]
                fields = {"id": name, "title": "Homework", "class_name": name, "students": students}
                check(http.post("/v1/assignments", json=fields))
            for _ in learners.map(lambda number: self.submit(http, number, classes), range(jobs)):
                pass
            self.wait_until_answered()
            for name in classes:
                check(http.delete(f"/v1/assignments/{name}"))
        self.wait_until_forgotten()

    def submit(self, http: httpx.Client, number: int, classes: list[str]) -> None:
        """A job of the kind that its number gives, once the server has few unfinished ones."""
        while self.cluster.redis.zcard(f"{PREFIX}deadlines") > 10 * LEARNERS:
            time.sleep(0.05)
        kind, session = number % 10, f"session{next(self.numbers)}"
        recording = {"audio": ("recording.wav", make_recording(number % SLOW_UTTERANCE))}
        text = f"I like canary{number} very much"
        if kind == 0:  # homework
            student = f"student{number // 10 % CLASS_SIZE}"
            files = {"file": (f"{student}.wav", make_recording(number // 10))}
            check(http.post(f"/v1/assignments/{classes[number // 10 // CLASS_SIZE]}/submissions", files=files))
        elif kind == 1:  # one model alone
            messages = [{"role": "user", "content": text}]
            check(http.post("/v1/chat/completions", json={"model": "default", "messages": messages}))
        elif kind == 2:  # canceled, or erased if it was answered before
            job = check(http.post("/v1/jobs", files=recording, data={"session": session})).json()
            check(http.delete(f"/v1/jobs/{job['id']}"))
        elif kind == 3:  # the next turn of somebody's session
            check(http.post("/v1/jobs", data={"text": text, "session": f"regular{number // 10 % 20}"}))
        elif kind == 4:
            check(http.post("/v1/jobs", data={"text": text, "lane": "bulk", "session": session}))
        elif kind == 5:  # erased with its session
            check(http.post("/v1/jobs", data={"text": text, "session": session}))
            check(http.delete(f"/v1/sessions/{session}"))
        else:
            check(http.post("/v1/jobs", files=recording))

    def wait_until_answered(self) -> None:
        wait_for(lambda: not self.cluster.redis.zcard(f"{PREFIX}deadlines"), SETTLE_S)

    def wait_until_forgotten(self) -> None:
        """Until no record, no message and no blob is left."""
        wait_for(lambda: not any(self.cluster.redis.scan_iter(f"{PREFIX}job:*", count=10_000)), SETTLE_S, 0.5)
        wait_for(lambda: not count_messages(self.cluster), SETTLE_S, 0.5)
        wait_for(lambda: not count_blobs(self.cluster), SETTLE_S, 0.5)


def check(response: httpx.Response) -> httpx.Response:
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response


def count_messages(cluster: FaultCluster) -> int:
    """Messages that wait, or that a worker has and did not acknowledge."""
    waiting = sum(cluster.redis.llen(f"waijiao:celery:{queue}") for queue in QUEUES)
    return waiting + cluster.redis.hlen("waijiao:celery:unacked")


def count_blobs(cluster: FaultCluster) -> int:
    """Files of recordings and answers, and the folders of their jobs."""
    return sum(len(files) + len(folders) for _, folders, files in os.walk(cluster.settings.blobs_folder / "default"))


def measure(cluster: FaultCluster) -> dict[str, float]:
    """What the server holds now: keys, files, and the memory (MB) and file descriptors of every process."""
    figures: dict[str, float] = {
        "keys": sum(1 for key in cluster.redis.scan_iter(count=10_000) if not key.startswith(PASSING_KEYS)),
        "messages": count_messages(cluster),
        "blobs and folders": count_blobs(cluster),
        "Redis's data, MB": cluster.redis.info("memory")["used_memory"] / 1e6,
    }
    for name, process in list_processes(cluster):
        figures[f"memory of {name}, MB"] = count_own_bytes(process) / 1e6
        figures[f"descriptors of {name}"] = process.num_fds()
    return figures


def count_own_bytes(process: psutil.Process) -> int:
    """The process's memory without pages of files, such as libraries, which the kernel drops and reads again."""
    memory = process.memory_info()
    return memory.rss - memory.shared


def list_processes(cluster: FaultCluster) -> Iterator[tuple[str, psutil.Process]]:
    for service in cluster.processes.values():
        yield service.name, psutil.Process(service.pid)
        for number, child in enumerate(service.children(), start=1):
            yield f"{service.name}'s child {number}", child
