"""The two ways to send a request: SyncBase blocks the calling thread, AsyncBase is awaited. Neither knows any route."""

import asyncio
import os
import time
import weakref
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.schemas.jobs import Job, State
from pipeline.schemas.lessons import LessonView
from pipeline.settings import Settings
from waijiao.client.transport import Attempts, Reply, Request, Server
from waijiao.client.upload_size import LIMITS_REQUEST, check_size, measure_large
from waijiao.errors import Unreachable

SchemaT = TypeVar("SchemaT", bound=BaseModel)
PolledT = TypeVar("PolledT", Job, LessonView)
FINAL_STATES: frozenset[State] = frozenset(("succeeded", "failed", "canceled", "expired"))
PATIENCE_S = 30.0  # seconds that a request is repeated while it fails
LONG_POLL_S = 20.0  # seconds that the server may hold a request until something changes
POLL_S = 1.0  # seconds between two requests when the server has no capacity for long polls
TIMEOUT = httpx.Timeout(60, connect=10, pool=None)  # seconds without a byte; longer than a long poll
LIMITS = httpx.Limits(max_connections=None)  # the caller decides how many requests run at once


class BaseClient:
    """What both clients have in common: the server's address, and the key that is sent to this server only."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        """`url` and `key` default to WAIJIAO_URL and WAIJIAO_KEY.

        A request that fails for a passing reason is repeated for `patience_s` seconds. Raises ConfigurationError for
        a key with characters that no key contains.
        """
        settings = Settings() if url is None or key is None else None
        url = settings.url if settings and url is None else url or ""
        key = settings.key if settings and key is None else key or ""
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError("WAIJIAO_KEY contains characters that no key contains. Copy the key again.")
        self._server = Server(url, key, patience_s)

    @property
    def url(self) -> str:
        """The address of the server."""
        return self._server.url

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def _httpx_options(self) -> dict[str, Any]:
        """Options of httpx's clients. Proxies of the environment are ignored; SSL_CERT_FILE may name a certificate."""
        headers = {"Authorization": f"Bearer {self._server.key}"} if self._server.key else {}
        connection = {"verify": httpx.create_ssl_context(), "timeout": TIMEOUT, "limits": LIMITS, "trust_env": False}
        return {"base_url": self.url, "headers": headers, **connection}

    def _decode(self, schema: type[SchemaT], response: httpx.Response) -> SchemaT:
        """The response as an instance of the schema; fields that only a newer server knows are ignored."""
        try:
            return schema.model_validate_json(response.content, extra="ignore")
        except ValidationError as error:
            detail = (
                f"{self.url} is not a Waijiao server, or its version does not fit this client's. Check the address."
            )
            raise Unreachable(detail) from error


class SyncBase(BaseClient):
    """Sends requests and blocks until they are answered."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        super().__init__(url, key, patience_s=patience_s)
        self._open_session()

    def _open_session(self) -> None:
        session = httpx.Client(**self._httpx_options())
        weakref.finalize(self, session.close)  # closes the connections of a client that is never closed
        self._session, self._process_id = session, os.getpid()

    def _send(self, request: Request) -> httpx.Response:
        """The successful response to the request. The error of the last attempt is raised when there is none."""
        if self._process_id != os.getpid() and not self._session.is_closed:
            self._open_session()  # a forked child must not write into its parent's connections
        if size := measure_large(request):
            check_size(request, size, self._attempt(LIMITS_REQUEST))
        attempts = Attempts(self._server, request)
        while True:
            reply = self._attempt(request)
            if isinstance(reply, httpx.Response) and attempts.is_success(reply):
                return reply
            time.sleep(attempts.delay_s(reply))

    def _attempt(self, request: Request) -> Reply:
        try:
            with request.httpx_arguments() as arguments, self._session.stream(**arguments) as response:
                if file := request.empty_destination(response):
                    for chunk in response.iter_bytes():
                        file.write(chunk)
                else:
                    response.read()
                return response
        except httpx.TransportError as error:
            return error

    def _fetch(self, schema: type[SchemaT], request: Request) -> SchemaT:
        return self._decode(schema, self._send(request))

    def _remove(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        return self._send(delete_request(path, query))

    def _erase(self, path: str) -> None:
        """Erase what is at the path. The first DELETE of something unfinished only cancels it."""
        if self._remove(path).status_code != httpx.codes.NO_CONTENT:
            self._remove(path)

    def _poll(self, schema: type[PolledT], path: str, every_s: float) -> Generator[PolledT, None, None]:
        """What is at the path now, then again after each change, until its state is final."""
        latest, etag = None, ""
        while latest is None or latest.state not in FINAL_STATES:
            started_at = time.monotonic()
            response = self._send(poll_request(path, etag, every_s))
            if response.status_code == httpx.codes.NOT_MODIFIED:
                etag = ""
                time.sleep(poll_pause_s(started_at, every_s))
                continue
            current, etag = self._decode(schema, response), response.headers.get("ETag", "")
            if current != latest:
                yield current
            latest = current

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncBase(BaseClient):
    """Sends requests within asyncio."""

    def __init__(self, url: str | None = None, key: str | None = None, *, patience_s: float = PATIENCE_S) -> None:
        super().__init__(url, key, patience_s=patience_s)
        self._session = httpx.AsyncClient(**self._httpx_options())

    async def _send(self, request: Request) -> httpx.Response:
        """The successful response to the request. The error of the last attempt is raised when there is none."""
        if size := measure_large(request):
            check_size(request, size, await self._attempt(LIMITS_REQUEST))
        attempts = Attempts(self._server, request)
        while True:
            reply = await self._attempt(request)
            if isinstance(reply, httpx.Response) and attempts.is_success(reply):
                return reply
            await asyncio.sleep(attempts.delay_s(reply))

    async def _attempt(self, request: Request) -> Reply:
        try:
            with request.httpx_arguments() as arguments:
                async with self._session.stream(**arguments) as response:
                    if file := request.empty_destination(response):
                        async for chunk in response.aiter_bytes():
                            file.write(chunk)
                    else:
                        await response.aread()
                    return response
        except httpx.TransportError as error:
            return error

    async def _fetch(self, schema: type[SchemaT], request: Request) -> SchemaT:
        return self._decode(schema, await self._send(request))

    async def _remove(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        return await self._send(delete_request(path, query))

    async def _erase(self, path: str) -> None:
        """Erase what is at the path. The first DELETE of something unfinished only cancels it."""
        if (await self._remove(path)).status_code != httpx.codes.NO_CONTENT:
            await self._remove(path)

    async def _poll(self, schema: type[PolledT], path: str, every_s: float) -> AsyncGenerator[PolledT, None]:
        """What is at the path now, then again after each change, until its state is final."""
        latest, etag = None, ""
        while latest is None or latest.state not in FINAL_STATES:
            started_at = time.monotonic()
            response = await self._send(poll_request(path, etag, every_s))
            if response.status_code == httpx.codes.NOT_MODIFIED:
                etag = ""
                await asyncio.sleep(poll_pause_s(started_at, every_s))
                continue
            current, etag = self._decode(schema, response), response.headers.get("ETag", "")
            if current != latest:
                yield current
            latest = current

    async def close(self) -> None:
        """Close the connections."""
        await self._session.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def delete_request(path: str, query: Mapping[str, str] | None = None) -> Request:
    """Never repeated: a DELETE that cancels a job the first time would erase it the second time."""
    return Request("DELETE", path, query, repeatable=False)


def poll_request(path: str, etag: str, every_s: float) -> Request:
    """With an ETag, the server responds as soon as the state differs from that one, or after `every_s` seconds."""
    if not etag:
        return Request("GET", path)
    return Request("GET", path, {"wait": f"{every_s:g}"}, {"If-None-Match": etag})


def poll_pause_s(started_at: float, every_s: float) -> float:
    """Seconds until the next poll after a 304: none, unless it came early because the server had no free long poll."""
    return 0 if time.monotonic() - started_at >= every_s / 2 else POLL_S
