"""/v1/login: a page of our own shows a key once, and its browser shows it from then on, in a cookie."""

from typing import Any

from flask import Blueprint, jsonify
from pydantic import ConfigDict, Field
from werkzeug.wrappers import Response

from api import auth, context
from api.auth import OPEN, requires
from api.jobs.schemas import Asking
from api.openapi import answers
from pipeline.errors import ForeignOrigin, KeyUnknown
from pipeline.schemas import jobs as job_schemas

routes = Blueprint("login", __name__)


class LoggingIn(Asking):
    """A key that is to be remembered."""

    model_config = ConfigDict(strict=True)

    key: str = Field(max_length=256, description="a key that `waijiao key create` made")
    remember: bool = Field(False, description="true to stay logged in for 30 days; else until the browser is closed")


@routes.get("/v1/login")
@requires(OPEN)
@answers("login", {200: job_schemas.Login}, ForeignOrigin)
def look() -> Response:
    """Whether a key is needed here, and who asks: null for somebody who shows none that is good."""
    return jsonify(shown(auth.visitor()))


@routes.post("/v1/login")
@requires(OPEN)
@answers("login", {200: job_schemas.Login}, KeyUnknown, ForeignOrigin)
def enter(json: LoggingIn) -> Response:
    """Set the cookie `waijiao_key`, which opens to pages of this server what the key opens. A Bearer key wins."""
    auth.refuse_cross_site_cookie(origin_needed=False)
    if not context.settings().keys:
        return jsonify(shown(context.caller()))
    key = json.key.strip()
    answer = jsonify(shown(auth.holder(key)))
    auth.set_cookie(answer, key, json.remember)
    return answer


@routes.delete("/v1/login")
@requires(OPEN)
@answers("login", {204: None}, ForeignOrigin)
def leave() -> Response:
    """Remove the cookie. The key stays good; an administrator revokes it."""
    auth.refuse_cross_site_cookie(origin_needed=bool(auth.read_cookie()))
    answer = Response(status=204)
    auth.drop_cookie(answer)
    return answer


def shown(caller: context.Caller | None) -> dict[str, Any]:
    known = caller and {
        "id": caller.key or None,
        "role": caller.role,
        "name": caller.name or None,
        "tenant": caller.tenant,
    }
    return {"keys_needed": context.settings().keys, "caller": known}
