"""The load that the HTTP API carries without workers: accepting recordings, reading jobs, waking waiting clients.

Run with: python -m benchmarks.server.api_load [--seconds 10]     (starts its own API and Redis in a temporary folder)
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median, quantiles

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.harness import temporary_settings
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer, Feedback
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from waijiao.local import services

RECORDING_BYTES = 320_000  # ten seconds of 16-bit speech at 16 kHz
UPLOADS_PER_S = 150  # at regular intervals, whether or not the earlier ones are answered
MIN_READS_PER_S = 1_000
WARM_UP_S = 2  # before the first measurement that counts: connections and threads are made then
START_S = 20  # that the API may take to start
NO_QUOTAS = {f"WAIJIAO_{name}": "1000000" for name in ("MAX_JOBS", "MAX_JOBS_TENANT", "MAX_JOBS_SESSION")}
FEEDBACK = Feedback("I go home", "I went home", "Why?", "I went home. Why?")
ANSWER = Answer("I went home. Why?", "default/a/b", "00", 12, 1.0, "wav")


# --- requests ---


def build_upload() -> bytes:
    """A request, byte for byte, that submits a recording."""
    wav = b"RIFF" + (RECORDING_BYTES - 8).to_bytes(4, "little") + b"WAVEfmt " + os.urandom(RECORDING_BYTES - 16)
    form = httpx.Request("POST", "http://server/v1/jobs", data={"language": "en"}, files={"audio": ("a.wav", wav)})
    return serialize(form, form.read())


def build_get(path: str) -> bytes:
    return serialize(httpx.Request("GET", f"http://server{path}"))


def serialize(request: httpx.Request, body: bytes = b"") -> bytes:
    """The request as HTTP/1.1."""
    lines = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.startswith("content-")]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """A kept-alive connection, over which prepared requests are sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = self.connect()

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def send(self, request: bytes) -> tuple[int, bytes]:
        """The response's status and body; a connection that the server closes is opened again."""
        self.socket.sendall(request)
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        body = response.read()
        if response.will_close:
            self.socket.close()
            self.socket = self.connect()
        return response.status, body


# --- the server, and other load on it ---


@contextmanager
def run_api() -> Iterator[Settings]:
    """The API on a Redis of its own, both started as `waijiao up` starts them."""
    with temporary_settings(url="") as settings:
        redis = subprocess.Popen(services.redis_command(settings), stdout=subprocess.DEVNULL)
        service = services.api_service(settings)
        api = subprocess.Popen(service.command, env={**os.environ, **service.environment, **NO_QUOTAS})
        try:
            wait_for_api(settings.port)
            yield settings
        finally:
            api.terminate()
            api.wait()
            redis.terminate()
            redis.wait()


def wait_for_api(port: int) -> None:
    """Return when the API says that no worker is ready; raises TransportError when it cannot be reached for long."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 503:
                return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


@contextmanager
def occupy_cores(cores: int) -> Iterator[None]:
    """Inside of this context as many processes compute without pause."""
    processes = [multiprocessing.Process(target=compute_forever, daemon=True) for _ in range(cores)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def compute_forever() -> None:
    while True:
        pass


@contextmanager
def wait_with_clients(port: int, count: int, path: str) -> Iterator[None]:
    """Inside of this context so many clients wait for a job in which nothing happens."""
    request = build_get(f"{path}?wait=25")
    stop = threading.Event()

    def poll() -> None:
        connection = Connection(port)
        while not stop.is_set():
            try:
                connection.send(request)
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=poll, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(2)  # until all of them wait
    yield
    stop.set()


# --- measurements ---


def measure_latencies(port: int, request: bytes, rate: float, seconds: float) -> list[float]:
    """Seconds from when each request was due to its response: waiting for a connection counts as well."""
    idle, lock, latencies = list[Connection](), threading.Lock(), list[float]()
    started_at = time.perf_counter() + 0.1

    def send(number: int) -> None:
        due_at = started_at + number / rate
        time.sleep(max(0.0, due_at - time.perf_counter()))
        with lock:
            connection = idle.pop() if idle else None
        connection = connection or Connection(port)
        status, body = connection.send(request)
        assert status == 202, body
        with lock:
            idle.append(connection)
            latencies.append(time.perf_counter() - due_at)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(send, range(int(rate * seconds))))
    return latencies


def measure_rate(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Responses a second over so many connections at once, as fast as possible."""
    deadline = time.perf_counter() + seconds

    def send_repeatedly(_: int) -> int:
        connection, count = Connection(port), 0
        while time.perf_counter() < deadline:
            status, body = connection.send(request)
            assert status < 300, body
            count += 1
        return count

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(send_repeatedly, range(connections))) / seconds


def measure_wake_ups(settings: Settings, count: int) -> list[float]:
    """Seconds from a job's end to the response to the client that waits for it."""
    jobs, connection = Jobs(connect(settings), settings), Connection(settings.port)
    return [measure_wake_up(jobs, connection) for _ in range(count)]


def measure_wake_up(jobs: Jobs, connection: Connection) -> float:
    body = b'{"text": "hi"}'
    form = httpx.Request("POST", "http://server/v1/jobs", headers={"Content-Type": "application/json"}, content=body)
    job_id = json.loads(connection.send(serialize(form, body))[1])["id"]
    jobs.complete("llm", claim(jobs, "llm", job_id), FEEDBACK)
    job = claim(jobs, "tts", job_id)
    request = build_get(f"/v1/jobs/{job_id}?wait=25")

    def wait() -> float:
        connection.send(request)
        return time.perf_counter()

    with ThreadPoolExecutor(1) as pool:
        response_at = pool.submit(wait)
        time.sleep(0.05)  # until it waits
        ended_at = time.perf_counter()
        jobs.complete("tts", job, ANSWER)
        return response_at.result() - ended_at


def claim(jobs: Jobs, stage: str, job_id: str) -> Job:
    while True:
        for job in jobs.claim(stage, "benchmark", 1)[0]:
            if job.id == job_id:
                return job


def format_latencies(seconds: list[float]) -> str:
    return f"median {1000 * median(seconds):.1f} ms, p99 {1000 * quantiles(seconds, n=100)[98]:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    seconds = parser.parse_args().seconds
    table = Table("what", "goal", "measured")
    cores = len(os.sched_getaffinity(0))
    with run_api() as settings:
        port, upload, clients = settings.port, build_upload(), settings.most_waiting
        latencies = measure_wake_ups(settings, 200)
        table.add_row("from a job's end to a waiting client", "20 ms, p99 50 ms", format_latencies(latencies))
        measure_latencies(port, upload, UPLOADS_PER_S, WARM_UP_S)
        latencies = measure_latencies(port, upload, UPLOADS_PER_S, seconds)
        table.add_row(f"{UPLOADS_PER_S} recordings a second, idle", "p99 50 ms", format_latencies(latencies))
        with occupy_cores(cores):
            latencies = measure_latencies(port, upload, UPLOADS_PER_S, seconds)
        table.add_row(f"the same, {cores} cores busy", "p99 150 ms", format_latencies(latencies))
        upload_rate = measure_rate(port, upload, 4, seconds)
        table.add_row("recordings, as fast as possible", f"{UPLOADS_PER_S}/s", f"{upload_rate:.0f}/s")
        path = f"/v1/jobs/{json.loads(Connection(port).send(upload)[1])['id']}"
        read_rate = measure_rate(port, build_get(path), 8, seconds)
        table.add_row("reads of a waiting job", f"{MIN_READS_PER_S}/s", f"{read_rate:.0f}/s")
        with wait_with_clients(port, clients, path):
            rate_while_waiting = measure_rate(port, upload, 4, seconds)
        ratio = rate_while_waiting / upload_rate
        table.add_row(f"recordings while {clients} clients wait, against alone", "0.75 or more", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
