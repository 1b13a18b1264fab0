"""/v1/chat/completions: the language model alone, as in OpenAI's API; streamed as chat.completion.chunk events."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Any

from flask import Blueprint, jsonify
from redis.exceptions import RedisError
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.error_handlers import openai_error
from api.jobs.parser import ParsedRequest
from api.jobs.schemas import ChatRequest
from api.openai import run_job
from api.openai.models import resolve_model
from api.openai.run_job import PendingJob
from api.openapi import answers
from pipeline.errors import AnswerRestarted, BadRequest, PromptTooLong, Unavailable, WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Completion
from pipeline.schemas import openai as openai_schemas

KEEPALIVE_S = 15.0  # seconds of silence after which a comment keeps proxies from closing the stream
DONE_EVENT = "data: [DONE]\n\n"
MAX_TOKEN_CHARS = 32  # characters per token, on average at most: longer messages cannot fit the context

routes = Blueprint("chat", __name__)


class Stream:
    """The text as one client receives it: no piece is sent twice, even if another worker starts again."""

    def __init__(self, pending_job: PendingJob) -> None:
        self.pending_job = pending_job
        self.sent_text = ""
        self.fence, self.number, self.text = "", 0, ""  # the latest attempt, its number of entries, and their text
        self.completion: Completion | None = None

    def read_pieces(self) -> Iterator[str]:
        """New text as it arrives; "" after a silence. Raises AnswerRestarted, or the error that the job ended with."""
        while not self.completion:
            job, piece = self.pending_job.wait(self.poll, has_news, KEEPALIVE_S)
            self.pending_job.raise_failure(job)
            self.completion = job.completion
            yield piece

    def poll(self) -> tuple[Job, str]:
        """The job, and its text that was not sent yet, which counts as sent from now on."""
        job = self.pending_job.read_job()
        if job.fence != self.fence:
            self.fence, self.number, self.text = job.fence, 0, ""
        if not job.completion:
            for number, entry in self.pending_job.jobs.partial_results(job, self.number):
                self.number, self.text = number, self.text + entry["text"]
        return job, self.advance(job.completion.text if job.completion else self.text, complete=bool(job.completion))

    def advance(self, text: str, complete: bool) -> str:
        """The part of `text` that was not sent yet; "" while a new attempt repeats what was sent."""
        if not complete and self.sent_text.startswith(text):
            return ""
        if not text.startswith(self.sent_text):
            raise AnswerRestarted
        piece, self.sent_text = text[len(self.sent_text) :], text
        return piece


def has_news(update: tuple[Job, str]) -> bool:
    job, piece = update
    return bool(piece) or job.ended_at is not None


def stream_events(stream: Stream, fields: dict[str, Any], with_usage: bool) -> Iterator[str]:
    """The events of a stream. An error before the first text, or the first silence, is raised here."""
    pieces = stream.read_pieces()
    first = next(pieces)
    return write_events(stream, chain([first], pieces), ChunkWriter(fields, with_usage))


class ChunkWriter:
    """Writes the events of one stream; all of them have `fields`."""

    def __init__(self, fields: dict[str, Any], with_usage: bool) -> None:
        self.fields = {**fields, "object": "chat.completion.chunk"}
        self.with_usage = with_usage

    def format_delta(self, delta: dict[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return format_event({**self.fields, "choices": [choice], **({"usage": None} if self.with_usage else {})})

    def format_end(self, completion: Completion) -> str:
        events = self.format_delta({}, completion.finish_reason)
        if self.with_usage:
            events += format_event({**self.fields, "choices": [], "usage": count_usage(completion)})
        return events + DONE_EVENT


def write_events(stream: Stream, pieces: Iterator[str], writer: ChunkWriter) -> Iterator[str]:
    try:
        yield writer.format_delta({"role": "assistant", "content": ""})
        for piece in pieces:
            yield writer.format_delta({"content": piece}) if piece else ": still here\n\n"
        if stream.completion:
            yield writer.format_end(stream.completion)
    except WaijiaoError as error:
        yield format_failure(error)
    except RedisError:
        yield format_failure(Unavailable())
    except ClientDisconnected:
        return


def format_failure(error: WaijiaoError) -> str:
    return format_event({"error": openai_error(error.http_status, error.code, error.detail)})


def count_usage(completion: Completion) -> dict[str, int]:
    prompt, answer = completion.prompt_tokens, completion.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def format_event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


@routes.post("/v1/chat/completions")
@requires(LEARNER)
@answers(
    "chat",
    {200: (openai_schemas.ChatCompletion, "text/event-stream")},
    *run_job.REFUSALS,
    PromptTooLong,
    *run_job.FAILURES,
    AnswerRestarted,
)
def completions(json: ChatRequest) -> Response:
    """Continue a chat with the language model.

    With `stream`, its text comes as server-sent events, each a chat.completion.chunk, and `[DONE]` at the end; an event
    with `error` ends it early. Other fields of OpenAI's API are refused: tools, several answers, …
    """
    if json.stream_options and not json.stream:
        raise BadRequest("`stream_options` goes with stream.", field="stream_options")
    model = resolve_model("llm", json.model)
    job_request = run_job.build_request("chat", details=model_parameters(json))
    fields = {"id": f"chatcmpl-{job_request.id}", "created": int(time.time()), "model": model}
    with ExitStack() as stack:
        pending_job = stack.enter_context(run_job.submit(ParsedRequest(job_request)))
        if not json.stream:
            completion = pending_job.wait_for_result(Completion)
            return jsonify({**fields, "object": "chat.completion", **show_completion(completion)})
        with_usage = bool(json.stream_options and json.stream_options.include_usage)
        answer = Response(stream_events(Stream(pending_job), fields, with_usage), mimetype="text/event-stream")
        answer.call_on_close(stack.pop_all().close)  # when everything is sent, or the client has disconnected
    answer.headers.update({"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    return answer


def model_parameters(fields: ChatRequest) -> dict[str, Any]:
    """What the language model's worker gets."""
    messages = [
        {"role": "system" if each.role == "developer" else each.role, "content": each.text} for each in fields.messages
    ]
    if sum(len(each["content"]) for each in messages) > MAX_TOKEN_CHARS * context.settings().llm_context:
        raise PromptTooLong(
            f"The messages are too long: {context.settings().llm_context} tokens fit.", field="messages"
        )
    stop = [fields.stop] if isinstance(fields.stop, str) else fields.stop
    return {
        "messages": messages,
        "max_tokens": token_limit(fields),
        "temperature": fields.temperature,
        "top_p": fields.top_p,
        "seed": fields.seed,
        "stop": stop or [],
    }


def token_limit(fields: ChatRequest) -> int | None:
    """The most tokens that the answer may have, if the request says so. BadRequest if a learner asks for too many.

    For teachers and administrators the model's context is the limit: the answer ends there.
    """
    name = "max_completion_tokens" if fields.max_completion_tokens else "max_tokens"
    limit: int | None = getattr(fields, name)
    most = context.settings().chat_tokens_learner
    if context.caller().role == LEARNER and limit and limit > most:
        raise BadRequest(f"`{name}` is too large: {limit}. A learner's key may ask for {most} tokens.", field=name)
    return limit


def show_completion(completion: Completion) -> dict[str, Any]:
    message = {"role": "assistant", "content": completion.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": completion.finish_reason}
    return {"choices": [choice], "usage": count_usage(completion)}
