"""What tests of a Redis in trouble share: learners who insist, requests that are refused, workers that work again."""

import secrets
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.faults.harness.client import PATIENCE_S, Client, Said
from tests.faults.harness.cluster import Cluster
from tests.support.wait import wait_for

REFUSED_S = 3  # seconds in which a request is answered while Redis is not
STALL_S = 15  # seconds that the machine itself may hold one up
BACK_S = 15  # seconds after Redis's return in which everybody works again


def insist(client: Client, n: int, session: str) -> Said:
    """What a learner's app does: post with one Idempotency-Key until the recording is accepted."""
    headers = {"Idempotency-Key": secrets.token_hex()}

    def accepted() -> Said | None:
        answer = client.post(n, headers=headers, session=session)
        assert answer.status_code in {202, 503}, answer.text
        return client.accepted[answer.json()["id"]] if answer.status_code == 202 else None

    return wait_for(accepted, PATIENCE_S, look=0.1)


@contextmanager
def crowd(house: Cluster, learners: int, every_s: float = 0, sessions: int = 5) -> Iterator[None]:
    """Learners who come one after the other and insist, while the body breaks something; all get one answer each."""
    house.keep_alive()
    client, began = house.client, time.monotonic()
    names = [f"crowd-{secrets.token_hex(4)}" for _ in range(sessions)]

    def come(number: int) -> Said:
        time.sleep(max(0, began + number * every_s - time.monotonic()))
        return insist(client, client.utterance(), names[number % sessions])

    with ThreadPoolExecutor(4) as pool:
        insisting = [pool.submit(come, number) for number in range(learners)]
        yield
    answered = [client.succeeded(each.result())["id"] for each in insisting]
    turns = [turn["id"] for name in names for turn in client.turns(name)]
    assert sorted(answered) == sorted(turns)


def everything_is_refused(client: Client, said: Said) -> None:
    """Every request that needs Redis gets 503 and Retry-After in time; the API itself lives."""
    job, session = f"/v1/jobs/{said.id}", f"/v1/sessions/{said.session}"
    asked = [("GET", job), ("GET", f"{job}/audio"), ("DELETE", job), ("POST", f"{job}/retry"), ("GET", "/readyz")]
    asked += [("GET", session), ("DELETE", session), ("POST", f"{session}/reset"), ("GET", "/v1/jobs?dead=true")]
    took_s = []
    for request in [lambda: client.post(), *(lambda each=each: client.ask(*each) for each in asked)]:
        asked_at = time.monotonic()
        answer = request()
        took_s.append(time.monotonic() - asked_at)
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
        assert client.lives(api=1)
    assert statistics.median(took_s) < REFUSED_S, took_s
    assert max(took_s) < REFUSED_S + STALL_S, took_s


def everybody_works_again(house: Cluster) -> None:
    """From now on in time: readiness is said, every worker takes work, and what is newly handed in is answered."""
    house.keep_alive()
    deadline, before, said = time.monotonic() + BACK_S, len(house.orders.ledger()), []
    wait_for(lambda: ready(house.client), BACK_S)

    def everybody_took_one() -> bool:
        n = house.client.utterance()
        house.orders.give("asr", n, "slow 0.2")  # so that one worker cannot take all
        said.append(insist(house.client, n, f"again-{n}"))
        took = {entry["leader"] for entry in house.orders.ledger()[before:] if entry["what"] != "loaded"}
        return took >= {each.pid for each in house.all("asr", "llm", "tts")}

    wait_for(everybody_took_one, deadline - time.monotonic(), look=0.2)
    for each in said:
        house.client.succeeded(each, max(1.0, deadline - time.monotonic()))


def ready(client: Client) -> bool:
    return client.http.get(f"{client.urls[0]}/readyz").status_code == 200


def append_only_file(house: Cluster) -> Path:
    """Where Redis keeps what it acknowledged: the latest such file."""
    return max((house.settings.home / "redis").rglob("*.aof"), key=lambda file: file.stat().st_mtime)
