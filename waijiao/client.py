"""The Python client: leave recordings, wait, fetch the spoken answers. Client waits; AsyncClient is awaited."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Self, TypeVar, Unpack, cast

import httpx
from anyio.from_thread import start_blocking_portal

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from waijiao.answers import Outcome, Recording
from waijiao.calls import Calls
from waijiao.exchange import Exchange
from waijiao.fields import Fields
from waijiao.many import Line, ToldWhich
from waijiao.methods import awaits, awaits_each, gives, waits
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

    def ask_all(
        self,
        recordings: Iterable[Recording | None],
        at_once: int = 4,
        *,
        on_change: ToldWhich | None = None,
        **fields: Unpack[Fields],
    ) -> Iterator[Outcome]:
        """Ask for each recording; what became of each, in their order. See AsyncClient.ask_all."""
        with start_blocking_portal() as portal, portal.wrap_async_context_manager(self._awaited()) as client:
            line = Line(client, recordings, at_once, fields, on_change)
            try:
                while outcome := portal.call(line.next):
                    yield outcome
            finally:
                portal.call(line.close)

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
            with request.opened() as told:
                return self._session.request(**told)
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

    async def ask_all(
        self,
        recordings: Iterable[Recording | None],
        at_once: int = 4,
        *,
        on_change: ToldWhich | None = None,
        **fields: Unpack[Fields],
    ) -> AsyncIterator[Outcome]:
        """Ask for each recording, `at_once` of them on their way at the same time; what became of each, in their order.

        They are left in their order too, which is that of the turns of a session. One that fails stops no other: its
        Outcome has the error. `on_change` is told the number of a recording, from 0, and its job at each change.
        """
        line = Line(self, recordings, at_once, fields, on_change)
        try:
            while outcome := await line.next():
                yield outcome
        finally:
            await line.close()

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
                return await self._session.request(**told)
        except httpx.TransportError as error:
            return error

    async def close(self) -> None:
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
