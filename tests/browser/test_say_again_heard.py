"""What a learner says again into a real microphone is recognised and measured by the default models."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, SPOKEN, visits
from tests.support.running_app import RunningApp, run_app
from tests.support.talk_page import count_clips, expect_clips, find_job_id, find_turn

SECONDS = 4.5  # SPOKEN is a little shorter


@pytest.fixture(scope="module")
def measuring_app(tmp_path_factory) -> Iterator[RunningApp]:
    with run_app(tmp_path_factory.mktemp("app"), WAIJIAO_PRACTICE_CLEARNESS="on") as running:
        yield running


@pytest.fixture
def visit(browser, measuring_app) -> Iterator[Callable[..., Page]]:
    with visits(browser, measuring_app.url) as open_page:
        yield open_page


def test_a_better_sentence_is_heard_slowly_said_again_and_measured(visit, measuring_app, picture):
    page = visit(**PHONE)
    page.set_input_files("#file", SPOKEN)
    turn = find_turn(page, 1)
    job = measuring_app.get(f"/v1/jobs/{find_job_id(turn)}").json()
    assert job["practice"]["text"].startswith("She has long hair")
    turn.locator(".practice > .choice").click()
    _, slow, own = (turn.locator(".practice-panel > .choices").first.locator("button").nth(at) for at in range(3))
    count_clips(page)
    for number, clip in enumerate((slow, own), 1):
        clip.click()
        expect_clips(page, number)
    for number in (1, 2):
        turn.locator(".practice-record").click()
        page.wait_for_timeout(1000 * SECONDS)
        turn.locator(".practice-stop").click()
        expect(turn.locator(".tries .praise")).to_have_count(number, timeout=60_000)
    tries = measuring_app.get(f"/v1/jobs/{job['id']}/tries").json()
    first, second = tries["tries"]
    assert (first["compared_with"], second["compared_with"]) == ("recording", "try")
    assert first["measured"]
    assert second["measured"]
    states = {each["word"]: each["state"] for each in second["words"]}
    assert {word: states[word] for word in ("long", "hair", "blue", "eyes")} == dict.fromkeys(
        ("long", "hair", "blue", "eyes"), "said"
    )
    assert all(each["end"] > each["start"] for each in second["words"] if each["state"] == "said")
    expect(turn.locator(".tries li").nth(1).locator(".tried-words")).to_contain_text("long hair")
    picture(page, "say-again-phone-en-measured")
