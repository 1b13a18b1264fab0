"""The homework of a text that was read aloud shows the words that were left out, added, or not clear."""

import httpx
import pytest
from playwright.sync_api import expect

from pipeline import personas
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Figure, Reading, ReadingFluency, ReadWord, Transcript
from tests.browser.conftest import visits
from tests.support.job_steps import run_stage
from worker_llm.tutor.model_reply import Conversation
from worker_llm.tutor.read_aloud import ReadingAttempt, build_reading_feedback

TEXT = "I think he has three dogs. They live in a small house near the forest."
READ = "I sink he has three big dogs. They live in a house near the forest."
NOTES = {
    "en-US": ["Left out: “small”", "Added: “big”", "Listen to this word again: “three” /θ/"],
    "zh-CN": ["漏读：“small”", "多读：“big”", "再听一听这个词：“three” /θ/"],
}
FACTS = {"en-US": "shows which words to listen to again", "zh-CN": "显示值得再听一听的词"}
RANGE = Figure(2.5, 1.75, 3.12)
READING = Reading(
    (ReadWord("has", "said", 0.5, 0.7), ReadWord("three", "not_clear", 0.8, 1.1, "θ"), ReadWord("small", "left_out")),
    ReadingFluency(RANGE, RANGE, RANGE, RANGE),
)
FIGURES = {"en-US": "2.5 The middle half of other speakers: 1.8 to 3.1", "zh-CN": "2.5 中间一半的人：1.8 到 3.1"}
FOR_SCREEN_READERS = {"en-US": ["not in the text: big", "left out: small"], "zh-CN": ["课文里没有：big", "漏读：small"]}


@pytest.fixture
def show_reading(browser, cluster, settings):
    """Opens the page of an assignment for which Anna's homework, READ, waits for its review."""
    cluster.add_api("api1")
    cluster.start("api1")

    def show(open_page, locale: str, text: str = TEXT):
        fields = {"title": "Reading", "students": [{"name": "Anna"}], "text": text, "hold": True, "clearness": True}
        url = f"{cluster.url('api1')}/v1/assignments/reading"
        httpx.put(url, json=fields, trust_env=False).raise_for_status()
        homework = {"assignment": "reading", "student": "Anna", "hold": True, "lane": "homework"}
        recording = f"default/{'a' * 32}/x"
        cluster.jobs.submit(JobRequest("a" * 32, "anna", recording=recording, details={"text": TEXT}, **homework))
        run_stage(cluster.jobs, "asr", Transcript(READ, "en", 5.0, reading=READING))
        conversation = Conversation(personas.load("william", settings.personas))
        attempt = ReadingAttempt(READ, TEXT)
        run_stage(cluster.jobs, "llm", build_reading_feedback(attempt, "Where do they live?", conversation))
        return open_page("/homework#reading", url=cluster.url("api1"), locale=locale)

    with visits(browser, "") as open_page:
        yield lambda *words: show(open_page, *words)


@pytest.mark.parametrize("locale", NOTES)
def test_the_table_and_the_review_show_what_was_left_out_added_and_not_clear(show_reading, picture, locale):
    page = show_reading(locale)
    expect(page.locator("#detail-facts")).to_contain_text(FACTS[locale])
    for place in ("#rows td.transcript", "#review-transcript"):
        expect(page.locator(f"{place} .reading-note")).to_have_text(NOTES[locale])
        line = page.locator(f"{place} .transcript-line")
        expect(line.locator("ins.left-out")).to_have_count(1)
        for words in FOR_SCREEN_READERS[locale]:
            expect(line).to_contain_text(words)
        expect(line.locator("del")).to_have_count(2)
        page.locator(f"{place} .fluency summary").click()
        expect(page.locator(f"{place} .fluency dd").nth(1)).to_have_text(FIGURES[locale])
        if place.startswith("#rows"):
            picture(page, f"homework-reading-{locale}")
            page.locator("#rows button.held").click()


def test_where_nothing_was_to_be_read_nothing_was_left_out(show_reading):
    page = show_reading("en-US", "")
    expect(page.locator("#rows td.transcript .transcript-line")).to_contain_text("add small")
    expect(page.locator(".reading-note, ins.left-out")).to_have_count(0)
