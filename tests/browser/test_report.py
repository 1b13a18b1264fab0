"""A class's report in a real Chromium, opened as a file: on a desk, on a phone, in the dark and on paper."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe

from api.reports import list_answers, render_report_files
from tests.browser.conftest import DESKTOP, LEARNERS, PHONE
from tests.support.sample_class import make_assignment, make_sample_class, make_speech, make_student_work

GRAVE = {"serious", "critical"}
LOOKS = {  # by kind of homework
    "free-desktop": DESKTOP,
    "free-phone-dark": {"color_scheme": "dark", **PHONE},
    "read-dark": {"color_scheme": "dark", **DESKTOP},
    "read-phone": PHONE,
}
PLAYED = "audio => new Promise(done => { audio.ontimeupdate = () => audio.currentTime > 0 && done(); audio.play() })"
TEXT = "Lily is going to feed a pig.\nThen she goes to see the cow, and she is happy."


def write_report(folder, rows, **fields):
    """Write the report's files as a teacher has them, with each spoken answer."""
    for name, content in render_report_files(make_assignment(rows, **fields), rows):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for name, _ in list_answers(rows):
        shutil.copy(LEARNERS / "ruoxi-wu.wav", folder / name)
    return folder


@pytest.fixture(scope="module")
def homework(tmp_path_factory):
    """The reports of a class that spoke freely and of one that read a text."""
    rows = make_sample_class()
    mistakes = {"I go to zoo.": "I went to the zoo.", "She go home.": "She went home.", "They go.": "They went."}
    more = [
        make_student_work(50 + n, f"多多{n}", make_speech(*each, probability=0.3))
        for n, each in enumerate(mistakes.items())
    ]
    fields = {"words": ("see", "go", "because"), "instructions": "Say what you saw at the zoo.\n说说你看到了什么。"}
    free = write_report(tmp_path_factory.mktemp("free"), [*rows, *more], **fields)
    return {"free": free, "read": write_report(tmp_path_factory.mktemp("read"), [*rows[:12], *rows[-3:]], text=TEXT)}


@pytest.fixture
def open_page(browser):
    """Opens a file; every error or warning of the browser fails the test."""
    contexts, faults = [], []

    def open_file(path, **options):
        contexts.append(browser.new_context(**{**DESKTOP, **options}))
        page = contexts[-1].new_page()
        page.on("console", lambda told: faults.append(told.text))
        page.on("request", lambda asked: asked.url.startswith("file:") or faults.append(asked.url))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert not faults


def find_violations(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in GRAVE]


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_the_window(open_page, homework, picture, look):
    for name, shown_as in (("report", "class"), ("students/王小明", "student"), ("students/学生 7", "failed")):
        page = open_page(homework[look.partition("-")[0]] / f"{name}.html", **LOOKS[look])
        assert find_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        picture(page, f"report-{shown_as}-{look}")


def test_the_spoken_answer_next_to_its_page_plays(open_page, homework):
    page = open_page(homework["free"] / "report.html")
    page.click("text=王小明 >> nth=-1")
    page.wait_for_url("**/students/*.html")
    page.eval_on_selector("audio", PLAYED)


def test_the_pages_show_the_same_without_javascript(open_page, homework):
    page = open_page(homework["free"] / "report.html", java_script_enabled=False)
    assert page.locator("tbody tr").count() > len(make_sample_class())
    assert page.locator("svg rect").count() > 3


def test_the_report_prints_dark_on_white(open_page, homework, tmp_path):
    page = open_page(homework["free"] / "report.html", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    colours = page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    assert colours == ["rgb(255, 255, 255)", "rgb(34, 40, 43)"]
    assert page.pdf(path=tmp_path / "report.pdf", format="A4").startswith(b"%PDF")


def test_a_script_in_a_page_would_not_run(open_page, homework, tmp_path):
    report = (homework["free"] / "report.html").read_text()
    (tmp_path / "with.html").write_text(report.replace("<h1>", "<script>document.title = 'ran'</script><h1>"))
    context = open_page(homework["free"] / "report.html").context
    page = context.new_page()
    page.goto((tmp_path / "with.html").as_uri())
    assert page.title() != "ran"
