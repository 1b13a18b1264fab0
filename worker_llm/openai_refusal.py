"""What an OpenAI-compatible server's refusal means. Its words may repeat what learners said: no log has them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import httpx

from pipeline.errors import BadRequest, EngineFailed, PromptTooLong, Unavailable, WaijiaoError

MOST_BYTES = 65_536  # of a refusal that are read
# Fields without which an answer is still one: the last resort of models that know no other temperature, for example.
DISPENSABLE = ("chat_template_kwargs", "stream_options", "seed", "top_p", "temperature", "stop", "max_tokens")
NOT_KNOWN = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|extra|not (?:permitted|allowed|supported)|(?:does|is) not support",
    re.IGNORECASE,
)
TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|maximum model length|too many tokens|prompt is too long|exceed_context",
    re.IGNORECASE,
)
SPENT = "insufficient_quota"  # OpenAI's code: no waiting helps


@dataclass(frozen=True)
class Refusal:
    """A status, 0 within a stream that had begun; the error's words; seconds after which to try again, if it says."""

    status: int
    kind: str = ""  # the error's type and code
    about: str = ""  # the field that it names
    message: str = ""
    after_s: float = 0

    @property
    def wordless(self) -> str:
        """For a log."""
        return " ".join(filter(None, (f"status {self.status}", self.kind, self.about)))

    @property
    def whole(self) -> str:
        """For whoever set the server up, when no learner has said anything yet."""
        return f"{self.wordless} {self.message[:300]}".strip()

    @property
    def too_long(self) -> bool:
        return self.status in {0, 400, 413, 422} and bool(TOO_LONG.search(f"{self.kind} {self.message}"))

    @property
    def passing(self) -> bool:
        """Whether the same may be answered a little later."""
        return (self.status == 429 or self.status >= 500) and SPENT not in self.kind

    def unknown_field(self, request: Mapping[str, Any]) -> str | None:
        """The field of the request that this server does not know and can do without."""
        if self.status not in {400, 422} or not NOT_KNOWN.search(f"{self.kind} {self.message}"):
            return None
        sent = [field for field in DISPENSABLE if field in request]
        if self.about in sent:
            return self.about
        return next((field for field in sent if re.search(rf"\b{field}\b", self.message)), None)

    @property
    def error(self) -> WaijiaoError:
        """What the learner is told."""
        if self.too_long:
            return PromptTooLong()
        if self.status == 429 or self.status >= 500:
            return Unavailable("The language model's server is busy or down; try again.", max(1, self.after_s))
        if self.status in {400, 422}:
            return BadRequest("The language model's server does not take this request; the worker's log has its code.")
        return EngineFailed()


class Refused(Exception):
    """Raised when the server refuses what it was asked."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.wordless)
        self.refusal = refusal


async def read(answer: httpx.Response) -> Refusal:
    """The refusal in an answer that is not good."""
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > MOST_BYTES:
            break
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    after_s = seconds(answer.headers.get("Retry-After", ""))
    return refusal(answer.status_code, said if isinstance(said, dict) else {}, after_s)


def refusal(status: int, said: Mapping[str, Any], after_s: float = 0) -> Refusal:
    """Of {"error": {"message", "type", "code", "param"}}, or of the same without `error`, or of other JSON.

    Within a stream, whose status was good, a `code` may be the status.
    """
    error = said.get("error", said)
    if not isinstance(error, dict):
        return Refusal(status, message=str(error), after_s=after_s)
    code = error.get("code")
    if not status and isinstance(code, int) and 400 <= code < 600:
        status = code
    kind = " ".join(str(error[name]) for name in ("type", "code") if error.get(name))
    message = error.get("message", error.get("detail", error))
    return Refusal(status, kind[:100], str(error.get("param") or "")[:100], str(message), after_s)


def seconds(retry_after: str) -> float:
    """Seconds of the header Retry-After, which may be a date; 0 when it says nothing that can be read."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except ValueError:
        return 0
