"""Connections that break and return, reloaded pages, two tabs: nothing is lost and nothing is submitted twice."""

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, SPOKEN
from tests.faults.harness.redis_proxy import Proxy
from tests.support.talk_page import WRONG_SENTENCE, find_job_id, find_transcript, find_turn, record, type_in


@pytest.fixture
def proxy(app) -> Iterator[Proxy]:
    """A proxy between the browser and the server, whose connections can be broken."""
    proxy = Proxy(int(app.url.rpartition(":")[2]))
    yield proxy
    proxy.close()


def url_through(proxy: Proxy) -> str:
    return f"http://127.0.0.1:{proxy.port}"


def wait_until_kept(page: Page) -> None:
    page.wait_for_selector(".turn[data-state=unsent]")


def jobs(app, page: Page) -> list[dict]:
    session = page.evaluate("localStorage.getItem('session')")
    return app.get("/v1/jobs", params={"session": session}).json()["jobs"]


def test_recordings_made_offline_survive_a_reload_and_are_sent_later(visit, app, picture):
    page = visit(**PHONE, locale="zh-CN", service_workers="allow")
    page.evaluate("navigator.serviceWorker.ready")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    page.set_input_files("#file", SPOKEN)
    type_in(page, WRONG_SENTENCE)
    expect(page.locator(".turn[data-state=unsent]")).to_have_count(2)
    picture(page, "talk-phone-offline-zh")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    expect(page.locator(".turn[data-state=unsent]")).to_have_count(2)
    page.context.set_offline(False)
    assert "long hair" in find_transcript(find_turn(page, 1))
    assert "have has" in find_transcript(find_turn(page, 2))
    expect(page.locator("#offline")).to_be_hidden()
    assert [job["seq"] for job in jobs(app, page)] == [2, 1]
    assert len(app.get("/v1/sessions/" + page.evaluate("localStorage.getItem('session')")).json()["turns"]) == 2


def test_an_answer_arrives_after_the_connection_broke(visit, app, proxy):
    page = visit(url=url_through(proxy))
    type_in(page, WRONG_SENTENCE)
    page.wait_for_selector(".turn[data-job]")
    proxy.reset()
    find_turn(page, 1)
    assert len(jobs(app, page)) == 1


def test_a_recording_whose_acceptance_was_lost_is_one_job(visit, app, proxy):
    page = visit(url=url_through(proxy))
    proxy.drop_reply(b"", b"HTTP/1.1 202")
    page.set_input_files("#file", SPOKEN)
    find_turn(page, 1)
    assert proxy.dropped_replies == 1
    assert len(jobs(app, page)) == 1


def test_a_server_that_does_not_answer_loses_nothing(visit, app, proxy):
    page = visit(url=url_through(proxy))
    proxy.suspend()
    type_in(page, "Are you there?")
    wait_until_kept(page)
    page.wait_for_timeout(1500)
    proxy.resume()
    find_turn(page, 1)
    assert len(jobs(app, page)) == 1


def test_a_reload_shows_the_conversation_and_the_learner_s_own_recordings(visit):
    page = visit()
    page.set_input_files("#file", SPOKEN)
    before = find_transcript(find_turn(page, 1))
    page.reload()
    answered = find_turn(page, 1)
    assert find_transcript(answered) == before
    answered.get_by_role("button", name="Play: your voice").click()
    expect(answered.get_by_role("button", name="Pause: your voice")).to_be_visible()
    expect(
        answered.get_by_role("button", name="Play: the teacher")
    ).to_be_visible()  # it does not begin again by itself


def test_a_reload_while_the_teacher_works_loses_nothing(visit, app):
    page = visit()
    ahead = [app.post(SPOKEN, session=f"ahead of a reload {number}") for number in range(3)]
    type_in(page, WRONG_SENTENCE)
    page.wait_for_selector(".turn[data-job]")
    page.reload()
    assert "have has" in find_transcript(find_turn(page, 1))
    for accepted in ahead:
        app.wait_until_ended(accepted)


def test_a_recording_that_was_not_sent_yet_is_still_there_when_the_page_is_opened_again(visit):
    page = visit()
    record(page, 3.5)
    page.reload()
    page.wait_for_selector(".row.review:not([hidden])")
    page.click("#send-preview")
    assert "have" in find_transcript(find_turn(page, 1))
    record(page, 3)
    page.click("#stop")
    page.wait_for_selector(".row.review:not([hidden])")
    other = visit(context=page.context)
    expect(other.locator(".row.review")).to_be_hidden()  # it is another tab's
    page.close()
    other.reload()
    other.wait_for_selector(".row.review:not([hidden])")
    other.click("#discard-preview")
    other.reload()
    other.wait_for_selector("body[data-ready]")
    expect(other.locator(".row.review")).to_be_hidden()


def test_two_tabs_show_the_same_and_only_one_speaks(visit, app):
    one = visit()
    two = visit(context=one.context)
    type_in(one, "I has a cat.")
    type_in(two, "It are black.")
    for page in (one, two):
        find_turn(page, 1)
        find_turn(page, 2)
    assert [find_job_id(find_turn(one, number)) for number in (1, 2)] == [
        find_job_id(find_turn(two, number)) for number in (1, 2)
    ]
    assert len(jobs(app, one)) == 2
    spoken = [
        [find_turn(page, number).locator(".from-teacher input").input_value() != "0" for number in (1, 2)]
        for page in (one, two)
    ]
    assert spoken[0][1] is False
    assert spoken[1][0] is False
    find_turn(one, 1).get_by_role("button", name="Delete this turn").click()
    expect(two.locator(".turn")).to_have_count(1)
    one.once("dialog", lambda asked: asked.accept())
    one.click("#open-preferences")
    one.click("#erase")
    expect(two.locator(".turn")).to_have_count(0)


def test_turns_erased_elsewhere_disappear_when_the_server_is_back(visit, app):
    page = visit()
    for text in ("I has a cat.", "It are black."):
        type_in(page, text)
    job = find_job_id(find_turn(page, 1))
    find_turn(page, 2)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    assert httpx.delete(f"{app.url}/v1/jobs/{job}", trust_env=False).status_code == 204
    page.context.set_offline(False)
    expect(page.locator(".turn")).to_have_count(1)


def test_a_browser_without_storage_says_so_and_keeps_the_recording(visit, app):
    page = visit()
    storage = page.context.new_cdp_session(page)
    storage.send("Storage.overrideQuotaForOrigin", {"origin": app.url, "quotaSize": 1})
    record(page, 3)
    page.click("#send")
    expect(page.locator("#hint")).to_contain_text("storage is full")
    page.click("#send-preview")
    expect(page.locator("#hint")).to_contain_text("storage is full")
    storage.send("Storage.overrideQuotaForOrigin", {"origin": app.url})
    page.wait_for_timeout(11_000)  # for ten seconds Chromium believes what it knew of the room
    page.click("#send-preview")
    find_turn(page, 1)


def test_two_tabs_that_come_back_together_send_everything_once(visit, app):
    one = visit()
    two = visit(context=one.context)
    one.context.set_offline(True)
    for page, text in ((one, "One."), (two, "Two."), (one, "Three.")):
        type_in(page, text)
    expect(two.locator(".turn[data-state=unsent]")).to_have_count(3)
    one.context.set_offline(False)
    for number in (1, 2, 3):
        find_turn(one, number)
        find_turn(two, number)
    assert [job["question"]["text"] for job in jobs(app, one)][::-1] == ["One.", "Two.", "Three."]


COLLECT_VISIBLE_TEXT = """
  window.visibleTexts = new Set();
  const collect = () => {
    const link = document.querySelector("nav a span");
    if (link && getComputedStyle(link).visibility === "visible") window.visibleTexts.add(link.textContent);
    requestAnimationFrame(collect);
  };
  collect();
"""


def reload_and_collect(page: Page) -> list[str]:
    """Reload; return the texts that the first link of the navigation showed meanwhile."""
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(200)
    return list(page.evaluate("[...window.visibleTexts]"))


def test_the_language_is_changed_without_a_connection_and_the_other_one_never_flashes(visit):
    page = visit(service_workers="allow")
    page.add_init_script(COLLECT_VISIBLE_TEXT)
    page.evaluate("navigator.serviceWorker.ready")
    assert reload_and_collect(page) == ["Talk"]
    page.context.set_offline(True)
    page.click("#language")
    expect(page.get_by_role("button", name="录音", exact=True)).to_be_visible()
    assert reload_and_collect(page) == ["说话"]
    page.context.set_offline(False)
    assert reload_and_collect(page) == ["说话"]
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_the_first_visit_is_in_the_browser_s_language_at_once(visit):
    page = visit(locale="zh-CN")
    page.add_init_script(COLLECT_VISIBLE_TEXT)
    assert reload_and_collect(page) == ["说话"]
