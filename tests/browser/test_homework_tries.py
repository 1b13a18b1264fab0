"""A student says the better sentence of homework again on the page of the answer; the teacher sees and hears it."""

import pytest
from playwright.sync_api import Locator, Page, expect

from pipeline.jobs.job import Job
from pipeline.jobs.results import Edit, Feedback, Transcript, Word
from pipeline.worker.task import commit
from tests.browser.conftest import PHONE, SPOKEN
from tests.support.accessibility import serious_violations
from tests.support.hand_answers import HandAnswers
from tests.support.talk_page import count_clips

pytestmark = pytest.mark.usefixtures("patience")
HEARD, BETTER = "I sink they has three cats.", "I think they have three cats."
EDITS = (
    Edit("sink", "think", (1, 2)),
    Edit("has", "have", (3, 4), "R:VERB:SVA", {"en": "They have.", "zh": "they 后面用 have。"}),
)
FEEDBACK = Feedback(HEARD, BETTER, "What are their names?", BETTER, EDITS, verdict="corrected")
WORDS = tuple(Word(f" {word}", 0.5 * at, 0.5 * at + 0.4, 0.9) for at, word in enumerate(HEARD.split()))
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
LOOKS = {
    "phone-en": {"locale": "en-US", **PHONE},
    "desktop-zh-dark": {"locale": "zh-CN", "color_scheme": "dark", **DESKTOP},
}
TEXTS = {
    "phone-en": {
        "done": "You have said it three times. You are done!",
        "summary": "Said again 3 times: 6 of 6 words heard",
        "titles": ["Best: try 2, 6 of 6 words heard", "Last: try 3, 5 of 6 words heard"],
    },
    "desktop-zh-dark": {
        "done": "你已经说了三遍，完成了！",
        "summary": "再说了 3 遍：6 个词听到了 6 个",
        "titles": ["最好：第 2 遍，6 个词听到了 6 个", "最后：第 3 遍，6 个词听到了 5 个"],
    },
}


def hand_in(school: HandAnswers, id_: str, **fields) -> str:
    """Anna's homework, handed in and recognised; its job's id."""
    homework = {"title": "Our pets", "class_name": id_, "students": [{"name": "Anna"}, {"name": "Ben"}], **fields}
    school.request("PUT", f"/v1/assignments/{id_}", json=homework)
    recording = SPOKEN.read_bytes() + bytes(2 * len(id_))  # another one each time: a transcript would be used again
    files, student = {"file": ("a.wav", recording)}, {"student": "Anna"}
    result = school.request("POST", f"/v1/assignments/{id_}/submissions", files=files, data=student).json()
    assert school.jobs.complete("asr", school.claim("asr"), Transcript(HEARD, "en", 3.0, WORDS))[0]
    return str(result["accepted"][0]["job"])


def say(page: Page, school: HandAnswers, heard: str, number: int) -> None:
    """Record the next try, which is heard so; the page shows it then."""
    page.locator(".practice-record").click()
    page.wait_for_timeout(700)
    page.locator(".practice-stop").click()
    job: Job = school.claim("asr")
    commit(school.jobs, "asr", job, Transcript(heard, "en", 2.0))
    expect(page.locator(".tries li[data-state=succeeded]")).to_have_count(number)


def stored_recordings(page: Page) -> int:
    script = "() => new Promise((done) => { const open = indexedDB.open('waijiao'); open.onsuccess = () => {"
    script += " open.result.transaction('recordings').objectStore('recordings').count().onsuccess ="
    script += " ({ target }) => done(target.result) } })"
    return int(page.evaluate(script))


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("look", LOOKS)
def test_a_student_says_it_again_and_the_teacher_hears_the_best_and_the_last_try(visit_school, school, picture, look):
    texts = TEXTS[look]
    hand_in(school, f"pets-{look}")
    school.answer_text(FEEDBACK)
    page = visit_school(f"/homework#pets-{look}", reduced_motion="reduce", **LOOKS[look])
    page.locator("a[href^='/answer#']").click()
    page.wait_for_selector("body.answer-page[data-ready]")
    expect(page.locator("#title")).to_have_text("Anna")
    expect(page.locator("#feedback del")).to_have_count(2)
    expect(page.locator("#kept")).to_be_visible()
    page.locator(".practice > .choice").click()
    expect(page.locator(".practice-sentence")).to_have_text(BETTER)
    for number, heard in enumerate(("I sink they have three cats", BETTER, "I think they have free cats"), 1):
        say(page, school, heard, number)
    expect(page.locator(".practice-done")).to_have_text(texts["done"])
    expect(page.locator(".tries .audio-player")).to_have_count(2)  # the first try is given up
    assert stored_recordings(page) == 0
    assert fits(page)
    assert serious_violations(page) == []
    picture(page, f"homework-tries-student-{look}")
    page.goto(f"{school.url}/homework#pets-{look}")
    tries = page.locator("#rows .student-tries")
    expect(tries.locator("summary")).to_have_text(texts["summary"])
    tries.locator("summary").click()
    expect(tries.locator(".try-title")).to_have_text(texts["titles"])
    expect(tries.locator(".better")).to_have_count(4)
    hear(page, tries)
    assert fits(page)
    assert serious_violations(page) == []
    picture(page, f"homework-tries-teacher-{look}")


def hear(page: Page, tries: Locator) -> None:
    """Both recordings are played, one after the other."""
    count_clips(page)
    for at in range(2):
        with page.expect_response("**/recording") as sound:
            tries.locator("button.round").nth(at).click()
        assert sound.value.status in {200, 206}
        page.wait_for_function(
            "() => !document.querySelector('.student-tries .audio-player output').textContent.startsWith('0:00 /')"
        )


def test_until_it_is_released_a_student_is_told_that_the_teacher_looks_at_it(visit_school, school):
    job = hand_in(school, "held", hold=True)
    page = visit_school(f"/answer#{job}")
    expect(page.locator("#state")).to_have_text("The teacher is listening to it. The answer will be here.")
    school.think(FEEDBACK)
    expect(page.locator("#state")).to_have_text("Your teacher is looking at it. The answer will be here.")
    expect(page.locator("#said")).to_be_hidden()
    school.request("POST", f"/v1/jobs/{job}/release")
    spoken = school.claim("tts")
    assert school.jobs.complete("tts", spoken, school.speak(spoken, BETTER))[0]
    expect(page.locator("#sound .audio-player").first).to_be_visible()
    expect(page.locator("#state")).to_be_hidden()


def test_an_address_that_names_no_answer_says_where_to_find_one(visit_school):
    page = visit_school("/answer", locale="zh-CN")
    expect(page.locator("#nothing")).to_have_text("这个地址没有指明是哪个回答。请从作业的表格里打开。")
    page.goto(f"{page.url}#{'f' * 32}")
    expect(page.locator(".request-error").first).to_be_visible()
