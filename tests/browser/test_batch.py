"""The batch page: recordings are sent, watched, read, downloaded, replaced and deleted."""

import io
import re
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from tests.browser.conftest import DESKTOP, LEARNERS, PHONE, ROOT
from tests.support.accessibility import serious_violations
from tests.support.wait import wait_for

RECORDINGS = sorted(LEARNERS.iterdir())[:12]
ALL_ANSWERED_MS = 90_000
HOMEWORK = "Unit 3, reading aloud"


@pytest.fixture(scope="module")
def homework(tmp_path_factory) -> list[Path]:
    """Twelve learners, a silence, and three files with which something is wrong."""
    folder = tmp_path_factory.mktemp("homework")
    (folder / "shopping list.wav").write_text("eggs, milk, bread, " * 50)
    (folder / "empty.wav").touch()
    (folder / "notes.txt").write_text("for the parents' evening")
    return [*RECORDINGS, ROOT / "examples" / "silence.wav", *sorted(folder.iterdir())]


def send(page: Page, files: list[Path], name: str = HOMEWORK) -> str:
    """Choose and send the files; the id of the class."""
    page.set_input_files("#files", files)
    page.fill("#name", name)
    page.click("#send")
    page.wait_for_url(re.compile("#[0-9a-f]{16}$"))
    return page.url.split("#")[1]


def row(page: Page, name: str) -> Locator:
    return page.locator("#rows tr", has_text=name)


def counts(page: Page) -> dict[str, int]:
    labels = page.locator("#filters label").all_inner_texts()
    return {word: int(number) for word, number in (text.split() for text in labels)}


def wait_until_all_ended(page: Page, recordings: int) -> None:
    ended = page.locator("#rows tr:is([data-kind=done], [data-kind=failed])")
    expect(ended).to_have_count(recordings, timeout=ALL_ANSWERED_MS)


def jobs_of(app, batch: str) -> list[dict]:
    return app.get("/v1/jobs", params={"metadata": f"batch:{batch}", "limit": 100}).json()["jobs"]


def succeeded(jobs: list[dict]) -> list[dict]:
    return [job for job in jobs if job["state"] == "succeeded"]


@pytest.fixture(scope="module")
def batch_page(browser, app, homework) -> Iterator[Page]:
    """The page of a class that was sent, loaded again at once, and watched until all was answered."""
    context = browser.new_context(**DESKTOP, locale="en-US")
    page = context.new_page()
    page.goto(f"{app.url}/batch")
    page.wait_for_selector("body[data-ready]")
    send(page, homework)
    page.reload()
    wait_until_all_ended(page, 14)
    yield page
    context.close()


@pytest.fixture
def batch(batch_page) -> str:
    """The id of that class."""
    return batch_page.url.split("#")[1]


def test_files_that_cannot_be_sent_are_named_and_the_others_are_sent(visit, app, homework, tmp_path):
    most = app.get("/v1/capabilities").json()["limits"]["upload_mb"]
    with (tmp_path / "opera.wav").open("wb") as file:
        file.truncate(most * 1_000_000 + 1)
    page = visit("/batch")
    page.set_input_files("#files", [tmp_path / "opera.wav", *homework])
    expect(page.locator("#skipped")).to_contain_text(f"opera.wav was skipped: it is larger than {most} MB.")
    expect(page.locator("#count")).to_have_text(re.compile(r"^14 recordings, \d\.\d MB$"))
    expect(page.locator("#skipped")).to_contain_text("empty.wav was skipped: it is empty.")
    expect(page.locator("#skipped")).to_contain_text("notes.txt was skipped: it is not a recording.")
    page.set_input_files("#files", homework[:1])
    expect(page.locator("#skipped")).to_have_text(f"{homework[0].name} is already chosen.")
    page.get_by_label(f"Remove {homework[0].name}").click()
    expect(page.locator("#send")).to_have_text("Send 13 recordings")


def test_a_folder_in_the_folder_names_the_learner(visit, tmp_path):
    for learner, recording in zip(("anna", "ben"), RECORDINGS, strict=False):
        (tmp_path / "unit 3" / learner).mkdir(parents=True)
        (tmp_path / "unit 3" / learner / "1.wav").write_bytes(recording.read_bytes())
    page = visit("/batch")
    page.set_input_files("#folder", tmp_path / "unit 3")
    expect(page.locator("#chosen-files .name")).to_have_text(["anna - 1.wav", "ben - 1.wav"])


def test_recordings_can_be_dropped_anywhere_on_the_page(visit):
    page = visit("/batch")
    page.evaluate("""() => {
        const dataTransfer = new DataTransfer();
        for (const name of ["anna.wav", "ben.mp3"]) dataTransfer.items.add(new File(["RIFF"], name));
        for (const name of ["dragover", "drop"]) {
            document.body.dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true }));
        }
    }""")
    expect(page.locator("#chosen-files .name")).to_have_text(["anna.wav", "ben.mp3"])
    expect(page.locator("#drop-overlay")).to_be_hidden()


def test_a_batch_is_answered_although_the_page_was_reloaded(app, batch_page, batch, picture):
    expect(batch_page.locator("#progress")).to_have_text("12 of 14 done · 2 failed")
    jobs = jobs_of(app, batch)
    assert {job["lane"] for job in jobs} == {"bulk"}
    assert len({job["session"] for job in jobs}) == len(jobs) == 13  # the text is refused before it becomes a job
    for job in succeeded(jobs):
        shown = row(batch_page, job["metadata"]["file"])
        expect(shown.locator(".state")).to_have_text("Done")
        expect(shown.locator(".reply")).to_have_text(job["feedback"]["reply"])
        expect(shown.locator("ins")).to_have_count(sum(bool(edit["to"]) for edit in job["feedback"]["edits"]))
    expect(row(batch_page, "silence.wav").locator(".transcript")).to_contain_text("No speech was heard.")
    expect(row(batch_page, "shopping list.wav").locator(".state")).to_have_text("Refused")
    expect(row(batch_page, "shopping list.wav").locator(".transcript")).to_contain_text("This file is not a recording")
    assert not serious_violations(batch_page)
    picture(batch_page, "batch-desktop-en")


def test_the_archive_has_every_answer_under_the_name_of_its_recording(visit, app, batch):
    page = visit(f"/batch#{batch}")
    with page.expect_download() as started:
        page.click("#zip")
    assert started.value.suggested_filename.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(Path(started.value.path()).read_bytes())) as archive:
        for job in succeeded(jobs_of(app, batch)):
            name = Path(job["metadata"]["file"]).stem
            assert archive.read(f"{name}.wav") == app.get(job["answer"]["audio"]).content
        assert len(archive.namelist()) == 12 + 1  # and the table


def test_an_answer_is_played_and_downloaded(visit, app, batch):
    page = visit(f"/batch#{batch}")
    name = RECORDINGS[0].name
    shown = row(page, name)
    shown.get_by_label(f"Play: {name}").click()
    expect(shown.get_by_label("Pause: the teacher")).to_be_focused()
    with page.expect_download() as started:
        shown.get_by_label(f"Download the answer for {name}").click()
    job = next(job for job in jobs_of(app, batch) if job["metadata"]["file"] == name)
    assert Path(started.value.path()).read_bytes() == app.get(job["answer"]["audio"]).content


def test_rows_can_be_filtered_by_keyboard(visit, batch):
    page = visit(f"/batch#{batch}")
    assert counts(page) == {"All": 13, "Done": 12, "Waiting": 0, "Failed": 1}
    page.focus("#filters input:checked")
    page.keyboard.press("ArrowLeft")  # from the first to the last: failed
    expect(page.locator("#rows tr:visible th")).to_have_text(["silence.wav"])


def test_on_a_phone_in_chinese_rows_are_cards(visit, batch, picture):
    page = visit(f"/batch#{batch}", locale="zh-CN", **PHONE)
    expect(page.locator("#progress")).to_have_text("完成 12 / 13 · 1 个失败")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not serious_violations(page)
    picture(page, "batch-phone-zh")


def test_the_dark_theme_is_readable(visit, batch, picture):
    page = visit(f"/batch#{batch}", color_scheme="dark")
    expect(page.locator("#rows tr")).to_have_count(13)
    assert not serious_violations(page)
    picture(page, "batch-desktop-dark")


def test_recordings_sent_offline_are_stored_and_sent_once_later(visit, app):
    page = visit("/batch", service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready")
    other = visit("/batch", context=page.context)
    page.context.set_offline(True)
    sent = send(page, RECORDINGS[:2])
    page.reload()
    expect(page.locator("#progress")).to_have_text("0 of 2 done · 2 not sent yet")
    expect(other.locator("#batches")).to_contain_text(HOMEWORK)
    other.reload()
    other.click("#batches a")
    page.context.set_offline(False)
    for each in (page, other):
        expect(each.locator("#progress")).to_have_text("2 of 2 done", timeout=ALL_ANSWERED_MS)
    assert len(jobs_of(app, sent)) == 2


def test_a_queued_recording_is_canceled_and_replaced_by_another_one(visit, app):
    page = visit("/batch")
    sent = send(page, RECORDINGS[:4])
    expect(page.locator("#rows tr[data-state=queued]").last).to_be_visible()
    page.click("#cancel")
    wait_until_all_ended(page, 4)
    last = row(page, RECORDINGS[3].name)
    expect(last).to_have_attribute("data-kind", "failed")
    with page.expect_file_chooser() as chooser:
        last.get_by_text("Send another").click()
    chooser.value.set_files(RECORDINGS[0])
    expect(last).to_have_attribute("data-state", "succeeded", timeout=ALL_ANSWERED_MS)
    sent_as = [job["state"] for job in jobs_of(app, sent) if job["metadata"]["file"] == RECORDINGS[3].name]
    assert sent_as[0] == "succeeded"  # the newest


def test_a_dead_job_is_retried_in_its_row(visit, app):
    chosen = Settings(home=app.home)
    redis = connect(chosen)
    jobs, lesson = Jobs(redis, chosen), {"batch": secrets.token_hex(8), "file": "anna.wav", "homework": HOMEWORK}
    jobs.submit(JobRequest(secrets.token_hex(16), "anna", text="Yesterday I go to the library.", metadata=lesson))
    for _ in range(chosen.attempts + 1):  # a worker dies over it again and again
        jobs.claim("llm", "unlucky", 1)
    redis.close()
    page = visit(f"/batch#{lesson['batch']}")
    expect(row(page, "anna.wav").locator(".transcript")).to_have_text(
        "The server crashed on this recording. Try again."
    )
    row(page, "anna.wav").get_by_text("Try again", exact=True).click()
    expect(row(page, "anna.wav")).to_have_attribute("data-state", "succeeded", timeout=ALL_ANSWERED_MS)
    assert len(jobs_of(app, lesson["batch"])) == 1


def test_a_batch_is_erased_here_and_on_the_server_while_it_is_being_answered(visit, app):
    page = visit("/batch")
    page.on("dialog", lambda asked: asked.accept())
    sent = send(page, RECORDINGS[:3])
    expect(page.locator("#rows tr[data-state=queued]").last).to_be_visible()
    page.click("#erase")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator("#history")).to_be_hidden()
    assert not jobs_of(app, sent)


def test_one_recording_is_erased_and_the_others_stay(visit, app):
    page = visit("/batch")
    page.on("dialog", lambda asked: asked.accept())
    sent = send(page, RECORDINGS[:2])
    page.get_by_label(f"Delete {RECORDINGS[0].name}").click()
    expect(page.locator("#rows th")).to_have_text([RECORDINGS[1].name])
    expect(page.locator("#batches")).to_contain_text("1 recording,")
    wait_for(lambda: [job["metadata"]["file"] for job in jobs_of(app, sent)] == [RECORDINGS[1].name])


@pytest.mark.parametrize(
    ("language", "text"), [("en-US", "does not let so large a file through"), ("zh-CN", "没能传到服务器")]
)
def test_what_a_proxy_refuses_is_explained_in_the_reader_s_language(visit, language, text):
    page = visit("/batch", locale=language)
    page.route(
        "**/v1/jobs",
        lambda route: route.fulfill(status=413, content_type="text/html", body="<h1>413 Request Entity Too Large</h1>"),
    )
    send(page, RECORDINGS[:1])
    expect(row(page, RECORDINGS[0].name)).to_have_attribute("data-state", "refused")
    expect(row(page, RECORDINGS[0].name)).to_contain_text(text)
    expect(row(page, RECORDINGS[0].name)).not_to_contain_text("Entity")


def test_a_recording_is_erased_before_the_page_has_loaded_the_batch(visit, app):
    page = visit("/batch")
    page.on("dialog", lambda dialog: dialog.accept())
    routes: list[Route] = []  # of the requests for the list; the first one is delayed
    page.route("**/v1/jobs?*", lambda route: route.continue_() if routes else routes.append(route))
    sent = send(page, RECORDINGS[:2])
    wait_for(lambda: routes or page.wait_for_timeout(20))
    page.get_by_label(f"Delete {RECORDINGS[0].name}").click()
    routes[0].continue_()
    expect(page.locator("#rows tr[data-state=succeeded]")).to_have_count(1, timeout=ALL_ANSWERED_MS)
    assert [job["metadata"]["file"] for job in jobs_of(app, sent)] == [RECORDINGS[1].name]
    expect(page.locator("#rows th")).to_have_text([RECORDINGS[1].name])


def test_a_click_is_not_lost_when_the_row_is_updated_under_the_mouse(visit, app):
    chosen = Settings(home=app.home)
    redis = connect(chosen)
    jobs, lesson = Jobs(redis, chosen), {"batch": secrets.token_hex(8), "file": "anna.wav", "homework": HOMEWORK}
    jobs.submit(JobRequest(secrets.token_hex(16), "anna", text="Yesterday I go to the library.", metadata=lesson))
    [job], _ = jobs.claim("llm", "slow", 1)
    page = visit(f"/batch#{lesson['batch']}")
    page.on("dialog", lambda dialog: dialog.accept())
    expect(row(page, "anna.wav")).to_have_attribute("data-state", "thinking")
    page.get_by_label("Delete anna.wav").hover()
    page.mouse.down()
    jobs.cancel(*job.name.split("/"))
    redis.close()
    expect(row(page, "anna.wav")).to_have_attribute("data-state", "canceled")
    page.mouse.up()
    expect(page.locator("#rows th")).to_have_count(0)
    assert not jobs_of(app, lesson["batch"])


def test_unknown_batch_shows_that_the_server_has_no_recordings(visit):
    page = visit("/batch#0123456789abcdef")
    expect(page.locator("#empty-message")).to_have_text(
        "The server has no recordings of this batch, or no longer keeps them."
    )
