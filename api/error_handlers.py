"""Every error as application/problem+json (RFC 9457), with a stable `code` and whether a retry may succeed."""

import logging
import math
from contextlib import suppress

from flask import Flask, current_app, request
from redis.exceptions import RedisError
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from api.middleware import MB
from api.slow_clients import stop_reading
from pipeline.disk_space import DISK_FULL_ERRORS, RETRY_AFTER_S
from pipeline.errors import DiskFull, TooLarge, Unavailable, WaijiaoError, safe_traceback

log = logging.getLogger("waijiao")
OPENAI_PATHS = ("/v1/audio/", "/v1/chat/", "/v1/models")  # paths whose errors OpenAI's clients understand as well
OPENAI_ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
RETRYABLE_STATUSES = {408, 429, 503}  # the request had no effect and may be sent again


def problem(error: WaijiaoError) -> Response:
    """The response that shows `error`."""
    answer = document(error.http_status, error.code, error.detail, error.retryable, error.field)
    if error.retryable and error.http_status in {409, 429, 503, 507}:
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    return answer


def document(status: int, code: str, detail: str, retryable: bool, field: str = "") -> Response:
    title = code.replace("_", " ").capitalize()
    fields = {"type": f"urn:waijiao:error:{code}", "title": title, "status": status, "detail": detail}
    fields |= {"code": code, "retryable": retryable}
    as_openai = request.path.startswith(OPENAI_PATHS)
    if as_openai:
        fields["error"] = openai_error(status, code, detail, field)
    answer = Response(current_app.json.dumps(fields), status, mimetype="application/problem+json")
    if as_openai:  # OpenAI's clients would otherwise repeat every failure, which was already retried here
        answer.headers["X-Should-Retry"] = "true" if retryable and status in RETRYABLE_STATUSES else "false"
    return answer


def openai_error(status: int, code: str, detail: str, field: str = "") -> dict[str, str | None]:
    """An error in the form of OpenAI's API."""
    error_type = "server_error" if status >= 500 else OPENAI_ERROR_TYPES.get(status, "invalid_request_error")
    return {"message": detail, "type": error_type, "code": code, "param": field or None}


def register(app: Flask) -> None:
    """Have every error of the application handled by the functions below."""
    app.register_error_handler(WaijiaoError, problem)
    app.register_error_handler(RedisError, redis_unavailable)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(ClientDisconnected, client_disconnected)
    app.register_error_handler(Exception, unexpected_error)


def redis_unavailable(error: RedisError) -> Response:
    log.warning("Redis: %s", error)
    detail = "The server cannot reach its job store, or cannot write to it. Try again, with the same Idempotency-Key."
    return problem(Unavailable(detail))


def http_error(error: HTTPException) -> Response:
    if isinstance(error, RequestEntityTooLarge):
        return problem(TooLarge(describe_excess()))
    answer = document(error.code or 500, error.name.lower().replace(" ", "_"), error.description or error.name, False)
    for name, value in error.get_headers():
        if name == "Allow":
            answer.headers[name] = value
    return answer


def describe_excess() -> str:
    """Why werkzeug refused the request as too large: its size, a text field of a form, or the number of its parts."""
    limit, memory = request.max_content_length or 0, request.max_form_memory_size or 0
    if request.content_length is None or request.content_length > limit:
        return f"The upload is larger than {limit // MB} MB."
    return f"The form has more than {request.max_form_parts} parts, or more than {memory // 1000} kB of text."


def client_disconnected(error: ClientDisconnected) -> Response:
    """The client left or went silent. Stop reading: closing the connection would wait for it and block others."""
    if connection := request.environ.get("gunicorn.socket"):
        with suppress(OSError):  # it is closed already
            stop_reading(connection)
    return document(408, "upload_stopped", "The upload stopped too early. Nothing was accepted; try again.", True)


def unexpected_error(error: Exception) -> Response:
    if isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS:
        log.warning("the disk is full: %s", error)
        return problem(DiskFull(retry_after_s=RETRY_AFTER_S))
    log.error("a request failed: %s", safe_traceback(error))
    return document(500, "internal", "The server failed on this request; its log has the cause.", True)
