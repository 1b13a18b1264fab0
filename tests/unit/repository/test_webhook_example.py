"""The receiver in examples/ handles each signed notification once, refuses others, and loses nothing."""

import json
import threading
import time

import pytest

from examples.webhook_receiver import Inbox, create_app, fetch_answers
from pipeline.webhooks import outbox
from waijiao import Client
from waijiao.local.up import free_port

SECRET = outbox.new_secret()


def body(event: str = "job.succeeded") -> bytes:
    return json.dumps({"type": event, "data": {"id": "a"}}).encode()


def sign(said: bytes, *secrets: str) -> dict[str, str]:
    return outbox.headers(secrets or [SECRET], "msg_a_succeeded", int(time.time()), said)


@pytest.fixture
def inbox(tmp_path) -> Inbox:
    return Inbox(tmp_path / "webhooks.sqlite3")


@pytest.fixture
def post_notification(inbox):
    """Posts a notification to the receiver and returns the status of its response."""
    app = create_app(SECRET, inbox, threading.Event())
    return lambda said, headers: app.test_client().post("/hooks/waijiao", data=said, headers=headers).status_code


def test_a_repeated_notification_is_handled_once(post_notification, inbox):
    assert [post_notification(body(), sign(body())) for _ in range(2)] == [204, 204]
    assert inbox.pending() == ["a"]


def test_both_secrets_are_taken_after_a_rotation(post_notification):
    assert post_notification(body(), sign(body(), outbox.new_secret(), SECRET)) == 204


def test_an_unsigned_notification_is_refused_and_not_recorded(post_notification, inbox):
    refused = [
        post_notification(body(), {}),
        post_notification(body(), sign(body(), outbox.new_secret())),
        post_notification(body() + b" ", sign(body())),
        post_notification(body(), outbox.headers([SECRET], "msg_a_succeeded", int(time.time()) - 3600, body())),
    ]
    assert refused == [401] * 4
    assert inbox.pending() == []


def test_a_job_without_an_answer_needs_no_fetch(post_notification, inbox):
    assert post_notification(body("job.failed"), sign(body("job.failed"))) == 204
    assert inbox.pending() == []


def test_notifications_survive_a_crash_and_handled_ones_are_not_repeated(post_notification, inbox):
    post_notification(body(), sign(body()))
    assert Inbox(inbox.path).pending() == ["a"]
    inbox.mark_done("a")
    post_notification(body(), sign(body()))
    assert Inbox(inbox.path).pending() == []


def test_an_answer_that_cannot_be_fetched_now_is_fetched_later(post_notification, inbox, tmp_path, capsys):
    post_notification(body(), sign(body()))
    with Client(f"http://127.0.0.1:{free_port()}", "") as nobody:
        fetch_answers(nobody, inbox, tmp_path)
    assert "a: No server answers" in capsys.readouterr().err
    assert inbox.pending() == ["a"]
