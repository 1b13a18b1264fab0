"""A chat's text as server-sent events, while it is written: OpenAI's chat.completion.chunk, one after the other."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

from flask import Blueprint, jsonify
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.error_handlers import openai_error
from api.jobs.parser import ParsedRequest
from api.jobs.schemas import ChatRequest
from api.openai import run_job
from api.openai.models import asked_for
from api.openai.run_job import PendingJob
from api.openapi import answers
from pipeline.errors import BadRequest, BegunAnew, PromptTooLong, Unavailable, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Completion
from pipeline.schemas import jobs as job_schemas

ALIVE_S = 15.0  # seconds of silence after which a comment keeps proxies from closing the stream
DONE = "data: [DONE]\n\n"


class Stream:
    """The text as one client gets it: nothing is said twice, though a worker died and another one began anew."""

    def __init__(self, held: PendingJob) -> None:
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
            for number, entry in self.held.jobs.partial_results(job, self.number):
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


LETTERS = 32  # characters of a token at most, of all tokens on average: more messages than that fit no context

routes = Blueprint("chat", __name__)


@routes.post("/v1/chat/completions")
@requires(LEARNER)
@answers(
    "chat",
    {200: (job_schemas.ChatCompletion, "text/event-stream")},
    *run_job.REFUSALS,
    PromptTooLong,
    *run_job.FAILURES,
    BegunAnew,
)
def completions(json: ChatRequest) -> Response:
    """How the language model goes on with the messages.

    With `stream`, its text comes as server-sent events, each a chat.completion.chunk, and `[DONE]` at the end; an event
    with `error` ends it early. What OpenAI's API has beside the fields below is refused: tools, several answers, …
    """
    if json.stream_options and not json.stream:
        raise BadRequest("`stream_options` goes with stream.", field="stream_options")
    model = asked_for("llm", json.model)
    job_request = run_job.single_model_request("chat", details=details(json))
    shown = {"id": f"chatcmpl-{job_request.id}", "created": int(time.time()), "model": model}
    with ExitStack() as waiting:
        held = waiting.enter_context(run_job.submitted(ParsedRequest(job_request)))
        if not json.stream:
            return jsonify({**shown, "object": "chat.completion", **whole(held.answered(Completion))})
        with_usage = bool(json.stream_options and json.stream_options.include_usage)
        answer = Response(chunks(Stream(held), shown, with_usage), mimetype="text/event-stream")
        answer.call_on_close(waiting.pop_all().close)  # when all is sent, and when the client has gone
    answer.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return answer


def details(fields: ChatRequest) -> dict[str, Any]:
    """What the language model's worker is told."""
    messages = [
        {"role": "system" if each.role == "developer" else each.role, "content": each.text} for each in fields.messages
    ]
    if sum(len(each["content"]) for each in messages) > LETTERS * context.settings().llm_context:
        raise PromptTooLong(
            f"The messages are too long: {context.settings().llm_context} tokens fit.", field="messages"
        )
    stop = [fields.stop] if isinstance(fields.stop, str) else fields.stop
    return {
        "messages": messages,
        "max_tokens": fields.max_completion_tokens or fields.max_tokens,
        "temperature": fields.temperature,
        "top_p": fields.top_p,
        "seed": fields.seed,
        "stop": stop or [],
    }


def whole(completion: Completion) -> dict[str, Any]:
    message = {"role": "assistant", "content": completion.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": completion.finish_reason}
    return {"choices": [choice], "usage": usage(completion)}
