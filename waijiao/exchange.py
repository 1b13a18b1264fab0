"""How the client's requests fare: which are sent again, and when; which errors are raised."""

import random
import time
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from pipeline.errors import WaijiaoError
from waijiao.answers import of_code
from waijiao.errors import Unreachable
from waijiao.request import Call, Reply, Request

AGAIN = {408, 429, 502, 503, 504}  # statuses of requests that came to nothing, unless the problem says otherwise
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
FIRST_S, LONGEST_S = 0.1, 2.0  # seconds between two attempts: at first, and at most, unless the server says more


@dataclass
class Exchange:
    """Requests to the server at `url` are sent again where that is safe; trouble may last for `patience_s` seconds."""

    url: str
    patience_s: float
    met: bool = field(default=False, init=False)  # somebody was there before: when nobody is, that will pass

    def sure(self, request: Request) -> Call[httpx.Response]:
        """A good answer to the request; else the error that the last attempt ended with is raised."""
        begun, pause = None, FIRST_S
        while True:
            reply = yield request
            if isinstance(reply, httpx.Response) and good(reply, request):
                self.met = True
                return reply
            error = self.error(reply)
            now = time.monotonic()
            begun = begun or now
            after_s = error.retry_after_s + random.uniform(pause / 2, pause)  # noqa: S311 - spreads clients, no secret
            if not self.may_help(request, reply) or now + after_s > begun + self.patience_s:
                raise error
            request = replace(request, after_s=after_s)
            pause = min(2 * pause, LONGEST_S)

    def may_help(self, request: Request, reply: Reply) -> bool:
        """Whether the same request may be sent again, and with hope."""
        if isinstance(reply, NEVER_SENT):
            return self.met
        self.met = True
        if isinstance(reply, httpx.Response):
            return request.repeatable and reply.status_code in AGAIN and refusal(reply).retryable
        return request.repeatable

    def error(self, reply: Reply) -> WaijiaoError:
        """What is raised when nothing better comes."""
        if isinstance(reply, httpx.Response):
            return refusal(reply)
        why = str(reply) or type(reply).__name__
        words = f"No server answers at {self.url} ({why})."
        error = Unreachable(f"{words} Start one with `waijiao up`, or name it with --url.", retry_after_s=0)
        error.__cause__ = reply
        return error


def good(answer: httpx.Response, request: Request) -> bool:
    return answer.is_success or (answer.status_code == request.good and "code" not in problem_in(answer))


def refusal(answer: httpx.Response) -> WaijiaoError:
    """The error that the server answers with, as the class of its code."""
    problem = problem_in(answer)
    detail = str(problem.get("detail") or answer.text[:200] or answer.reason_phrase)
    if answer.status_code == 401:
        detail += " Set WAIJIAO_KEY to it."
    code = str(problem.get("code", answer.status_code))
    error = of_code(code, detail, bool(problem.get("retryable", answer.status_code in AGAIN)), retry_after_s(answer))
    error.http_status = answer.status_code
    return error


def problem_in(answer: httpx.Response) -> dict[str, Any]:
    """The problem (RFC 9457) that the server says; empty when it was not ours that answered, but some proxy."""
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def retry_after_s(answer: httpx.Response) -> float:
    """Seconds until it is worth trying again; 0 when the server does not say, or says a date."""
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else 0
