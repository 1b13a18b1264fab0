"""A phone opens the page by https under a name of the local network: it has the microphone there, and not by http."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.api_keys import Keys, Limits
from tests.browser.conftest import PHONE, SPOKEN
from tests.support.chromium import launch
from tests.support.served_api import serve
from tests.support.tls import write_certificate

__all__ = ["serve"]
NAME = "school-pc.local"
LISTEN = """async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const kinds = stream.getTracks().map((track) => `${track.kind} ${track.readyState}`);
    stream.getTracks().forEach((track) => track.stop());
    return kinds;
}"""


@pytest.fixture
def phone(playwright) -> Browser:
    """Finds this machine under the name that a certificate made here is for; its user has accepted the warning."""
    opened = launch(playwright, SPOKEN, f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
    yield opened
    opened.close()


@pytest.fixture
def open_page(phone, serve, tmp_path) -> Callable[[str], Page]:
    """Opens the learner's page of a server with https by the scheme that is given."""
    server = serve(keys=True, tls_certificate=write_certificate(tmp_path / "server.pem"))

    def open_by(scheme: str) -> Page:
        page = phone.new_context(ignore_https_errors=True, locale="zh-CN", **PHONE).new_page()
        page.goto(f"{scheme}://{NAME}:{server.base_url.port}/")
        return page

    return open_by


def test_a_phone_has_the_microphone_by_https(open_page, redis, picture):
    page = open_page("https")
    page.fill("#login input[name=key]", Keys(redis).create("default", "learner", "王小明", Limits())[1])
    page.press("#login input[name=key]", "Enter")
    page.wait_for_selector("body[data-ready]")
    assert page.evaluate("isSecureContext")
    assert page.evaluate(LISTEN) == ["audio live"]
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "waijiao_login"]
    assert (cookie["secure"], cookie["httpOnly"]) == (True, True)
    expect(page.locator("#login")).to_be_hidden()
    picture(page, "talk-phone-https-zh")


def test_by_http_a_phone_has_no_microphone(open_page):
    page = open_page("http")
    assert page.evaluate("[isSecureContext, 'mediaDevices' in navigator]") == [False, False]
