"""openapi.json is what the server does: schemathesis asks every route what its types allow, and what they do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.schemas import jobs as job_schemas

CONFIGURATION = Path(__file__).parents[2] / "data" / "schemathesis.toml"
EXAMPLES = 8  # requests that it makes up for each route and phase


@pytest.mark.timeout(600)
def test_the_api_conforms_to_its_openapi_document(serve, tmp_path):
    server = serve(wait_s=0.05, alone_s=0.05, events_s=0.05)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIGURATION), "run"]
    options = ["--max-examples", str(EXAMPLES), "--seed", "1", "--no-color", "--request-timeout", "20"]
    completed = subprocess.run(
        [*command, f"{server.base_url}/openapi.json", *options], capture_output=True, text=True, cwd=tmp_path
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_every_route_is_described(server):
    paths = server.get("/openapi.json").json()["paths"]
    assert {"/v1/jobs", "/v1/jobs/{job_id}/events", "/v1/sessions/{session}", "/readyz"} <= set(paths)


def test_a_validation_error_is_a_problem_that_names_the_field(server):
    for fields, said in (
        ({"text": "hi", "speed": 9}, "`speed` must be a number from 0.5 to 2"),
        ({"text": "hi", "colour": "red"}, "Unknown field 'colour'; known are"),
        ({"text": ["hi"]}, "`text` must be"),
        ({"text": "hi", "lane": "fast"}, "`lane` must be interactive or bulk"),
        ({"text": "hi", "metadata": {"a": 1}}, "`metadata` must be an object"),
    ):
        answer = server.post("/v1/jobs", json=fields)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
        assert answer.json()["detail"].startswith(said)


MESSAGE = {"role": "user", "content": "Hi"}
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        (CHAT, {"messages": [{**MESSAGE, "mood": "sad"}]}, "messages[0].mood"),
        (CHAT, {"messages": [MESSAGE, {**MESSAGE, "tool_calls": []}]}, "messages[1].tool_calls"),
        (CHAT, {"messages": [{**MESSAGE, "Job": 1}]}, "messages[0].Job"),  # called like one of our types
        (CHAT, {"messages": [{**MESSAGE, "a[b]": 1}]}, "messages[0].a[b]"),
        (
            CHAT,
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "", "z": 1}]}]},
            "messages[0].content[0].z",
        ),
        (CHAT, {"messages": [MESSAGE], "stream_options": {"x": 1}}, "stream_options.x"),
        (
            "/v1/chat/completions",
            {"messages": [MESSAGE], "response_format": {"type": "text", "y": 1}},
            "response_format.y",
        ),
        (
            "/v1/assignments",
            {"title": "x", "students": [{"name": "A"}, {"name": "B", "class": 3}]},
            "students[1].class",
        ),
    ],
)
def test_an_unknown_field_within_another_is_named_with_its_path(server, path, fields, field):
    answer = server.post(path, json=fields)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert answer.json()["detail"] == f"Unknown field '{field}'. Leave it out."


def test_a_job_is_shown_with_exactly_the_fields_of_its_type(server):
    job_schemas.Job.model_validate(server.post("/v1/jobs", json={"text": "hi"}).json())


def test_the_documentation_page_needs_nothing_from_elsewhere(server):
    page = server.get("/docs")
    assert "//" not in page.text.replace("<!doctype", "")
    for file in ("/docs/swagger_bundle.js", "/docs/swagger_style.css", "/static/docs/main.js"):
        assert file in page.text
        assert server.get(file).status_code == 200
    assert server.get("/docs/../offapi/redoc.js").status_code == 404
