"""The pages can be used without seeing them: axe finds no serious fault, in both languages, light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import DESKTOP, PHONE, SPOKEN
from tests.support.talk_page import WRONG_SENTENCE, find_turn, type_in

SERIOUS_IMPACTS = {"serious", "critical"}
DISPLAYS = [
    {"locale": "en-US", **DESKTOP},
    {"locale": "zh-CN", "color_scheme": "dark", **DESKTOP},
    {"locale": "zh-CN", **PHONE},
    {"locale": "en-US", "color_scheme": "dark", **PHONE},
]


def violations(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in SERIOUS_IMPACTS]


@pytest.mark.parametrize("display", DISPLAYS)
def test_axe_finds_no_serious_fault_in_a_conversation(visit, display, tmp_path):
    page = visit(reduced_motion="reduce", **display)
    assert violations(page) == []
    type_in(page, WRONG_SENTENCE)
    page.set_input_files("#file", SPOKEN)
    assert violations(page) == []
    (tmp_path / "song.wav").write_text("no song")
    page.set_input_files("#file", tmp_path / "song.wav")
    find_turn(page, 2)
    page.wait_for_selector(".turn[data-state=refused]")
    assert violations(page) == []
    page.click("#open-preferences")
    assert violations(page) == []
    page.click("#preferences menu button")
    page.click("#record")
    page.wait_for_selector(".row.recording:not([hidden])")
    assert violations(page) == []
    page.click("#stop")
    page.wait_for_selector(".row.review:not([hidden])")
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/answer", "/ledger", "/homework", "/classes", "/batch", "/status"])
@pytest.mark.parametrize("display", DISPLAYS)
def test_axe_finds_no_serious_fault_in_the_other_pages(visit, display, path):
    assert violations(visit(path, reduced_motion="reduce", **display)) == []


def test_a_page_works_in_a_narrow_window(visit):
    page = visit(viewport={"width": 320, "height": 640})
    type_in(page, "Supercalifragilisticexpialidocious" * 3)
    find_turn(page, 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
