"""The OpenAPI 3.1 document, generated from the views' own types, which also validate each request."""

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
from werkzeug.wrappers import Response

from api import auth
from pipeline.errors import BadRequest, Unavailable, WaijiaoError
from pipeline.schemas.jobs import Problem

JSON, PROBLEM, FORM = "application/json", "application/problem+json", "multipart/form-data"
EVENTS = "text/event-stream"
EVENT = {"type": "object", "properties": {name: {"type": "string"} for name in ("event", "id", "data")}}  # one of many
BINARY = {"type": "string", "format": "binary"}
View = Callable[..., Any]
Content = type[BaseModel] | str | None  # the schema of JSON, another content type, or nothing


class RequestValidation(FlaskPlugin):
    """Validates requests. Responses are not validated: the views build them, and some are streams."""

    def request_validation(self, request: Request, query: Any, json: Any, form: Any, *others: Any) -> None:
        is_form = request.mimetype in self.FORM_MIMETYPE
        if json and is_form and not form:
            raise BadRequest("Send the fields as JSON.")
        if form and not is_form and not json:
            raise BadRequest("Send the fields as multipart/form-data.")
        try:
            if json and request.is_json and not isinstance(request.get_json(), dict):
                raise BadRequest(
                    "The JSON body must be an object."
                )  # spectree accepts an empty list as an empty object
            super().request_validation(request, query, json, form, *others)  # type: ignore[no-untyped-call]
        except ClientDisconnected:
            raise
        except Malformed:
            raise BadRequest("The body cannot be read: it is not valid JSON or is an incomplete form.") from None
        except ValidationError as error:
            raise bad_request(error) from None

    def validate_response(self, resp: Any, *_: object) -> tuple[Any, None]:
        return resp, None


MAX_SHOWN_PATH_CHARS = 100  # of a field's path in an error


@dataclass(frozen=True)
class ResponseDescription:
    """What a view returns besides JSON: content types by status, and the errors that a caller can act on."""

    content_types: Mapping[int, Sequence[str]]
    errors: Sequence[type[WaijiaoError]]


_descriptions: dict[str, ResponseDescription] = {}


def bad_request(error: ValidationError) -> BadRequest:
    """The error for an invalid request. It names the field and what it must be, never its value."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    # Where a field may be of several types, the errors of each are listed: an unknown field says more than "no string".
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    name, fields = str(first["loc"][0]), spec.models[error.title]["properties"]
    if first["type"] == "extra_forbidden" and len(first["loc"]) > 1:
        path = show_path(first["loc"])[:MAX_SHOWN_PATH_CHARS]
        return BadRequest(f"Unknown field {path!r}. Leave it out.", field=path)
    if first["type"] == "extra_forbidden":
        return BadRequest(f"Unknown field {name[:64]!r}; known are {', '.join(sorted(fields))}.", field=name[:64])
    description = fields.get(name, {}).get("description")
    return BadRequest(f"`{name}` must be {description}." if description else f"`{name}`: {first['msg']}.", field=name)


def show_path(location: Sequence[str | int]) -> str:
    """Where a field of an object within others is, such as messages[0].mood; pydantic's names of types are left out."""
    *outer, last = location  # the last one is the field, whatever it is called
    steps = [*(step for step in outer if not is_type_name(step)), last]
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def is_type_name(step: str | int) -> bool:
    """Whether pydantic names one of a field's types here, as in list[TextPart]."""
    return isinstance(step, str) and (step.endswith("]") or step in spec.models)


def schema_name(model: type[Any]) -> str:
    return str(model.__name__)


spec = SpecTree(
    backend=RequestValidation,
    naming_strategy=schema_name,
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


def respond(shape: BaseModel, status: int = 200) -> Response:
    """A response with the JSON of a schema."""
    return Response(shape.model_dump_json(by_alias=True) + "\n", status, mimetype=JSON)


def answers(
    tag: str, by_status: Mapping[int, Content | tuple[Content, ...]], *errors: type[WaijiaoError]
) -> Callable[[View], View]:
    """Describe a view: for each status the schema of its JSON, another content type, or None for an empty response;
    several of them where the request chooses.

    The view's arguments `query`, `json`, `form` and `headers` are checked by the types that they are annotated with.
    """
    contents = {status: kinds if isinstance(kinds, tuple) else (kinds,) for status, kinds in by_status.items()}
    shapes = {f"HTTP_{status}": kind for status, kinds in contents.items() for kind in kinds if isinstance(kind, type)}
    statuses_without_schema = [name for status in contents if (name := f"HTTP_{status}") not in shapes]

    def wrap(view: View) -> View:
        operation = f"{tag}.{view.__name__}"
        types = {status: [kind for kind in kinds if isinstance(kind, str)] for status, kinds in contents.items()}
        _descriptions[operation] = ResponseDescription(types, errors)
        check = spec.validate(resp=Responses(*statuses_without_schema, **shapes), tags=[tag], operation_id=operation)
        return cast(View, check(view))

    return wrap


def document() -> dict[str, Any]:
    """The OpenAPI document of the running application."""
    spec_document: dict[str, Any] = spec.spec
    for operations in spec_document["paths"].values():
        for operation in operations.values():
            complete_operation(operation, _descriptions[operation["operationId"]])
            if form := operation.get("requestBody", {}).get("content", {}).get(FORM):
                name = form["schema"]["$ref"].rpartition("/")[2]
                forbid_null(spec_document["components"]["schemas"][name]["properties"])
    return spec_document


def forbid_null(properties: dict[str, Any]) -> None:
    """A field of a form is text, or left out; null, which is None in our types, cannot be sent."""
    for name, field in properties.items():
        types = [each for each in field.get("anyOf", ()) if each != {"type": "null"}]
        if len(types) == 1:
            properties[name] = types[0] | {key: value for key, value in field.items() if key != "anyOf"}


def complete_operation(operation: dict[str, Any], description: ResponseDescription) -> None:
    """Add what spectree does not know: other content types, our errors by status, and that any error is a problem."""
    responses = operation["responses"]
    del responses["422"]  # spectree's own, which does not know problem+json
    for status, content_types in description.content_types.items():
        for content_type in content_types:
            schema = EVENT if content_type == EVENTS else BINARY
            responses[str(status)].setdefault("content", {})[content_type] = {"schema": schema}
    problem = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    by_status: dict[int, list[type[WaijiaoError]]] = {}
    errors: Sequence[type[WaijiaoError]] = (*description.errors, BadRequest, Unavailable)
    for error in errors:
        by_status.setdefault(error.http_status, []).append(error)
    for status, same in sorted(by_status.items()):
        meanings = "; ".join(f"`{error.code}`: {error.meaning()}" for error in same)
        content = {**responses.get(str(status), {}).get("content", {}), **problem}
        responses[str(status)] = {"description": f"{HTTPStatus(status).phrase}. {meanings}", "content": content}
    responses["default"] = {"description": "Any other error.", "content": problem}
