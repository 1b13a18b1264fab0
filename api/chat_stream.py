"""A chat's text as server-sent events, while it is written: OpenAI's chat.completion.chunk, one after the other."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from redis.exceptions import RedisError

from api.alone import Held
from api.errors import openai_error
from pipeline.errors import BegunAnew, Unavailable, WaijiaoError
from pipeline.record import Job
from pipeline.turns import Completion

ALIVE_S = 15.0  # seconds of silence after which a comment keeps proxies from closing the stream
DONE = "data: [DONE]\n\n"


class Stream:
    """The text as one client gets it: nothing is said twice, though a worker died and another one began anew."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self.sent = ""
        self.fence, self.number, self.told = "", 0, ""  # of the latest attempt: its entries so far, and their text
        self.completion: Completion | None = None

    def pieces(self) -> Iterator[str]:
        """What is new, as it comes; nothing new after a silence. Raises why there is no more; BegunAnew."""
        while not self.completion:
            job, piece = self.held.wait(self.news, lambda now: bool(now[1]) or now[0].ended_at is not None, ALIVE_S)
            self.completion = self.held.judged(job).completion
            yield piece

    def news(self) -> tuple[Job, str]:
        """The job, and what there is of its text beyond what was sent, which counts as sent then."""
        job = self.held.job()
        if job.fence != self.fence:
            self.fence, self.number, self.told = job.fence, 0, ""
        if not job.completion:
            for number, entry in self.held.jobs.so_far(job, self.number):
                self.number, self.told = number, self.told + entry["text"]
        return job, self.beyond(job.completion.text if job.completion else self.told, whole=bool(job.completion))

    def beyond(self, text: str, whole: bool) -> str:
        if not whole and self.sent.startswith(text):
            return ""
        if not text.startswith(self.sent):
            raise BegunAnew
        new, self.sent = text[len(self.sent) :], text
        return new


def chunks(stream: Stream, shown: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The events. What fails before the first text, or the first silence, is raised here, and can be answered so."""
    pieces = stream.pieces()
    first = next(pieces)
    return events(stream, chain([first], pieces), Chunk(shown, with_usage))


class Chunk:
    """Writes events of one stream; `shown` is what all of them have."""

    def __init__(self, shown: dict[str, Any], with_usage: bool) -> None:
        self.shown = {**shown, "object": "chat.completion.chunk"}
        self.with_usage = with_usage

    def of(self, delta: dict[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**self.shown, "choices": [choice], **({"usage": None} if self.with_usage else {})})

    def last(self, completion: Completion) -> str:
        end = self.of({}, completion.finish_reason)
        counted = event({**self.shown, "choices": [], "usage": usage(completion)}) if self.with_usage else ""
        return f"{end}{counted}{DONE}"


def events(stream: Stream, pieces: Iterator[str], chunk: Chunk) -> Iterator[str]:
    try:
        yield chunk.of({"role": "assistant", "content": ""})
        for piece in pieces:
            yield chunk.of({"content": piece}) if piece else ": still here\n\n"
        if stream.completion:
            yield chunk.last(stream.completion)
    except WaijiaoError as error:
        yield failure(error)
    except RedisError:
        yield failure(Unavailable())


def failure(error: WaijiaoError) -> str:
    return event({"error": openai_error(error.http_status, error.code, error.detail)})


def usage(completion: Completion) -> dict[str, int]:
    prompt, answer = completion.prompt_tokens, completion.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
