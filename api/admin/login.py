"""/v1/login: a page sends a key once; from then on its browser sends a login that stands for the key in a cookie."""

from typing import Any

from flask import Blueprint, jsonify
from pydantic import ConfigDict, Field
from werkzeug.wrappers import Response

from api import auth, context
from api.auth import OPEN, requires
from api.jobs.schemas import RequestModel
from api.openapi import answers
from pipeline.errors import ForeignOrigin, KeyUnknown
from pipeline.schemas import status as status_schemas

routes = Blueprint("login", __name__)


class LoginFields(RequestModel):
    """The key to log in with."""

    model_config = ConfigDict(strict=True)

    key: str = Field(max_length=256, description="a key that `waijiao key create` made")
    remember: bool = Field(
        False, description="true to stay logged in for 30 days; else until the browser is closed, at most a day"
    )


@routes.get("/v1/login")
@requires(OPEN)
@answers("login", {200: status_schemas.Login}, ForeignOrigin)
def show_login() -> Response:
    """Whether a key is needed here, and the caller; null without a valid key."""
    return jsonify(login_fields(auth.current_caller()))


@routes.post("/v1/login")
@requires(OPEN)
@answers("login", {200: status_schemas.Login}, KeyUnknown, ForeignOrigin)
def log_in(json: LoginFields) -> Response:
    """Set the cookie `waijiao_login`, with which this server's pages may do what the key allows. A Bearer key wins."""
    auth.refuse_cross_site_cookie(origin_needed=False)
    if not context.settings().keys:
        return jsonify(login_fields(context.caller()))
    caller = auth.caller_with_key(json.key.strip())
    answer = jsonify(login_fields(caller))
    auth.begin_login(answer, caller.key, json.remember)
    return answer


@routes.delete("/v1/login")
@requires(OPEN)
@answers("login", {204: None}, ForeignOrigin)
def log_out() -> Response:
    """End the login and remove its cookie. The key stays valid until an administrator revokes it."""
    login = auth.read_cookie()
    auth.refuse_cross_site_cookie(origin_needed=bool(login))
    answer = Response(status=204)
    auth.end_login(answer, login)
    return answer


def login_fields(caller: context.Caller | None) -> dict[str, Any]:
    caller_fields = caller and {
        "id": caller.key or None,
        "role": caller.role,
        "name": caller.name or None,
        "tenant": caller.tenant,
    }
    return {"keys_needed": context.settings().keys, "caller": caller_fields}
