"""A client of the API as learners' apps are: submits turns, reads jobs, and remembers all that the API promised."""

import itertools
import time
from dataclasses import dataclass, field

import httpx
import numpy as np

from tests.faults.harness.injected import LEAST_S, STEP_S
from tests.support.recordings import make_wav
from tests.support.wait import wait_for

PATIENCE_S = 60  # seconds in which a job ends, on a busy machine
RETRY_S = 0.2  # seconds between two tries of a request that may be sent again
FINAL_STATES = {"succeeded", "failed", "canceled", "expired"}
# of a job record, which never change once the job has ended
FINAL_FIELDS = ("id", "state", "seq", "transcript", "feedback", "answer", "outcome", "error")


@dataclass(frozen=True)
class AcceptedTurn:
    """A turn that the API accepted: its job's id, which utterance it is, and its session."""

    id: str
    utterance: int
    session: str


@dataclass
class Client:
    """Speaks to the API processes at `urls`; every answer of 5xx must be problem+json."""

    urls: list[str]
    accepted: dict[str, AcceptedTurn] = field(default_factory=dict)  # every 202, by id
    final_records: dict[str, dict] = field(default_factory=dict)  # each job as it had ended when that was first seen
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            timeout=30, trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def new_utterance(self) -> int:
        """A new number, for an utterance that nothing was ordered for yet."""
        return next(self.numbers)

    def post(
        self, utterance: int | None = None, typed: bool = False, api: int = 1, headers=None, **fields
    ) -> httpx.Response:
        """POST /v1/jobs with an utterance as a recording, or typed; any answer. httpx.TransportError if it breaks."""
        utterance = utterance or self.new_utterance()
        content = {} if typed else {"audio": ("recording.wav", make_recording(utterance))}
        fields = {**fields, "text": f"I like canary{utterance} very much"} if typed else fields
        answer = self.ask("POST", "/v1/jobs", api, data=fields, files=content or None, headers=headers)
        if answer.status_code == 202:
            body = answer.json()
            self.accepted.setdefault(body["id"], AcceptedTurn(body["id"], utterance, body["session"]))
        return answer

    def submit(self, utterance: int | None = None, **more) -> AcceptedTurn:
        """Post a recording (or typed=True) that is accepted."""
        answer = self.post(utterance, **more)
        assert answer.status_code == 202, answer.text
        return self.accepted[answer.json()["id"]]

    def ask(self, method: str, path: str, api: int = 1, **more) -> httpx.Response:
        """One request to that API process; whatever the answer is."""
        answer = self.http.request(method, self.urls[api - 1] + path, **more)
        if answer.status_code >= 500:
            assert answer.headers["content-type"] == "application/problem+json", answer.text
            assert {"code", "retryable", "detail"} <= set(answer.json())
        return answer

    def ask_patiently(
        self, method: str, path: str, api: int = 1, seconds: float = PATIENCE_S, **more
    ) -> httpx.Response:
        """As `ask`, but repeated while the answer is a 503 that says `retryable`, as every client should."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.ask(method, path, api, **more)
            is_final = answer.status_code != 503 or not answer.json()["retryable"]
            if is_final or time.monotonic() >= deadline:
                return answer
            time.sleep(RETRY_S)

    def is_alive(self, api: int) -> bool:
        """Whether that API process answers at all."""
        try:
            return self.ask("GET", "/healthz", api).status_code == 200
        except httpx.TransportError:
            return False

    def get_job(self, turn: AcceptedTurn | str, api: int = 1, seconds: float = PATIENCE_S) -> dict:
        """The record; one that was seen to have ended is the same for ever."""
        id_ = turn if isinstance(turn, str) else turn.id
        answer = self.ask_patiently("GET", f"/v1/jobs/{id_}", api, seconds)
        assert answer.status_code == 200, answer.text
        job = answer.json()
        if job["state"] in FINAL_STATES or id_ in self.final_records:
            final = {name: job[name] for name in FINAL_FIELDS}
            assert self.final_records.setdefault(id_, final) == final
        return job

    def wait_until_ended(self, turn: AcceptedTurn | str, seconds: float = PATIENCE_S) -> dict:
        """The record, once the job has ended."""
        deadline = time.monotonic() + seconds

        def ended_job() -> dict | None:
            job = self.get_job(turn, seconds=deadline - time.monotonic())
            return job if job["state"] in FINAL_STATES else None

        return wait_for(ended_job, seconds)

    def expect_success(self, turn: AcceptedTurn, seconds: float = PATIENCE_S) -> dict:
        """The record of a job that ends well, and had the right words."""
        job = self.wait_until_ended(turn, seconds)
        assert job["state"] == "succeeded", job["error"]
        assert f"canary{turn.utterance}" in job["answer"]["text"]
        return job

    def expect_failure(self, turn: AcceptedTurn, code: str, seconds: float = PATIENCE_S) -> dict:
        """The record of a job that ends with this error."""
        job = self.wait_until_ended(turn, seconds)
        assert (job["state"], job["error"] and job["error"]["code"]) == ("failed", code), job
        return job

    def get_turns(self, session: str) -> list[dict]:
        """The session's history; [] for an unknown session."""
        answer = self.ask_patiently("GET", f"/v1/sessions/{session}")
        assert answer.status_code in {200, 404}, answer.text
        return answer.json()["turns"] if answer.status_code == 200 else []

    def forget(self, turn: AcceptedTurn) -> None:
        """The test erased or lost the job on purpose: it is not checked any more."""
        self.accepted.pop(turn.id)
        self.final_records.pop(turn.id, None)


def make_recording(utterance: int) -> bytes:
    """The recording of an utterance: silence of its own length, by which the scripted recogniser knows it."""
    return make_wav(np.zeros(round((LEAST_S + utterance * STEP_S) * 16_000)))
