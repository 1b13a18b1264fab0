"""The pages behind nginx as docs/operations.md configures it, below a path of a host that has other applications.

What nginx or the server refuses is shown as what it is.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.api_keys import Keys, Limits
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from tests.browser.conftest import SPOKEN
from tests.support.chromium import launch
from tests.support.proxies import PATH, run_nginx
from tests.support.running_app import RunningApp, run_app
from tests.support.talk_page import find_transcript, find_turn, record, type_in

SET_HOMEWORK = """() => fetch("v1/assignments/unit-3", {
    method: "PUT", headers: {"Content-Type": "application/json"}, body: '{"title": "Unit 3"}',
})"""
PAGES = ("/", "/homework", "/classes", "/batch", "/status", "/docs")


@pytest.fixture(scope="module")
def server_with_keys(tmp_path_factory) -> Iterator[RunningApp]:
    """It takes larger recordings than nginx lets through."""
    with run_app(tmp_path_factory.mktemp("guarded"), WAIJIAO_KEYS="true", WAIJIAO_MAX_UPLOAD_MB="40") as running:
        yield running


@pytest.fixture(scope="module")
def school(server_with_keys, tmp_path_factory) -> Iterator[str]:
    """The address of the pages."""
    upstream = urlsplit(server_with_keys.url).netloc
    with run_nginx(tmp_path_factory.mktemp("nginx"), upstream, PATH) as (url, _):
        yield url


@pytest.fixture(scope="module")
def trusting_browser(playwright) -> Iterator[Browser]:
    """Takes the test's certificate for a good one, also for a service worker; its microphone hears a learner."""
    opened = launch(playwright, SPOKEN, "--ignore-certificate-errors")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def keys(server_with_keys) -> Iterator[Keys]:
    redis = connect(Settings(home=server_with_keys.home))
    yield Keys(redis)
    redis.close()


@pytest.fixture
def page(trusting_browser, school, keys) -> Iterator[Page]:
    """The learner's page, of somebody who has logged in. A request that leaves the path, or a script's error, fails."""
    key = keys.create("default", "admin", "Anna", Limits())[1]
    faults: list[str] = []
    context = trusting_browser.new_context(locale="en-US")
    context.on("request", lambda request: is_below(school, request.url) or faults.append(request.url))
    context.on("response", lambda response: response.status == 404 and faults.append(response.url))
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{school}/")
    page.fill("#login input[name=key]", key)
    page.press("#login input[name=key]", "Enter")
    page.wait_for_selector("body[data-ready]")
    yield page
    context.close()
    assert not faults


def is_below(school: str, url: str) -> bool:
    return url.startswith((f"{school}/", "blob:", "data:"))


def test_a_recording_is_sent_and_its_answer_is_heard(page):
    record(page, 4)
    page.click("#send")
    answered = find_turn(page, 1)
    assert find_transcript(answered)
    expect(answered.get_by_role("button", name="Pause: the teacher")).to_be_visible()  # it speaks by itself
    expect(answered.locator(".from-teacher output")).to_have_text(re.compile("0:0[1-9]"))


def test_every_page_is_reached_and_the_conversation_is_there_again(page, school):
    for path in PAGES:
        page.goto(school + path)
        page.wait_for_selector("#swagger .opblock" if path == "/docs" else "body[data-ready]")
    page.click("nav a")
    page.wait_for_url(f"{school}/")
    page.click("#language")
    page.reload()
    page.wait_for_selector("html[lang='zh-CN'] body[data-ready]")
    assert page.evaluate("navigator.serviceWorker.ready.then(({scope}) => scope)") == f"{school}/"


def test_other_applications_of_the_host_keep_what_they_stored(page, school):
    page.evaluate("localStorage.setItem('login', 'of another application')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#log-out")
    page.wait_for_selector("#login[open]")
    assert page.url == f"{school}/"
    assert page.evaluate("({...localStorage})") == {"login": "of another application"} | page.evaluate(
        "Object.fromEntries(Object.entries(localStorage).filter(([name]) => name.startsWith('/waijiao/')))"
    )
    assert page.context.cookies() == []


def large_recording(folder: Path, megabytes: int) -> Path:
    path = folder / "opera.wav"
    with path.open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\x7fWAVEfmt ")
        file.truncate(megabytes * 1_000_000)
    return path


def test_an_upload_that_nginx_refuses_is_shown_as_that(page, school, tmp_path):
    recording = large_recording(tmp_path, 35)
    page.set_input_files("#file", recording)
    expect(page.locator(".turn[data-state=refused] .error")).to_contain_text(
        "The way to the server does not let so large"
    )
    page.goto(f"{school}/batch")
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#files", recording)
    page.click("#send")
    expect(page.locator("#rows .error")).to_contain_text("The way to the server does not let so large", timeout=30_000)


def test_an_upload_that_is_too_large_for_the_server_is_not_sent(page, tmp_path):
    requests: list[str] = []
    page.on("request", lambda request: request.method == "POST" and requests.append(request.url))
    page.set_input_files("#file", large_recording(tmp_path, 41))
    expect(page.locator("#hint")).to_have_text("opera.wav is larger than 40 MB. Choose a shorter recording.")
    assert requests == []


def test_a_zip_or_recording_of_homework_that_is_too_large_is_not_sent(page, school, tmp_path):
    page.evaluate(SET_HOMEWORK)
    page.goto(f"{school}/homework#unit-3")
    page.wait_for_selector("body[data-ready]")
    requests: list[str] = []
    page.on("request", lambda request: request.method == "POST" and requests.append(request.url))
    archive = tmp_path / "class.zip"
    with archive.open("wb") as file:
        file.truncate(1_000_000_001)
    page.set_input_files("#files", [archive, large_recording(tmp_path, 41)])
    refusals = page.locator("#results-list li.refused")
    expect(refusals).to_have_count(2)
    expect(refusals.nth(0)).to_contain_text("class.zip")
    expect(refusals.nth(0)).to_contain_text("larger than 1000 MB. Drop the folder instead")
    expect(refusals.nth(1)).to_contain_text("larger than 40 MB. Choose a shorter recording")
    assert requests == []


def test_a_login_that_has_ended_is_asked_for_again_after_a_large_upload(page, keys, tmp_path):
    keys.revoke(keys.list()[-1].id)
    page.set_input_files("#file", large_recording(tmp_path, 20))
    page.wait_for_selector("#login[open]")
    expect(page.locator(".turn[data-state=unsent]")).to_have_count(1)
    expect(page.locator("#offline")).to_be_hidden()


@pytest.mark.parametrize("status", [400, 403, 405, 500, 507])
def test_what_something_on_the_way_refuses_is_not_taken_for_the_server_s_answer(page, school, status):
    page.route(f"{school}/v1/jobs", lambda route: route.fulfill(status=status, body="<html>no</html>"))
    type_in(page, "Hello!")
    refusal = page.locator(".turn[data-state=refused] .error")
    expect(refusal).to_contain_text(
        f"Something on the way to the server refused this, not the server itself (status {status})"
    )
    page.click("#language")
    expect(refusal).to_contain_text("请求在到达服务器之前被拦下了")
