"""Nothing on a page covers or cuts off something else, on screens from a small phone to a desk, in both languages."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LEARNERS, SPOKEN
from tests.support.wait import wait_for

WIDTHS = (320, 360, 390, 414, 600, 768, 1280)
PAGES = ("/", "/ledger", "/homework", "/classes", "/batch", "/status", "/homework/nothing")
# Pairs of texts that overlap, without what floats above the page and what only screen readers say.
OVERLAPS = """() => {
  const isClipped = (node) => node && (getComputedStyle(node).clipPath !== "none" || isClipped(node.parentElement));
  const isApart = (node) => node.closest(".page-header, .composer, .submit-bar, .skip") || isClipped(node);
  const texts = [];
  for (const node of document.querySelectorAll("body *")) {
    if (isApart(node) || !node.checkVisibility() || node.matches("option, script, style")) continue;
    for (const child of node.childNodes) {
      if (child.nodeType !== Node.TEXT_NODE || !child.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(child);
      for (const box of range.getClientRects()) if (box.width > 1) texts.push({ text: child.data.trim(), child, box });
    }
  }
  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3; // lines of one text are set a little closer
  const pairs = [];
  texts.forEach((a, index) => {
    for (const b of texts.slice(index + 1)) {
      if (a.child !== b.child && overlap(a.box, b.box)) pairs.push(`${a.text} | ${b.text}`);
    }
  });
  return pairs;
}"""
# The selects whose chosen text is wider than their box, with room for the arrow.
CUT_SELECTS = """() => [...document.querySelectorAll("select")].filter((select) => {
  if (!select.checkVisibility()) return false;
  const style = getComputedStyle(select);
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const needed = context.measureText(select.selectedOptions[0].text).width;
  return needed + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + 18 > select.clientWidth;
}).map((select) => select.id)"""


@pytest.fixture(scope="module")
def busy_app(app):
    """The server after jobs of each lane, one of which failed."""
    submissions = f"{app.url}/v1/assignments/layout/submissions"
    httpx.put(submissions.removesuffix("/submissions"), json={"title": "Unit 1"}, trust_env=False).raise_for_status()
    with SPOKEN.open("rb") as recording:
        httpx.post(
            submissions, files={"file": recording}, data={"student": "Anna Li"}, trust_env=False
        ).raise_for_status()
    accepted = [app.post(SPOKEN, lane="bulk"), app.post(LEARNERS.parent / "silence.wav"), app.post(text="Hello.")]
    for each in accepted:
        app.wait_until_ended(each)
    wait_for(lambda: app.get("/v1/assignments/layout").json()["progress"]["succeeded"] == 1, seconds=60)
    return app


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("path", PAGES)
def test_no_text_covers_another_and_no_page_is_wider_than_the_screen(busy_app, visit, path, locale):
    page = visit(path, locale=locale)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 780})
        assert page.evaluate(OVERLAPS) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_an_overlap_would_be_found(busy_app, visit, locale):
    page = visit("/status", locale=locale, viewport={"width": 360, "height": 780})
    page.evaluate(
        """() => { for (const cell of document.querySelectorAll(".task")) cell.style.marginTop = "-1.8rem" }"""
    )
    assert page.evaluate(OVERLAPS) != []


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_chosen_teacher_and_voice_are_not_cut_off(visit, locale):
    page = visit("/batch", locale=locale)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 780})
        assert page.evaluate(CUT_SELECTS) == [], width


@pytest.mark.parametrize("width", [320, 360, 414])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_menu_has_words_on_a_phone(visit, locale, width):
    page = visit("/status", locale=locale, viewport={"width": width, "height": 780})
    for link in page.locator("nav a").all():
        box = link.locator("span").bounding_box()
        assert box["width"] > 15
        assert box["height"] < 30
        assert link.inner_text().strip()


@pytest.mark.parametrize("path", ["/batch", "/homework"])
def test_a_folder_is_chosen_with_another_symbol_than_a_page_is(visit, path):
    page = visit(path)
    symbols = page.locator("nav a use").evaluate_all("all => all.map((use) => use.getAttribute('href'))")
    folder = page.locator("label:has(#folder) use").first.get_attribute("href")
    assert folder.endswith("#folder")
    assert folder not in symbols


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_focus_ring_of_the_key_leaves_its_label_free(visit, locale, width):
    page = visit("/", locale=locale, viewport={"width": width, "height": 780})
    page.evaluate("document.getElementById('login').showModal()")
    label, field = page.locator("#login label span").first.bounding_box(), page.locator("#login [name=key]")
    outline = field.evaluate("node => (node.focus(), getComputedStyle(node).outlineWidth)")
    ring_top = field.bounding_box()["y"] - float(outline.removesuffix("px")) - 2  # outline-offset
    assert label["y"] + label["height"] <= ring_top + 0.5


def test_the_first_visit_leaves_no_error_in_the_console(browser, app):
    with browser.new_context() as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: message.type in {"error", "warning"} and errors.append(message.text))
        page.on("response", lambda response: response.status >= 400 and errors.append(response.url))
        page.goto(app.url)
        page.wait_for_selector("body[data-ready]")
        page.wait_for_load_state("networkidle")
        assert errors == []


def test_a_file_without_speech_keeps_its_name(visit, tmp_path):
    recording = tmp_path / "my first try.wav"
    recording.write_bytes((LEARNERS.parent / "silence.wav").read_bytes())
    page = visit("/")
    page.set_input_files("#file", recording)
    turn = page.locator(".turn[data-state=failed]")
    expect(turn).to_be_visible(timeout=30_000)
    expect(turn.locator(".transcript")).to_have_text("my first try.wav")
    page.click("#language")
    expect(turn.locator(".transcript")).to_have_text("my first try.wav")


@pytest.mark.parametrize(
    ("locale", "title", "other_title"),
    [
        ("en-US", "This page does not exist", "没有这个页面"),
        ("zh-CN", "没有这个页面", "This page does not exist"),
    ],
)
def test_an_unknown_address_shows_a_page_that_leads_on(visit, picture, locale, title, other_title):
    page = visit("/homework/hw3", locale=locale, viewport={"width": 360, "height": 780})
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    picture(page, f"not-found-phone-{locale[:2]}")
    page.click("#language")
    expect(page.get_by_role("heading", name=other_title)).to_be_visible()
    page.click("main a[href='/batch']")
    page.wait_for_selector("body.batch[data-ready]")


def test_a_slash_at_the_end_leads_to_the_page(visit, app):
    for path in ("homework", "batch", "status"):
        page = visit(f"/{path}/")
        assert page.url == f"{app.url}/{path}"
