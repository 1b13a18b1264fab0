"""/v1/keys: an administrator creates, lists, replaces and revokes the keys of its tenant."""

from datetime import datetime
from typing import Annotated, Literal, cast

from flask import Blueprint, current_app, jsonify
from pydantic import BeforeValidator, Field
from werkzeug.wrappers import Response

from api import context
from api.auth import ADMIN, requires
from api.jobs.schemas import RequestModel
from api.openapi import answers
from pipeline.api_keys import Key, Keys, Limits
from pipeline.errors import UnknownKeyId
from pipeline.schemas.jobs import ResponseModel
from pipeline.timestamps import format_iso

routes = Blueprint("keys", __name__)
Role = Literal["learner", "teacher", "admin"]
MAX_LIMIT = 1_000_000  # jobs a minute, or minutes a day, that a limit may allow


def require_whole_number(value: object) -> object:
    """Accept 5 and 5.0; refuse true and "5"."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("it is not a number")
    return value


Limit = Annotated[int, Field(ge=0, le=MAX_LIMIT), BeforeValidator(require_whole_number)]


class KeyFields(RequestModel):
    """A new key. A limit of 0 means no limit; a limit that is left out is the server's default."""

    role: Role = Field(description="learner, teacher or admin")
    name: str = Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$", description="1 to 64 characters: whose key it is")
    per_minute: Limit | None = Field(None, description="a number of jobs that it may submit in a minute")
    minutes_a_day: Limit | None = Field(None, description="a number of minutes of recordings a day (UTC)")


class KeyInfo(ResponseModel):
    """A key, without its secret; `revoked_at` is null while it is valid."""

    id: str
    tenant: str
    role: Role
    name: str
    per_minute: int
    minutes_a_day: int
    created_at: datetime
    revoked_at: datetime | None


class NewKey(KeyInfo):
    """A new key: `key` is to be sent as `Authorization: Bearer KEY`, and is never shown again."""

    key: str


class KeyList(ResponseModel):
    """The tenant's keys, oldest first."""

    keys: list[KeyInfo]


@routes.get("/v1/keys")
@requires(ADMIN)
@answers("keys", {200: KeyList})
def browse() -> Response:
    """The keys of the caller's tenant, revoked ones too."""
    return jsonify({"keys": [show(key) for key in keys().list(context.caller().tenant)]})


@routes.post("/v1/keys")
@requires(ADMIN)
@answers("keys", {201: NewKey})
def create(json: KeyFields) -> Response:
    """Create a key of the caller's tenant. Its text is in this response and nowhere else."""
    server_settings = context.settings()
    limits = Limits(
        server_settings.key_per_minute if json.per_minute is None else json.per_minute,
        server_settings.key_minutes_a_day if json.minutes_a_day is None else json.minutes_a_day,
    )
    key, text = keys().create(context.caller().tenant, json.role, json.name, limits)
    answer = jsonify({**show(key), "key": text})
    answer.status_code = 201
    return answer


@routes.delete("/v1/keys/<key_id>")
@requires(ADMIN)
@answers("keys", {200: KeyInfo}, UnknownKeyId)
def revoke(key_id: str) -> Response:
    """Revoke the key. Its jobs stay."""
    return jsonify(show(keys().revoke(key_id, context.caller().tenant)))


@routes.post("/v1/keys/<key_id>/rotate")
@requires(ADMIN)
@answers("keys", {200: NewKey}, UnknownKeyId)
def rotate(key_id: str) -> Response:
    """Give the key a new text, which is in this response and nowhere else; the old one and its logins end."""
    key, text = keys().rotate(key_id, context.caller().tenant)
    return jsonify({**show(key), "key": text})


def keys() -> Keys:
    return cast(Keys, current_app.extensions["keys"])


def show(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "tenant": key.tenant,
        "role": key.role,
        "name": key.name,
        "per_minute": key.limits.per_minute,
        "minutes_a_day": key.limits.minutes_a_day,
        "created_at": format_iso(key.created_at),
        "revoked_at": None if key.revoked_at is None else format_iso(key.revoked_at),
    }
