"""A logged-in user visits a page of another site: it reads nothing and changes nothing, in a real browser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Page

from tests.support.running_app import RunningApp

LOG_IN = """async (key) => {
    const sent = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({key})};
    return (await fetch("/v1/login", sent)).status;
}"""
ASK = """async (url) => {
    const sent = {method: "POST", body: new URLSearchParams({text: "hi", session: "forged"}), credentials: "include"};
    try { return (await fetch(url + "/v1/jobs", sent)).status; } catch (error) { return error.name; }
}"""
READ = """async (url) => {
    try { return (await fetch(url, {credentials: "include"})).status; } catch (error) { return error.name; }
}"""
PLAY = """(url) => new Promise((resolve) => {
    const sound = new Audio(url);
    sound.oncanplaythrough = () => resolve("plays");
    sound.onerror = () => resolve("silent");
})"""
LISTEN = """(url) => new Promise((resolve) => {
    const events = new EventSource(url, {withCredentials: true});
    events.addEventListener("job", () => { events.close(); resolve("told"); });
    events.onerror = () => { events.close(); resolve("silent"); };
})"""
LOAD = """([name, url]) => new Promise((resolve) => {
    const node = document.createElement(name);
    node.onload = node.onerror = resolve;
    node.src = url;
    document.head.append(node);
})"""
SEND_FORM = """(url) => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = url + "/v1/jobs";
    form.innerHTML = '<input name="text" value="hi"><input name="session" value="forged">';
    document.body.append(form);
    form.submit();
}"""


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@dataclass
class LoggedIn:
    """A logged-in browser, and a job of its user."""

    app: RunningApp
    key: str
    page: Page
    job: str

    @property
    def audio(self) -> str:
        return f"{self.app.url}/v1/jobs/{self.job}/audio"

    @property
    def events(self) -> str:
        return f"{self.app.url}/v1/jobs/{self.job}/events"

    def forged(self) -> list[dict]:
        """The jobs that another site submitted in the user's name."""
        shown = {"Authorization": f"Bearer {self.key}"}
        return self.app.get("/v1/jobs?session=forged", headers=shown).json()["jobs"]


@pytest.fixture(scope="module")
def key(server_with_keys) -> str:
    command = [sys.executable, "-m", "waijiao", "key", "create", "--role", "teacher", "--name", "Ms Li"]
    environment = {**os.environ, "WAIJIAO_HOME": str(server_with_keys.home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()[0]


@pytest.fixture(scope="module")
def job(server_with_keys, key) -> str:
    headers = {"Authorization": f"Bearer {key}", "Prefer": "wait=25"}
    asked = httpx.post(
        f"{server_with_keys.url}/v1/jobs", json={"text": "hi"}, headers=headers, timeout=60, trust_env=False
    )
    assert asked.json()["state"] == "succeeded", asked.text
    return asked.json()["id"]


@pytest.fixture
def logged_in_page(browser, server_with_keys, key, job) -> Iterator[LoggedIn]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server_with_keys.url}/docs")
    assert page.evaluate(LOG_IN, key) == 200
    yield LoggedIn(server_with_keys, key, page, job)
    context.close()


@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["a neighbour of the same site", "another site"])
def other_site(request, tmp_path) -> Iterator[str]:
    """The URL of a page of another site: for a browser, 127.0.0.1 and localhost are two sites, but two ports one."""
    tmp_path.joinpath("index.html").write_text("<!doctype html><title>evil</title><body></body>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{request.param}:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_our_own_page_plays_audio_reads_events_sends_requests_and_logs_out(logged_in_page):
    page = logged_in_page.page
    assert page.evaluate(PLAY, logged_in_page.audio) == "plays"
    assert page.evaluate(LISTEN, logged_in_page.events) == "told"
    assert page.evaluate('async () => (await fetch("/v1/sessions/none", {method: "DELETE"})).status') == 404
    assert page.evaluate('async () => (await fetch("/v1/login", {method: "DELETE"})).status') == 204
    assert page.evaluate(PLAY, f"{logged_in_page.audio}?again") == "silent"


def test_a_page_of_another_site_gets_nothing_and_changes_nothing(logged_in_page, other_site):
    page = logged_in_page.page
    page.goto(other_site)
    assert page.evaluate(ASK, logged_in_page.app.url) == "TypeError"
    assert page.evaluate(READ, logged_in_page.app.url + "/v1/jobs") == "TypeError"
    assert page.evaluate(LISTEN, logged_in_page.events) == "silent"
    page.evaluate(SEND_FORM, logged_in_page.app.url)
    page.wait_for_url("**/v1/jobs")
    assert "foreign_origin" in page.content() or "key_missing" in page.content()
    assert logged_in_page.forged() == []


def test_another_site_cannot_play_an_answer(logged_in_page, other_site):
    logged_in_page.page.goto(other_site)
    assert logged_in_page.page.evaluate(PLAY, logged_in_page.audio) == "silent"


def test_scripts_cannot_read_the_cookie(logged_in_page):
    assert logged_in_page.page.evaluate("document.cookie") == ""


def test_without_keys_another_site_loads_nothing_and_may_link_to_our_pages(browser, app, other_site):
    job = app.ask(text="hi")
    page = browser.new_context().new_page()
    page.goto(other_site)
    statuses = []
    network = page.context.new_cdp_session(page)  # it knows of responses too that the browser keeps from the page
    network.send("Network.enable")
    network.on("Network.responseReceivedExtraInfo", lambda response: statuses.append(response["statusCode"]))
    page.evaluate("(url) => fetch(url, {mode: 'no-cors'}).catch(() => null)", f"{app.url}/v1/jobs")
    assert page.evaluate(PLAY, app.url + job["answer"]["audio"]) == "silent"
    page.evaluate(LOAD, ["img", f"{app.url}/v1/jobs?limit=1"])
    page.evaluate(LOAD, ["script", f"{app.url}/static/talk/main.js"])
    page.wait_for_timeout(500)
    assert statuses.count(403) >= 4
    assert set(statuses) <= {403, 404}  # 404: the other site has no icon
    page.evaluate("(url) => location.assign(url)", f"{app.url}/homework")
    page.wait_for_selector("body.homework[data-ready]")
    page.context.close()
