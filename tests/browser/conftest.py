"""The pages in a real Chromium, over `waijiao up` with the real default models; screenshots in build/screenshots."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from tests.support.chromium import launch
from tests.support.hand_answers import HandAnswers, answer_by_hand, make_settings
from tests.support.running_app import app, server_with_keys

__all__ = ["app", "server_with_keys"]

ROOT = Path(__file__).parents[2]
LEARNERS = ROOT / "examples" / "recordings"
SPOKEN = LEARNERS / "ruoxi-wu.wav"  # who says "She have long hair", which the teacher corrects
SCREENSHOTS = ROOT / "build" / "screenshots"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 860}}
WITHOUT_WORKER = {"service_workers": "block"}  # a new visitor's would first load every file of every page


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Only one can run in a process."""
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright) -> Iterator[Browser]:
    """Its microphone hears a learner."""
    opened = launch(playwright, SPOKEN)
    yield opened
    opened.close()


@pytest.fixture
def visit(browser, app) -> Iterator[Callable[..., Page]]:
    """Opens a page of the server as a new visitor; an error or warning of its scripts fails the test."""
    with visits(browser, app.url) as open_page:
        yield open_page


@pytest.fixture(scope="module")
def school(tmp_path_factory) -> Iterator[HandAnswers]:
    """A server without models: the test answers."""
    with answer_by_hand(make_settings(tmp_path_factory.mktemp("school"))) as school:
        yield school


@pytest.fixture
def visit_school(browser, school) -> Iterator[Callable[..., Page]]:
    """What `visit` is, for the school."""
    with visits(browser, school.url) as open_page:
        yield open_page


@pytest.fixture
def patience() -> Iterator[None]:
    """What is expected may take its time on a busy machine."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


@contextmanager
def visits(browser: Browser, server_url: str) -> Iterator[Callable[..., Page]]:
    """What `visit` is, for a server at another address.

    Pages have no service worker, unless a visitor's options are `service_workers="allow"`.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_page(path: str = "/", context: BrowserContext | None = None, url: str = server_url, **options) -> Page:
        if context is None:
            context = browser.new_context(**{**DESKTOP, **WITHOUT_WORKER, "locale": "en-US", **options})
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: is_warning(said) and faults.append(said.text))
        page.goto(url + path)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not faults


def is_warning(message: ConsoleMessage) -> bool:
    """Whether a page's message is a warning, other than that of Playwright on the service worker that it blocks."""
    return message.type == "warning" and "Service Worker registration blocked" not in message.text


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a screenshot under this name."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=SCREENSHOTS / f"{name}.png")
