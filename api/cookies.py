"""The cookie in which a page of our own shows its key, since <audio> and EventSource send no headers: decision 0010."""

from flask import request
from werkzeug.wrappers import Response

from pipeline.errors import ForeignOrigin

NAME = "waijiao_key"
REMEMBERED_S = 30 * 86_400  # seconds for which a browser that was told to remember the key keeps it
SAFE = {"GET", "HEAD", "OPTIONS"}  # methods that change nothing


def shown() -> str:
    """The key in the request's cookie, "" when there is none; ForeignOrigin when a page asks that is not ours."""
    key = request.cookies.get(NAME, "")
    if key:
        refuse_other_sites(origin_needed=request.method not in SAFE)
    return key


def refuse_other_sites(origin_needed: bool) -> None:
    """A browser sends the cookie whoever makes it ask: ForeignOrigin unless the page that does so is ours."""
    origin = request.headers.get("Origin")
    foreign = origin_needed if origin is None else not ours(origin)
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ForeignOrigin("With the cookie of a login only this server's own pages may ask; others show a key.")


def ours(origin: str) -> bool:
    """Whether a page of this origin is ours. Where we speak https, one of http may be anybody's on the way."""
    scheme, _, host = origin.partition("://")
    return bool(host) and host == request.host and (scheme == "https" or (scheme == "http" and not request.is_secure))


def keep(answer: Response, key: str, remember: bool) -> None:
    """Have the browser show the key from now on, until it is closed, or for REMEMBERED_S."""
    age = REMEMBERED_S if remember else None
    answer.set_cookie(NAME, key, max_age=age, secure=request.is_secure, httponly=True, samesite="Strict")


def drop(answer: Response) -> None:
    answer.delete_cookie(NAME, secure=request.is_secure, httponly=True, samesite="Strict")
