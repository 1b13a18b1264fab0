"""A study plan on the conversation page: days as a list, in both languages, on a phone and a desktop. No models."""

import time

import pytest
from playwright.sync_api import expect

from pipeline.jobs.results import Feedback
from pipeline.learners.entries import LedgerEntry, MistakeNote, UnclearNote
from pipeline.learners.ledger import DatedEntry, build_ledger
from tests.browser.conftest import DESKTOP, PHONE, SPOKEN
from tests.browser.test_verdicts import serious_violations
from tests.support.talk_page import find_turn, type_in
from worker_llm.tutor.safety import NO_SCHOOL_WORDS
from worker_llm.tutor.study_plan.answer import PlanTurn, answer_about_plan

MISTAKES = (
    MistakeNote("R:VERB:TENSE", "go", "went", "I go to the zoo yesterday.", "I went to the zoo yesterday."),
    MistakeNote("R:VERB:TENSE", "see", "saw", "We see a panda last week.", "We saw a panda last week."),
    MistakeNote("M:DET", "", "a", "I have dog.", "I have a dog."),
    MistakeNote("R:PREP", "in", "at", "I get up in seven.", "I get up at seven."),
)
ENTRY = LedgerEntry("x", MISTAKES, unclear=(UnclearNote("three", 0, 1), UnclearNote("mouth", 1, 2)))
REQUESTS = {"en": "Make me a plan for this week.", "zh": "帮我做一个这周的学习计划"}


def answer_request(language: str) -> Feedback:
    ledger = build_ledger("x", [DatedEntry(time.time(), ENTRY)])
    feedback = answer_about_plan(PlanTurn(REQUESTS[language], (), lambda: ledger, NO_SCHOOL_WORDS))
    assert feedback is not None
    return feedback


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_the_days_of_a_plan_are_a_list_in_the_reader_s_language(visit_school, school, picture, locale):
    is_chinese = locale == "zh-CN"
    page = visit_school(reduced_motion="reduce", locale=locale, **PHONE)
    type_in(page, REQUESTS["en"])
    school.answer_text(answer_request("en"))
    turn = find_turn(page, 1)
    days = turn.locator(".study-plan > li")
    expect(days).to_have_count(7)
    expect(days.first).to_contain_text("昨天做了什么" if is_chinese else "Say what you did yesterday")
    expect(days.first).to_contain_text("第 1 天" if is_chinese else "Day 1")
    expect(days.first).to_contain_text("We saw a panda last week.")
    expect(turn.locator(".reply")).to_contain_text("这是你的学习计划" if is_chinese else "Here is your plan.")
    expect(turn.locator(".verdict, .explanation")).to_have_count(0)
    assert serious_violations(page) == []
    for name, options in (("phone", PHONE), ("desktop", DESKTOP)):
        page.set_viewport_size(options["viewport"])
        turn.locator(".reply").evaluate("node => node.scrollIntoView({ block: 'center' })")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        picture(page, f"study-plan-{name}-{locale}")
    turn.get_by_role("button", name="Tell me what you did yesterday.").click()
    expect(page.locator("#text")).to_be_focused()


def test_a_plan_that_was_asked_for_in_chinese_is_chinese_on_an_english_page_and_questions_have_no_verdict(
    visit_school, school
):
    page, said = visit_school(), REQUESTS["zh"]
    type_in(page, said)
    school.answer_text(
        Feedback(said, said, "How many?", "How many?", explanation="多少分钟？", plan_question="minutes")
    )
    question = find_turn(page, 1)
    expect(question.locator(".answer")).to_contain_text("多少分钟？")
    expect(question.locator(".verdict")).to_have_count(0)
    type_in(page, said)
    school.answer_text(answer_request("zh"))
    expect(find_turn(page, 2).locator(".study-plan > li").first).to_contain_text("昨天做了什么")


def test_a_press_on_a_day_s_question_records_the_answer_of_a_learner_who_speaks(visit_school, school):
    page = visit_school()
    page.set_input_files("#file", SPOKEN)
    school.answer_recording(answer_request("en"))
    find_turn(page, 1).get_by_role("button", name="Tell me what you did yesterday.").click()
    page.wait_for_selector(".row.recording:not([hidden])")
