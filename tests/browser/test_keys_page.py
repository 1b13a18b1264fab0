"""The page of keys: an administrator makes, copies, replaces and revokes keys; nobody else sees any."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pipeline.api_keys import Keys, Limits
from tests.browser.conftest import DESKTOP, PHONE
from tests.support.served_api import serve

__all__ = ["serve"]
SERIOUS = {"serious", "critical"}
SHOWN_KEY = "#made-key code"


@pytest.fixture
def keys(redis) -> Keys:
    return Keys(redis)


@pytest.fixture
def open_page(browser: Browser, serve, keys) -> Callable[..., Page]:
    """Opens the page of keys of a server, logged in with a key of this role, or with the key that is given."""
    server = serve(keys=True)
    contexts = []

    def open_as(role: str = "admin", text: str = "", **options) -> Page:
        text = text or keys.create("default", role, "Ms Li", Limits())[1]
        context = browser.new_context(**{**DESKTOP, "locale": "en-US", **options})
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{server.base_url}/keys")
        log_in(page, text)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_as
    for context in contexts:
        context.close()


def log_in(page: Page, text: str) -> None:
    page.fill("#login input[name=key]", text)
    page.press("#login input[name=key]", "Enter")


def find_row(page: Page, name: str):
    return page.locator("#keys tr", has=page.get_by_role("rowheader", name=name))


def make_key(page: Page, name: str, role: str = "learner", minutes: str = "") -> str:
    """Make a key in the page; returns its text."""
    page.fill("#new-key input[name=name]", name)
    page.select_option("#new-key select", role)
    page.fill("#new-key input[name=minutes_a_day]", minutes)
    page.click("#create")
    expect(page.locator("#made-title")).to_contain_text(name)
    return page.locator(SHOWN_KEY).inner_text()


def test_a_key_is_made_shown_once_and_copied(open_page, keys):
    page = open_page()
    text = make_key(page, "Anna", minutes="20")
    key = keys.find(text)
    assert (key.name, key.role, key.tenant, key.limits) == ("Anna", "learner", "default", Limits(60, 20))
    page.get_by_role("button", name="Copy the key").click()
    expect(page.locator("#announcement")).to_have_text("The key is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == text
    expect(find_row(page, "Anna")).to_contain_text("60 jobs a minute, 20 minutes a day")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(find_row(page, "Anna")).to_be_visible()
    assert text not in page.content()
    assert text not in page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")


def test_a_key_is_replaced_and_revoked(open_page, keys):
    page = open_page()
    first = make_key(page, "Anna")
    find_row(page, "Anna").get_by_role("button", name="Replace").click()
    expect(page.locator(SHOWN_KEY)).not_to_have_text(first)
    second = page.locator(SHOWN_KEY).inner_text()
    assert (keys.find(first), keys.find(second).name) == (None, "Anna")
    page.click("#hide-made")
    expect(page.locator("#made")).to_be_hidden()
    find_row(page, "Anna").get_by_role("button", name="Revoke").click()
    expect(find_row(page, "Anna")).to_have_count(0)
    assert keys.find(second) is None
    page.check("#show-revoked")
    expect(find_row(page, "Anna")).to_contain_text("Revoked on")


def test_one_s_own_key_is_shown_before_the_login_with_it(open_page, keys):
    page = open_page()
    find_row(page, "Ms Li").get_by_role("button", name="Replace").click()
    expect(page.locator(SHOWN_KEY)).to_be_visible()
    assert keys.find(page.locator(SHOWN_KEY).inner_text()).name == "Ms Li"


def test_an_error_of_the_server_is_shown(open_page):
    page = open_page()
    page.fill("#new-key input[name=name]", "   ")
    page.click("#create")
    expect(page.locator(".request-error")).to_be_visible()
    expect(page.locator("#made")).to_be_hidden()


@pytest.mark.parametrize("role", ["learner", "teacher"])
def test_others_see_no_keys(open_page, role):
    page = open_page(role)
    expect(page.locator("#admins-only")).to_be_visible()
    expect(page.locator("#new-key")).to_be_hidden()
    expect(page.locator("#keys tr")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("keys-phone-zh-dark", {**PHONE, "locale": "zh-CN", "color_scheme": "dark"}),
        ("keys-desktop-en", {"viewport": {"width": 1440, "height": 900}}),
    ],
)
def test_the_page_can_be_used_by_everybody_on_every_screen(open_page, keys, picture, name, options):
    keys.create("default", "teacher", "王老师", Limits(60, 0))
    keys.create("default", "learner", "A name of sixty-four characters, which is as long as one may be.", Limits(0, 0))
    page = open_page(**options)
    make_key(page, "小明")
    picture(page, name)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    picture(page, f"{name}-end")
    violations = Axe().run(page).response["violations"]
    assert [each["id"] for each in violations if each["impact"] in SERIOUS] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
