"""The page in examples/, in a real Chromium whose microphone is a learner, on top of a real server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.chromium import launch
from tests.support.wait import wait_for
from waijiao.local.up import free_port

EXAMPLES = Path(__file__).parents[3] / "examples"
LEARNER = EXAMPLES / "recordings" / "ruoxi-wu.wav"
LONG_ENOUGH = re.compile("0:0[4-9]")  # how long is recorded, as the page shows it
SOON_MS = 60_000
ANY = re.compile(r"\w")


@dataclass
class Tab:
    """One tab with the page, and the hosts that it sent requests to."""

    page: Page
    hosts: set[str] = field(default_factory=set)

    def open(self, url: str) -> "Tab":
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url.removeprefix("blob:")).netloc))
        self.page.goto(url)
        return self

    def speak(self) -> None:
        self.page.get_by_role("button", name="Record", exact=True).click()
        expect(self.page.locator("time.duration")).to_have_text(LONG_ENOUGH, timeout=SOON_MS)
        with self.page.expect_response(lambda answer: "/upload" in answer.url, timeout=SOON_MS):
            self.page.get_by_role("button", name="Stop").first.click()  # until Gradio has it, there is nothing to send
        expect(self.page.get_by_role("button", name="Play", exact=True)).to_be_visible(timeout=SOON_MS)

    def type(self, words: str) -> None:
        self.page.get_by_label("Or type").fill(words)
        self.page.get_by_label("Or type").press("Enter")

    def press(self, label: str) -> None:
        self.page.get_by_role("button", name=label).click()

    def shows(self, said: list[str | re.Pattern[str]]) -> None:
        """Waits until the transcript is this."""
        expect(self.page.get_by_role("log").locator(".message-content")).to_have_text(said, timeout=SOON_MS)

    def playing(self) -> str:
        """The sound that is or was being played; empty when there is none."""
        return self.page.locator("audio").evaluate_all("all => all.find(each => each.currentTime > 0)?.src ?? ''")


@pytest.fixture(scope="module")
def address(app, tmp_path_factory) -> Iterator[str]:
    """Where the page is served."""
    port = free_port()
    kept = str(tmp_path_factory.mktemp("gradio"))
    settings = {"WAIJIAO_URL": app.url, "GRADIO_SERVER_PORT": str(port), "GRADIO_TEMP_DIR": kept}
    process = subprocess.Popen([sys.executable, EXAMPLES / "gradio_page.py"], env={**os.environ, **settings})
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: serves(url) or process.poll() is not None, seconds=60)
    yield url
    process.terminate()
    process.wait(15)


def serves(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, launch(playwright, LEARNER) as browser:
        yield browser


@pytest.fixture
def tab(address, chromium) -> Iterator[Tab]:
    with chromium.new_context(locale="en-GB") as context:
        yield Tab(context.new_page()).open(address)


def last_session(app) -> list[str]:
    """The session of the newest job: the learner's and the teacher's words in turn."""
    (newest,) = app.get("/v1/jobs", params={"limit": 1}).json()["jobs"]
    turns = app.get(f"/v1/sessions/{newest['session']}").json()["turns"]
    return [words for turn in turns for words in (turn["feedback"]["heard"], turn["answer"]["text"])]


def test_recordings_and_typed_text_are_answered_as_speech_and_text(tab, app):
    tab.speak()
    tab.press("Send")
    tab.shows([ANY, ANY])
    answer = wait_for(tab.playing)
    first = last_session(app)
    assert "hair" in first[0]
    tab.shows(first)
    tab.type("I likes tea.")
    tab.shows([*first, "I likes tea.", ANY])
    tab.shows(last_session(app))
    wait_for(lambda: tab.playing() not in {"", answer})
    tab.press("Start over")
    tab.shows([])
    tab.type("Hello.")
    tab.shows(["Hello.", ANY])
    assert len(last_session(app)) == 2
    assert tab.hosts == {urlsplit(tab.page.url).netloc}


def test_a_refusal_shows_the_server_s_error_and_keeps_the_typed_text(tab):
    tab.type("Good morning.")
    tab.shows(["Good morning.", ANY])
    tab.press("Send")
    expect(tab.page.get_by_text("Send a recording")).to_be_visible(timeout=SOON_MS)
    tab.shows(["Good morning.", ANY])


def test_each_tab_has_a_conversation_of_its_own(tab, address, app):
    tab.type("I am the first.")
    tab.shows(["I am the first.", ANY])
    with tab.page.context.browser.new_context() as other:
        second = Tab(other.new_page()).open(address)
        second.type("I am the second.")
        second.shows(["I am the second.", ANY])
    assert len(last_session(app)) == 2


def test_saying_start_over_empties_the_page(tab):
    tab.type("I am the first.")
    tab.shows(["I am the first.", ANY])
    tab.type("重新开始")
    tab.shows(["重新开始", ANY])
