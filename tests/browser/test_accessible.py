"""The pages can be used without seeing them: axe finds no serious fault, in both languages, light and dark."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import DESKTOP, PHONE, SPOKEN
from talking import TAUGHT, turn, type_in

GRAVE = {"serious", "critical"}
LOOKS = [
    {"locale": "en-US", **DESKTOP},
    {"locale": "zh-CN", "color_scheme": "dark", **DESKTOP},
    {"locale": "zh-CN", **PHONE},
    {"locale": "en-US", "color_scheme": "dark", **PHONE},
]


def faults(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in GRAVE]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_serious_fault_in_a_conversation(visit, look, tmp_path):
    page = visit(reduced_motion="reduce", **look)
    assert faults(page) == []
    type_in(page, TAUGHT)
    page.set_input_files("#file", SPOKEN)
    assert faults(page) == []
    (tmp_path / "song.wav").write_text("no song")
    page.set_input_files("#file", tmp_path / "song.wav")
    turn(page, 2)
    page.wait_for_selector(".turn[data-state=refused]")
    assert faults(page) == []
    page.click("#choose")
    assert faults(page) == []
    page.click("#choices menu button")
    page.click("#record")
    page.wait_for_selector(".row.recording:not([hidden])")
    assert faults(page) == []
    page.click("#stop")
    page.wait_for_selector(".row.review:not([hidden])")
    assert faults(page) == []


@pytest.mark.parametrize("path", ["/homework", "/class", "/house"])
@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_serious_fault_in_the_other_pages(visit, look, path):
    assert faults(visit(path, reduced_motion="reduce", **look)) == []


def test_a_page_works_in_a_narrow_window(visit):
    page = visit(viewport={"width": 320, "height": 640})
    type_in(page, "Supercalifragilisticexpialidocious" * 3)
    turn(page, 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
