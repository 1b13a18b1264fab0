"""Below a path such as /waijiao, which a trusted proxy names in X-Forwarded-Prefix."""

import io
import json
import re
from pathlib import Path

import pytest

import api
from api import create_app
from pipeline.api_keys import Keys, Limits

PREFIXES = ["/waijiao", "/schools/north/waijiao", "/a.b_c~d-1"]
PAGES = ["/", "/answer", "/homework", "/batch", "/status", "/docs", "/nothing"]
BAD_PREFIXES = [
    "//evil.example",
    "/a//b",
    "waijiao",
    "/../x",
    "/x/..",
    "/x?y",
    "/x#y",
    "https://evil.example",
    "/x\\y",
    "/<b>",
]
TEXT_FILES = {".js", ".html", ".css", ".webmanifest"}
AT_TOP = re.compile(
    r"""["'`(=]/(?:v1|static|healthz|readyz|metrics|homework|batch|status|docs|sw\.js|openapi\.json)\b"""
)
ADDRESS = re.compile(r'(?:href|src)="([^"#][^"]*)"')


@pytest.fixture
def app(redis, settings):
    return create_app(settings)


def named(prefix: str) -> dict[str, str]:
    return {"X-Forwarded-Prefix": prefix, "Accept": "text/html"}


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("keeps_path", [False, True], ids=["the proxy removes the prefix", "the proxy passes it"])
def test_every_address_of_every_page_leads_below_the_prefix(app, prefix, keeps_path):
    client, above = app.test_client(), prefix if keeps_path else ""
    seen = set()
    for page in PAGES:
        answer = client.get(above + page, headers=named(prefix))
        assert answer.status_code == (404 if page == "/nothing" else 200), answer.text
        seen |= set(ADDRESS.findall(answer.text))
    assert len(seen) > 15
    for address in seen:
        assert address.startswith(f"{prefix}/"), address
        path = address if keeps_path else address.removeprefix(prefix)
        with client.get(path, headers=named(prefix)) as answer:
            assert answer.status_code != 404, address


def test_the_service_worker_stores_what_is_below_the_prefix(app):
    text = app.test_client().get("/sw.js", headers=named("/waijiao")).text
    files = json.loads(re.search(r"new Set\((\[.*?\])\)", text)[1])
    assert {"/waijiao/", "/waijiao/homework", "/waijiao/static/talk/main.js"} <= set(files)
    assert all(file.startswith("/waijiao/") for file in files)


@pytest.mark.parametrize(
    ("path", "target"), [("/class?x=1", "/batch?x=1"), ("/homework/", "/homework"), ("/docs/", "/docs")]
)
def test_redirects_lead_below_the_prefix(app, path, target):
    answer = app.test_client().get(path, headers=named("/waijiao"))
    assert (answer.status_code, answer.headers["Location"]) == (301, f"/waijiao{target}")


def test_the_links_of_jobs_lead_below_the_prefix(app, jobs):
    client = app.test_client()
    accepted = client.post("/v1/jobs", json={"text": "hi"}, headers=named("/waijiao"))
    job = accepted.json
    assert accepted.headers["Location"] == job["links"]["self"] == f"/waijiao/v1/jobs/{job['id']}"
    listed = client.get("/v1/jobs", headers=named("/waijiao")).json["jobs"][0]
    assert all(link.startswith("/waijiao/v1/jobs/") for link in listed["links"].values())
    assert client.get(job["links"]["self"], headers=named("/waijiao")).json["id"] == job["id"]
    with client.get(f"/v1/jobs/{job['id']}/events", headers=named("/waijiao")) as events:
        first = next(chunk for chunk in events.iter_encoded() if b"links" in chunk).decode()
    assert f'"self":"/waijiao/v1/jobs/{job["id"]}"' in first


def test_the_links_of_homework_and_lessons_lead_below_the_prefix(app):
    client = app.test_client()
    assignment = client.put("/v1/assignments/hw", json={"title": "x"}, headers=named("/waijiao"))
    assert assignment.headers["Location"] == "/waijiao/v1/assignments/hw"
    recording = (io.BytesIO(b"RIFF\x24\0\0\0WAVEfmt " + bytes(40)), "lesson.wav")
    lesson = client.post("/v1/lessons", data={"audio": recording}, headers=named("/waijiao"))
    assert lesson.headers["Location"] == f"/waijiao/v1/lessons/{lesson.json['id']}"
    assert all(link.startswith("/waijiao/v1/") for link in lesson.json["links"].values())


def test_the_reference_of_the_api_names_the_server_s_path(app):
    client = app.test_client()
    assert client.get("/openapi.json", headers=named("/waijiao")).json["servers"] == [{"url": "/waijiao"}]
    assert "servers" not in client.get("/openapi.json").json


def test_the_login_s_cookie_is_sent_below_the_prefix_only(redis, settings):
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    key = Keys(redis).create("north", "teacher", "Ms Li", Limits())[1]
    for answer in (
        client.post("/v1/login", json={"key": key}, headers=named("/waijiao")),
        client.delete("/v1/login", headers={**named("/waijiao"), "Origin": "http://localhost"}),
    ):
        assert answer.status_code < 300
        assert "Path=/waijiao/" in answer.headers["Set-Cookie"].split("; ")


@pytest.mark.parametrize("prefix", BAD_PREFIXES)
@pytest.mark.parametrize("path", ["/", "/class", "/v1/jobs", "/nothing"])
def test_a_prefix_that_is_no_path_is_refused(app, prefix, path):
    answer = app.test_client().get(path, headers={"X-Forwarded-Prefix": prefix})
    assert (answer.status_code, answer.json["code"]) == (422, "bad_request")
    assert "X-Forwarded-Prefix" in answer.json["detail"]


@pytest.mark.parametrize(
    ("trusted", "peer", "is_believed"),
    [
        (None, "127.0.0.1", True),
        (None, "::1", True),
        (None, "192.0.2.7", False),
        (None, "", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.0/24, ::1", "192.0.2.7", True),
        ("192.0.2.7", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("*", "198.51.100.3", True),
    ],
)
def test_only_a_trusted_proxy_is_believed(redis, settings, monkeypatch, trusted, peer, is_believed):
    if trusted is None:
        monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    else:
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
    client = create_app(settings).test_client()
    answer = client.get("/homework/", headers=named("/waijiao"), environ_overrides={"REMOTE_ADDR": peer})
    assert answer.headers["Location"] == ("/waijiao/homework" if is_believed else "/homework")


def test_without_the_header_nothing_changes(app, jobs):
    client = app.test_client()
    job = client.post("/v1/jobs", json={"text": "hi"}).json
    assert job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert client.get("/waijiao/v1/jobs").status_code == 404


def test_no_file_of_the_pages_names_an_address_at_the_top_of_the_host():
    folders = [Path(api.__file__).parent / name for name in ("static", "templates")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in TEXT_FILES]
    assert len(files) > 60
    assert not [path.name for path in files if AT_TOP.search(path.read_text(encoding="utf-8"))]
