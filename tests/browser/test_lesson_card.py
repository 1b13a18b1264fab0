"""The switch for lesson cards on the conversation page, and the card under an answer and in homework."""

import re

import httpx
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, SPOKEN
from tests.support.talk_page import find_job_id, find_turn, type_in

WITHOUT_RECORDING = "He have a dog and three cat."


def switch_on(page, label: str) -> None:
    page.click("#open-preferences")
    page.get_by_label(label).check()
    page.locator("#preferences menu button").click()


def test_a_learner_switches_cards_on_and_hears_one(visit, app, picture):
    page = visit(**PHONE)
    page.click("#open-preferences")
    expect(page.get_by_label("Make a lesson card")).not_to_be_checked()
    picture(page, "talk-card-switch")
    page.locator("#preferences menu button").click()
    switch_on(page, "Make a lesson card")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#file", SPOKEN)
    answered = find_turn(page, 1)
    job = app.get(f"/v1/jobs/{find_job_id(answered)}").json()
    assert job["card"]["audio"], job["card"]
    card = answered.get_by_role("region", name="Lesson card")
    expect(card.locator(".chapters button")).to_have_text(
        ["Your words", "The better sentence", "Slowly", "Your turn", "Praise"]
    )
    card.get_by_role("button", name=re.compile("Play from .*: Slowly")).click()
    expect(card.get_by_role("button", name="Pause: the lesson card")).to_be_visible()
    position = card.locator("input[type=range]")
    expect(position).to_have_attribute("aria-valuetext", re.compile(r"0:0[2-9] / 0:"))
    card.get_by_role("button", name="Pause: the lesson card").click()
    with page.expect_download() as download:
        card.get_by_role("link", name="Download the lesson card").click()
    assert download.value.suggested_filename == f"card-{job['id']}.wav"
    picture(page, "talk-card-phone-en")


def test_a_chinese_page_shows_the_chapters_in_chinese_and_typed_words_say_nothing_of_a_card(visit, picture):
    page = visit(**{**PHONE, "locale": "zh-CN"})
    switch_on(page, "制作学习卡")
    page.set_input_files("#file", SPOKEN)
    answered = find_turn(page, 1)
    buttons = answered.locator(".chapters button")
    expect(buttons).to_have_text(["你说的话", "更好的句子", "慢一点", "轮到你了", "表扬"])
    picture(page, "talk-card-phone-zh")
    type_in(page, WITHOUT_RECORDING)
    expect(find_turn(page, 2).locator(".lesson-card")).to_be_hidden()


def test_homework_shows_the_card_of_each_answer(visit, app, picture):
    fields = {"title": "With cards", "students": [{"name": "Anna Li"}], "format": "mp3"}
    address = f"{app.url}/v1/assignments/with-cards"
    httpx.put(address, json=fields, trust_env=False).raise_for_status()
    files = {"file": (SPOKEN.name, SPOKEN.read_bytes())}
    httpx.post(f"{address}/submissions", files=files, data={"student": "Anna Li"}, trust_env=False).raise_for_status()
    page = visit("/homework#with-cards")
    row = page.locator("#rows tr[data-state=succeeded]")
    expect(row).to_have_count(1, timeout=90_000)
    expect(page.locator("#detail-facts")).to_contain_text("with lesson cards")
    row.get_by_role("button", name="Play: the lesson card of Anna Li").click()
    expect(row.get_by_role("button", name="Pause: the lesson card")).to_be_visible()
    link = row.get_by_role("link", name="Download the lesson card of Anna Li")
    expect(link).to_have_attribute("download", "Anna Li-card.mp3")
    picture(page, "homework-card")
