"""Who may do what: finds the caller of each request by its key, and refuses it before any view runs."""

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from api import cookies, here
from pipeline.errors import ForeignHost, ForeignOrigin, KeyMissing, KeyUnknown, RoleTooLow
from pipeline.keys import ROLES, Keys

OPEN, (LEARNER, TEACHER, ADMIN) = "open", ROLES
LEAST = {  # for every endpoint the least role; who may call it sees there only what is its own
    "static": OPEN,
    "health.alive": OPEN,
    "health.ready": OPEN,
    "metrics.metrics": ADMIN,
    "page.talk": OPEN,
    "page.homework": OPEN,
    "page.class_": OPEN,
    "page.house": OPEN,
    "page.service_worker": OPEN,
    "docs.openapi": OPEN,
    "docs.page": OPEN,
    "docs.file": OPEN,
    "login.look": OPEN,
    "login.enter": OPEN,
    "login.leave": OPEN,
    "capabilities.read": LEARNER,
    "jobs.submit": LEARNER,
    "jobs.browse": LEARNER,
    "jobs.read": LEARNER,
    "jobs.cancel": LEARNER,
    "jobs.remove": LEARNER,
    "jobs.try_again": TEACHER,
    "capacity.read": TEACHER,
    "assignments.create": TEACHER,
    "assignments.replace": TEACHER,
    "assignments.browse": TEACHER,
    "assignments.read": TEACHER,
    "assignments.erase": TEACHER,
    "submissions.hand_in": TEACHER,
    "reviewing.change": TEACHER,
    "reviewing.release": TEACHER,
    "reviewing.release_all": TEACHER,
    "rerunning.one": TEACHER,
    "rerunning.all_of": TEACHER,
    "export.export": TEACHER,
    "export.page": TEACHER,
    "lessons.submit": LEARNER,
    "lessons.browse": LEARNER,
    "lessons.read": LEARNER,
    "lessons.transcript": LEARNER,
    "lessons.report": LEARNER,
    "lessons.remove": LEARNER,
    "audio.audio": LEARNER,
    "archive.fetch": LEARNER,
    "events.events": LEARNER,
    "sessions.read": LEARNER,
    "sessions.erase": LEARNER,
    "sessions.reset": LEARNER,
    "transcriptions.transcribe": LEARNER,
    "chat.completions": LEARNER,
    "speech.speak": LEARNER,
    "models.browse": LEARNER,
    "models.read": LEARNER,
    "webhooks.deliveries": TEACHER,
    "webhooks.secret": ADMIN,
    "webhooks.rotate": ADMIN,
    "keys.browse": ADMIN,
    "keys.create": ADMIN,
    "keys.revoke": ADMIN,
}


def register(app: Flask) -> None:
    """From now on no view of the application runs for somebody who may not call it."""
    app.extensions["keys"] = Keys(app.extensions["jobs"].redis)
    app.before_request(admit)
    app.after_request(challenge)


def admit() -> None:
    """Let the request through to its view, or raise what is wrong with it."""
    needed = here.settings().keys
    if not needed:
        refuse_other_sites()
    if request.endpoint is None or request.method == "OPTIONS":  # there is no view to protect
        return
    least = LEAST.get(request.endpoint)
    if least == OPEN:
        return
    if needed:
        g.caller = caller()
    if least is None or ROLES.index(here.caller().role) < ROLES.index(least):
        raise RoleTooLow(f"This needs the key of {least or 'nobody: api/access.py does not know it'}.")


def caller() -> here.Caller:
    """Whose key the request shows, in its header or else in a cookie. KeyMissing, KeyUnknown, ForeignOrigin."""
    header = request.authorization
    if header is not None and header.type == "bearer" and header.token:
        return holder(header.token)
    cookie = cookies.shown()
    if not cookie:
        raise KeyMissing
    try:
        return holder(cookie)
    except KeyUnknown:
        g.cookie_is_stale = True
        raise


def holder(text: str) -> here.Caller:
    """Whose key this is; KeyUnknown."""
    key = current_app.extensions["keys"].find(text)
    if key is None:
        raise KeyUnknown
    return here.Caller(key.tenant, key.role, key.id, key.name)


def visitor() -> here.Caller | None:
    """Who asks, where everybody may; None for somebody whose key is needed and not good."""
    try:
        return caller() if here.settings().keys else here.caller()
    except (KeyMissing, KeyUnknown):
        return None


def refuse_other_sites() -> None:
    """Where no key is needed, a page of another site could use the server through the browser of who visits it.

    Its origin gives it away, unless its own name was made to mean this machine (DNS rebinding); then its name does.
    """
    if not is_loopback(request.host):
        raise ForeignHost
    origin = request.headers.get("Origin")
    if origin not in (None, f"{request.scheme}://{request.host}", *here.settings().origins):
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
        cookies.drop(answer)
    return answer
