"""A body that no parser can read is refused with a code, on every route that takes one: it is no internal error."""

import io
import logging

import pytest

from api import create_app
from pipeline.api_keys import Keys, Limits

DEPTHS = (150, 500, 900, 990, 5_000, 100_000)  # around and far beyond what Python's parser takes
NESTED = {
    "arrays": lambda depth: "[" * depth,
    "closed arrays": lambda depth: "[" * depth + "]" * depth,
    "objects": lambda depth: '{"a":' * depth,
    "closed objects": lambda depth: '{"a":' * depth + "1" + "}" * depth,
    "mixed": lambda depth: '[{"text":' * depth,
    "in a known field": lambda depth: '{"text": ' + "[" * depth + "]" * depth + "}",
    "in metadata": lambda depth: '{"text": "hi", "metadata": ' + '{"a":' * depth + "1" + "}" * depth + "}",
    "in a login": lambda depth: '{"key": ' + "[" * depth + "]" * depth + "}",
}
UNREADABLE = {
    "nothing": b"",
    "half a string": b'{"text": "hi',
    "a byte that is no UTF-8": b'{"text": "\xff"}',
    "a number of 10,000 digits": b'{"text": ' + b"9" * 10_000 + b"}",
    "a null byte": b"\0",
    "UTF-16 without its end": b'\xff\xfe{\0"',
    "a lone surrogate": rb'{"text": "\ud800", "session": "\ud800", "key": "\ud800", "title": "\ud800"}',
}
VARIABLE = {"job_id": "0" * 32, "assignment_id": "unit-3", "session": "anna", "lesson_id": "0" * 32, "key_id": "0" * 16}


@pytest.fixture
def app(redis, settings):
    return create_app(settings)


def json_routes(app) -> list[tuple[str, str]]:
    """The method and path of every route that may have a body."""
    routes = []
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", VARIABLE.get(name, "x"))
        routes += [(method, path) for method in sorted(rule.methods & {"POST", "PUT"})]
    return sorted(set(routes))


def check(answer, *where: object) -> None:
    assert 400 <= answer.status_code < 500, (*where, answer.status_code, answer.text)
    assert answer.content_type == "application/problem+json", where
    assert answer.json["code"] not in {"internal", "internal_server_error"}, where


@pytest.mark.parametrize("shape", NESTED)
@pytest.mark.parametrize("depth", DEPTHS)
def test_deeply_nested_json_is_refused(app, caplog, shape, depth):
    client, body = app.test_client(), NESTED[shape](depth)
    client.put("/v1/assignments/unit-3", json={"title": "x"})
    caplog.set_level(logging.ERROR)
    for method, path in json_routes(app):
        answer = client.open(path, method=method, data=body, content_type="application/json")
        if answer.status_code < 300:  # a route that needs no body
            assert path.endswith(("/release", "/reset", "/cancel", "/rotate", "/retry"))
            continue
        check(answer, method, path)
    assert not caplog.records


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_json_that_cannot_be_read_is_refused(app, caplog, body):
    client = app.test_client()
    client.put("/v1/assignments/unit-3", json={"title": "x"})
    caplog.set_level(logging.ERROR)
    for method, path in json_routes(app):
        answer = client.open(path, method=method, data=body, content_type="application/json")
        if answer.status_code < 300:
            assert path.endswith(("/release", "/reset", "/cancel", "/rotate", "/retry"))
            continue
        check(answer, method, path)
    assert not caplog.records


@pytest.mark.parametrize("depth", DEPTHS[:-1])  # the last is refused for its size
@pytest.mark.parametrize("shape", ["arrays", "closed objects"])
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/lessons"])
def test_deeply_nested_json_in_a_field_of_a_form_is_refused(app, path, shape, depth):
    recording = (io.BytesIO(b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)), "a.wav")
    form = {"metadata": NESTED[shape](depth), "audio": recording}
    answer = app.test_client().post(path, data=form)
    check(answer)
    assert (answer.status_code, answer.json["code"]) == (422, "bad_request")
    assert "metadata" in answer.json["detail"]


def test_a_login_with_deeply_nested_json_is_refused_where_keys_are_needed(redis, settings):
    Keys(redis).create("north", "admin", "Ms Li", Limits())
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    for shape in NESTED.values():
        answer = client.post("/v1/login", data=shape(5_000), content_type="application/json")
        assert (answer.status_code, answer.json["code"]) == (422, "bad_request")
