"""What the client sends, described but not sent, and the generators that describe it: calls."""

import io
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import httpx

from waijiao.answers import Recording

T = TypeVar("T")
Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Reply = httpx.Response | httpx.TransportError  # what becomes of a request
Call = Generator["Request", Reply, T]  # yields what is to be sent, is sent what became of it, returns what was wanted
FILE_NAME = "recording"  # what the learner's file is called is nobody's business


@dataclass(frozen=True)
class Request:
    """One request, to be sent `after_s` seconds from now.

    `json` is its whole body, or else the form and the recording are, which is its part `part` and called `file_name`.
    `into`: a file that a good answer's bytes go into as they come. `repeatable`: the server may get it twice. `good`:
    a status besides 2xx that is no error.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None
    recording: Opener | None = None
    part: str = "audio"
    file_name: str = FILE_NAME
    into: IO[bytes] | None = None
    repeatable: bool = True
    good: int = httpx.codes.NOT_MODIFIED
    after_s: float = 0

    @contextmanager
    def opened(self) -> Iterator[dict[str, Any]]:
        """What httpx is told, with the recording open at its start."""
        told = {"method": self.method, "url": self.path, "params": self.query, "headers": self.headers}
        if self.json is not None:
            yield {**told, "json": self.json}
        elif self.recording is None:
            yield {**told, "data": self.form}
        else:
            with self.recording() as file:
                yield {**told, "data": self.form, "files": {self.part: (self.file_name, file)}}

    def emptied(self, answer: httpx.Response) -> IO[bytes] | None:
        """The file that this answer's bytes go into, if any, without those of an attempt that broke off."""
        if self.into is None or not answer.is_success:
            return None
        self.into.seek(0)
        self.into.truncate()
        return self.into


@dataclass(frozen=True)
class Batch(Generic[T]):
    """Some of many, and the call that gives those after them; None after the last."""

    items: Sequence[T]
    rest: "Many[T] | None"


Many = Call[Batch[T]]


def opener(recording: Recording) -> Opener:
    """Opens the recording, each time at its start."""
    if isinstance(recording, (str, PathLike)):
        path = Path(recording)
        return lambda: path.open("rb")
    if isinstance(recording, bytes):
        return partial(io.BytesIO, recording)
    file: IO[bytes] = recording if recording.seekable() else io.BytesIO(recording.read())
    return lambda: nullcontext(file)
