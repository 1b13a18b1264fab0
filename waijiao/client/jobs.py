"""Jobs and sessions: the methods of Client (JobMethods) and their awaited twins of AsyncClient (AsyncJobMethods)."""

import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Unpack

import httpx

from pipeline.schemas.jobs import Job, JobList, Session
from pipeline.schemas.practice import Tries
from pipeline.schemas.status import Capacity, Readiness
from waijiao.client.base import FINAL_STATES, LONG_POLL_S, AsyncBase, SyncBase
from waijiao.client.fields import JobFields, JobFilter, filter_query, form_values, job_path, owner_query, session_path
from waijiao.client.results import Answer, Recording, job_error
from waijiao.client.transport import Request, recording_opener

OnChange = Callable[[Job], object] | None  # called with the job after each change
QUEUE_POLL_S = 2.0  # seconds between two reports of a job's position in the queue, which changes without an event
PAGE_JOBS = 100  # jobs fetched at once
READINESS_REQUEST = Request("GET", "/readyz", accepted_status=httpx.codes.SERVICE_UNAVAILABLE)
CAPACITY_REQUEST = Request("GET", "/v1/capacity")


class JobMethods(SyncBase):
    """Jobs and sessions, blocking."""

    def ask(
        self, recording: Recording | None = None, *, on_change: OnChange = None, **fields: Unpack[JobFields]
    ) -> Answer:
        """Submit a recording, or text, wait until it is answered, and fetch the spoken answer.

        `on_change` is called with the job after each change. A job that ends without an answer raises the error of its
        code, whose `job` it is.
        """
        job = self.submit(recording, **fields)
        return self.wait(job, on_change=on_change)

    def submit(self, recording: Recording | None = None, **fields: Unpack[JobFields]) -> Job:
        """Submit a recording, or text, and return the job as the server accepted it.

        The request may be sent several times; the server accepts it once.
        """
        return self._fetch(Job, submit_request(recording, fields))

    def wait(self, job: Job | str, *, on_change: OnChange = None) -> Answer:
        """Wait until a job that was submitted before has ended, and fetch the spoken answer, as `ask` does."""
        if on_change and isinstance(job, Job):
            on_change(job)
        for current in self.progress(job, every_s=QUEUE_POLL_S if on_change else LONG_POLL_S):
            if on_change and current != job:
                on_change(current)
            job = current
        return self.answer(job)

    def progress(self, job: Job | str, *, every_s: float = LONG_POLL_S) -> Generator[Job, None, None]:
        """The job as it is now, then again after each change, until it has ended.

        Its position in the queue and the remaining time change without an event; they are updated every `every_s`
        seconds.
        """
        return self._poll(Job, job_path(job), every_s)

    def answer(self, job: Job | str) -> Answer:
        """The spoken answer of a job that has ended; the error that it failed with is raised."""
        if isinstance(job, str) or job.state not in FINAL_STATES:
            job = self.job(job)
        if error := job_error(job):
            raise error
        audio = self._send(Request("GET", f"{job_path(job)}/audio")).content
        return Answer(job, audio, self.card(job) if job.card and job.card.audio else None)

    def card(self, job: Job | str) -> bytes:
        """The lesson card of a job that has ended, in the format of its answer; raises NoCard where it has none."""
        return self._send(Request("GET", f"{job_path(job)}/card")).content

    def job(self, job: Job | str) -> Job:
        """A job as it is now."""
        return self._fetch(Job, Request("GET", job_path(job)))

    def jobs(self, *, page: int = PAGE_JOBS, **filters: Unpack[JobFilter]) -> Generator[Job, None, None]:
        """The jobs that match every given condition, newest first; fetched when they are needed, `page` at a time."""
        query = {**filter_query(filters), "limit": str(page)}
        while True:
            job_list = self._fetch(JobList, Request("GET", "/v1/jobs", query))
            yield from jobs_with_metadata(job_list, filters)
            if not job_list.next:
                return
            query["cursor"] = job_list.next

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job and return it as it ended. One that had ended already is left alone."""
        return self._fetch(Job, Request("POST", f"{job_path(job)}/cancel"))

    def erase(self, job: Job | str) -> None:
        """Erase a job, its recording and its answer. One that has not ended is canceled first."""
        self._erase(job_path(job))

    def retry(self, job: Job | str) -> Job:
        """Run a dead job again and return the job that replaces it."""
        return self._fetch(Job, Request("POST", f"{job_path(job)}/retry"))

    def answer_said(self, job: Job | str, words: str) -> Job:
        """Answer a turn again on what was really said, in the learner's own words; return the job that replaces it."""
        return self._fetch(Job, Request("POST", f"{job_path(job)}/said", json={"said": words}))

    def say_again(self, job: Job | str, recording: Recording, *, idempotency_key: str | None = None) -> Job:
        """Send a recording in which the better sentence of a job is said again; return the job that recognises it."""
        return self._fetch(Job, try_request(job, recording, idempotency_key))

    def tries(self, job: Job | str) -> Tries:
        """How the better sentence of a job was said again, word by word."""
        return self._fetch(Tries, Request("GET", f"{job_path(job)}/tries"))

    def session(self, name: str, *, owner: str | None = None) -> Session:
        """The turns of a session since its last reset. Teachers may read the session of another key, `owner`."""
        return self._fetch(Session, Request("GET", session_path(name), owner_query(owner)))

    def erase_session(self, name: str, *, owner: str | None = None) -> None:
        """Erase every record, recording and answer of a session."""
        self._remove(session_path(name), owner_query(owner))

    def reset_session(self, name: str, *, owner: str | None = None) -> None:
        """Begin a session again. Jobs of it that have not ended are canceled."""
        self._send(reset_request(name, owner))

    def readiness(self) -> Readiness:
        """Whether a job submitted now would be processed, and each model's workers and waiting jobs."""
        return self._fetch(Readiness, READINESS_REQUEST)

    def capacity(self) -> Capacity:
        """Each model's workers, the jobs that wait for them, and their recent speed."""
        return self._fetch(Capacity, CAPACITY_REQUEST)


class AsyncJobMethods(AsyncBase):
    """Jobs and sessions, awaited."""

    async def ask(
        self, recording: Recording | None = None, *, on_change: OnChange = None, **fields: Unpack[JobFields]
    ) -> Answer:
        """Submit a recording, or text, wait until it is answered, and fetch the spoken answer.

        `on_change` is called with the job after each change. A job that ends without an answer raises the error of its
        code, whose `job` it is.
        """
        job = await self.submit(recording, **fields)
        return await self.wait(job, on_change=on_change)

    async def submit(self, recording: Recording | None = None, **fields: Unpack[JobFields]) -> Job:
        """Submit a recording, or text, and return the job as the server accepted it.

        The request may be sent several times; the server accepts it once.
        """
        return await self._fetch(Job, submit_request(recording, fields))

    async def wait(self, job: Job | str, *, on_change: OnChange = None) -> Answer:
        """Wait until a job that was submitted before has ended, and fetch the spoken answer, as `ask` does."""
        if on_change and isinstance(job, Job):
            on_change(job)
        async for current in self.progress(job, every_s=QUEUE_POLL_S if on_change else LONG_POLL_S):
            if on_change and current != job:
                on_change(current)
            job = current
        return await self.answer(job)

    def progress(self, job: Job | str, *, every_s: float = LONG_POLL_S) -> AsyncGenerator[Job, None]:
        """For `async for`: the job as it is now, then again after each change, until it has ended.

        Its position in the queue and the remaining time change without an event; they are updated every `every_s`
        seconds.
        """
        return self._poll(Job, job_path(job), every_s)

    async def answer(self, job: Job | str) -> Answer:
        """The spoken answer of a job that has ended; the error that it failed with is raised."""
        if isinstance(job, str) or job.state not in FINAL_STATES:
            job = await self.job(job)
        if error := job_error(job):
            raise error
        audio = (await self._send(Request("GET", f"{job_path(job)}/audio"))).content
        return Answer(job, audio, await self.card(job) if job.card and job.card.audio else None)

    async def card(self, job: Job | str) -> bytes:
        """The lesson card of a job that has ended, in the format of its answer; raises NoCard where it has none."""
        return (await self._send(Request("GET", f"{job_path(job)}/card"))).content

    async def job(self, job: Job | str) -> Job:
        """A job as it is now."""
        return await self._fetch(Job, Request("GET", job_path(job)))

    async def jobs(self, *, page: int = PAGE_JOBS, **filters: Unpack[JobFilter]) -> AsyncGenerator[Job, None]:
        """For `async for`: the jobs that match every given condition, newest first; fetched `page` at a time."""
        query = {**filter_query(filters), "limit": str(page)}
        while True:
            job_list = await self._fetch(JobList, Request("GET", "/v1/jobs", query))
            for job in jobs_with_metadata(job_list, filters):
                yield job
            if not job_list.next:
                return
            query["cursor"] = job_list.next

    async def cancel(self, job: Job | str) -> Job:
        """Cancel a job and return it as it ended. One that had ended already is left alone."""
        return await self._fetch(Job, Request("POST", f"{job_path(job)}/cancel"))

    async def erase(self, job: Job | str) -> None:
        """Erase a job, its recording and its answer. One that has not ended is canceled first."""
        await self._erase(job_path(job))

    async def retry(self, job: Job | str) -> Job:
        """Run a dead job again and return the job that replaces it."""
        return await self._fetch(Job, Request("POST", f"{job_path(job)}/retry"))

    async def answer_said(self, job: Job | str, words: str) -> Job:
        """Answer a turn again on what was really said, in the learner's own words; return the job that replaces it."""
        return await self._fetch(Job, Request("POST", f"{job_path(job)}/said", json={"said": words}))

    async def say_again(self, job: Job | str, recording: Recording, *, idempotency_key: str | None = None) -> Job:
        """Send a recording in which the better sentence of a job is said again; return the job that recognises it."""
        return await self._fetch(Job, try_request(job, recording, idempotency_key))

    async def tries(self, job: Job | str) -> Tries:
        """How the better sentence of a job was said again, word by word."""
        return await self._fetch(Tries, Request("GET", f"{job_path(job)}/tries"))

    async def session(self, name: str, *, owner: str | None = None) -> Session:
        """The turns of a session since its last reset. Teachers may read the session of another key, `owner`."""
        return await self._fetch(Session, Request("GET", session_path(name), owner_query(owner)))

    async def erase_session(self, name: str, *, owner: str | None = None) -> None:
        """Erase every record, recording and answer of a session."""
        await self._remove(session_path(name), owner_query(owner))

    async def reset_session(self, name: str, *, owner: str | None = None) -> None:
        """Begin a session again. Jobs of it that have not ended are canceled."""
        await self._send(reset_request(name, owner))

    async def readiness(self) -> Readiness:
        """Whether a job submitted now would be processed, and each model's workers and waiting jobs."""
        return await self._fetch(Readiness, READINESS_REQUEST)

    async def capacity(self) -> Capacity:
        """Each model's workers, the jobs that wait for them, and their recent speed."""
        return await self._fetch(Capacity, CAPACITY_REQUEST)


def submit_request(recording: Recording | None, fields: JobFields) -> Request:
    """It has an Idempotency-Key always, so that it becomes one job however often it is sent."""
    headers = {"Idempotency-Key": fields.get("idempotency_key") or uuid.uuid4().hex}
    opener = None if recording is None else recording_opener(recording)
    return Request("POST", "/v1/jobs", headers=headers, form=form_values(fields), recording=opener)


def try_request(job: Job | str, recording: Recording, idempotency_key: str | None) -> Request:
    """As submit_request: one try, however often it is sent."""
    headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
    return Request("POST", f"{job_path(job)}/tries", headers=headers, form={}, recording=recording_opener(recording))


def reset_request(session: str, owner: str | None) -> Request:
    return Request("POST", f"{session_path(session)}/reset", owner_query(owner), repeatable=False)


def jobs_with_metadata(job_list: JobList, filters: JobFilter) -> list[Job]:
    """The jobs that have every metadata entry of the filter, of which the server compared only the first."""
    entries = (filters.get("metadata") or {}).items()
    return [job for job in job_list.jobs if entries <= job.metadata.items()]
