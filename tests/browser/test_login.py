"""The pages of a server that asks for keys: log in, see what the key allows, log out."""

import pytest
from playwright.sync_api import expect

from pipeline.api_keys import Keys, Limits
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from tests.browser.conftest import LEARNERS, PHONE
from tests.support.talk_page import find_turn, type_in

WRONG = "wj_" + "0" * 16 + "_" + "A" * 43


@pytest.fixture
def create_key(server_with_keys):
    """A new key of this role."""
    redis = connect(Settings(home=server_with_keys.home))
    yield lambda role, name="Anna": Keys(redis).create("default", role, name, Limits())[1]
    redis.close()


@pytest.fixture
def log_in(browser, server_with_keys):
    """Opens a page and logs in."""
    contexts = []

    def log_in(text: str, path: str = "/", context=None, **options):
        if context is None:
            context = browser.new_context(**{"locale": "en-US", **options})
            contexts.append(context)
        page = context.new_page()
        page.goto(server_with_keys.url + path)
        page.fill("#login input[name=key]", text)
        page.press("#login input[name=key]", "Enter")
        return page

    yield log_in
    for context in contexts:
        context.close()


def test_a_wrong_key_is_refused_and_the_right_one_logs_in(log_in, create_key, picture):
    page = log_in(WRONG, locale="zh-CN", **PHONE)
    expect(page.locator("#login .error")).to_have_text("服务器不认识这个密钥。输完整了吗？")
    picture(page, "login-phone-zh")
    page.keyboard.press("Escape")
    expect(page.locator("#login")).to_be_visible()
    page.fill("#login input[name=key]", create_key("learner"))
    page.press("#login input[name=key]", "Enter")
    page.wait_for_selector("body[data-ready]")
    type_in(page, "I like tea.")
    answered = find_turn(page, 1)
    expect(answered.get_by_role("button", name="暂停：老师")).to_be_visible()  # <audio> shows the cookie
    page.reload()
    find_turn(page, 1)
    assert page.evaluate("document.cookie") == ""


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        ("learner", ["Talk", "Mistakes"]),
        ("teacher", ["Talk", "Mistakes", "Homework", "Classes", "Batch"]),
        ("admin", ["Talk", "Mistakes", "Homework", "Classes", "Batch", "Status"]),
    ],
)
def test_each_role_sees_links_to_its_own_pages(log_in, create_key, role, labels):
    page = log_in(create_key(role))
    page.wait_for_selector("body[data-ready]")
    assert [link.inner_text() for link in page.locator("nav a").all() if link.is_visible()] == labels


def test_a_learner_finds_the_conversation_on_another_device(log_in, create_key):
    mine = create_key("learner")
    page = log_in(mine)
    page.wait_for_selector("body[data-ready]")
    type_in(page, "I like tea.")
    find_turn(page, 1)
    other = log_in(mine)
    find_turn(other, 1)


def test_logging_out_removes_everything_from_the_browser(log_in, create_key):
    page = log_in(create_key("learner"))
    page.wait_for_selector("body[data-ready]")
    page.context.set_offline(True)
    type_in(page, "This was never sent.")
    page.wait_for_selector(".turn[data-state=unsent]")
    page.context.set_offline(False)
    find_turn(page, 1)
    page.once("dialog", lambda asked: asked.accept())
    page.click("#log-out")
    page.wait_for_selector("#login[open]")
    next_one = log_in(create_key("learner", "Ben"), context=page.context)
    next_one.wait_for_selector("body[data-ready]")
    expect(next_one.locator(".turn")).to_have_count(0)


def test_logging_in_again_loses_nothing(log_in, create_key):
    mine = create_key("learner")
    page = log_in(mine)
    page.wait_for_selector("body[data-ready]")
    page.context.clear_cookies()
    type_in(page, "Can you hear me?")
    page.wait_for_selector("#login[open]")
    page.fill("#login input[name=key]", mine)
    page.press("#login input[name=key]", "Enter")
    find_turn(page, 1)


def test_unsent_recordings_are_never_sent_with_another_user_s_key(log_in, create_key, server_with_keys):
    text = create_key("learner")
    page = log_in(text)
    page.wait_for_selector("body[data-ready]")
    redis = connect(Settings(home=server_with_keys.home))
    Keys(redis).revoke(text.split("_")[1])
    redis.close()
    type_in(page, "Can you hear me?")
    page.wait_for_selector("#login[open]")
    expect(page.locator(".turn[data-state=unsent]")).to_have_count(1)
    page.fill("#login input[name=key]", create_key("learner", "Ben"))
    with page.expect_navigation():
        page.press("#login input[name=key]", "Enter")
    page.wait_for_selector("body[data-ready]")
    type_in(page, "I am Ben.")
    find_turn(page, 1)
    expect(page.locator(".turn")).to_have_count(1)


def test_a_teacher_sends_a_batch_of_recordings(log_in, create_key):
    page = log_in(create_key("teacher"), "/batch")
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#files", sorted(LEARNERS.glob("*.wav"))[:2])
    page.click("#send")
    expect(page.locator("#rows tr[data-state=succeeded]")).to_have_count(2, timeout=60_000)


def test_a_learner_on_a_teacher_s_page_sees_why_it_is_closed_and_where_to_go(log_in, create_key):
    page = log_in(create_key("learner"), "/batch", locale="zh-CN")
    expect(page.locator("#teachers-only h2")).to_have_text("这个页面是给老师用的")
    expect(page.locator("#workspace")).to_be_hidden()
    page.click("#teachers-only a")
    page.wait_for_selector("body.talk[data-ready]")
