"""The status page says what the server is and has: version, retention, disk, memory, GPUs, every queue."""

from importlib.metadata import version

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESKTOP, PHONE, visits
from tests.support.served_api import serve

__all__ = ["serve"]


@pytest.mark.parametrize(
    ("options", "name", "kept", "queue"),
    [
        (DESKTOP, "status-server-desktop-en", "7 days", "Messages: maintenance"),
        ({**PHONE, "locale": "zh-CN", "color_scheme": "dark"}, "status-server-phone-zh-dark", "7天", "消息：维护"),
    ],
)
def test_the_server_and_its_queues_are_shown(browser, serve, redis, picture, options, name, kept, queue):
    redis.lpush("maintenance", "a message", "another", "a third")
    server = serve()
    with visits(browser, str(server.base_url)) as visit:
        page = visit("/status", **options)
        figures = page.locator("#server")
        expect(figures.locator("[data-figure=version] dd")).to_have_text(version("waijiao"))
        expect(figures.locator("[data-figure=retention] dd")).to_have_text(kept)
        for figure in ("disk", "memory"):
            expect(figures.locator(f"[data-figure={figure}] dd")).to_contain_text("GB")
        expect(figures.locator("[data-figure=gpu]").first).to_be_visible()
        for stage in ("asr", "llm", "tts", "segment"):
            expect(figures.locator(f"[data-figure=queue-{stage}] dd")).to_have_text("0")
        expect(figures.locator("[data-figure=queue-maintenance]")).to_have_text(f"{queue}3")
        figures.scroll_into_view_if_needed()
        picture(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
