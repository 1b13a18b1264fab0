"""What the API takes and gives, as OpenAPI 3.1 written from the views' own types, which also check each request."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, cast

sys.modules["offapi"] = None  # type: ignore[assignment]  # spectree would keep its pages in memory, 40 MB a process

from flask import Request
from pydantic import BaseModel, ValidationError
from spectree import Response as Responses
from spectree import SecurityScheme, SecuritySchemeData, SpecTree
from spectree.config import ModeEnum
from spectree.models import InType, SecureType
from spectree.plugins.flask_plugin import FlaskPlugin
from werkzeug.exceptions import BadRequest as Malformed
from werkzeug.exceptions import ClientDisconnected

from api import auth
from pipeline.errors import BadRequest, Unavailable, WaijiaoError
from pipeline.schemas.jobs import Problem

JSON, PROBLEM = "application/json", "application/problem+json"
EVENTS = "text/event-stream"
EVENT = {"type": "object", "properties": {name: {"type": "string"} for name in ("event", "id", "data")}}  # one of many
BINARY = {"type": "string", "format": "binary"}
View = Callable[..., Any]
Kind = type[BaseModel] | str | None  # the shape of JSON, another content type, or nothing


class Plain(FlaskPlugin):
    """Checks requests. Answers are left alone: the views make them, and some are streams."""

    def request_validation(self, request: Request, query: Any, json: Any, form: Any, *others: Any) -> None:
        is_form = request.mimetype in self.FORM_MIMETYPE
        if json and is_form and not form:
            raise BadRequest("Send the fields as JSON.")
        if form and not is_form and not json:
            raise BadRequest("Send the fields as multipart/form-data.")
        try:
            if json and request.is_json and not isinstance(request.get_json(), dict):
                raise BadRequest("The JSON body must be an object.")  # spectree takes an empty list for an empty object
            super().request_validation(request, query, json, form, *others)  # type: ignore[no-untyped-call]
        except ClientDisconnected:
            raise
        except Malformed:
            raise BadRequest("The body cannot be read: it is not valid JSON, or no whole form.") from None
        except ValidationError as error:
            raise refusal(error) from None

    def validate_response(self, resp: Any, *_: object) -> tuple[Any, None]:
        return resp, None


@dataclass(frozen=True)
class Described:
    """What a view answers beside JSON: the content types of each such status; and the errors a caller may act on."""

    content_types: Mapping[int, Sequence[str]]
    errors: Sequence[type[WaijiaoError]]


_described: dict[str, Described] = {}


def refusal(error: ValidationError) -> BadRequest:
    """A request of the wrong type as an error of ours, which names the field and what it may be, never its value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name, fields = str(first["loc"][0]), spec.models[error.title]["properties"]
    if first["type"] == "extra_forbidden":
        return BadRequest(f"Unknown field {name[:64]!r}; known are {', '.join(sorted(fields))}.", field=name[:64])
    expected = fields.get(name, {}).get("description")
    return BadRequest(f"`{name}` must be {expected}." if expected else f"`{name}`: {first['msg']}.", field=name)


def named(model: type[Any]) -> str:
    return str(model.__name__)


spec = SpecTree(
    backend=Plain,
    naming_strategy=named,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_model=Problem,
    mode=ModeEnum.strict,
    title="Waijiao",
    version=version("waijiao"),
    description="A spoken-language teacher: leave a recording, fetch the teacher's spoken answer later.",
    security_schemes=[
        SecurityScheme(name="key", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")),
        SecurityScheme(
            name="cookie",
            data=SecuritySchemeData(type=SecureType.API_KEY, name=auth.COOKIE_NAME, field_in=InType.COOKIE),
        ),
    ],
    security=[{"key": []}, {"cookie": []}, {}],
)


def answers(
    tag: str, by_status: Mapping[int, Kind | tuple[Kind, ...]], *errors: type[WaijiaoError]
) -> Callable[[View], View]:
    """Describe a view: for each status the shape of its JSON, or another content type, or None where nothing is sent;
    several of them where the request says which one it wants.

    The view's arguments `query`, `json`, `form` and `headers` are checked by the types that they are annotated with.
    """
    every = {status: kinds if isinstance(kinds, tuple) else (kinds,) for status, kinds in by_status.items()}
    shapes = {f"HTTP_{status}": kind for status, kinds in every.items() for kind in kinds if isinstance(kind, type)}
    others = [name for status in every if (name := f"HTTP_{status}") not in shapes]

    def wrap(view: View) -> View:
        operation = f"{tag}.{view.__name__}"
        types = {status: [kind for kind in kinds if isinstance(kind, str)] for status, kinds in every.items()}
        _described[operation] = Described(types, errors)
        check = spec.validate(resp=Responses(*others, **shapes), tags=[tag], operation_id=operation)
        return cast(View, check(view))

    return wrap


def document() -> dict[str, Any]:
    """The OpenAPI document of the running application."""
    written: dict[str, Any] = spec.spec
    for operations in written["paths"].values():
        for operation in operations.values():
            complete(operation, _described[operation["operationId"]])
    return written


def complete(operation: dict[str, Any], described: Described) -> None:
    """Add what spectree cannot know: other content types, our errors by status, and that any error is a problem."""
    responses = operation["responses"]
    del responses["422"]  # spectree's own, which knows no problem+json
    for status, content_types in described.content_types.items():
        for content_type in content_types:
            schema = EVENT if content_type == EVENTS else BINARY
            responses[str(status)].setdefault("content", {})[content_type] = {"schema": schema}
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    by_status: dict[int, list[type[WaijiaoError]]] = {}
    errors: Sequence[type[WaijiaoError]] = (*described.errors, BadRequest, Unavailable)
    for error in errors:
        by_status.setdefault(error.http_status, []).append(error)
    for status, same in sorted(by_status.items()):
        said = "; ".join(f"`{error.code}`: {error.meaning()}" for error in same)
        content = {**responses.get(str(status), {}).get("content", {}), **problem}
        responses[str(status)] = {"description": f"{HTTPStatus(status).phrase}. {said}", "content": content}
    responses["default"] = {"description": "Any other error.", "content": problem}
