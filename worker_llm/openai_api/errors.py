"""What an OpenAI-compatible server's error response means.

Its message may repeat what learners said, so no log and no exception's text contains it.
"""

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, Self

import httpx

from pipeline.errors import BadRequest, EngineFailed, PromptTooLong, Unavailable, WaijiaoError

MAX_BODY_BYTES = 65_536  # of an error response that are read
# Fields that may be dropped from a request, the least important first: the last ones change the answer, yet some models
# support only one temperature, for example.
OPTIONAL_FIELDS = ("chat_template_kwargs", "stream_options", "seed", "top_p", "temperature", "stop", "max_tokens")
UNSUPPORTED_PATTERN = re.compile(
    r"unsupported|unrecogni[sz]ed|unknown|unexpected|extra|not (?:permitted|allowed|supported)|(?:does|is) not support",
    re.IGNORECASE,
)
CONTEXT_LENGTH_PATTERN = re.compile(
    r"context[ _](?:length|size|window)|maximum model length|too many tokens|prompt is too long|exceed_context",
    re.IGNORECASE,
)
INSUFFICIENT_QUOTA = "insufficient_quota"  # OpenAI's code for a spent quota, which waiting does not restore


class ApiError(Exception):
    """Raised when the server answers a request with an error.

    `status` is the HTTP status, or 0 for an error within a stream that had begun. `kind` is the error's type and code,
    `param` the field that it names, `retry_after_s` the seconds to wait before a retry, if the server says so.
    """

    def __init__(
        self, status: int, kind: str = "", param: str = "", message: str = "", retry_after_s: float = 0
    ) -> None:
        super().__init__(" ".join(filter(None, (f"status {status}", kind, param))))
        self.status, self.kind, self.param = status, kind, param
        self.message, self.retry_after_s = message, retry_after_s

    @classmethod
    async def from_response(cls, response: httpx.Response) -> Self:
        """From a streamed response whose status is not 200."""
        body = b""
        async for data in response.aiter_bytes():
            body += data
            if len(body) > MAX_BODY_BYTES:
                break
        try:
            content = json.loads(body)
        except ValueError:
            content = {}
        retry_after_s = parse_retry_after(response.headers.get("Retry-After", ""))
        return cls.from_json(response.status_code, content if isinstance(content, dict) else {}, retry_after_s)

    @classmethod
    def from_json(cls, status: int, content: Mapping[str, Any], retry_after_s: float = 0) -> Self:
        """From {"error": {"message", "type", "code", "param"}}, or the same without `error`, or other JSON.

        Within a stream, where `status` is 0, `code` may be the status.
        """
        error = content.get("error", content)
        if not isinstance(error, dict):
            return cls(status, message=str(error), retry_after_s=retry_after_s)
        code = error.get("code")
        if not status and isinstance(code, int) and 400 <= code < 600:
            status = code
        kind = " ".join(str(error[name]) for name in ("type", "code") if error.get(name))
        message = error.get("message", error.get("detail", error))
        return cls(status, kind[:100], str(error.get("param") or "")[:100], str(message), retry_after_s)

    @property
    def full_text(self) -> str:
        """With the server's message, for the operator: only where no learner has said anything yet."""
        return f"{self} {self.message[:300]}".strip()

    @property
    def is_context_exceeded(self) -> bool:
        text = f"{self.kind} {self.message}"
        return self.status in {0, 400, 413, 422} and bool(CONTEXT_LENGTH_PATTERN.search(text))

    @property
    def is_overloaded(self) -> bool:
        return self.status == 429 or self.status >= 500

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.is_overloaded and INSUFFICIENT_QUOTA not in self.kind

    def find_unsupported_field(self, request: Mapping[str, Any]) -> str | None:
        """The field of the request that the server does not support, if the request makes sense without it."""
        if self.status not in {400, 422} or not UNSUPPORTED_PATTERN.search(f"{self.kind} {self.message}"):
            return None
        candidates = [field for field in OPTIONAL_FIELDS if field in request]
        if self.param in candidates:
            return self.param
        return next((field for field in candidates if re.search(rf"\b{field}\b", self.message)), None)

    def to_waijiao_error(self) -> WaijiaoError:
        """The error that the learner sees."""
        if self.is_context_exceeded:
            return PromptTooLong()
        if self.is_overloaded:
            return Unavailable("The language model's server is busy or down; try again.", max(1, self.retry_after_s))
        if self.status in {400, 422}:
            return BadRequest("The language model's server rejects this request; the worker's log has its error code.")
        return EngineFailed()


def parse_retry_after(value: str) -> float:
    """Seconds of a Retry-After header, which may be a date; 0 when it is missing or malformed."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return 0
