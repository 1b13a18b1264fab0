"""Steady load: learners who talk on in sessions of their own, patiently, while a test breaks what it likes."""

import random
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.faults.harness.client import ENDED, Said
from tests.faults.harness.cluster import Cluster
from tests.faults.harness.invariants import records
from tests.support.wait import wait_for

PATIENCE_S = 90  # seconds for which a learner's app tries again
LOOK_S = 0.1  # seconds between two tries
AHEAD = 3  # turns that a learner says before the first of them is answered


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """What a learner's app does while the server is away or says 503: it asks the same again."""

    def answer() -> list[httpx.Response]:
        try:
            given = ask()
        except httpx.TransportError:
            return []
        return [given] if given.status_code != 503 else []

    return wait_for(answer, PATIENCE_S, LOOK_S)[0]


class Learner:
    """Talks in a session of their own; what they do is drawn from `choices`, and told to the API that they meet."""

    def __init__(self, house: Cluster, choices: random.Random) -> None:
        self.house, self.client, self.choices = house, house.client, choices
        self.session = f"learner-{secrets.token_hex(4)}"
        self.said: list[Said] = []

    def ask(self, method: str, path: str) -> httpx.Response:
        return patiently(lambda: self.client.ask(method, path, self.api()))

    def api(self) -> int:
        return self.choices.randint(1, len(self.client.urls))

    def say(self) -> None:
        """One turn more, which some engine takes a little time for; waits first while too many are unanswered."""
        for early in self.said[-AHEAD:][:1]:
            self.until_ended(early)
        n, headers = self.client.utterance(), {"Idempotency-Key": secrets.token_hex()}
        self.house.orders.give(self.choices.choice(["asr", "llm", "tts"]), n, "slow 0.2")
        typed = self.choices.random() < 0.3
        answer = patiently(
            lambda: self.client.post(n, typed=typed, api=self.api(), headers=headers, session=self.session)
        )
        assert answer.status_code == 202, answer.text
        self.said.append(self.client.accepted[answer.json()["id"]])

    def until_ended(self, said: Said) -> None:
        def ended() -> bool:
            answer = self.ask("GET", f"/v1/jobs/{said.id}")
            return answer.status_code == 410 or answer.json()["state"] in ENDED

        wait_for(ended, PATIENCE_S, LOOK_S)


@contextmanager
def steady_load(
    house: Cluster, learners: int = 4, act: Callable[[Learner], None] = Learner.say, seed: int = 0
) -> Iterator[None]:
    """Inside it each learner does `act` again and again. Afterwards, every job there is was promised to somebody."""
    enough = threading.Event()

    def talk(number: int) -> int:
        learner = Learner(house, random.Random(f"{seed} {number}"))
        act(learner)
        done = 1
        while not enough.wait(LOOK_S):
            act(learner)
            done += 1
        return done

    with ThreadPoolExecutor(learners) as threads:
        talking = [threads.submit(talk, number) for number in range(learners)]
        try:
            yield
        finally:
            enough.set()
    print("what each learner did:", [each.result() for each in talking])
    assert {name.split("/")[1] for name in records(house)} == set(house.client.accepted)
