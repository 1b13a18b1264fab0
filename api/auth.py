"""Who may do what: finds the caller of each request by its key or cookie, and refuses it before any view runs.

Pages of our own show their key in a cookie, since <audio> and EventSource send no headers: decision 0010.
"""

import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from api import context
from pipeline.api_keys import ROLES, Keys
from pipeline.errors import ForeignHost, ForeignOrigin, KeyMissing, KeyUnknown, RoleTooLow

OPEN, (LEARNER, TEACHER, ADMIN) = "open", ROLES  # the least role that may call a view
COOKIE_NAME = "waijiao_key"
REMEMBERED_S = 30 * 86_400  # seconds for which a browser that was told to remember the key keeps it
View = TypeVar("View", bound=Callable[..., Any])
SAFE = {"GET", "HEAD", "OPTIONS"}  # methods that change nothing


def read_cookie() -> str:
    """The key in the request's cookie, "" when there is none; ForeignOrigin when a page asks that is not ours."""
    key = request.cookies.get(COOKIE_NAME, "")
    if key:
        refuse_cross_site_cookie(origin_needed=request.method not in SAFE)
    return key


def refuse_cross_site_cookie(origin_needed: bool) -> None:
    """A browser sends the cookie whoever makes it ask: ForeignOrigin unless the page that does so is ours."""
    origin = request.headers.get("Origin")
    foreign = origin_needed if origin is None else not is_same_origin(origin)
    if foreign or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise ForeignOrigin("With the cookie of a login only this server's own pages may ask; others show a key.")


def is_same_origin(origin: str) -> bool:
    """Whether a page of this origin is ours. Where we speak https, one of http may be anybody's on the way."""
    scheme, _, host = origin.partition("://")
    return bool(host) and host == request.host and (scheme == "https" or (scheme == "http" and not request.is_secure))


def set_cookie(answer: Response, key: str, remember: bool) -> None:
    """Have the browser show the key from now on, until it is closed, or for REMEMBERED_S."""
    age = REMEMBERED_S if remember else None
    answer.set_cookie(COOKIE_NAME, key, max_age=age, secure=request.is_secure, httponly=True, samesite="Strict")


def drop_cookie(answer: Response) -> None:
    answer.delete_cookie(COOKIE_NAME, secure=request.is_secure, httponly=True, samesite="Strict")


def requires(role: str) -> Callable[[View], View]:
    """Say on a view the least role that may call it; OPEN for everybody. A view without it is refused to everybody."""

    def mark(view: View) -> View:
        view.least_role = role  # type: ignore[attr-defined]
        return view

    return mark


def least_role(app: Flask, endpoint: str) -> str | None:
    """The role that an endpoint's view requires; None when it names none, so that nobody may call it."""
    if endpoint == "static":
        return OPEN
    return getattr(app.view_functions[endpoint], "least_role", None)


def register(app: Flask) -> None:
    """From now on no view of the application runs for somebody who may not call it."""
    app.extensions["keys"] = Keys(app.extensions["jobs"].redis)
    app.before_request(authorize)
    app.after_request(challenge)


def authorize() -> None:
    """Let the request through to its view, or raise what is wrong with it."""
    needed = context.settings().keys
    if not needed:
        refuse_other_sites()
    if request.endpoint is None or request.method == "OPTIONS":  # there is no view to protect
        return
    least = least_role(current_app, request.endpoint)
    if least == OPEN:
        return
    if needed:
        g.caller = caller()
    if least is None or ROLES.index(context.caller().role) < ROLES.index(least):
        raise RoleTooLow(f"This needs the key of {least or 'nobody: api/auth.py does not know it'}.")


def caller() -> context.Caller:
    """Whose key the request shows, in its header or else in a cookie. KeyMissing, KeyUnknown, ForeignOrigin."""
    header = request.authorization
    if header is not None and header.type == "bearer" and header.token:
        return holder(header.token)
    cookie = read_cookie()
    if not cookie:
        raise KeyMissing
    try:
        return holder(cookie)
    except KeyUnknown:
        g.cookie_is_stale = True
        raise


def holder(text: str) -> context.Caller:
    """Whose key this is; KeyUnknown."""
    key = current_app.extensions["keys"].find(text)
    if key is None:
        raise KeyUnknown
    return context.Caller(key.tenant, key.role, key.id, key.name)


def visitor() -> context.Caller | None:
    """Who asks, where everybody may; None for somebody whose key is needed and not good."""
    try:
        return caller() if context.settings().keys else context.caller()
    except (KeyMissing, KeyUnknown):
        return None


def refuse_other_sites() -> None:
    """Where no key is needed, a page of another site could use the server through the browser of who visits it.

    Its origin gives it away, unless its own name was made to mean this machine (DNS rebinding); then its name does.
    """
    if not is_loopback(request.host):
        raise ForeignHost
    origin = request.headers.get("Origin")
    if origin not in (None, f"{request.scheme}://{request.host}", *context.settings().origins):
        raise ForeignOrigin


def is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def challenge(answer: Response) -> Response:
    if answer.status_code == KeyMissing.http_status:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if g.get("cookie_is_stale"):
        drop_cookie(answer)
    return answer
