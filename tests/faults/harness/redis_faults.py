"""What tests of a Redis in trouble share: persistent learners, refused requests, workers that work again."""

import secrets
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.faults.harness.client import PATIENCE_S, AcceptedTurn, Client
from tests.faults.harness.cluster import FaultCluster
from tests.support.wait import wait_for

REFUSAL_S = 3  # seconds in which a request is answered while Redis is not
STALL_S = 15  # seconds that the machine itself may hold one up
RECOVERY_S = 15  # seconds after Redis's return in which everybody works again


def submit_persistently(client: Client, utterance: int, session: str) -> AcceptedTurn:
    """Post with one Idempotency-Key until the recording is accepted, as a learner's app does."""
    headers = {"Idempotency-Key": secrets.token_hex()}

    def accepted_turn() -> AcceptedTurn | None:
        answer = client.post(utterance, headers=headers, session=session)
        assert answer.status_code in {202, 503}, answer.text
        return client.accepted[answer.json()["id"]] if answer.status_code == 202 else None

    return wait_for(accepted_turn, PATIENCE_S, poll_s=0.1)


@contextmanager
def many_learners(cluster: FaultCluster, learners: int, every_s: float = 0, sessions: int = 5) -> Iterator[None]:
    """Learners who come one after the other, while the body breaks something; each gets exactly one answer."""
    cluster.keep_alive()
    client, started_at = cluster.client, time.monotonic()
    names = [f"crowd-{secrets.token_hex(4)}" for _ in range(sessions)]

    def arrive(number: int) -> AcceptedTurn:
        time.sleep(max(0, started_at + number * every_s - time.monotonic()))
        return submit_persistently(client, client.new_utterance(), names[number % sessions])

    with ThreadPoolExecutor(4) as pool:
        submissions = [pool.submit(arrive, number) for number in range(learners)]
        yield
    answered = [client.expect_success(each.result())["id"] for each in submissions]
    turns = [record["id"] for name in names for record in client.get_turns(name)]
    assert sorted(answered) == sorted(turns)


def expect_refusals(client: Client, turn: AcceptedTurn) -> None:
    """Every request that needs Redis gets 503 and Retry-After in time; the API itself stays alive."""
    job, session = f"/v1/jobs/{turn.id}", f"/v1/sessions/{turn.session}"
    requests = [("GET", job), ("GET", f"{job}/audio"), ("DELETE", job), ("POST", f"{job}/retry"), ("GET", "/readyz")]
    requests += [("GET", session), ("DELETE", session), ("POST", f"{session}/reset"), ("GET", "/v1/jobs?dead=true")]
    took_s = []
    for request in [lambda: client.post(), *(lambda each=each: client.ask(*each) for each in requests)]:
        started_at = time.monotonic()
        answer = request()
        took_s.append(time.monotonic() - started_at)
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
        assert client.is_alive(api=1)
    assert statistics.median(took_s) < REFUSAL_S, took_s
    assert max(took_s) < REFUSAL_S + STALL_S, took_s


def expect_recovery(cluster: FaultCluster) -> None:
    """From now within RECOVERY_S: the API says it is ready, every worker takes work, and new turns are answered."""
    cluster.keep_alive()
    deadline, before = time.monotonic() + RECOVERY_S, len(cluster.orders.read_ledger())
    turns: list[AcceptedTurn] = []
    wait_for(lambda: is_ready(cluster.client), RECOVERY_S)

    def every_worker_took_one() -> bool:
        utterance = cluster.client.new_utterance()
        cluster.orders.give("asr", utterance, "slow 0.2")  # so that one worker cannot take all
        turns.append(submit_persistently(cluster.client, utterance, f"again-{utterance}"))
        workers = {entry["leader"] for entry in cluster.orders.read_ledger()[before:] if entry["what"] != "loaded"}
        return workers >= {each.pid for each in cluster.select("asr", "llm", "tts")}

    wait_for(every_worker_took_one, deadline - time.monotonic(), poll_s=0.2)
    for each in turns:
        cluster.client.expect_success(each, max(1.0, deadline - time.monotonic()))


def is_ready(client: Client) -> bool:
    return client.http.get(f"{client.urls[0]}/readyz").status_code == 200


def append_only_file(cluster: FaultCluster) -> Path:
    """Redis's append-only file, the latest one: where it keeps what it acknowledged."""
    return find_append_only_file(cluster.settings.home)


def find_append_only_file(home: Path) -> Path:
    """The append-only file of the embedded Redis in this home, the latest one."""
    return max((home / "redis").rglob("*.aof"), key=lambda file: file.stat().st_mtime)
