"""What an OpenAI-compatible server says, from the bytes of its stream to a completion."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from pipeline.errors import EngineFailed

EVENTS = "text/event-stream"
LONGEST = 1_000_000  # bytes of one line; a piece has some hundred
DONE = b"[DONE]"


class Delta(BaseModel):
    content: str | None = None


class Choice(BaseModel):
    delta: Delta = Delta()
    finish_reason: str | None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class Piece(BaseModel):
    """OpenAI's chat.completion.chunk, or an error in its place."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: dict[str, Any] | str | None = None

    @property
    def text(self) -> str:
        return "".join(choice.delta.content or "" for choice in self.choices or ())

    @property
    def finish_reason(self) -> str | None:
        return next((choice.finish_reason for choice in self.choices or () if choice.finish_reason), None)


async def pieces(answer: httpx.Response) -> AsyncGenerator[Piece]:
    """Each piece as it comes, until the stream ends or says that it does. EngineFailed when it is no such stream."""
    if not answer.headers.get("Content-Type", "").startswith(EVENTS):
        raise EngineFailed("The language model's server answers with something else than a stream of events.")
    async with aclosing(lines(answer)) as coming:
        async for line in coming:
            field, _, data = line.partition(b":")
            if data.strip() == DONE:
                return
            if field in {b"data", b"error"}:  # comments keep a connection alive; the second is llama.cpp's
                yield read(data if field == b"data" else b'{"error":%s}' % data)


def read(data: bytes) -> Piece:
    try:
        return Piece.model_validate_json(data)
    except ValidationError:  # whose words would be the learner's or the teacher's
        raise EngineFailed("The language model's server answers with what is no piece of an answer.") from None


async def lines(answer: httpx.Response) -> AsyncGenerator[bytes]:
    """Ended by line feeds alone: httpx's own also splits at marks that a model may write within a text."""
    rest = b""
    async for part in answer.aiter_bytes():
        *whole, rest = (rest + part).split(b"\n")
        if len(rest) > LONGEST:
            raise EngineFailed("The language model's server sends a line without end.")
        for line in whole:
            yield line.removesuffix(b"\r")
    yield rest


@dataclass
class Said:
    """What was said so far. `stops` are the texts before which it ends, where the server does not see to that."""

    stops: tuple[str, ...] = ()
    text: str = ""
    told: int = 0  # characters that were given out
    finish_reason: str = ""  # none until it is whole
    usage: Usage | None = None

    def add(self, piece: Piece) -> str:
        """Take in a piece; the text that can be given out now, which might not yet all that there is."""
        self.usage = piece.usage or self.usage
        self.finish_reason = self.finish_reason or piece.finish_reason or ""
        self.text += piece.text
        if found := [at for at in (self.text.find(stop) for stop in self.stops) if at >= 0]:
            self.text, self.finish_reason = self.text[: min(found)], "stop"
        held = 0 if self.finish_reason else max(map(self.begun, self.stops), default=0)
        new = self.text[self.told : len(self.text) - held]
        self.told += len(new)
        return new

    def begun(self, stop: str) -> int:
        """How many of the last characters may be the beginning of `stop`."""
        return next((n for n in range(len(stop) - 1, 0, -1) if self.text.endswith(stop[:n])), 0)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come: the counts, where a server sends them, come after the last word."""
        return bool(self.finish_reason and (self.usage or self.stops))
