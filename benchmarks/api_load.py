"""What the HTTP API alone carries, without workers: accepting recordings, reading jobs, waking who waits.

Run with: python benchmarks/api_load.py [--seconds 10]     (starts its own server and Redis in a temporary folder)
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import httpx
from rich.console import Console
from rich.table import Table

from pipeline.jobs.results import Answer, Feedback
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from waijiao.local import services
from waijiao.local.up import free_port

RECORDING = 320_000  # bytes: ten seconds of 16-bit speech at 16 kHz
SUBMITS = 150  # a second, at even distances, whether or not the ones before are answered
WARM_S = 2  # seconds before the first measurement that counts: connections and threads are made then
READS = 1_000  # a second, to be exceeded
ROOM = {"MAX_JOBS": "1000000", "MAX_JOBS_TENANT": "1000000", "MAX_JOBS_SESSION": "1000000"}
TAUGHT = Feedback("I go home", "I went home", "Why?", "I went home. Why?")
SPOKEN = Answer("I went home. Why?", "default/a/b", "00", 12, 1.0, "wav")


def upload() -> bytes:
    """A request, byte for byte, that leaves a recording."""
    wav = b"RIFF" + (RECORDING - 8).to_bytes(4, "little") + b"WAVEfmt " + os.urandom(RECORDING - 16)
    form = httpx.Request("POST", "http://server/v1/jobs", data={"language": "en"}, files={"audio": ("a.wav", wav)})
    return raw(form, form.read())


def raw(request: httpx.Request, body: bytes = b"") -> bytes:
    lines = [f"{request.method} {request.url.raw_path.decode()} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.startswith("content-")]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    """One kept-alive connection, over which prepared bytes are sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """The answer's status and body; a connection that the server closed is opened again."""
        self.socket.sendall(request)
        answer = http.client.HTTPResponse(self.socket)
        answer.begin()
        body = answer.read()
        if answer.will_close:
            self.socket.close()
            self.__init__(self.port)  # type: ignore[misc]
        return answer.status, body


@contextmanager
def served() -> Iterator[Settings]:
    """A server on its own Redis, both as `waijiao up` starts them."""
    with tempfile.TemporaryDirectory(prefix="waijiao-api-load-") as folder:
        here = Settings(home=Path(folder), redis_url="", url="", port=free_port())
        redis = subprocess.Popen(services.redis_command(here), stdout=subprocess.DEVNULL)
        service = services.api_service(here)
        room = {f"WAIJIAO_{name}": value for name, value in ROOM.items()}
        api = subprocess.Popen(service.command, env={**os.environ, **service.environment, **room})
        try:
            until(lambda: httpx.get(f"http://127.0.0.1:{here.port}/readyz", trust_env=False).status_code == 503)
            yield here
        finally:
            api.terminate()
            api.wait()
            redis.terminate()
            redis.wait()


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def evenly(port: int, request: bytes, rate: float, seconds: float) -> list[float]:
    """Seconds from when each request was due to its answer: who has to wait for a connection has waited as well."""
    idle, lock, took = [], threading.Lock(), []
    begun = time.perf_counter() + 0.1

    def one(number: int) -> None:
        due = begun + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        with lock:
            connection = idle.pop() if idle else None
        connection = connection or Connection(port)
        status, body = connection.ask(request)
        assert status == 202, body
        with lock:
            idle.append(connection)
            took.append(time.perf_counter() - due)

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(one, range(int(rate * seconds))))
    return took


def as_fast_as_possible(port: int, request: bytes, connections: int, seconds: float) -> float:
    """Answers a second over so many connections at once."""
    deadline = time.perf_counter() + seconds

    def many(_: int) -> int:
        connection, count = Connection(port), 0
        while time.perf_counter() < deadline:
            status, body = connection.ask(request)
            assert status < 300, body
            count += 1
        return count

    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(many, range(connections))) / seconds


@contextmanager
def busy(cores: int) -> Iterator[None]:
    burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(cores)]
    for each in burners:
        each.start()
    try:
        yield
    finally:
        for each in burners:
            each.kill()
            each.join()


def burn() -> None:
    while True:
        pass


@contextmanager
def waiting(port: int, number: int, place: str) -> Iterator[None]:
    """So many clients who wait for a job in which nothing happens."""
    request = raw(httpx.Request("GET", f"http://server{place}?wait=25"))
    done = threading.Event()

    def wait() -> None:
        connection = Connection(port)
        while not done.is_set():
            try:
                connection.ask(request)
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=wait, daemon=True) for _ in range(number)]
    for each in threads:
        each.start()
    time.sleep(2)  # until all of them wait
    yield
    done.set()


def wake_ups(here: Settings, number: int) -> list[float]:
    """Seconds from a job's end to the answer to the client who waits for it."""
    jobs, client = Jobs(connect(here), here), Connection(here.port)
    return [wake_up(jobs, client) for _ in range(number)]


def wake_up(jobs: Jobs, client: Connection) -> float:
    body = b'{"text": "hi"}'
    form = httpx.Request("POST", "http://server/v1/jobs", headers={"Content-Type": "application/json"}, content=body)
    job_id = json.loads(client.ask(raw(form, body))[1])["id"]
    jobs.complete("llm", claimed(jobs, "llm", job_id), TAUGHT)
    job = claimed(jobs, "tts", job_id)
    request = raw(httpx.Request("GET", f"http://server/v1/jobs/{job_id}?wait=25"))

    def heard() -> float:
        client.ask(request)
        return time.perf_counter()

    with ThreadPoolExecutor(1) as pool:
        listener = pool.submit(heard)
        time.sleep(0.05)  # until it waits
        ended = time.perf_counter()
        jobs.complete("tts", job, SPOKEN)
        return listener.result() - ended


def claimed(jobs: Jobs, stage: str, job_id: str):
    while True:
        for job in jobs.claim(stage, "benchmark", 1)[0]:
            if job.id == job_id:
                return job


def summary(took: list[float]) -> str:
    return f"median {1000 * median(took):.1f} ms, p99 {1000 * quantiles(took, n=100)[98]:.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    seconds = parser.parse_args().seconds
    table = Table("what", "wanted", "measured")
    cores = len(os.sched_getaffinity(0))
    with served() as here:
        port, request = here.port, upload()
        took = wake_ups(here, 200)
        table.add_row("a waiting client hears of the end", "20 ms, p99 50 ms", summary(took))
        evenly(port, request, SUBMITS, WARM_S)
        took = evenly(port, request, SUBMITS, seconds)
        table.add_row(f"{SUBMITS} recordings a second, idle", "p99 50 ms", summary(took))
        with busy(cores):
            took = evenly(port, request, SUBMITS, seconds)
        table.add_row(f"the same, {cores} cores busy", "p99 150 ms", summary(took))
        most = as_fast_as_possible(port, request, 4, seconds)
        table.add_row("recordings, as fast as possible", f"{SUBMITS}/s", f"{most:.0f}/s")
        place = f"/v1/jobs/{json.loads(Connection(port).ask(request)[1])['id']}"
        reads = as_fast_as_possible(port, raw(httpx.Request("GET", f"http://server{place}")), 8, seconds)
        table.add_row("reads of a job that waits", f"{READS}/s", f"{reads:.0f}/s")
        with waiting(port, here.most_waiting, place):
            among = as_fast_as_possible(port, request, 4, seconds)
        table.add_row(
            f"recordings while {here.most_waiting} wait, against alone", "0.75 or more", f"{among / most:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
