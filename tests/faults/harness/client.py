"""What learners and their apps do: leave recordings, look how far they got; remembers all that was promised to them."""

import itertools
import time
from dataclasses import dataclass, field

import httpx
import numpy as np

from tests.faults.harness.injected import LEAST_S, STEP_S
from tests.support.recordings import wav
from tests.support.wait import wait_for

PATIENCE_S = 60  # seconds in which a job ends, on a busy machine
RETRY_S = 0.2  # seconds between two tries of a request that may be sent again
ENDED = {"succeeded", "failed", "canceled", "expired"}
KEPT = ("id", "state", "seq", "transcript", "feedback", "answer", "outcome", "error")  # never change after the end


@dataclass(frozen=True)
class Said:
    """An accepted turn: its job, and which utterance it is."""

    id: str
    n: int
    session: str


@dataclass
class Client:
    """Speaks to the API processes at `urls`; every answer of 5xx must be problem+json."""

    urls: list[str]
    accepted: dict[str, Said] = field(default_factory=dict)  # every 202, by id
    ends: dict[str, dict] = field(default_factory=dict)  # how each job ended when that was first seen
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            timeout=30, trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def utterance(self) -> int:
        """A new number, for an utterance that nothing was ordered for yet."""
        return next(self.numbers)

    def post(self, n: int | None = None, typed: bool = False, api: int = 1, headers=None, **fields) -> httpx.Response:
        """POST /v1/jobs with utterance n as a recording, or typed; any answer. httpx.TransportError when cut off."""
        n = n or self.utterance()
        content = {} if typed else {"audio": ("recording.wav", recording(n))}
        fields = {**fields, "text": f"I like canary{n} very much"} if typed else fields
        answer = self.ask("POST", "/v1/jobs", api, data=fields, files=content or None, headers=headers)
        if answer.status_code == 202:
            body = answer.json()
            self.accepted.setdefault(body["id"], Said(body["id"], n, body["session"]))
        return answer

    def say(self, n: int | None = None, **more) -> Said:
        """Post a recording (or typed=True) that is accepted."""
        answer = self.post(n, **more)
        assert answer.status_code == 202, answer.text
        return self.accepted[answer.json()["id"]]

    def ask(self, method: str, path: str, api: int = 1, **more) -> httpx.Response:
        answer = self.http.request(method, self.urls[api - 1] + path, **more)
        if answer.status_code >= 500:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            assert {"code", "retryable", "detail"} <= set(answer.json())
        return answer

    def ask_patiently(
        self, method: str, path: str, api: int = 1, seconds: float = PATIENCE_S, **more
    ) -> httpx.Response:
        """As `ask`; while the answer is a 503 that says `retryable`, the same is asked again, as every client should."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.ask(method, path, api, **more)
            is_final = answer.status_code != 503 or not answer.json()["retryable"]
            if is_final or time.monotonic() >= deadline:
                return answer
            time.sleep(RETRY_S)

    def lives(self, api: int) -> bool:
        """Whether that API process answers at all."""
        try:
            return self.ask("GET", "/healthz", api).status_code == 200
        except httpx.TransportError:
            return False

    def job(self, said: Said | str, api: int = 1, seconds: float = PATIENCE_S) -> dict:
        """The record; one that was seen to have ended is the same for ever."""
        id_ = said if isinstance(said, str) else said.id
        answer = self.ask_patiently("GET", f"/v1/jobs/{id_}", api, seconds)
        assert answer.status_code == 200, answer.text
        job = answer.json()
        if job["state"] in ENDED or id_ in self.ends:
            kept = {name: job[name] for name in KEPT}
            assert self.ends.setdefault(id_, kept) == kept
        return job

    def ended(self, said: Said | str, seconds: float = PATIENCE_S) -> dict:
        """The record, once the job has ended."""
        deadline = time.monotonic() + seconds
        return wait_for(
            lambda: (job := self.job(said, seconds=deadline - time.monotonic()))["state"] in ENDED and job, seconds
        )

    def succeeded(self, said: Said, seconds: float = PATIENCE_S) -> dict:
        """The record of a job that ends well, and had the right words."""
        job = self.ended(said, seconds)
        assert job["state"] == "succeeded", job["error"]
        assert f"canary{said.n}" in job["answer"]["text"]
        return job

    def failed(self, said: Said, code: str, seconds: float = PATIENCE_S) -> dict:
        """The record of a job that ends with this error."""
        job = self.ended(said, seconds)
        assert (job["state"], job["error"] and job["error"]["code"]) == ("failed", code), job
        return job

    def turns(self, session: str) -> list[dict]:
        """The session's history; [] for one that nobody knows."""
        answer = self.ask_patiently("GET", f"/v1/sessions/{session}")
        assert answer.status_code in {200, 404}, answer.text
        return answer.json()["turns"] if answer.status_code == 200 else []

    def forget(self, said: Said) -> None:
        """The test itself has the job erased, or lost on purpose: it is owed nothing more."""
        self.accepted.pop(said.id)
        self.ends.pop(said.id, None)


def recording(n: int) -> bytes:
    """Utterance n: silence of its own length, by which the scripted ears know it."""
    return wav(np.zeros(round((LEAST_S + n * STEP_S) * 16_000)))
