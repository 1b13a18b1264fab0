"""Access control: finds the caller of each request by its key or login, and refuses it before any view runs.

Pages of our own log in and show a cookie, since <audio> and EventSource send no headers: decision 0010.
"""

import ipaddress
from collections.abc import Callable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from api import context
from pipeline.api_keys import ROLES, Key, Keys
from pipeline.errors import ForeignHost, ForeignOrigin, KeyMissing, KeyUnknown, RoleTooLow
from pipeline.logins import Logins

OPEN, (LEARNER, TEACHER, ADMIN) = "open", ROLES  # the least role that may call a view
COOKIE_NAME = "waijiao_login"
OLD_COOKIE_NAME = "waijiao_key"  # of version 0.1, which held the key itself
LOGIN_S = 86_400  # seconds that a login lasts at most, if the browser is not closed before
REMEMBER_S = 30 * 86_400  # the same, if the user chose to stay logged in, also when the browser is closed
View = TypeVar("View", bound=Callable[..., Any])
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}  # they change nothing


def read_cookie() -> str:
    """The login in the request's cookie, or "". ForeignOrigin when the request comes from a page of another site."""
    login = request.cookies.get(COOKIE_NAME, "")
    if login:
        refuse_cross_site_cookie(origin_needed=request.method not in SAFE_METHODS)
    return login


def refuse_cross_site_cookie(origin_needed: bool) -> None:
    """A browser sends the cookie with requests of any page. ForeignOrigin unless it is a page of ours."""
    origin = request.headers.get("Origin")
    foreign = origin_needed if origin is None else not is_same_origin(origin)
    if foreign or is_cross_site() or (is_same_site() and not is_navigation()):
        raise ForeignOrigin(
            "The login cookie is for this server's own pages; send the key in the Authorization header."
        )


def is_cross_site() -> bool:
    """Whether a browser says that a page of another site makes the request. All browsers do since March 2023."""
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def is_same_site() -> bool:
    """Whether a browser says that a neighbour makes it: another name below the same domain, or another port."""
    return request.headers.get("Sec-Fetch-Site") == "same-site"


def is_navigation() -> bool:
    """Whether the browser says that it opens a page for its user, such as by a link, and not in a frame."""
    return (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")) == ("navigate", "document")


def is_same_origin(origin: str) -> bool:
    """Whether a page of this origin is ours. If we use https, a page over http may have been forged on the way."""
    scheme, _, host = origin.partition("://")
    return bool(host) and host == request.host and (scheme == "https" or (scheme == "http" and not request.is_secure))


def begin_login(answer: Response, key_id: str, remember: bool) -> None:
    """Log the browser in, for LOGIN_S or until it is closed, or for REMEMBER_S; an earlier login of it ends."""
    logins().end(request.cookies.get(COOKIE_NAME, ""))
    login = logins().begin(key_id, REMEMBER_S if remember else LOGIN_S)
    answer.set_cookie(COOKIE_NAME, login, max_age=REMEMBER_S if remember else None, **cookie_options())


def end_login(answer: Response, login: str) -> None:
    """Log the browser out: whoever has a copy of its cookie is logged out too."""
    logins().end(login)
    drop_cookie(answer)


def drop_cookie(answer: Response) -> None:
    answer.delete_cookie(COOKIE_NAME, **cookie_options())


def cookie_options() -> dict[str, Any]:
    """Below a sub-path the cookie is sent with requests there only, not to others who share the host."""
    path = context.address("/")
    return {"path": path, "secure": request.is_secure, "httponly": True, "samesite": "Strict"}


def requires(role: str) -> Callable[[View], View]:
    """Declare the lowest role that may call a view, OPEN for everybody. Nobody may call a view without this."""

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
    """Check every request to the application before its view runs."""
    app.extensions["keys"] = Keys(app.extensions["jobs"].redis)
    app.extensions["logins"] = Logins(app.extensions["jobs"].redis)
    app.before_request(authorize)
    app.after_request(add_challenge)


def authorize() -> None:
    """Let the request pass, or raise the error that refuses it."""
    keys_needed = context.settings().keys
    if not keys_needed:
        refuse_other_sites()
    if request.endpoint is None or request.method == "OPTIONS":  # no view would run
        return
    least = least_role(current_app, request.endpoint)
    if least == OPEN:
        return
    if keys_needed:
        g.caller = authenticate()
    if least is None or ROLES.index(context.caller().role) < ROLES.index(least):
        raise RoleTooLow(f"This needs a key with at least the role {least}." if least else "No role may do this.")


def authenticate() -> context.Caller:
    """The caller, by the key in the request's header or else the login in its cookie. KeyMissing, KeyUnknown,
    ForeignOrigin.
    """
    header = request.authorization
    if header is not None and header.type == "bearer" and header.token:
        return caller_with_key(header.token)
    login = read_cookie()
    if not login:
        raise KeyMissing
    key = logins().find(login)
    if key is None:
        g.login_has_ended = True
        raise KeyUnknown("The login has ended: it was too long ago, or its key was revoked. Log in again.")
    return caller_with(key)


def caller_with_key(text: str) -> context.Caller:
    """The caller whose key this is. KeyUnknown."""
    key = current_app.extensions["keys"].find(text)
    if key is None:
        raise KeyUnknown
    return caller_with(key)


def caller_with(key: Key) -> context.Caller:
    return context.Caller(key.tenant, key.role, key.id, key.name)


def logins() -> Logins:
    return cast(Logins, current_app.extensions["logins"])


def current_caller() -> context.Caller | None:
    """The caller on a route that is open to everybody; None without a valid key where keys are needed."""
    try:
        return authenticate() if context.settings().keys else context.caller()
    except (KeyMissing, KeyUnknown):
        return None


def refuse_other_sites() -> None:
    """Without keys, a page of another site could use the server through its visitor's browser: refuse it.

    Its origin shows it, or its host name, if that was pointed to this machine (DNS rebinding). Images, sounds and
    scripts are loaded without an origin: the page cannot read them, but it can measure how long they take. It may only
    link to our pages.
    """
    if not is_loopback(request.host):
        raise ForeignHost
    if is_from_other_site():
        raise ForeignOrigin


def is_from_other_site() -> bool:
    """Whether a page that may not use this server makes the request."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin not in (f"{request.scheme}://{request.host}", *context.settings().origins)
    opens_page = request.endpoint is None or least_role(current_app, request.endpoint) == OPEN
    return (is_cross_site() or is_same_site()) and not (is_navigation() and opens_page)


def is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def add_challenge(answer: Response) -> Response:
    if answer.status_code == KeyMissing.http_status:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if g.get("login_has_ended"):
        drop_cookie(answer)
    if OLD_COOKIE_NAME in request.cookies and not request.script_root:
        answer.delete_cookie(OLD_COOKIE_NAME, **cookie_options())
    return answer
