"""Refuses a recording that is larger than the server accepts before it is sent, and says what to do.

The limits are those of /v1/capabilities. Where they cannot be read, the recording is sent, and the server decides.
"""

import io

import httpx

from pipeline.errors import TooLarge
from waijiao.client.transport import UPLOAD_NAME, LimitName, Reply, Request, parse_problem, response_error

MB = 1_000_000  # bytes
SMALL_BYTES = MB  # a recording of this size is sent without asking for the limits: none is lower
LIMITS_REQUEST = Request("GET", "/v1/capabilities")
ADVICE: dict[LimitName, str] = {
    "upload_mb": "Record in a compressed format, such as mp3 or ogg, or shorter.",
    "lesson_mb": "Save it in a compressed format, such as mp3 or m4a, or divide it.",
    "hand_in_mb": "Put the recordings into several ZIP files, or hand in the folder that they are in.",
}


def measure_large(request: Request) -> int:
    """The bytes of the request's recording; 0 if they are few, or not known before they are sent."""
    if request.recording is None:
        return 0
    with request.recording() as file:
        if not file.seekable():
            return 0
        position = file.tell()
        size = file.seek(0, io.SEEK_END)
        file.seek(position)
    return size if size > SMALL_BYTES else 0


def check_size(request: Request, size: int, reply: Reply) -> None:
    """Raise TooLarge if a recording of `size` bytes exceeds the limits in the reply to LIMITS_REQUEST.

    KeyMissing or KeyUnknown is raised, too: the recording would be refused for the same reason.
    """
    if not isinstance(reply, httpx.Response):
        return
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        raise response_error(reply)
    most_mb = read_limit(reply, request.limit) if reply.is_success else None
    if most_mb is not None and size > most_mb * MB:
        name = "The recording" if request.file_name == UPLOAD_NAME else request.file_name
        detail = f"{name} has {size / MB:,.1f} MB; this server accepts at most {most_mb:,} MB."
        raise TooLarge(f"{detail} Nothing was sent. {ADVICE[request.limit]}")


def read_limit(response: httpx.Response, name: LimitName) -> int | None:
    """The limit in megabytes; None when the response does not have it, as from an older server."""
    limits = parse_problem(response).get("limits")
    value = limits.get(name) if isinstance(limits, dict) else None
    return value if isinstance(value, int) else None
