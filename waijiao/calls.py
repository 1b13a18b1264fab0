"""What can be asked of a server, each call written once; client.py runs it, for who waits and for who awaits."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, Unpack

import httpx
from pydantic import BaseModel, ValidationError

from pipeline.schemas.jobs import Capacity, Job, JobList, Readiness, Session, State
from pipeline.schemas.lessons import LessonView
from waijiao.answers import Answer, Recording, failure
from waijiao.errors import Unreachable
from waijiao.exchange import Exchange
from waijiao.fields import Fields, Wanted, form_of, id_of, owned, place, query_of, room
from waijiao.request import Batch, Call, Many, Request, opener

S = TypeVar("S", bound=BaseModel)
W = TypeVar("W", Job, LessonView)
Told = Callable[[Job], object] | None  # is told of a job at each change
ENDED: frozenset[State] = frozenset(("succeeded", "failed", "canceled", "expired"))
LOOK_S = 1.0  # seconds between two looks at a job when the server lets nobody else wait
WAIT_S = 20.0  # seconds the server may wait for a change
NEWS_S = 2.0  # seconds after which whoever is told of changes is told of the job's place in the queue
PAGE = 100  # jobs of one page


@dataclass(frozen=True)
class Sight(Generic[W]):
    """Something at `path` that changes until it has ended, looked at every `every_s` seconds; as it was seen last."""

    shape: type[W]
    path: str
    every_s: float
    seen: W | None = None
    tag: str = ""
    after_s: float = 0


@dataclass
class Calls:
    """Each call is a generator: it yields requests and is sent what became of them (exchange.py)."""

    exchange: Exchange

    def ask(
        self, recording: Recording | None = None, *, on_change: Told = None, **fields: Unpack[Fields]
    ) -> Call[Answer]:
        """Leave a recording, or text, wait until it is answered, and fetch the spoken answer.

        `on_change` is told of the job at each change. A job that ends without an answer raises the error of its code,
        whose `job` it is.
        """
        job = yield from self.submit(recording, **fields)
        return (yield from self.wait(job, on_change=on_change))

    def submit(self, recording: Recording | None = None, **fields: Unpack[Fields]) -> Call[Job]:
        """Leave a recording, or text; the job as it was accepted. It is accepted once, however often it is sent."""
        key = fields.get("idempotency_key") or uuid.uuid4().hex
        request = Request("POST", "/v1/jobs", headers={"Idempotency-Key": key}, form=form_of(fields))
        if recording is not None:
            request = replace(request, recording=opener(recording))
        return (yield from self.shape(Job, request))

    def progress(self, job: Job | str, *, every_s: float = WAIT_S) -> Many[Job]:
        """Each change of a job, until it has ended: as it is now, …, as it ended.

        Its place in the queue and the time to go change unannounced; they are looked at every `every_s` seconds.
        """
        return self.changes(Sight(Job, place(job), every_s))

    def answer(self, job: Job | str) -> Call[Answer]:
        """The spoken answer of a job that has ended; the error that it failed with is raised."""
        if isinstance(job, str) or job.state not in ENDED:
            job = yield from self.job(id_of(job))
        if error := failure(job):
            raise error
        sound = yield from self.exchange.sure(Request("GET", f"{place(job)}/audio"))
        return Answer(job, sound.content)

    def wait(self, job: Job | str, *, on_change: Told = None) -> Call[Answer]:
        """Wait until a job that was left before has ended, and fetch the spoken answer, as `ask` does."""
        changes: Many[Job] | None = self.progress(job, every_s=NEWS_S if on_change else WAIT_S)
        if on_change and isinstance(job, Job):
            on_change(job)
        while changes:
            batch = yield from changes
            for seen in batch.items:
                if on_change and seen != job:
                    on_change(seen)
                job = seen
            changes = batch.rest
        return (yield from self.answer(job))

    def job(self, job: Job | str) -> Call[Job]:
        """A job as it is now."""
        return self.shape(Job, Request("GET", place(job)))

    def jobs(self, *, page: int = PAGE, **wanted: Unpack[Wanted]) -> Many[Job]:
        """The jobs that have everything that is given, newest first; fetched when they are needed, `page` at once."""
        return self._page({**query_of(wanted), "limit": str(page)}, wanted.get("metadata") or {})

    def cancel(self, job: Job | str) -> Call[Job]:
        """Have a job not answered; the job as it has ended, which it may have done before."""
        return self.shape(Job, Request("POST", f"{place(job)}/cancel"))

    def erase(self, job: Job | str) -> Call[None]:
        """Erase a job, its recording and its answer; canceled first when it has not ended."""
        yield from self.erase_at(place(job))

    def retry(self, job: Job | str) -> Call[Job]:
        """Have a dead job answered after all; the job that stands in its place."""
        return self.shape(Job, Request("POST", f"{place(job)}/retry"))

    def session(self, name: str, *, owner: str | None = None) -> Call[Session]:
        """What was said in a session since it was last started over; teachers may name the `owner`'s key."""
        return self.shape(Session, Request("GET", room(name), query=owned(owner)))

    def erase_session(self, name: str, *, owner: str | None = None) -> Call[None]:
        """Erase every record, recording and answer of a session."""
        yield from self.remove(room(name), owner)

    def reset_session(self, name: str, *, owner: str | None = None) -> Call[None]:
        """Start a session over; what is not answered yet never will be."""
        request = Request("POST", f"{room(name)}/reset", query=owned(owner), repeatable=False)
        yield from self.exchange.sure(request)

    def readiness(self) -> Call[Readiness]:
        """Whether a job sent now would be worked on, and each model's workers and waiting jobs."""
        return self.shape(Readiness, Request("GET", "/readyz", good=httpx.codes.SERVICE_UNAVAILABLE))

    def capacity(self) -> Call[Capacity]:
        """Each model's workers, what waits for them, and how fast they are of late."""
        return self.shape(Capacity, Request("GET", "/v1/capacity"))

    def changes(self, at: Sight[W]) -> Many[W]:
        """As it is; with a tag, as soon as it is another one than that names; then each change until it has ended."""
        known, query = ({"If-None-Match": at.tag}, {"wait": f"{at.every_s:g}"}) if at.tag else (None, None)
        begun = time.monotonic()
        answer = yield from self.exchange.sure(Request("GET", at.path, query, known, after_s=at.after_s))
        if answer.status_code == httpx.codes.NOT_MODIFIED:  # at once, when the server lets nobody else wait
            after_s = 0 if time.monotonic() - begun >= at.every_s / 2 else LOOK_S
            return Batch([], self.changes(replace(at, tag="", after_s=after_s)))
        now = self.read(at.shape, answer)
        news = [] if now == at.seen else [now]
        seen = replace(at, seen=now, tag=answer.headers.get("ETag", ""), after_s=0)
        return Batch(news, None if now.state in ENDED else self.changes(seen))

    def shape(self, shape: type[S], request: Request) -> Call[S]:
        """What the request is answered with, as a type."""
        return self.read(shape, (yield from self.exchange.sure(request)))

    def erase_at(self, path: str) -> Call[None]:
        """Erase what is there; it is canceled first when it has not ended."""
        answer = yield from self.remove(path)
        if answer.status_code != httpx.codes.NO_CONTENT:
            yield from self.remove(path)

    def remove(self, path: str, owner: str | None = None) -> Call[httpx.Response]:
        """Not sent twice: what cancels a job at first would erase it the second time."""
        return self.exchange.sure(Request("DELETE", path, query=owned(owner), repeatable=False))

    def _page(self, query: Mapping[str, str], metadata: Mapping[str, str]) -> Many[Job]:
        page = yield from self.shape(JobList, Request("GET", "/v1/jobs", query=query))
        jobs = [job for job in page.jobs if metadata.items() <= job.metadata.items()]
        return Batch(jobs, self._page({**query, "cursor": page.next}, metadata) if page.next else None)

    def read(self, shape: type[S], answer: httpx.Response) -> S:
        """What a newer server says besides is passed over."""
        try:
            return shape.model_validate_json(answer.content, extra="ignore")
        except ValidationError as error:
            words = f"What {self.exchange.url} answers cannot be read: it is no Waijiao server, or of another version."
            raise Unreachable(words) from error
