"""The headers of every response for browsers and caches, and which origins may read it."""

import pytest

from api import create_app
from pipeline.settings import Settings

SCHOOL = "https://school.example"
PAGES = [
    "/healthz",
    "/docs",
    "/openapi.json",
    "/static/docs/main.js",
    "/v1/jobs",
    "/v1/jobs/unknown",
    "/v1/none",
    "/none",
]


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def server_with_origin(redis, settings):
    """A server that pages of the school may use, with keys."""
    with_keys = settings.model_copy(update={"keys": True, "cors_origins": f"{SCHOOL}, http://localhost:3000"})
    return create_app(with_keys).test_client()


def headers_of(client, path: str) -> dict[str, str]:
    with client.get(path) as answer:
        return dict(answer.headers)


def policy(headers) -> dict[str, str]:
    said = headers["Content-Security-Policy"].split("; ")
    return {name: allowed for name, _, allowed in (each.partition(" ") for each in said)}


@pytest.mark.parametrize("path", PAGES)
def test_every_response_has_the_security_headers(client, path):
    headers = headers_of(client, path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=(self)" in headers["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize("path", PAGES)
def test_pages_may_not_load_scripts_or_frames_from_elsewhere(client, path):
    said = policy(headers_of(client, path))
    assert said["default-src"] == "'self'"
    assert said["object-src"] == said["frame-ancestors"] == said["base-uri"] == "'none'"
    assert not any("script" in name for name in said)  # scripts are what default-src allows
    assert not any("*" in allowed or "http" in allowed or "unsafe" in allowed for allowed in said.values())


def test_errors_have_the_security_headers(tmp_path):
    client = create_app(Settings(home=tmp_path, redis_url="redis://127.0.0.1:1/0")).test_client()
    answer = client.get("/v1/jobs")
    assert (answer.status_code, policy(answer.headers)["default-src"]) == (503, "'self'")


def test_responses_of_the_api_are_not_cached_unless_a_view_allows_it(client):
    assert client.get("/v1/jobs").headers["Cache-Control"] == "private, no-store"
    assert client.get("/v1/jobs/unknown").headers["Cache-Control"] == "private, no-store"
    job = client.post("/v1/jobs", json={"text": "hi"}).headers["Location"]
    assert client.get(job).headers["Cache-Control"] == "private, no-cache"
    assert "no-store" not in headers_of(client, "/static/docs/main.js").get("Cache-Control", "")


def test_a_configured_origin_may_send_a_key_and_read_the_response(server_with_origin):
    asked = {
        "Origin": SCHOOL,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    allowed = server_with_origin.options("/v1/jobs", headers=asked)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, SCHOOL)
    assert "authorization" in allowed.headers["Access-Control-Allow-Headers"].lower()
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    answer = server_with_origin.get("/v1/jobs", headers={"Origin": SCHOOL})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, SCHOOL)
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://school.example.evil.example", "http://school.example"]
)
def test_other_origins_may_not_read_the_response(server_with_origin, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for answer in (
        server_with_origin.options("/v1/jobs", headers=asked),
        server_with_origin.get("/v1/jobs", headers=asked),
    ):
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]


def test_only_the_api_allows_other_origins(server_with_origin):
    assert "Access-Control-Allow-Origin" not in server_with_origin.get("/docs", headers={"Origin": SCHOOL}).headers
