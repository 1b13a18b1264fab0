"""The page of classes: made from a pasted or dropped list, changed, its progress read and sorted; used by homework."""

import io
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Browser, Page, expect

from pipeline.jobs.results import Edit, Feedback, Transcript
from pipeline.jobs.store import Jobs
from tests.browser.conftest import DESKTOP, LEARNERS, PHONE, visits
from tests.browser.test_accessibility import violations
from tests.browser.test_layout import OVERLAPS, WIDTHS
from tests.browser.test_ledger import answer, has_no_sideways_scrolling, shoot
from tests.support.cluster import Cluster

LIST = "name,id\n李明,20230001\n李明,20230002\nAnna Li,20230003\nBo,20230004"
WENT = Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "It is over.", "zh": "过去。"})
RESULTS = {
    "Anna Li": Feedback("I go home yesterday", "I went home yesterday", "", "x", (WENT,), verdict="corrected"),
    "Bo": Feedback("the of go", "the of go", "", "x", verdict="not_understood"),
}


@pytest.fixture
def school(cluster: Cluster) -> Cluster:
    cluster.add_api()
    cluster.start("api1")
    return cluster


def make_class(page: Page) -> str:
    """Make 7B from a pasted list; its id."""
    page.locator("#new").click()
    page.locator("#form [name=class_name]").fill("7B")
    page.locator("#form [name=list]").fill(LIST)
    page.wait_for_selector("#preview:not([hidden])")
    assert page.locator("#preview-list li").first.inner_text().split("\n") == ["李明 (1)", "20230001"]
    page.locator("#save").click()
    page.wait_for_selector("#detail:not([hidden])")
    return page.url.partition("#")[2]


def do_homework(page: Page, jobs: Jobs, class_id: str) -> None:
    """Two assignments; Anna hands in one of them, Bo as well, and too late."""
    origin = page.evaluate("location.origin")
    for id_, title, due in (("hw1", "My day", "2030-01-01T00:00:00Z"), ("hw2", "My family", "2020-01-01T00:00:00Z")):
        fields = {"title": title, "class_id": class_id, "due": due}
        assert page.request.put(f"{origin}/v1/assignments/{id_}", data=fields).ok
    for id_, student, recording in (("hw1", "Anna Li", "ruoxi-wu.wav"), ("hw2", "Bo", "bowen-he.wav")):
        file = {"name": f"{student}.wav", "mimeType": "audio/wav", "buffer": (LEARNERS / recording).read_bytes()}
        assert page.request.post(f"{origin}/v1/assignments/{id_}/submissions", multipart={"file": file}).ok
        answer(jobs, RESULTS[student], Transcript(RESULTS[student].heard, "en", 2.0))


def first_cells(page: Page) -> list[str]:
    return [each.inner_text().split("\n")[0] for each in page.locator("#progress-rows th").all()]


WIDE = """[...document.querySelectorAll("body *:not(.scrolling *)")]
  .filter((node) => node.getBoundingClientRect().right > innerWidth).map((node) => node.outerHTML.slice(0, 80))"""


def check_layout(page: Page, size: dict[str, int]) -> None:
    """Nothing overlaps, is cut off or serious for axe; the table scrolls, and the page does not."""
    assert violations(page) == []
    page.locator("#form menu").evaluate("menu => { menu.style.position = 'static' }")  # it floats above the form
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert page.evaluate(OVERLAPS) == [], width
        assert has_no_sideways_scrolling(page), (width, page.evaluate(WIDE))
    page.set_viewport_size(size)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop-en", {**DESKTOP, "viewport": {"width": 1440, "height": 900}}),
        ("phone-dark-zh", {**PHONE, "locale": "zh-CN", "color_scheme": "dark"}),
    ],
)
def test_a_class_is_made_used_changed_and_its_progress_sorted(browser: Browser, school, jobs, name, options):
    with visits(browser, school.url()) as visit:
        page = visit("/classes", **options)
        shoot(page, f"classes-empty-{name}")
        do_homework(page, jobs, make_class(page))
        page.reload()
        page.wait_for_selector("#progress-rows tr")
        assert first_cells(page) == ["李明 (1)", "李明 (2)", "Anna Li", "Bo"]
        shoot(page, f"classes-progress-{name}")
        check_layout(page, options["viewport"])
        anna = page.locator("#progress-rows tr").nth(2).locator("td").all_inner_texts()
        assert anna[2] == "25"
        page.locator("[data-column=rate]").focus()
        page.keyboard.press("Enter")
        assert first_cells(page)[0] == "Anna Li"
        assert page.locator("th[aria-sort=ascending] [data-column=rate]").count() == 1
        with page.expect_download() as download:
            page.locator("#table").click()
        assert "Anna Li,20230003,hw1,My day" in Path(download.value.path()).read_text(encoding="utf-8-sig")
        page.locator("#edit").click()
        rows = page.locator("#pupil-rows tr")
        rows.nth(2).locator("[name=name]").fill("Anna Wu")
        page.locator("#form [name=list]").fill("Bo\nMei")
        page.wait_for_selector("#preview:not([hidden])")
        assert page.locator("#preview-list li").all_inner_texts() == ["Mei"]
        shoot(page, f"classes-form-{name}")
        check_layout(page, options["viewport"])
        page.locator("#save").click()
        page.wait_for_selector("#detail:not([hidden])")
        assert first_cells(page)[0] == "Anna Wu"
        assert {*first_cells(page)} == {"李明 (1)", "李明 (2)", "Anna Wu", "Bo", "Mei"}


def test_a_pupil_is_taken_out_or_erased_with_a_receipt(browser: Browser, school, jobs):
    with visits(browser, school.url()) as visit:
        page = visit("/classes")
        do_homework(page, jobs, make_class(page))
        page.locator("#edit").click()
        rows = page.locator("#pupil-rows tr")
        rows.nth(3).locator("[name=name]").fill("Bo Wu")
        rows.nth(0).locator("button").click()
        page.locator("#leave [value=remove]").click()
        expect(rows).to_have_count(3)
        rows.nth(1).locator("button").click()
        shoot(page, "classes-leave")
        page.locator("#leave [value=erase]").click()
        page.wait_for_selector("#receipt:not([hidden])")
        assert "Deleted: 1 jobs" in page.locator("#receipt").inner_text()
        assert rows.count() == 2
        page.locator("#language").click()
        page.locator("#save").click()
        page.wait_for_selector("#detail:not([hidden])")
        assert first_cells(page) == ["李明 (2)", "Bo Wu"]


def test_a_list_is_dropped_and_one_that_cannot_be_read_is_explained(browser: Browser, school):
    workbook, file = Workbook(), io.BytesIO()
    for row in (("姓名", "学号"), ("王小明", "0012301"), ("李雷", "0012302")):
        workbook.active.append(row)
    workbook.save(file)
    with visits(browser, school.url()) as visit:
        page = visit("/classes#/new")
        page.locator("#save").click()
        assert page.locator("#form [name=class_name]").evaluate("node => !node.validity.valid")
        page.locator("#form [name=class_name]").fill("7B")
        page.locator("#save").click()
        assert "at least one" in page.locator("#form-error").inner_text()
        page.locator("#form [name=list]").fill("name,id\nAnna,1.20E+11")
        page.wait_for_selector("#form-error:has-text('1.20E+11')")
        page.set_input_files("#roster", {"name": "7b.xlsx", "mimeType": "", "buffer": file.getvalue()})
        page.wait_for_selector("#preview:not([hidden])")
        assert not page.locator("#form-error").is_visible()
        page.locator("#save").click()
        page.wait_for_selector("#detail:not([hidden])")
        assert first_cells(page) == ["王小明", "李雷"]


def test_homework_is_set_for_a_class_and_stays_so_when_it_is_edited(browser: Browser, school):
    with visits(browser, school.url()) as visit:
        page = visit("/classes")
        class_id = make_class(page)
        page.goto(f"{school.url()}/homework#/new")
        page.wait_for_selector(f"#form option[value='{class_id}']", state="attached")
        page.locator("#form [name=title]").fill("My day")
        page.locator("#form [name=class_id]").select_option("7B")
        assert not page.locator("#form [name=students]").is_visible()
        shoot(page, "classes-homework-form")
        page.locator("#save").click()
        page.wait_for_selector("#detail:not([hidden])")
        assert "李明 (2)" in page.locator("#rows").inner_text()
        page.locator("#edit").click()
        expect(page.locator("#form [name=class_id]")).to_have_value(class_id)
        page.locator("#form [name=title]").fill("My week")
        page.locator("#save").click()
        page.wait_for_selector("#detail-title:has-text('My week')")
        assert "李明 (2)" in page.locator("#rows").inner_text()
