"""What both clients send and how they judge replies: requests, which of them are sent again, which errors are raised.

Nothing here does input or output: base.py sends, blocking or awaited.
"""

import io
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import IO, Any, Literal

import httpx

from pipeline.errors import WaijiaoError
from waijiao.client.results import Recording, make_error
from waijiao.errors import Unreachable

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
LimitName = Literal["upload_mb", "lesson_mb", "hand_in_mb"]  # of the limits in /v1/capabilities
Reply = httpx.Response | httpx.TransportError  # a response of the server, or why none came
UPLOAD_NAME = "recording"  # sent instead of the learner's own file name, which is private
RETRY_STATUSES = {408, 429, 502, 503, 504}  # the request had no effect, unless the response says otherwise
UNSENT_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
FIRST_PAUSE_S, MAX_PAUSE_S = 0.1, 2.0  # seconds between two attempts, unless the server asks for more


@dataclass(frozen=True)
class Request:
    """One request.

    The body is `json`, or the form with the recording as its part `part`, named `file_name`, for whose size the server
    has the limit `limit`. The bytes of a successful response are written to `destination` where one is given.
    `repeatable`: the server may safely receive it twice.
    `accepted_status`: a status other than 2xx that is not an error.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None
    recording: Opener | None = None
    part: str = "audio"
    file_name: str = UPLOAD_NAME
    limit: LimitName = "upload_mb"
    destination: IO[bytes] | None = None
    repeatable: bool = True
    accepted_status: int = httpx.codes.NOT_MODIFIED

    @contextmanager
    def httpx_arguments(self) -> Iterator[dict[str, Any]]:
        """The arguments of httpx's `stream`, with the recording open at its start."""
        arguments = {"method": self.method, "url": self.path, "params": self.query, "headers": self.headers}
        if self.json is not None:
            yield {**arguments, "json": self.json}
        elif self.recording is None:
            yield {**arguments, "data": self.form}
        else:
            with self.recording() as file:
                yield {**arguments, "data": self.form, "files": {self.part: (self.file_name, file)}}

    def empty_destination(self, response: httpx.Response) -> IO[bytes] | None:
        """The file to write this response to, without the bytes of an attempt that broke off; None to keep it whole."""
        if self.destination is None or not response.is_success:
            return None
        self.destination.seek(0)
        self.destination.truncate()
        return self.destination


def recording_opener(recording: Recording) -> Opener:
    """A function that opens the recording at its start each time, since it may have to be sent more than once."""
    if isinstance(recording, (str, PathLike)):
        path = Path(recording)
        return lambda: path.open("rb")
    if isinstance(recording, bytes):
        return partial(io.BytesIO, recording)
    file: IO[bytes] = recording if recording.seekable() else io.BytesIO(recording.read())
    return lambda: nullcontext(file)


def upload_name(recording: Recording, file: str | None) -> str:
    """The file name to send: `file`, or else the name of the path that the recording is read from."""
    return file or (Path(recording).name if isinstance(recording, (str, PathLike)) else UPLOAD_NAME)


@dataclass
class Server:
    """The server at `url`, and how long a request may be repeated while it fails: `patience_s` seconds."""

    url: str
    key: str
    patience_s: float
    was_reached: bool = False  # once it was, a refused connection is taken for a restart and waited for


class Attempts:
    """The attempts at one request: whether a reply settles it, and how long to wait for the next attempt."""

    def __init__(self, server: Server, request: Request) -> None:
        self.server, self.request = server, request
        self.first_failure: float | None = None  # monotonic seconds
        self.pause_s = FIRST_PAUSE_S

    def is_success(self, response: httpx.Response) -> bool:
        """Whether the request is settled with this response."""
        is_accepted = response.status_code == self.request.accepted_status and "code" not in parse_problem(response)
        if not (response.is_success or is_accepted):
            return False
        self.server.was_reached = True
        return True

    def delay_s(self, reply: Reply) -> float:
        """Seconds to wait before the next attempt. The error is raised when there must be none, or patience ends."""
        error = reply_error(reply, self.server.url)
        now = time.monotonic()
        if self.first_failure is None:
            self.first_failure = now
        jitter_s = random.uniform(self.pause_s / 2, self.pause_s)  # noqa: S311 - spreads clients, not a secret
        delay_s = error.retry_after_s + jitter_s
        if not self.may_retry(reply) or now + delay_s > self.first_failure + self.server.patience_s:
            raise error
        self.pause_s = min(2 * self.pause_s, MAX_PAUSE_S)
        return delay_s

    def may_retry(self, reply: Reply) -> bool:
        """Whether sending the same request again is safe and may succeed."""
        if isinstance(reply, UNSENT_ERRORS):
            return self.server.was_reached
        self.server.was_reached = True
        if isinstance(reply, httpx.Response):
            retryable = reply.status_code in RETRY_STATUSES and response_error(reply).retryable
            return self.request.repeatable and retryable
        return self.request.repeatable


def reply_error(reply: Reply, url: str) -> WaijiaoError:
    """The error to raise for a reply when there is no further attempt."""
    if isinstance(reply, httpx.Response):
        return response_error(reply)
    cause = str(reply) or type(reply).__name__
    if isinstance(reply, httpx.UnsupportedProtocol):
        detail = f"The server's address must begin with http:// or https://, and {url} does not."
    elif "CERTIFICATE_VERIFY_FAILED" in cause:
        detail = (
            f"The certificate of {url} is not trusted ({cause}). If it is your own, name its file in SSL_CERT_FILE."
        )
    else:
        detail = f"No server answers at {url} ({cause}). Start one with `waijiao up`, or name it with --url."
    error = Unreachable(detail, retry_after_s=0)
    error.__cause__ = reply
    return error


def response_error(response: httpx.Response) -> WaijiaoError:
    """The error that the server answers with, as an instance of the class of its code."""
    problem = parse_problem(response)
    detail = str(problem.get("detail") or describe_foreign_response(response))
    if response.status_code == 401:
        detail += " Set WAIJIAO_KEY to it."
    code = str(problem.get("code", response.status_code))
    retryable = bool(problem.get("retryable", response.status_code in RETRY_STATUSES))
    error = make_error(code, detail, retryable, retry_after_s(response))
    error.http_status = response.status_code
    return error


def describe_foreign_response(response: httpx.Response) -> str:
    """What an error means that is not one of the server's: a proxy, or another server, answered."""
    status = f"{response.status_code} {response.reason_phrase}".strip()
    if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
        return f"A proxy in front of the server does not let so large an upload through ({status}). Raise its limit."
    if response.status_code in {httpx.codes.BAD_GATEWAY, httpx.codes.GATEWAY_TIMEOUT}:
        return f"A proxy answered: the server behind it cannot be reached, or takes too long ({status})."
    return f"Something else than Waijiao answered: {status}. Is the server's address right?"


def parse_problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document (RFC 9457) in the response; empty when something else answered, such as a proxy."""
    try:
        document = response.json()
    except (ValueError, RecursionError):  # RecursionError: it is nested too deeply
        return {}
    return document if isinstance(document, dict) else {}


def retry_after_s(response: httpx.Response) -> float:
    """Seconds of the Retry-After header; 0 when it is missing or a date."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0
