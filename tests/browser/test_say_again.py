"""A learner says the better sentence again: hears it, records it, and sees what became clearer. Needs no models."""

import pytest
from playwright.sync_api import Locator, Page, expect

from pipeline.errors import NoSpeech
from pipeline.jobs.results import Edit, Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript, Word
from tests.browser.conftest import PHONE, SPOKEN
from tests.support.accessibility import serious_violations
from tests.support.hand_answers import HandAnswers
from tests.support.talk_page import count_clips, expect_clips, find_job_id, find_turn

pytestmark = pytest.mark.usefixtures("patience")
HEARD = "I sink they has three cats."
BETTER = "I think they have three cats."
FEEDBACK = Feedback(
    HEARD,
    BETTER,
    "What are their names?",
    f"We say: {BETTER} What are their names?",
    (
        Edit("sink", "think", (1, 2)),
        Edit("has", "have", (3, 4), "R:VERB:SVA", {"en": "They have.", "zh": "They have。"}),
    ),
    verdict="corrected",
)
WORDS = tuple(Word(f" {word}", 0.5 * at, 0.5 * at + 0.4, 0.9) for at, word in enumerate(HEARD.split()))
RANGE = Figure(2.0, 1.0, 3.0)
FLUENCY = ReadingFluency(RANGE, RANGE, RANGE, RANGE)
LOOKS = [("en-US", "phone"), ("zh-CN", "phone"), ("en-US", "desktop"), ("zh-CN", "desktop")]
SIZES = {"phone": PHONE, "desktop": {"viewport": {"width": 1440, "height": 900}}}
TEXTS = {
    "en-US": {
        "again": "Say it again",
        "done": "You have said it three times. Now let us go on.",
        "praise": "“think” and “three” were clearer this time. All words were heard.",
    },
    "zh-CN": {
        "again": "再说一遍",
        "done": "你已经说了三遍，我们接着聊吧。",
        "praise": "这次“think”、“three”更清楚了。每个词都听到了。",
    },
}


def measure(think: float, three: float, unclear: str = "") -> Transcript:
    """A try of BETTER with the clearness of two words."""
    clearness = {"think": think, "three": three}

    def read(at: int, word: str) -> ReadWord:
        state, weakest = ("not_clear", "θ") if word in unclear.split() else ("said", "")
        return ReadWord(word, state, 0.3 * at, 0.3 * at + 0.25, weakest, clearness.get(word, -0.5))

    words = tuple(read(at, word) for at, word in enumerate(BETTER.rstrip(".").split()))
    return Transcript(BETTER, "en", 2.0, reading=Reading(words, FLUENCY))


def correct_turn(page: Page, school: HandAnswers) -> Locator:
    """A spoken turn that is corrected, with its practice opened."""
    page.set_input_files("#file", SPOKEN)
    assert school.jobs.complete("asr", school.claim("asr"), Transcript(HEARD, "en", 3.0, WORDS))[0]
    school.answer_text(FEEDBACK)
    turn = find_turn(page, page.locator(".turn").count())
    turn.locator(".practice > .choice").click()
    return turn


def say(turn: Locator, seconds: float = 0.7) -> None:
    turn.locator(".practice-record").click()
    turn.page.wait_for_timeout(1000 * seconds)
    turn.locator(".practice-stop").click()


def hear(school: HandAnswers, turn: Locator, transcript: Transcript, number: int = 1) -> None:
    """Recognise the next try, which is the turn's `number`-th, as this; the page shows it then."""
    assert school.jobs.complete("asr", school.claim("asr"), transcript)[0]
    expect(turn.locator(".tries li[data-state=succeeded]")).to_have_count(number)


@pytest.mark.parametrize(("locale", "size"), LOOKS)
def test_a_sentence_is_said_again_thrice_and_shows_what_became_clearer(visit_school, school, picture, locale, size):
    page, texts = visit_school(locale=locale, reduced_motion="reduce", **SIZES[size]), TEXTS[locale]
    turn = correct_turn(page, school)
    expect(turn.locator(".practice > .choice")).to_have_text(texts["again"])
    expect(turn.locator(".practice-sentence")).to_have_text(BETTER)
    expect(turn.locator(".practice-panel > .choices").first.locator("button")).to_have_count(3)
    picture(page, f"say-again-{size}-{locale[:2]}-open")
    say(turn)
    hear(school, turn, Transcript("I sink they have three cats", "en", 2.0))
    first = turn.locator(".tries li").nth(0)
    expect(first.locator(".not-heard")).to_contain_text("think")
    expect(first.locator(".better")).to_contain_text("have")
    say(turn)
    hear(school, turn, measure(-3.5, -3.2, unclear="think three"), 2)
    second = turn.locator(".tries li").nth(1)
    expect(second.locator("mark.unclear")).to_have_count(2)
    expect(turn.locator(".practice-words .word")).to_have_count(2)
    expect(turn.locator(".practice-words .word button").first).to_contain_text("think /θ/")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["viewport"]["width"]
    picture(page, f"say-again-{size}-{locale[:2]}-words")
    say(turn)
    hear(school, turn, measure(-0.8, -0.9), 3)
    third = turn.locator(".tries li").nth(2)
    expect(third.locator(".better")).to_have_count(2)
    expect(third.locator(".praise")).to_have_text(texts["praise"])
    expect(turn.locator(".practice-done")).to_have_text(texts["done"])
    expect(turn.locator(".practice-record")).to_have_count(0)
    picture(page, f"say-again-{size}-{locale[:2]}-done")
    assert serious_violations(page) == []
    page.click("#language")
    expect(turn.locator(".practice-done")).not_to_have_text(texts["done"])


def test_the_sentence_its_words_and_the_own_clips_are_heard(visit_school, school):
    page = visit_school()
    turn = correct_turn(page, school)
    normal, slow, own = (turn.locator(".practice-panel > .choices").first.locator("button").nth(at) for at in range(3))
    count_clips(page)
    for number, (clip, label) in enumerate(((normal, BETTER), (own, "what you said before")), 1):
        expect(clip).to_have_attribute("aria-label", f"Play: {label}")
        clip.click()
        expect_clips(page, number)
    slow.click()
    job = school.claim("tts")
    assert (job.request.text, job.request.speed, job.request.task) == (BETTER, 0.7, "speak")
    assert school.jobs.complete("tts", job, school.speak(job, BETTER))[0]
    expect_clips(page, 3)
    say(turn)
    hear(school, turn, measure(-0.5, -3.5, unclear="three"))
    word, own_word = (turn.locator(".practice-words .word button").nth(at) for at in range(2))
    own_word.click()
    expect_clips(page, 4)
    word.click()
    job = school.claim("tts")
    assert job.request.text == "three"
    assert school.jobs.complete("tts", job, school.speak(job, "three"))[0]
    expect_clips(page, 5)


def test_a_try_made_offline_is_kept_and_sent_later(visit_school, school):
    page = visit_school(locale="zh-CN")
    turn = correct_turn(page, school)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    turn.locator(".practice-panel > .choices button").nth(1).click()
    expect(turn.locator(".practice-note")).to_have_text("现在没有连接，播放不了。")
    say(turn)
    unsent = turn.locator(".tries li[data-state=unsent]")
    expect(unsent).to_contain_text("已保存在浏览器里")
    expect(unsent.locator(".audio-player")).to_be_visible()
    page.context.set_offline(False)
    hear(school, turn, Transcript(BETTER, "en", 2.0))
    expect(turn.locator(".tries li[data-state=succeeded] .praise")).to_contain_text("每个词都听到了。")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    turn = find_turn(page, 1)
    turn.locator(".practice > .choice").click()
    expect(turn.locator(".tries li .audio-player")).to_be_visible()  # the own recording is still there


def test_silence_costs_no_try_and_something_else_is_said_so(visit_school, school):
    page = visit_school()
    turn = correct_turn(page, school)
    say(turn)
    school.jobs.fail("asr", school.claim("asr"), NoSpeech(), again=False)
    expect(turn.locator(".tries li[data-state=failed]")).to_be_visible()
    expect(turn.locator(".practice-panel")).to_contain_text("3 more times")
    say(turn)
    hear(school, turn, Transcript("Elephants eat grass all day long", "en", 2.0))
    expect(turn.locator(".tries li")).to_contain_text("Something else was heard: “Elephants eat grass all day long”")
    expect(turn.locator(".practice-panel")).to_contain_text("2 more times")


def test_a_turn_that_is_erased_takes_its_tries_along(visit_school, school):
    page = visit_school()
    turn = correct_turn(page, school)
    say(turn)
    hear(school, turn, Transcript(BETTER, "en", 2.0))
    expect(turn.locator(".praise")).to_be_visible()
    job = find_job_id(turn)
    (tried,) = school.get(f"/v1/jobs/{job}/tries")["tries"]
    turn.get_by_role("button", name="Delete this turn").click()
    expect(page.locator(".turn")).to_have_count(0)
    stored = "new Promise((done) => { const open = indexedDB.open('waijiao'); open.onsuccess = () => {"
    stored += " open.result.transaction('recordings').objectStore('recordings').getAll().onsuccess ="
    stored += " ({ target }) => done(target.result.length) } })"
    page.wait_for_function(f"async () => (await {stored}) === 0")
    assert page.request.get(f"{school.url}/v1/jobs/{tried['job']}").status == 410


def test_where_nothing_was_corrected_nothing_is_said_again(visit_school, school):
    page = visit_school()
    page.set_input_files("#file", SPOKEN)
    school.answer_recording(Feedback(BETTER, BETTER, "Well said!", "Well said!", verdict="correct"))
    expect(find_turn(page, 1).locator(".practice")).to_be_hidden()
