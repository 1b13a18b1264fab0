"""Steady load: learners who keep submitting turns in sessions of their own, while a test breaks what it likes."""

import random
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.faults.harness.client import FINAL_STATES, AcceptedTurn
from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.invariants import read_records
from tests.support.wait import wait_for

PATIENCE_S = 90  # seconds for which a learner's app tries again
POLL_S = 0.1  # seconds between two tries
MAX_UNANSWERED = 3  # turns of a learner that are unanswered at the same time


def ask_until_answered(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """The answer to a request that is repeated while the server is away or says 503, as a learner's app does."""

    def answer() -> list[httpx.Response]:
        try:
            response = ask()
        except httpx.TransportError:
            return []
        return [response] if response.status_code != 503 else []

    return wait_for(answer, PATIENCE_S, POLL_S)[0]


class Learner:
    """Submits turns in a session of its own; what it does, and which API process it asks, is drawn from `choices`."""

    def __init__(self, cluster: FaultCluster, choices: random.Random) -> None:
        self.cluster, self.client, self.choices = cluster, cluster.client, choices
        self.session = f"learner-{secrets.token_hex(4)}"
        self.turns: list[AcceptedTurn] = []

    def ask(self, method: str, path: str) -> httpx.Response:
        return ask_until_answered(lambda: self.client.ask(method, path, self.choose_api()))

    def choose_api(self) -> int:
        return self.choices.randint(1, len(self.client.urls))

    def submit_turn(self) -> None:
        """Submit a turn, which some engine takes a little time for; wait first while too many are unanswered."""
        for early in self.turns[-MAX_UNANSWERED:][:1]:
            self.wait_until_ended(early)
        utterance, headers = self.client.new_utterance(), {"Idempotency-Key": secrets.token_hex()}
        self.cluster.orders.give(self.choices.choice(["asr", "llm", "tts"]), utterance, "slow 0.2")
        typed = self.choices.random() < 0.3
        answer = ask_until_answered(
            lambda: self.client.post(
                utterance, typed=typed, api=self.choose_api(), headers=headers, session=self.session
            )
        )
        assert answer.status_code == 202, answer.text
        self.turns.append(self.client.accepted[answer.json()["id"]])

    def wait_until_ended(self, turn: AcceptedTurn) -> None:
        def has_ended() -> bool:
            answer = self.ask("GET", f"/v1/jobs/{turn.id}")
            return answer.status_code == 410 or answer.json()["state"] in FINAL_STATES

        wait_for(has_ended, PATIENCE_S, POLL_S)


@contextmanager
def steady_load(
    cluster: FaultCluster, learners: int = 4, act: Callable[[Learner], None] = Learner.submit_turn, seed: int = 0
) -> Iterator[None]:
    """Inside it each learner repeats `act`. Afterwards, every existing job is one that the API accepted."""
    stopping = threading.Event()

    def run(number: int) -> int:
        learner = Learner(cluster, random.Random(f"{seed} {number}"))
        act(learner)
        count = 1
        while not stopping.wait(POLL_S):
            act(learner)
            count += 1
        return count

    with ThreadPoolExecutor(learners) as threads:
        results = [threads.submit(run, number) for number in range(learners)]
        try:
            yield
        finally:
            stopping.set()
    print("what each learner did:", [each.result() for each in results])
    assert {name.split("/")[1] for name in read_records(cluster)} == set(cluster.client.accepted)
