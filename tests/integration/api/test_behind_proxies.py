"""The API behind nginx, Caddy and Traefik, configured as we document, at the top of a host and below a path.

Uploads of each size, refusals, logins, links, Range, and streams.
"""

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from pipeline.api_keys import Keys, Limits
from tests.support.proxies import PATH, run_caddy, run_nginx, run_traefik
from waijiao import Client
from waijiao.errors import WaijiaoError

MB = 1_000_000
REFUSALS = 12  # of one client; a proxy that loses some loses one in four
HEADER = b"RIFF\xff\xff\xff\x7fWAVEfmt "
PROXIES = {
    "nginx": (run_nginx, ""),
    "nginx below a path": (run_nginx, PATH),
    "caddy": (run_caddy, ""),
    "caddy below a path": (run_caddy, PATH),
    "traefik": (run_traefik, ""),
    "traefik below a path": (run_traefik, PATH),
}


@pytest.fixture(params=PROXIES)
def proxy(request, serve, tmp_path, monkeypatch) -> Iterator[httpx.Client]:
    """A client of the proxy, which passes requests to a server that requires keys."""
    server = serve(keys=True)
    run_proxy, path = PROXIES[request.param]
    with (
        run_proxy(tmp_path, f"127.0.0.1:{server.base_url.port}", path) as (url, certificate),
        httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=certificate), timeout=60) as client,
    ):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        yield client


@pytest.fixture
def key(redis) -> str:
    return Keys(redis).create("school", "teacher", "Ms Li", Limits())[1]


@pytest.fixture
def who(key) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def path_of(proxy: httpx.Client) -> str:
    return proxy.base_url.path.rstrip("/")


def origin_of(proxy: httpx.Client) -> str:
    return f"https://{proxy.base_url.netloc.decode()}"


def post(proxy: httpx.Client, path: str, key: str, size: int, part: str = "audio") -> httpx.Response:
    files = {part: ("a.wav", HEADER + bytes(size))}
    return proxy.post(path, files=files, headers={"Authorization": f"Bearer {key}"})


def test_a_wrong_key_is_refused_while_the_client_sends(proxy):
    for path in ("/v1/jobs", "/v1/lessons", "/v1/assignments/unit-3/submissions"):
        for size in (1, 24 * MB, 40 * MB):
            answer = post(proxy, path, "wrong", size)
            if answer.status_code == 413:  # nginx itself, before it asks the server
                assert size > 26 * MB
                assert (path, answer.json()["code"]) == ("/v1/jobs", "too_large")
            else:
                assert (answer.status_code, answer.json()["code"]) == (401, "key_unknown")


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_client_that_reads_while_it_sends_sees_every_refusal(proxy, tmp_path, version):
    """As curl does, on a connection of its own each time."""
    (tmp_path / "a.wav").write_bytes(HEADER + bytes(24 * MB))
    command = ["curl", "--silent", "--show-error", version, "--cacert", os.environ["SSL_CERT_FILE"], "--form"]
    command += [
        f"audio=@{tmp_path}/a.wav",
        "--header",
        "Authorization: Bearer wrong",
        f"{origin_of(proxy)}{path_of(proxy)}/v1/jobs",
    ]
    for _ in range(REFUSALS):
        answer = subprocess.run(command, capture_output=True, text=True)
        assert json.loads(answer.stdout or "{}").get("code") == "key_unknown", answer.stderr + answer.stdout


def test_an_upload_of_the_largest_size_reaches_the_server(proxy, key):
    assert post(proxy, "/v1/jobs", key, 25 * MB).json()["code"] == "too_large"
    assert post(proxy, "/v1/jobs", key, 24 * MB).status_code == 202


@pytest.mark.parametrize("size", [26 * 1024 * 1024, 30 * MB, 70 * MB])
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/audio/transcriptions", "/v1/chat/completions", "/nowhere"])
def test_what_is_too_large_for_a_proxy_is_refused_in_the_server_s_form(proxy, key, path, size):
    answer = post(proxy, path, key, size, "file" if "audio" in path else "audio")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    if answer.status_code == 413:
        assert (problem["status"], problem["code"], problem["retryable"]) == (413, "too_large", False)
        assert problem["detail"]
        if path.startswith("/v1/audio"):
            assert problem["error"]["code"] == "too_large"
    else:  # Caddy and Traefik pass everything on, and the server refuses by other rules
        assert answer.is_client_error


def test_a_lesson_and_the_recordings_of_a_class_may_be_larger(proxy, key, who):
    lesson = post(proxy, "/v1/lessons", key, 60 * MB)
    assert lesson.status_code == 202, lesson.text
    path = "/v1/assignments/unit-3"
    proxy.put(path, json={"title": "Unit 3"}, headers=who).raise_for_status()
    handed_in = post(proxy, f"{path}/submissions", key, 37 * MB, "file")
    assert handed_in.json().get("code") != "http_413", handed_in.text
    assert handed_in.headers["content-type"].startswith("application/"), "an answer of the server, not of the proxy"


def test_the_client_says_why_it_was_refused(proxy):
    with Client(str(proxy.base_url), "wrong") as client, pytest.raises(Exception, match="key") as caught:
        client.submit(HEADER + bytes(20 * MB))
    assert caught.value.code == "key_unknown"


def test_the_client_says_which_limit_refused_its_recording(proxy, redis):
    key = Keys(redis).create("school", "learner", "Anna", Limits(per_minute=1))[1]
    with Client(str(proxy.base_url), key, patience_s=0) as client:
        client.submit(HEADER + bytes(20 * MB))
        with pytest.raises(WaijiaoError) as caught:
            client.submit(HEADER + bytes(20 * MB))
        assert (caught.value.code, caught.value.status) == ("rate_limited", 429)
        with pytest.raises(WaijiaoError) as caught:
            client.hand_in("unit-3", HEADER + bytes(20 * MB), file="anna.wav")
        assert (caught.value.code, caught.value.status) == ("role_too_low", 403)
        with pytest.raises(WaijiaoError, match="at most 25 MB") as caught:
            client.submit(HEADER + bytes(30 * MB))
        assert caught.value.code == "too_large"


def test_the_client_says_what_is_down(proxy, key, cluster):
    with Client(str(proxy.base_url), key, patience_s=0) as client:
        cluster.processes["redis"].kill()
        with pytest.raises(WaijiaoError, match="job store") as caught:
            client.submit(HEADER + bytes(20 * MB))
        assert (caught.value.code, caught.value.status) == ("unavailable", 503)
        cluster.processes["api1"].kill()
        with pytest.raises(WaijiaoError, match="A proxy answered: the server behind it cannot be reached"):
            client.submit(HEADER + bytes(20 * MB))


def test_the_client_says_that_nginx_lets_less_through_than_the_server_takes(serve, redis, tmp_path, monkeypatch, key):
    server = serve(keys=True, max_upload_mb=40)
    with run_nginx(tmp_path, f"127.0.0.1:{server.base_url.port}") as (url, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Client(url, key) as client, pytest.raises(WaijiaoError, match="A proxy in front of the server") as caught:
            client.submit(HEADER + bytes(35 * MB))
        assert caught.value.status == 413


@pytest.mark.parametrize("path", ["", PATH])
def test_traefik_sends_who_comes_without_https_to_it(serve, tmp_path, path):
    server = serve(keys=True)
    with run_traefik(tmp_path, f"127.0.0.1:{server.base_url.port}", path) as (url, _):
        http_port = tmp_path.joinpath("http_port").read_text()
        answer = httpx.get(f"http://localhost:{http_port}{path}/homework?a=b", trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"{url}/homework?a=b")


def test_the_client_submits_follows_and_lists(proxy, key):
    with Client(str(proxy.base_url), key) as client:
        job = client.submit(text="Hello!", session="a b")
        assert client.job(job).links["self"] == f"{path_of(proxy)}/v1/jobs/{job.id}"
        assert next(client.progress(job)).id == job.id
        assert [each.id for each in client.jobs()] == [job.id]
        assert client.cancel(job).state == "canceled"
        client.erase_session("a b")


def test_a_session_of_any_name_is_read_and_erased(proxy, key):
    with Client(str(proxy.base_url), key) as client:
        for session in ("a;b", "50% or less?", "#1", "Anna+Tom & me", "李老师的课"):
            job = client.submit(text="Hello!", session=session)
            assert [turn.id for turn in client.session(session).turns] == [job.id]
            client.erase_session(session)
            assert list(client.jobs(session=session)) == []


def test_the_command_sends_to_the_address_with_its_path(proxy, key, tmp_path):
    tmp_path.joinpath("a.wav").write_bytes(HEADER + bytes(4000))
    for url in (str(proxy.base_url), str(proxy.base_url).rstrip("/")):
        environment = {**os.environ, "WAIJIAO_URL": url, "WAIJIAO_KEY": key}
        command = [sys.executable, "-m", "waijiao", "ask", "--later", str(tmp_path / "a.wav")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert proxy.get(f"/v1/jobs/{done.stdout.strip()}", headers={"Authorization": f"Bearer {key}"}).is_success


def test_events_arrive_one_by_one(proxy, who):
    job = proxy.post("/v1/jobs", json={"text": "Hello!"}, headers=who).json()
    url = origin_of(proxy) + job["links"]["events"]
    with proxy.stream("GET", url, headers=who) as stream:
        start_time, lines = time.monotonic(), stream.iter_lines()
        assert next(line for line in lines if line.startswith("event: ")) == "event: job"
        assert time.monotonic() - start_time < 10
        proxy.post(origin_of(proxy) + job["links"]["cancel"], headers=who).raise_for_status()
        assert any(line.startswith("data: {") and '"canceled"' in line for line in lines)


def test_the_addresses_of_a_response_can_be_fetched(proxy, who):
    accepted = proxy.post("/v1/jobs", json={"text": "Hello!"}, headers={**who, "Prefer": "wait=1"})
    assert accepted.headers["Location"].startswith(f"{path_of(proxy)}/v1/jobs/")
    assert proxy.get(origin_of(proxy) + accepted.headers["Location"], headers=who).json()["id"] == accepted.json()["id"]


def test_a_page_logs_in_with_a_cookie_that_stays_below_its_path(proxy, key):
    page = proxy.get("/", headers={"Accept": "text/html"})
    assert f'href="{path_of(proxy)}/static/css/base.css"' in page.text
    assert proxy.get("/static/css/base.css").status_code == 200
    answer = proxy.post("/v1/login", json={"key": key}, headers={"Origin": origin_of(proxy)})
    cookie = answer.headers["Set-Cookie"].split("; ")
    assert {"Secure", "HttpOnly", "SameSite=Strict", f"Path={path_of(proxy)}/"} <= set(cookie)
    assert proxy.get("/v1/jobs").status_code == 200
    sent = proxy.post("/v1/jobs", json={"text": "hi"}, headers={"Origin": origin_of(proxy)})
    assert sent.status_code == 202
    assert proxy.get("/v1/jobs", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_address_without_its_slash_leads_to_the_page(proxy):
    if path_of(proxy):
        answer = proxy.get(origin_of(proxy) + path_of(proxy))
        assert answer.is_redirect
        assert answer.headers["Location"].removeprefix(origin_of(proxy)) == f"{path_of(proxy)}/"


def test_a_client_cannot_choose_the_path(proxy):
    forged = {"X-Forwarded-Prefix": "/elsewhere", "Accept": "text/html"}
    page = proxy.get("/", headers=forged)
    assert page.status_code == 200
    assert "elsewhere" not in page.text
    assert f'href="{path_of(proxy)}/static/css/base.css"' in page.text
