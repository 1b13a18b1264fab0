"""/docs shows the API and lets one try it, without the internet."""

from urllib.parse import urlsplit

from playwright.sync_api import expect


def test_the_api_can_be_read_and_tried_without_the_internet(browser, app, picture):
    with browser.new_context() as context:
        page = context.new_page()
        asked, faults = [], []
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        page.goto(f"{app.url}/docs")
        expect(page.locator(".opblock").first).to_be_visible()
        assert page.locator(".opblock").count() == operations(app)
        healthz = page.locator(".opblock", has=page.get_by_text("/healthz", exact=True))
        healthz.locator("button").first.click()
        healthz.get_by_role("button", name="Try it out").click()
        healthz.get_by_role("button", name="Execute").click()
        expect(healthz.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
        picture(page, "docs-desktop-en")
        page.get_by_role("link", name="Back to the pages").click()
        page.wait_for_selector("body.talk[data-ready]")
        assert set(asked) - {""} == {urlsplit(app.url).netloc}
        assert not faults


def operations(app) -> int:
    paths = app.get("/openapi.json").json()["paths"].values()
    return sum(len(methods) for methods in paths)
