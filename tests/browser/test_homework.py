"""The homework page: create, hand in by the folder, review, release, redo, download."""

import base64
import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, LEARNERS, PHONE, ROOT
from tests.support.accessibility import serious_violations
from tests.support.wait import wait_for

NAMES = ("Anna Li", "Ben Zhao", "王小明", "Dora Sun")
RECORDINGS = sorted(LEARNERS.glob("*.wav"))
ALL_MS = 60_000
DISPLAYS = [
    {"locale": "en-US", **DESKTOP},
    {"locale": "zh-CN", "color_scheme": "dark", **DESKTOP},
    {"locale": "zh-CN", **PHONE},
    {"locale": "en-US", "viewport": {"width": 320, "height": 640}},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The files of a class: four recordings, one without a student's name, a text named as a recording, and clutter."""
    made = tmp_path_factory.mktemp("unit 3")
    for name, recording in zip(NAMES, RECORDINGS, strict=False):
        shutil.copy(recording, made / f"{name}.wav")
    shutil.copy(RECORDINGS[5], made / "recording 17.wav")
    (made / "Eva Wu.wav").write_text("eggs, milk, bread, " * 50)
    (made / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    return made


@pytest.fixture(scope="module")
def assignment_id(app) -> str:
    """The id of an assignment with two answered recordings, a silent one, and a missing one."""
    students = [{"name": name} for name in (*NAMES[:2], "Eva Wu", "Fritz Ma")]
    put_assignment(app, "answered", title="Unit 2, reading aloud", class_name="Class 3B", students=students)
    silence = ROOT / "examples" / "silence.wav"
    for name, recording in zip((*NAMES[:2], "Eva Wu"), (*RECORDINGS[:2], silence), strict=True):
        hand_in(app, "answered", recording, name)
    wait_for(lambda: get_assignment(app, "answered")["progress"]["succeeded"] == 2, seconds=60)
    return "answered"


def put_assignment(app, id_: str, **fields) -> None:
    httpx.put(f"{app.url}/v1/assignments/{id_}", json=fields, trust_env=False).raise_for_status()


def hand_in(app, id_: str, recording: Path, student: str) -> None:
    path = f"{app.url}/v1/assignments/{id_}/submissions"
    files = {"file": (recording.name, recording.read_bytes())}
    httpx.post(path, files=files, data={"student": student}, trust_env=False).raise_for_status()


def get_assignment(app, id_: str) -> dict:
    return dict(app.get(f"/v1/assignments/{id_}").json())


def drop(page: Page, files: list[Path]) -> None:
    """Drop the files on the page."""
    page.evaluate(
        """(files) => {
        const dataTransfer = new DataTransfer();
        for (const [name, content] of files) {
            const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], name));
        }
        for (const name of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
        }
    }""",
        [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files],
    )


def set_homework(page: Page, **fields: str) -> str:
    """Fill in and submit the form; return the id of the assignment."""
    page.click("#new")
    for name, value in fields.items():
        page.fill(f"#form [name={name}]", value)
    page.click("#save")
    page.wait_for_selector("#detail:not([hidden])")
    return page.url.split("#")[1]


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows tr", has=page.locator("th", has_text=name))


def result(page: Page, file: str) -> Locator:
    return page.locator("#results-list li", has_text=file)


def expect_rows(page: Page, kind: str, count: int) -> None:
    expect(page.locator(f"#rows tr[data-kind={kind}]")).to_have_count(count, timeout=ALL_MS)


@pytest.fixture(scope="module")
def review_page(browser, app, folder) -> Iterator[Page]:
    """The page of a new assignment, after its folder was dropped and when every answer is held."""
    context = browser.new_context(**DESKTOP, locale="en-US", reduced_motion="reduce")
    page = context.new_page()
    page.goto(f"{app.url}/homework")
    page.wait_for_selector("body[data-ready]")
    page.click("#new")
    page.check("#form [name=hold]")
    page.fill("#form [name=title]", "Unit 3, reading aloud")
    page.fill("#form [name=class_name]", "Class 3B")
    page.fill("#form [name=instructions]", "Tell us about an animal that you like.")
    page.fill("#form [name=due]", "2036-12-01T20:00")
    page.fill("#form [name=students]", "\n".join((*NAMES, "Eva Wu", "Fritz Ma, 1006")))
    page.click("#save")
    page.wait_for_selector("#detail:not([hidden])")
    drop(page, sorted(folder.iterdir()))
    expect_rows(page, "held", 4)
    yield page
    context.close()


def test_a_folder_is_submitted_although_one_file_is_bad(review_page, app):
    assert review_page.locator("#results-summary").inner_text() == "4 handed in · 2 refused"
    expect(result(review_page, "Eva Wu.wav")).to_contain_text("This file is not a recording in a supported format.")
    expect(result(review_page, "recording 17.wav")).to_contain_text("No student in the class matches this file name.")
    expect(review_page.locator("#progress")).to_have_text("4 of 6 handed in · 0 done · 4 to review")
    expect(review_page.locator("#missing")).to_have_text("Not handed in: Eva Wu, Fritz Ma")
    expect(row(review_page, "Fritz Ma")).to_contain_text("1006")
    assignment = get_assignment(app, review_page.url.split("#")[1])
    assert assignment["due"].startswith("2036-12-01T")
    assert assignment["students"][-1] == {"name": "Fritz Ma", "id": "1006", "pupil": "", "names": []}
    assert not serious_violations(review_page)


def test_a_file_that_matches_no_student_is_assigned_by_hand(review_page):
    found = result(review_page, "recording 17.wav")
    found.get_by_label("Which student recorded recording 17.wav?").select_option("Fritz Ma")
    found.get_by_text("Hand in").click()
    expect(found).to_have_class("accepted")
    expect(row(review_page, "Fritz Ma")).to_have_attribute("data-state", "held", timeout=ALL_MS)
    expect(review_page.locator("#results-summary")).to_have_text("5 handed in · 1 refused")


def test_held_answers_are_read_changed_released_played_and_downloaded(review_page, app, picture):
    review_page.reload()
    review_page.click("#review-first")
    review = review_page.locator("#review")
    expect(review.locator("h2")).to_have_text("Anna Li")
    assert not serious_violations(review_page)
    picture(review_page, "homework-review-desktop-en")
    review.get_by_label("Reply").fill("Bring a picture of it tomorrow.")
    expect(review.get_by_label("Text to be spoken")).to_have_value(re.compile(r"Bring a picture of it tomorrow\.$"))
    review.get_by_text("Release and next").click()
    expect(review.locator("h2")).to_have_text("Ben Zhao")
    review.get_by_label("Text to be spoken").fill("Well done, Ben.")
    review.get_by_text("Save for later").click()
    expect(review).to_be_hidden()
    anna = row(review_page, "Anna Li")
    expect(anna).to_have_attribute("data-state", "succeeded", timeout=ALL_MS)
    expect(anna.locator(".reply")).to_have_text("Bring a picture of it tomorrow.")
    in_both_languages(review_page, picture)
    review_page.once("dialog", lambda asked: asked.accept())
    review_page.click("#release-all")
    submissions = get_assignment(app, review_page.url.split("#")[1])["submissions"]
    expect_rows(review_page, "done", len(submissions))
    anna.get_by_label("Play: Anna Li").click()
    expect(anna.get_by_label("Pause: the teacher")).to_be_focused()
    with review_page.expect_download() as started:
        review_page.click("#zip")
    with zipfile.ZipFile(io.BytesIO(Path(started.value.path()).read_bytes())) as archive:
        assert b"Bring a picture of it tomorrow." in archive.read("students/Anna Li.json")
        sounds = [name for name in archive.namelist() if name.endswith(".wav")]
        cards = [name for name in sounds if name.startswith("cards/")]
        assert len(sounds) - len(cards) == len(submissions)
        assert "cards/Anna Li.wav" in cards
    (ben,) = [each["job"] for each in submissions if each["student"] == "Ben Zhao"]
    assert app.get(f"/v1/jobs/{ben}").json()["answer"]["text"] == "Well done, Ben."


def in_both_languages(page: Page, picture) -> None:
    page.set_viewport_size({"width": 1280, "height": 1040})
    page.evaluate("scrollTo(0, 0)")
    picture(page, "homework-desktop-en")
    page.click("#language")
    page.mouse.move(0, 0)
    picture(page, "homework-desktop-zh")
    page.click("#language")


def test_recordings_submitted_before_are_not_processed_again(review_page, app, folder):
    before = get_assignment(app, review_page.url.split("#")[1])["submissions"]
    review_page.set_input_files("#files", [folder / "Anna Li.wav"])
    expect(review_page.locator("#results-summary")).to_have_text("1 already handed in")
    after = get_assignment(app, review_page.url.split("#")[1])["submissions"]
    assert [each["job"] for each in after] == [each["job"] for each in before]


def test_the_report_opens_with_its_own_styles(visit, assignment_id):
    page = visit(f"/homework#{assignment_id}")
    with page.context.expect_page() as opened:
        page.click("#report")
    report = opened.value
    expect(report.locator("h1")).to_contain_text("Unit 2, reading aloud")
    assert report.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") != "none"


def test_an_answer_is_repeated_from_a_corrected_transcript(visit, assignment_id):
    page = visit(f"/homework#{assignment_id}")
    row(page, "Ben Zhao").get_by_label("Rerun the answer for Ben Zhao").click()
    page.check("#rerun [value=llm]")
    page.fill("#rerun [name=transcript]", "Yesterday I go to the library.")
    page.select_option("#rerun [name=persona]", "emma")
    page.click("#rerun menu button")
    expect(row(page, "Ben Zhao").locator(".transcript-line")).to_contain_text("library", timeout=ALL_MS)
    expect(row(page, "Ben Zhao")).to_have_attribute("data-state", "succeeded", timeout=ALL_MS)
    assert page.locator("#rerun").is_hidden()


def test_a_failed_student_submits_another_recording_which_is_then_erased(visit, assignment_id, app):
    page = visit(f"/homework#{assignment_id}")
    eva = row(page, "Eva Wu")
    expect(eva.locator(".transcript")).to_contain_text("No speech was heard.")
    with page.expect_file_chooser() as chooser:
        eva.get_by_text("Hand in another").click()
    chooser.value.set_files(RECORDINGS[3])
    expect(eva).to_have_attribute("data-state", "succeeded", timeout=ALL_MS)
    page.once("dialog", lambda asked: asked.accept())
    eva.get_by_label("Delete Eva Wu's submission").click()
    expect(eva).to_have_attribute("data-state", "missing")
    assert get_assignment(app, assignment_id)["progress"]["missing"] == ["Eva Wu", "Fritz Ma"]


def test_rows_can_be_filtered_by_keyboard(visit, assignment_id):
    page = visit(f"/homework#{assignment_id}")
    page.focus("#filters input:checked")
    page.keyboard.press("ArrowLeft")  # from the first to the last: who is missing
    expect(page.locator("#rows tr:visible").last).to_contain_text("Fritz Ma")
    assert set(page.locator("#rows tr:visible").evaluate_all("all => all.map((each) => each.dataset.kind)")) == {
        "missing"
    }


def test_recordings_submitted_offline_are_sent_when_the_connection_is_back(visit, app):
    put_assignment(app, "offline", title="Unit 4")
    page = visit("/homework#offline")
    page.context.set_offline(True)
    page.set_input_files("#files", RECORDINGS[:1])
    expect(page.locator("#results-summary")).to_have_text("Sending 1 file: 0 %")
    page.context.set_offline(False)
    expect(page.locator("#results-summary")).to_have_text("1 handed in", timeout=ALL_MS)


def test_the_roster_is_read_from_a_spreadsheet_file(visit, tmp_path):
    page = visit("/homework#/new")
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        (tmp_path / "class.csv").write_bytes('学号,姓名\n="007",王小明\n1002,"Li, Anna"\n'.encode(encoding))
        page.fill("#form [name=students]", "")
        page.set_input_files("#roster", tmp_path / "class.csv")
        expect(page.locator("#form [name=students]")).to_have_value('王小明, 007\n"Li, Anna", 1002')
    expect(page.locator("#students-count")).to_have_text("2 students")
    (tmp_path / "class.csv").write_bytes("學號,姓名\n1001,陳怡君\n1002,許功蓋\n".encode("big5"))
    page.fill("#form [name=students]", "")
    page.set_input_files("#roster", tmp_path / "class.csv")
    expect(page.locator("#form [name=students]")).to_have_value("陳怡君, 1001\n許功蓋, 1002")
    for text, encoding in (("name\nАнна\nОлег\n", "cp1251"), ("name\n김철수\n이영희\n", "cp949")):
        (tmp_path / "class.csv").write_bytes(text.encode(encoding))
        page.set_input_files("#roster", tmp_path / "class.csv")
        expect(page.locator("#form-error")).to_contain_text("Save it as “CSV UTF-8”.")
    (tmp_path / "class.xlsx").write_bytes(b"PK\3\4\0\0\0\0")
    page.set_input_files("#roster", tmp_path / "class.xlsx")
    expect(page.locator("#form-error")).to_contain_text("Save it as “CSV UTF-8”.")
    expect(page.locator("#students-count")).to_have_text("2 students")


SHORTENED = "is shorter than others"
CHANGED = "The spreadsheet changed a number"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,id\nAnna,20230101\nBen,1.20E+11\n", CHANGED),
        ("姓名,学号\n王小明,12-Mar\n", CHANGED),
        ("name,id\nAnna,110105201001011000\nBen,110105201002033000\n", CHANGED),
        ("name,id\nAnna,12\nBen,345\nCleo,1024\n", SHORTENED),
        ("姓名,学号\n王小明,0012345\n李雷,12346\n", SHORTENED),
        ('name,id\nAnna,="12"\nBen,="345"\nCleo,="1024"\n', ""),
        ("name,id\nAnna,3E5\nBen,3-12\n", ""),
        ("name,id\n" + "".join(f"student{number},{number}\n" for number in range(1, 41)), ""),
    ],
)
def test_a_roster_whose_ids_a_spreadsheet_changed_is_refused(visit, tmp_path, text, problem):
    page = visit("/homework#/new")
    (tmp_path / "class.csv").write_bytes(text.encode())
    page.set_input_files("#roster", tmp_path / "class.csv")
    if not problem:
        expect(page.locator("#students-count")).to_contain_text("students")
        expect(page.locator("#form-error")).to_be_hidden()
        return
    expect(page.locator("#form-error")).to_contain_text(problem)
    expect(page.locator("#form-error")).to_contain_text("as Text")
    expect(page.locator("#form [name=students]")).to_have_value("")


@pytest.mark.parametrize(
    ("students", "error"),
    [
        ("name\tid\nAnna Li\t1.20E+11\nBen Zhao\t1.20E+12", "1.20E+11"),
        ("Anna Li\nBen Zhao\nAnna  Li", "Listed twice: Anna Li. Make the names different."),
    ],
    ids=["changed id", "duplicate name"],
)
def test_a_class_list_with_a_mistake_is_not_saved(visit, app, students, error):
    before = len(app.get("/v1/assignments").json()["assignments"])
    page = visit("/homework#/new")
    page.fill("#form [name=title]", "Unit 5")
    page.fill("#form [name=students]", students)
    page.click("#save")
    expect(page.locator("#form-error")).to_contain_text(error)
    assert len(app.get("/v1/assignments").json()["assignments"]) == before


def test_an_assignment_is_edited_and_fields_outside_the_form_stay(visit, app):
    put_assignment(
        app, "unit-6", title="Unit 6", format="mp3", retention_h=500, words=["giraffe"], due="2036-12-01T12:00:00Z"
    )
    page = visit("/homework#unit-6/edit")
    page.fill("#form [name=title]", "Unit 6, again")
    page.select_option("#form [name=level]", "A2")
    switch = page.get_by_label("Show which words to listen to again")
    expect(switch).not_to_be_checked()
    expect(page.locator("label", has=switch)).to_contain_text("Under 13")
    switch.check()
    card = page.get_by_label("Make a lesson card")
    expect(card).to_be_checked()
    card.uncheck()
    page.click("#save")
    expect(page.locator("#detail-title")).to_have_text("Unit 6, again")
    assignment = get_assignment(app, "unit-6")
    kept = {"title": "Unit 6, again", "level": "A2", "format": "mp3", "retention_h": 500, "words": ["giraffe"]}
    kept |= {"clearness": True, "card": False}
    assert {name: assignment[name] for name in kept} == kept
    assert assignment["due"].startswith("2036-12-01T12:00:00")


MOODLE_FOLDER = "Anna Li_123456_assignsubmission_file_"
SHEET = "\r\n".join(
    [
        'Identifier,"Full name","Feedback comments"',
        '"Participant 123456","Anna Li",',
        f'"Participant 7",{NAMES[2]},Seen.',
        "",
    ]
)


def test_answers_and_the_grading_sheet_go_back_to_moodle(visit, app, tmp_path, picture):
    put_assignment(app, "moodle", title="Unit 8", students=[{"name": name} for name in NAMES[:3]])
    with zipfile.ZipFile(tmp_path / "unit 8.zip", "w") as archive:
        archive.write(RECORDINGS[0], f"{MOODLE_FOLDER}/my talk.wav")
        archive.write(RECORDINGS[1], f"{NAMES[2]}.wav")
    page = visit("/homework#moodle")
    page.set_input_files("#files", tmp_path / "unit 8.zip")
    expect_rows(page, "done", 2)
    page.get_by_text("For Moodle or Canvas").click()
    picture(page, "homework-for-moodle")
    with page.expect_download() as started:
        page.get_by_text("Answers for Moodle (ZIP)").click()
    assert started.value.suggested_filename == "moodle-moodle.zip"
    with zipfile.ZipFile(started.value.path()) as archive:
        assert archive.namelist() == [f"{MOODLE_FOLDER}/my talk.wav", "not-included.txt"]
    (tmp_path / "grades.csv").write_bytes(SHEET.encode("utf-8-sig"))
    page.get_by_text("For Moodle or Canvas").click()
    with page.expect_download() as started, page.expect_file_chooser() as asked:
        page.get_by_text("Fill in the grading sheet…").click()
        asked.value.set_files(tmp_path / "grades.csv")
    assert started.value.suggested_filename == "grades-filled.csv"
    filled = Path(started.value.path()).read_bytes().decode("utf-8-sig").splitlines()
    assert filled[1].startswith('"Participant 123456","Anna Li",')
    assert len(filled[1]) > len(SHEET.splitlines()[1])
    assert filled[2] == SHEET.splitlines()[2]
    expect(page.locator("#sheet-result")).to_contain_text("1 answer entered.")
    expect(page.locator("#sheet-result")).to_contain_text(f"which stays: {NAMES[2]}")
    page.get_by_text("For Moodle or Canvas").click()
    page.get_by_text("Answers for Canvas (ZIP)").click()
    expect(page.locator(".detail .request-error")).to_contain_text("No recording has a name that this system gave.")
    expect(page.locator("#school > div")).to_be_hidden()


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_menu_for_a_school_s_system_fits_any_window(visit, assignment_id, picture, display):
    page = visit(f"/homework#{assignment_id}", reduced_motion="reduce", **display)
    page.locator("#school summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#fill-sheet")).to_be_visible()
    assert not serious_violations(page)
    width = display["viewport"]["width"]
    picture(page, f"homework-school-{width}-{display['locale']}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    box = page.locator("#school > div").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.keyboard.press("Escape")
    expect(page.locator("#fill-sheet")).to_be_hidden()


def test_homework_is_erased_after_confirmation(visit, app):
    page = visit("/homework")
    id_ = set_homework(page, title="Unit 7", students="Anna Li")
    expect(page.locator("#list a[aria-current]")).to_contain_text("0 of 1 handed in")
    page.once("dialog", lambda asked: asked.dismiss())
    page.click("#erase")
    assert get_assignment(app, id_)["title"] == "Unit 7"
    page.once("dialog", lambda asked: asked.accept())
    page.click("#erase")
    expect(page.locator("#detail")).to_be_hidden()
    assert app.get(f"/v1/assignments/{id_}").status_code == 404


def test_unknown_homework_shows_that_it_does_not_exist(visit):
    page = visit("/homework#unknown")
    expect(page.locator("#not-found")).to_be_visible()
    expect(page.locator("#introduction")).to_be_visible()


@pytest.mark.parametrize("display", DISPLAYS)
def test_the_page_fits_any_window_and_axe_finds_no_serious_fault(visit, assignment_id, picture, display):
    page = visit(f"/homework#{assignment_id}", reduced_motion="reduce", **display)
    expect(page.locator("#rows tr")).to_have_count(4)
    assert not serious_violations(page)
    width = display["viewport"]["width"]
    picture(page, f"homework-{width}-{display['locale']}")
    page.locator("#rerun-all").click()
    assert not serious_violations(page)
    page.goto(page.url + "/edit")
    expect(page.locator("#form")).to_be_visible()
    assert not serious_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
