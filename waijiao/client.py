"""The Python client: leave recordings, wait, fetch the spoken answers. Client waits; AsyncClient is awaited."""

import asyncio
import time
from typing import Any, Self, TypeVar, cast

import httpx

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from waijiao import homework_calls as homework
from waijiao import lesson_calls
from waijiao.calls import Calls
from waijiao.exchange import Exchange
from waijiao.many import ask_all, wait_all
from waijiao.methods import awaits, awaits_each, awaits_outcomes, gives, gives_outcomes, waits
from waijiao.request import Call, Reply, Request

T = TypeVar("T")
PATIENCE_S = 30.0  # seconds that trouble may last
TIMEOUT = httpx.Timeout(60, connect=10, pool=None)  # seconds without a byte; a long poll is shorter
LIMITS = httpx.Limits(max_connections=None)  # whoever asks bounds how much is on its way


class Server:
    """What both clients know: the address, and the key that is shown there and nowhere else."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        """By default WAIJIAO_URL and WAIJIAO_KEY. What comes to nothing is tried again for `patience_s` seconds."""
        chosen = Settings() if url is None or key is None else None
        self.url = chosen.url if chosen and url is None else url or ""
        self._key = chosen.key if chosen and key is None else key or ""
        self._calls = Calls(Exchange(self.url, patience_s))
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigurationError("WAIJIAO_KEY has characters that no key has.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _http(self) -> dict[str, Any]:
        """What httpx is told. Proxies of the environment are passed by; SSL_CERT_FILE may name a certificate."""
        shown = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        trusted = httpx.create_ssl_context()
        ways = {"verify": trusted, "timeout": TIMEOUT, "limits": LIMITS, "trust_env": False}
        return {"base_url": self.url, "headers": shown, **ways}


class Client(Server):
    """A Waijiao server, for who waits. Threads may share one; close it, or use it as a context."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        super().__init__(url, key, patience_s=patience_s)
        self._session = httpx.Client(**self._http())

    ask = waits(Calls.ask)
    wait = waits(Calls.wait)
    submit = waits(Calls.submit)
    progress = gives(Calls.progress)
    answer = waits(Calls.answer)
    job = waits(Calls.job)
    jobs = gives(Calls.jobs)
    cancel = waits(Calls.cancel)
    erase = waits(Calls.erase)
    retry = waits(Calls.retry)
    session = waits(Calls.session)
    erase_session = waits(Calls.erase_session)
    reset_session = waits(Calls.reset_session)
    readiness = waits(Calls.readiness)
    capacity = waits(Calls.capacity)
    put_assignment = waits(homework.put_assignment)
    assignment = waits(homework.assignment)
    assignments = waits(homework.assignments)
    hand_in = waits(homework.hand_in)
    export = waits(homework.export)
    report = waits(homework.report)
    change_feedback = waits(homework.change_feedback)
    release = waits(homework.release)
    release_all = waits(homework.release_all)
    rerun = waits(homework.rerun)
    rerun_all = waits(homework.rerun_all)
    erase_assignment = waits(homework.erase_assignment)
    submit_lesson = waits(lesson_calls.submit_lesson)
    lesson = waits(lesson_calls.lesson)
    lesson_transcript = waits(lesson_calls.lesson_transcript)
    lesson_summary = waits(lesson_calls.lesson_summary)
    lesson_report = waits(lesson_calls.lesson_report)
    wait_lesson = waits(lesson_calls.wait_lesson)
    cancel_lesson = waits(lesson_calls.cancel_lesson)
    erase_lesson = waits(lesson_calls.erase_lesson)
    lessons = gives(lesson_calls.lessons)
    lesson_progress = gives(lesson_calls.lesson_progress)
    ask_all = gives_outcomes(ask_all)
    wait_all = gives_outcomes(wait_all)

    def _awaited(self) -> "AsyncClient":
        client = AsyncClient(self.url, self._key)
        client._calls = self._calls
        return client

    def _run(self, call: Call[T]) -> T:
        try:
            request = next(call)
            while True:
                request = call.send(self._reply(request))
        except StopIteration as done:
            return cast(T, done.value)

    def _reply(self, request: Request) -> Reply:
        time.sleep(request.after_s)
        try:
            with request.opened() as told, self._session.stream(**told) as answer:
                if file := request.emptied(answer):
                    for piece in answer.iter_bytes():
                        file.write(piece)
                else:
                    answer.read()
                return answer
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncClient(Server):
    """A Waijiao server, for asyncio: the same methods, awaited. Close it, or use it as a context."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        super().__init__(url, key, patience_s=patience_s)
        self._session = httpx.AsyncClient(**self._http())

    ask = awaits(Calls.ask)
    wait = awaits(Calls.wait)
    submit = awaits(Calls.submit)
    progress = awaits_each(Calls.progress)
    answer = awaits(Calls.answer)
    job = awaits(Calls.job)
    jobs = awaits_each(Calls.jobs)
    cancel = awaits(Calls.cancel)
    erase = awaits(Calls.erase)
    retry = awaits(Calls.retry)
    session = awaits(Calls.session)
    erase_session = awaits(Calls.erase_session)
    reset_session = awaits(Calls.reset_session)
    readiness = awaits(Calls.readiness)
    capacity = awaits(Calls.capacity)
    put_assignment = awaits(homework.put_assignment)
    assignment = awaits(homework.assignment)
    assignments = awaits(homework.assignments)
    hand_in = awaits(homework.hand_in)
    export = awaits(homework.export)
    report = awaits(homework.report)
    change_feedback = awaits(homework.change_feedback)
    release = awaits(homework.release)
    release_all = awaits(homework.release_all)
    rerun = awaits(homework.rerun)
    rerun_all = awaits(homework.rerun_all)
    erase_assignment = awaits(homework.erase_assignment)
    submit_lesson = awaits(lesson_calls.submit_lesson)
    lesson = awaits(lesson_calls.lesson)
    lesson_transcript = awaits(lesson_calls.lesson_transcript)
    lesson_summary = awaits(lesson_calls.lesson_summary)
    lesson_report = awaits(lesson_calls.lesson_report)
    wait_lesson = awaits(lesson_calls.wait_lesson)
    cancel_lesson = awaits(lesson_calls.cancel_lesson)
    erase_lesson = awaits(lesson_calls.erase_lesson)
    lessons = awaits_each(lesson_calls.lessons)
    lesson_progress = awaits_each(lesson_calls.lesson_progress)
    ask_all = awaits_outcomes(ask_all)
    wait_all = awaits_outcomes(wait_all)

    async def _run(self, call: Call[T]) -> T:
        try:
            request = next(call)
            while True:
                request = call.send(await self._reply(request))
        except StopIteration as done:
            return cast(T, done.value)

    async def _reply(self, request: Request) -> Reply:
        await asyncio.sleep(request.after_s)
        try:
            with request.opened() as told:
                async with self._session.stream(**told) as answer:
                    if file := request.emptied(answer):
                        async for piece in answer.aiter_bytes():
                            file.write(piece)
                    else:
                        await answer.aread()
                    return answer
        except httpx.TransportError as error:
            return error

    async def close(self) -> None:
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
