"""The switch for lesson cards on the conversation page, and the card under an answer and in homework."""

import re
from dataclasses import replace

from playwright.sync_api import Page, expect

from pipeline.jobs.results import CardChapter, Edit, Feedback, LessonCard
from tests.browser.conftest import PHONE, SPOKEN
from tests.support.hand_answers import HandAnswers
from tests.support.talk_page import find_turn

WHY = {"en": "With she say has, not have.", "zh": "主语是 she 时用 has，不用 have。"}
FEEDBACK = Feedback(
    "She have long hair.",
    "She has long hair.",
    "What is she like?",
    "We say: She has long hair. What is she like?",
    (Edit("have", "has", (1, 2), "R:VERB:SVA", WHY),),
    verdict="corrected",
)
KINDS = ("own_words", "better", "slow", "repeat", "praise")
CARD_S = 20.0


def answer_with_card(school: HandAnswers, missing: str = "") -> str:
    """Answers the next recording; its card has five chapters of four seconds, or there is none for this reason."""
    school.transcribe(FEEDBACK.heard)
    school.think(FEEDBACK)
    job = school.claim("tts")
    assert job.request.card
    answer = school.speak(job, FEEDBACK.spoken)
    stored = school.store(job, "", round(CARD_S))
    chapters = tuple(CardChapter(kind, kind, 4.0 * number, 4.0 * number + 4) for number, kind in enumerate(KINDS))
    card = LessonCard(stored.blob, stored.sha256, stored.size, CARD_S, chapters)
    with_card = replace(answer, no_card=missing) if missing else replace(answer, card=card)
    assert school.jobs.complete("tts", job, with_card)[0]
    return job.id


def switch_on(page: Page, label: str) -> None:
    page.click("#open-preferences")
    page.get_by_label(label).check()
    page.locator("#preferences menu button").click()


def test_a_learner_switches_cards_on_and_hears_one(visit_school, school, picture):
    page = visit_school(**PHONE)
    page.click("#open-preferences")
    expect(page.get_by_label("Make a lesson card")).not_to_be_checked()
    expect(page.locator("#retention")).to_contain_text("stored in this browser only")
    page.get_by_label("Make a lesson card").check()
    expect(page.locator("#retention")).to_contain_text("your own voice in its lesson cards")
    picture(page, "talk-card-switch")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#file", SPOKEN)
    id_ = answer_with_card(school)
    card = find_turn(page, 1).get_by_role("region", name="Lesson card")
    expect(card.locator(".chapters button")).to_have_text(
        ["Your words", "The better sentence", "Slowly", "Your turn", "Praise"]
    )
    picture(page, "talk-card-phone-en")
    card.get_by_role("button", name="Play from 0:08: Slowly").click()
    pause = card.get_by_role("button", name="Pause: the lesson card")
    expect(pause).to_be_visible()
    position = card.locator("input[type=range]")
    expect(position).to_have_attribute("aria-valuetext", re.compile(r"0:(0[89]|1\d) / 0:20"))
    pause.click()
    with page.expect_download() as download:
        card.get_by_role("link", name="Download the lesson card").click()
    assert download.value.suggested_filename == f"card-{id_}.wav"


def test_a_chinese_page_shows_the_chapters_in_chinese_and_says_why_there_is_no_card(visit_school, school, picture):
    page = visit_school(**{**PHONE, "locale": "zh-CN"})
    switch_on(page, "制作学习卡")
    page.set_input_files("#file", SPOKEN)
    answer_with_card(school)
    buttons = find_turn(page, 1).locator(".chapters button")
    expect(buttons).to_have_text(["你说的话", "更好的句子", "慢一点", "轮到你了", "表扬"])
    picture(page, "talk-card-phone-zh")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"
    page.set_input_files("#file", SPOKEN)
    answer_with_card(school, missing="too_slow")
    card = find_turn(page, 2).locator(".lesson-card")
    expect(card).to_have_text("没有学习卡：服务器来不及制作。")


def test_homework_shows_the_card_of_each_answer(visit_school, school, picture):
    assignment = {"title": "With cards", "students": [{"name": "Anna Li"}, {"name": "Ben Wu"}]}
    school.request("PUT", "/v1/assignments/with-cards", json=assignment)
    for student, missing in (("Anna Li", ""), ("Ben Wu", "verdict")):
        files = {"file": (SPOKEN.name, SPOKEN.read_bytes() + student.encode())}
        school.request("POST", "/v1/assignments/with-cards/submissions", files=files, data={"student": student})
        answer_with_card(school, missing)
    page = visit_school("/homework#with-cards")
    rows = page.locator("#rows tr[data-state=succeeded]")
    expect(rows).to_have_count(2)
    expect(page.locator("#detail-facts")).to_contain_text("with lesson cards")
    row = rows.filter(has_text="Anna Li")
    expect(rows.filter(has_text="Ben Wu")).to_contain_text("No lesson card: this answer was not checked.")
    row.get_by_role("button", name="Play: the lesson card of Anna Li").click()
    expect(row.get_by_role("button", name="Pause: the lesson card")).to_be_visible()
    link = row.get_by_role("link", name="Download the lesson card of Anna Li")
    expect(link).to_have_attribute("download", "Anna Li-card.wav")
    picture(page, "homework-card")
