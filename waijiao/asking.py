"""Sends recordings over the public API and waits for the answers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx

from pipeline.errors import WaijiaoError

WAIT_S = 20  # seconds the server may wait for a change
LOOK_S = 0.2  # seconds between two looks at a job in which nothing happened
ENDED = {"succeeded", "failed", "canceled", "expired"}

Job = dict[str, Any]  # a JSON object of the API


def job_in(answer: httpx.Response) -> Job:
    return cast(Job, answer.json())


class Refused(WaijiaoError):
    """Raised when the server refuses a request; `detail` is the server's own word."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.refusal = code


class Unreachable(WaijiaoError):
    """Raised when no server answers. Start one with `waijiao up`, or name another with --url or WAIJIAO_URL."""

    code = "unreachable"


@dataclass(frozen=True)
class Server:
    """One Waijiao server, by its address, and the key that it is shown if it asks for one."""

    url: str
    key: str = field(default="", repr=False)

    def submit(self, audio: Path | None, fields: dict[str, str]) -> Job:
        """Leave a recording, or text; the job as it was accepted."""
        with self._client() as client:
            if audio is None:
                return job_in(self._answer(client.post("/v1/jobs", data=fields)))
            with audio.open("rb") as file:
                return job_in(self._answer(client.post("/v1/jobs", data=fields, files={"audio": file})))

    def wait(self, job: Job, report: Callable[[Job], None]) -> Job:
        """Wait until the job has ended, reporting each change."""
        seen: dict[str, str] = {}
        with self._client() as client:
            while job["state"] not in ENDED:
                answer = client.get(f"/v1/jobs/{job['id']}", params={"wait": WAIT_S if seen else 0}, headers=seen)
                if answer.status_code == httpx.codes.NOT_MODIFIED:  # at once, when the server lets nobody else wait
                    time.sleep(LOOK_S)
                    continue
                job = job_in(self._answer(answer))
                seen = {"If-None-Match": answer.headers["ETag"]}
                report(job)
        return job

    def save(self, job: Job, place: Path) -> None:
        """Write the job's spoken answer to a file."""
        with self._client() as client:
            place.write_bytes(self._answer(client.get(job["answer"]["audio"])).content)

    def retry(self, job_id: str) -> Job:
        """Have a dead job answered after all; the job that stands in its place."""
        with self._client() as client:
            return job_in(self._answer(client.post(f"/v1/jobs/{job_id}/retry")))

    def dead(self) -> list[Job]:
        """The jobs that failed through no fault of their own, newest first."""
        with self._client() as client:
            jobs: list[Job] = []
            query = {"dead": "true", "limit": "100"}
            while True:
                page = job_in(self._answer(client.get("/v1/jobs", params=query)))
                jobs += page["jobs"]
                if page["next"] is None:
                    return jobs
                query["cursor"] = page["next"]

    def readiness(self) -> Job:
        """What /readyz says: ready or not, and each model's workers and waiting jobs."""
        with self._client() as client:
            return job_in(client.get("/readyz"))

    @contextmanager
    def _client(self) -> Iterator[httpx.Client]:
        try:
            shown = {"Authorization": f"Bearer {self.key}"} if self.key else {}
            trusted = httpx.create_ssl_context()  # SSL_CERT_FILE may name a certificate of one's own
            with httpx.Client(base_url=self.url, headers=shown, verify=trusted, timeout=60, trust_env=False) as client:
                yield client
        except httpx.TransportError as error:
            raise Unreachable(
                f"No server answers at {self.url} ({error}). Start one with `waijiao up`, or name it with --url."
            ) from error

    def _answer(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
        detail = problem.get("detail", answer.text[:200])
        if answer.status_code == 401:
            detail += " Set WAIJIAO_KEY to it."
        raise Refused(problem.get("code", str(answer.status_code)), detail)
