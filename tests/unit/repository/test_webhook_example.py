"""The receiver in examples/ takes what is signed once and nothing else, and forgets nothing."""

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


def signed(said: bytes, *secrets: str) -> dict[str, str]:
    return outbox.headers(secrets or [SECRET], "msg_a_succeeded", int(time.time()), said)


@pytest.fixture
def book(tmp_path) -> Inbox:
    return Inbox(tmp_path / "webhooks.sqlite3")


@pytest.fixture
def tell(book):
    """Tells the receiver something; the status it answers with."""
    app = create_app(SECRET, book, threading.Event())
    return lambda said, headers: app.test_client().post("/hooks/waijiao", data=said, headers=headers).status_code


def test_a_repeated_notification_is_handled_once(tell, book):
    assert [tell(body(), signed(body())) for _ in range(2)] == [204, 204]
    assert book.pending() == ["a"]


def test_both_secrets_are_taken_after_a_rotation(tell):
    assert tell(body(), signed(body(), outbox.new_secret(), SECRET)) == 204


def test_an_unsigned_notification_is_refused_and_not_recorded(tell, book):
    refused = [
        tell(body(), {}),
        tell(body(), signed(body(), outbox.new_secret())),
        tell(body() + b" ", signed(body())),
        tell(body(), outbox.headers([SECRET], "msg_a_succeeded", int(time.time()) - 3600, body())),
    ]
    assert refused == [401] * 4
    assert book.pending() == []


def test_a_job_without_an_answer_needs_no_fetch(tell, book):
    assert tell(body("job.failed"), signed(body("job.failed"))) == 204
    assert book.pending() == []


def test_notifications_survive_a_crash_and_handled_ones_are_not_repeated(tell, book):
    tell(body(), signed(body()))
    assert Inbox(book.path).pending() == ["a"]
    book.mark_done("a")
    tell(body(), signed(body()))
    assert Inbox(book.path).pending() == []


def test_an_answer_that_cannot_be_fetched_now_is_fetched_later(tell, book, tmp_path, capsys):
    tell(body(), signed(body()))
    with Client(f"http://127.0.0.1:{free_port()}", "") as nobody:
        fetch_answers(nobody, book, tmp_path)
    assert "a: No server answers" in capsys.readouterr().err
    assert book.pending() == ["a"]
