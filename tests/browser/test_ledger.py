"""The page of the mistake ledger: what comes again, the words to hear again, what is mastered, and the erasure."""

import io
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.blob_store import FolderBlobs
from pipeline.jobs.results import Answer, Edit, Feedback, Figure, Part, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.jobs.store import Jobs
from pipeline.learners.identity import student_learner
from pipeline.learners.store import times_key
from tests.browser.conftest import DESKTOP, LEARNERS, PHONE, SCREENSHOTS, visits
from tests.support.accessibility import serious_violations
from tests.support.cluster import Cluster
from tests.support.job_steps import claim_job

TENSE = Edit(
    "go", "went", (1, 2), "R:VERB:TENSE", {"en": "Yesterday is over: say went, not go.", "zh": "过去的事用过去式。"}
)
AGREEMENT = Edit("like", "likes", (1, 2), "R:VERB:SVA", {"en": "He, she and it take an s.", "zh": "第三人称单数加 s。"})
ARTICLE = Edit("", "a", (2, 2), "M:DET", {"en": "One dog: say a dog.", "zh": "一只狗：a dog。"})
FIGURE = Figure(1, 0, 2)
FLUENCY = ReadingFluency(FIGURE, FIGURE, FIGURE, FIGURE)
READ = Transcript("Three ponies", "en", 2.0, reading=Reading((ReadWord("Three", "not_clear", 0.3, 0.9, "θ"),), FLUENCY))
READ_RIGHT = Feedback("Three ponies", "Three ponies", "", "x", verdict="correct")
RIGHT = Feedback("She likes music.", "She likes music.", "", "x", verdict="correct")
DAY_S = 86_400
STUDENT = student_learner("3a", "Meiling Xu")


def feedback(heard: str, corrected: str, edit: Edit) -> Feedback:
    return Feedback(heard, corrected, "", corrected, edits=(edit,), verdict="corrected")


SAID = [
    feedback("I go to the zoo yesterday.", "I went to the zoo yesterday.", TENSE),
    feedback("We go home last night.", "We went home last night.", TENSE),
    feedback("They go away two days ago.", "They went away two days ago.", TENSE),
    feedback("He like music.", "He likes music.", AGREEMENT),
    feedback("I have dog.", "I have a dog.", ARTICLE),
]


@pytest.fixture
def school(cluster: Cluster) -> Cluster:
    """An API that keeps recordings; whatever is said is answered by hand."""
    cluster.add_api(keep_recordings=True)
    cluster.start("api1")
    return cluster


def answer(jobs: Jobs, result: Feedback, transcript: Transcript | None = None) -> None:
    """Answer the next job; the audio of its answer is a recording."""
    if transcript:
        assert jobs.complete("asr", claim_job(jobs, "asr"), transcript)[0]
    assert jobs.complete("llm", claim_job(jobs, "llm"), result)[0]
    job = claim_job(jobs, "tts")
    sound = (LEARNERS / "ruoxi-wu.wav").read_bytes()
    blob = FolderBlobs(jobs.settings.blobs_folder).put(job.name, io.BytesIO(sound))
    part = Part(result.corrected, blob.name, blob.sha256, blob.size, 1.0)
    assert jobs.complete("tts", job, Answer("x", blob.name, blob.sha256, blob.size, 1.0, "wav", (part,)))[0]


def fill_ledger(page: Page, jobs: Jobs) -> None:
    """Talk in the session of this browser: five mistakes on five days, then one kind right on three days."""
    session = page.evaluate("localStorage.getItem('session')")
    for result in (*SAID, RIGHT, RIGHT, RIGHT):
        post(page, "/v1/jobs", {"text": result.heard, "session": session})
        answer(jobs, result)
    key = times_key("default", f"session-{session}")
    names = sorted(jobs.redis.zrange(key, 0, -1, withscores=True), key=lambda pair: pair[1])
    for age, (name, _) in zip(range(len(names), 0, -1), names, strict=True):
        jobs.redis.zadd(key, {name: time.time() - age * DAY_S})


def post(page: Page, path: str, json: dict[str, object]) -> None:
    response = page.request.post(f"{page.evaluate('location.origin')}{path}", data=json)
    assert response.ok, response.text()


def read_homework(page: Page, jobs: Jobs) -> None:
    """Meiling reads a text aloud."""
    origin = page.evaluate("location.origin")
    homework = {"title": "Ponies", "class_name": "3a", "text": "Three ponies", "students": [{"name": "Meiling Xu"}]}
    assert page.request.put(f"{origin}/v1/assignments/ponies", data=homework).ok
    file = {"name": "a.wav", "mimeType": "audio/wav", "buffer": (LEARNERS / "ruoxi-wu.wav").read_bytes()}
    form = {"student": "Meiling Xu", "file": file}
    assert page.request.post(f"{origin}/v1/assignments/ponies/submissions", multipart=form).ok
    answer(jobs, READ_RIGHT, READ)


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def has_no_sideways_scrolling(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop-en", {**DESKTOP, "viewport": {"width": 1440, "height": 900}}),
        ("desktop-zh", {**DESKTOP, "viewport": {"width": 1440, "height": 900}, "locale": "zh-CN"}),
        ("phone-en", PHONE),
        ("phone-zh", {**PHONE, "locale": "zh-CN"}),
    ],
)
def test_a_learner_sees_what_comes_again_and_what_is_mastered_and_erases_it(
    browser: Browser, school, jobs, name, options
):
    with visits(browser, school.url()) as visit:
        page = visit("/", **options)
        fill_ledger(page, jobs)
        page.locator("nav a[href='/ledger']").click()
        page.wait_for_selector("body.ledger[data-ready]")
        kinds = page.locator("#recurring > li")
        assert [each.get_attribute("data-kind") for each in kinds.all()] == ["R:VERB:TENSE", "M:DET"]
        assert kinds.first.locator(".heard").first.inner_text() == "They go away two days ago."
        assert kinds.first.locator("details li").count() == 1
        assert page.locator("#mastered li").count() == 1
        assert has_no_sideways_scrolling(page)
        shoot(page, f"ledger-{name}")
        with page.expect_response("**/audio?part=1") as sound:
            kinds.first.locator("button.sentence").first.click()
        assert sound.value.ok
        for link in ("#deck", "#table"):
            with page.expect_download() as download:
                page.locator(link).click()
            assert Path(download.value.path()).stat().st_size > 100
        page.on("dialog", lambda dialog: dialog.accept())
        page.locator("#erasure summary").click()
        page.locator("#erase").click()
        page.wait_for_selector("#receipt:not([hidden])")
        assert "8" in page.locator("#receipt").inner_text()
        assert not page.locator("#recurring-section").is_visible()
        shoot(page, f"ledger-erased-{name}")


@pytest.mark.parametrize("options", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_teacher_opens_a_student_s_ledger_from_the_homework_and_hears_the_word(
    browser: Browser, school, jobs, options
):
    with visits(browser, school.url()) as visit:
        page = visit("/", **options)
        read_homework(page, jobs)
        page.goto(page.url + "homework#ponies")
        page.locator("a[href^='/ledger#student-']").click()
        page.wait_for_selector("body.ledger[data-ready]")
        assert page.locator("#learner-name").inner_text() == "Meiling Xu"
        assert "θ" in page.locator("#words li").inner_text()
        with page.expect_response("**/clip?**") as clip:
            page.locator("#words button.sentence").click()
        assert clip.value.headers["content-type"] == "audio/wav"
        shoot(page, f"ledger-words-{options['viewport']['width']}")


def read_texts(page: Page, jobs: Jobs, *speeds: float, first: int = 0) -> None:
    """Meiling reads aloud in one homework after the other, from the number `first` on, at so many words a second."""
    origin = page.evaluate("location.origin")
    homework = {"title": "Ponies", "class_name": "3a", "text": "Three ponies", "students": [{"name": "Meiling Xu"}]}
    sound = (LEARNERS / "ruoxi-wu.wav").read_bytes()
    for number, speed in enumerate(speeds, first):
        assert page.request.put(f"{origin}/v1/assignments/read{number}", data=homework).ok
        file = {"name": "a.wav", "mimeType": "audio/wav", "buffer": sound + bytes(2 * number)}
        form = {"student": "Meiling Xu", "file": file}
        assert page.request.post(f"{origin}/v1/assignments/read{number}/submissions", multipart=form).ok
        pauses, longest = Figure(0.2 - speed / 40, 0, 0.14), Figure(0.4, 0, 0.52)
        fluency = ReadingFluency(Figure(4 * speed, 8, 11.5), Figure(speed, 2.1, 3.2), pauses, longest)
        read = Reading((ReadWord("Three", "said", 0.3, 0.9, "", -0.5),), fluency)
        answer(jobs, READ_RIGHT, Transcript("Three ponies", "en", 2.0, reading=read))


@pytest.mark.parametrize(
    ("name", "options", "count", "mean", "trend"),
    [
        ("phone-zh", {**PHONE, "locale": "zh-CN"}, "最近朗读的 6 篇", "平均 2.2", "在增加"),
        (
            "desktop-en-dark",
            {**DESKTOP, "color_scheme": "dark"},
            "The last 6 texts that were read aloud",
            "Mean 2.2",
            "rising",
        ),
    ],
)
def test_from_five_readings_on_fluency_has_a_mean_and_a_trend(
    browser: Browser, school, jobs, name, options, count, mean, trend
):
    with visits(browser, school.url()) as visit:
        page = visit("/", reduced_motion="reduce", **options)
        read_texts(page, jobs, 1.6, 1.9, 2.2, 2.4)
        page.goto(f"{school.url()}/ledger#{STUDENT}")
        cards = page.locator("#fluency .figure")
        expect(cards).to_have_count(4)
        expect(cards.locator(".figure-summary")).to_have_count(0)
        read_texts(page, jobs, 2.5, 2.7, first=4)
        page.reload()
        expect(page.locator("#fluency-count")).to_have_text(count)
        words = page.locator("[data-figure=words_per_s]")
        expect(words.locator(".figure-summary")).to_have_text(f"{mean}{trend}")
        expect(words.locator("circle")).to_have_count(6)
        assert "1.6" in str(words.locator("svg").get_attribute("aria-label"))
        assert has_no_sideways_scrolling(page)
        assert serious_violations(page) == []
        with page.expect_download() as download:
            page.locator("#fluency-table").click()
        assert Path(download.value.path()).stat().st_size > 300
        shoot(page, f"ledger-fluency-{name}")


def test_who_has_said_nothing_yet_is_told_what_the_page_is_for(browser: Browser, school):
    with visits(browser, school.url()) as visit:
        page = visit("/ledger")
        assert page.locator("#nothing").is_visible()
        assert not page.locator("#exports").is_visible()
