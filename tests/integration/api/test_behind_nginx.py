"""The API behind nginx, configured as docs/operations.md shows: uploads of each size, refusals, streams, logins."""

import ssl
import time
from collections.abc import Iterator

import httpx
import pytest

from pipeline.api_keys import Keys, Limits
from tests.support.nginx import run_nginx
from waijiao import Client

MB = 1_000_000
HEADER = b"RIFF\xff\xff\xff\x7fWAVEfmt "


@pytest.fixture
def proxy(serve, tmp_path, monkeypatch) -> Iterator[httpx.Client]:
    """A client of the proxy, which passes requests to a server that requires keys."""
    server = serve(keys=True)
    with (
        run_nginx(tmp_path, f"127.0.0.1:{server.base_url.port}") as (url, certificate),
        httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=certificate), timeout=60) as client,
    ):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield client


@pytest.fixture
def key(redis) -> str:
    return Keys(redis).create("school", "teacher", "Ms Li", Limits())[1]


def post(proxy: httpx.Client, path: str, key: str, size: int, part: str = "audio") -> httpx.Response:
    files = {part: ("a.wav", HEADER + bytes(size))}
    return proxy.post(path, files=files, headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/lessons", "/v1/assignments/unit-3/submissions"])
@pytest.mark.parametrize("size", [1, 24 * MB, 40 * MB])
def test_a_wrong_key_is_refused_while_the_client_sends(proxy, path, size):
    answer = post(proxy, path, "wrong", size)
    if size > 26 * MB and path == "/v1/jobs":
        assert answer.status_code == 413
    else:
        assert (answer.status_code, answer.json()["code"]) == (401, "key_unknown")


def test_an_upload_of_the_largest_size_reaches_the_server(proxy, key):
    assert post(proxy, "/v1/jobs", key, 25 * MB).json()["code"] == "too_large"
    assert post(proxy, "/v1/jobs", key, 24 * MB).status_code == 202


def test_a_lesson_and_the_recordings_of_a_class_may_be_larger(proxy, key):
    lesson = post(proxy, "/v1/lessons", key, 60 * MB)
    assert lesson.status_code == 202, lesson.text
    path = "/v1/assignments/unit-3"
    proxy.put(path, json={"title": "Unit 3"}, headers={"Authorization": f"Bearer {key}"}).raise_for_status()
    handed_in = post(proxy, f"{path}/submissions", key, 37 * MB, "file")
    assert handed_in.json().get("code") != "http_413", handed_in.text
    assert handed_in.headers["content-type"].startswith("application/"), "an answer of the server, not of the proxy"


def test_the_client_says_why_it_was_refused(proxy, key):
    with Client(str(proxy.base_url), "wrong") as client, pytest.raises(Exception, match="key"):
        client.submit(HEADER + bytes(20 * MB))


def test_events_arrive_one_by_one(proxy, key, jobs):
    who = {"Authorization": f"Bearer {key}"}
    job = proxy.post("/v1/jobs", json={"text": "Hello!"}, headers=who).json()
    with proxy.stream("GET", f"/v1/jobs/{job['id']}/events", headers=who) as stream:
        start_time, lines = time.monotonic(), stream.iter_lines()
        assert next(line for line in lines if line.startswith("event: ")) == "event: job"
        assert time.monotonic() - start_time < 10
