"""/v1/login: a page of our own shows a key once, and its browser shows it from then on, in a cookie."""

from typing import Any

from flask import Blueprint, jsonify
from pydantic import ConfigDict, Field
from werkzeug.wrappers import Response

from api import access, cookies, here
from api.asking import Asking
from api.spec import answers
from pipeline import shapes
from pipeline.errors import ForeignOrigin, KeyUnknown

routes = Blueprint("login", __name__)


class LoggingIn(Asking):
    """A key that is to be remembered."""

    model_config = ConfigDict(strict=True)

    key: str = Field(max_length=256, description="a key that `waijiao key create` made")
    remember: bool = Field(False, description="true to stay logged in for 30 days; else until the browser is closed")


@routes.get("/v1/login")
@answers("login", {200: shapes.Login}, ForeignOrigin)
def look() -> Response:
    """Whether a key is needed here, and who asks: null for somebody who shows none that is good."""
    return jsonify(shown(access.visitor()))


@routes.post("/v1/login")
@answers("login", {200: shapes.Login}, KeyUnknown, ForeignOrigin)
def enter(json: LoggingIn) -> Response:
    """Set the cookie `waijiao_key`, which opens to pages of this server what the key opens. A Bearer key wins."""
    cookies.refuse_other_sites(origin_needed=False)
    if not here.settings().keys:
        return jsonify(shown(here.caller()))
    key = json.key.strip()
    answer = jsonify(shown(access.holder(key)))
    cookies.keep(answer, key, json.remember)
    return answer


@routes.delete("/v1/login")
@answers("login", {204: None}, ForeignOrigin)
def leave() -> Response:
    """Remove the cookie. The key stays good; an administrator revokes it."""
    cookies.refuse_other_sites(origin_needed=bool(cookies.shown()))
    answer = Response(status=204)
    cookies.drop(answer)
    return answer


def shown(caller: here.Caller | None) -> dict[str, Any]:
    known = caller and {
        "id": caller.key or None,
        "role": caller.role,
        "name": caller.name or None,
        "tenant": caller.tenant,
    }
    return {"keys_needed": here.settings().keys, "caller": known}
