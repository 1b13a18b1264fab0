"""/v1/chat/completions: the language model by itself, as OpenAI's API has it."""

import time
from contextlib import ExitStack
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import alone, here
from api.asking import ChatRequest
from api.chat_stream import Stream, chunks, usage
from api.model_list import asked_for
from api.questions import Asked
from api.spec import answers
from pipeline import shapes
from pipeline.errors import BadRequest, BegunAnew, PromptTooLong
from pipeline.turns import Completion

LETTERS = 32  # characters of a token at most, of all tokens on average: more messages than that fit no context

routes = Blueprint("chat", __name__)


@routes.post("/v1/chat/completions")
@answers(
    "chat",
    {200: (shapes.ChatCompletion, "text/event-stream")},
    *alone.REFUSALS,
    PromptTooLong,
    *alone.FAILURES,
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
    question = alone.question("chat", details=details(json))
    shown = {"id": f"chatcmpl-{question.id}", "created": int(time.time()), "model": model}
    with ExitStack() as waiting:
        held = waiting.enter_context(alone.submitted(Asked(question)))
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
    if sum(len(each["content"]) for each in messages) > LETTERS * here.settings().llm_context:
        raise PromptTooLong(f"The messages are too long: {here.settings().llm_context} tokens fit.", field="messages")
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
