"""From the bytes of an OpenAI-compatible server's event stream to an answer that grows chunk by chunk."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import EngineFailed

EVENT_STREAM = "text/event-stream"
MAX_LINE_BYTES = 1_000_000  # a chunk has some hundred
DONE_DATA = b"[DONE]"


class Delta(BaseModel):
    content: str | None = None


class Choice(BaseModel):
    delta: Delta = Delta()
    finish_reason: str | None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class Chunk(BaseModel):
    """OpenAI's chat.completion.chunk, or an error in its place."""

    model_config = ConfigDict(cache_strings="keys")  # by default pydantic keeps the words that it reads

    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: dict[str, Any] | str | None = None

    @property
    def text(self) -> str:
        return "".join(choice.delta.content or "" for choice in self.choices or ())

    @property
    def finish_reason(self) -> str | None:
        return next((choice.finish_reason for choice in self.choices or () if choice.finish_reason), None)


async def read_chunks(response: httpx.Response) -> AsyncGenerator[Chunk]:
    """Each chunk as it arrives, until the stream ends or sends [DONE]. Raises EngineFailed for any other response."""
    if not response.headers.get("Content-Type", "").startswith(EVENT_STREAM):
        raise EngineFailed("The language model's server does not answer with an event stream.")
    async with aclosing(_read_lines(response)) as lines:
        async for line in lines:
            field, _, data = line.partition(b":")
            if data.strip() == DONE_DATA:
                return
            if field in {b"data", b"error"}:  # comments keep a connection alive; `error` is llama.cpp's
                yield _parse_chunk(data if field == b"data" else b'{"error":%s}' % data)


def _parse_chunk(data: bytes) -> Chunk:
    try:
        return Chunk.model_validate_json(data)
    except ValidationError:  # its message would quote the learner or the teacher
        raise EngineFailed("The language model's server sent a malformed chunk of an answer.") from None


async def _read_lines(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Lines that end with a line feed. httpx also splits at characters that a model may write within a text."""
    remainder = b""
    async for data in response.aiter_bytes():
        *lines, remainder = (remainder + data).split(b"\n")
        if len(remainder) > MAX_LINE_BYTES:
            raise EngineFailed("The language model's server sent a line that is too long.")
        for line in lines:
            yield line.removesuffix(b"\r")
    yield remainder


@dataclass
class StreamedAnswer:
    """The answer received so far, which ends before the first of the `stop` texts.

    `stop` is empty where the server looks for them itself.
    """

    stop: tuple[str, ...] = ()
    text: str = ""
    emitted_chars: int = 0  # characters that `add` has returned
    finish_reason: str = ""  # empty until the text is complete
    usage: Usage | None = None

    def add(self, chunk: Chunk) -> str:
        """Append a chunk. Returns the new text that is final: what may be the beginning of a stop text waits."""
        self.usage = chunk.usage or self.usage
        self.finish_reason = self.finish_reason or chunk.finish_reason or ""
        self.text += chunk.text
        if positions := [at for at in (self.text.find(stop) for stop in self.stop) if at >= 0]:
            self.text, self.finish_reason = self.text[: min(positions)], "stop"
        partial_stop_chars = 0 if self.finish_reason else max(map(self._match_partial_stop, self.stop), default=0)
        new_text = self.text[self.emitted_chars : len(self.text) - partial_stop_chars]
        self.emitted_chars += len(new_text)
        return new_text

    def _match_partial_stop(self, stop: str) -> int:
        """How many of the last characters may be the beginning of `stop`."""
        return next((n for n in range(len(stop) - 1, 0, -1) if self.text.endswith(stop[:n])), 0)

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come: a server that sends usage does so after the last text."""
        return bool(self.finish_reason and (self.usage or self.stop))
