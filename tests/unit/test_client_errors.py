"""Every error of the API comes out of the client as the class of its code, and each is sent again only where it may."""

import time
from contextlib import suppress

import httpx
import pytest
from flask import Flask

from api.error_handlers import problem
from pipeline import errors
from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job
from waijiao.answers import failure
from waijiao.calls import Calls
from waijiao.errors import Refused, Unreachable
from waijiao.exchange import Exchange, refusal
from waijiao.request import Request

TREE = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, WaijiaoError)]
CODED = [each for each in TREE if "code" in vars(each) and each is not WaijiaoError]
GET, DELETE = Request("GET", "/v1/jobs/x"), Request("DELETE", "/v1/jobs/x", repeatable=False)
UNKNOWN = ["owner", "queue_position", "eta_seconds", "transcript", "feedback", "completion", "answer", "outcome"]
LINKED = ["retry_of", "retried_as", "rerun_of", "rerun_as", "assignment", "student", "lesson"]
JOB = {
    **dict.fromkeys([*UNKNOWN, *LINKED, "error"]),
    **dict.fromkeys(("created_at", "updated_at", "deadline_at"), "2026-01-01T00:00:00Z"),
    "id": "0" * 32,
    "state": "queued",
    "task": "teach",
    "lane": "interactive",
    "session": "anna",
    "seq": 1,
    "persona": "william",
    "attempts": {},
    "timings": {},
    "metadata": {},
    "links": {},
    "parts": [],
    "question": {"text": "hi", "duration_s": None},
}


def answered(error: WaijiaoError) -> httpx.Response:
    """The API's own answer with this error."""
    with Flask("here").test_request_context():
        shown = problem(error)
        return httpx.Response(shown.status_code, content=shown.get_data(), headers=list(shown.headers))


def returned(call, *replies):
    """What a call returns once it was sent these replies."""
    next(call)
    try:
        for reply in replies:
            call.send(reply)
    except StopIteration as done:
        return done.value
    raise AssertionError("the call wants to send more")


@pytest.fixture
def exchange():
    return Exchange("http://127.0.0.1:8000", patience_s=10)


@pytest.mark.parametrize("kind", CODED)
def test_every_error_of_the_api_comes_out_as_its_class(kind):
    found = refusal(answered(kind("What happened.", retry_after_s=7)))
    assert type(found) is kind
    assert (found.code, found.status, found.retryable) == (kind.code, kind.http_status, kind.retryable)
    assert found.detail.startswith("What happened.")
    assert found.retry_after_s == (7 if kind.retryable and kind.http_status in {409, 429, 503} else 0)


@pytest.mark.parametrize("kind", CODED)
def test_a_job_that_failed_raises_its_error_as_its_class(kind):
    error = {"code": kind.code, "stage": "llm", "detail": "What happened.", "retryable": kind.retryable}
    job = Job.model_validate({**JOB, "state": "failed", "error": error})
    found = failure(job)
    assert (type(found), found.detail, found.job) == (kind, "What happened.", job)


def test_a_code_that_is_newer_than_the_client_is_refused_with_that_code():
    newer = {"code": "teacher_asleep", "detail": "Come back at nine.", "retryable": False}
    found = refusal(httpx.Response(409, json=newer))
    assert (type(found), found.code, found.detail) == (Refused, "teacher_asleep", "Come back at nine.")
    assert WaijiaoError.code == "internal"


def test_what_no_waijiao_server_says_is_refused_with_its_status():
    for answer in (httpx.Response(404, text="<h1>nginx</h1>"), httpx.Response(404, json=["no problem"])):
        found = refusal(answer)
        assert (type(found), found.code, found.status) == (Refused, "404", 404)


def test_what_a_newer_server_says_besides_is_passed_over(exchange):
    newer = {**JOB, "mood": "good", "question": {**JOB["question"], "mood": "good"}}
    assert returned(Calls(exchange).job("x"), httpx.Response(200, json=newer)).session == "anna"


def test_an_answer_of_another_server_is_told_as_such(exchange):
    with pytest.raises(Unreachable, match="no Waijiao server"):
        returned(Calls(exchange).job("x"), httpx.Response(200, text="<h1>Welcome</h1>"))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_came_to_nothing_is_sent_again(exchange, status):
    again = later(exchange.sure(GET), httpx.Response(status))
    assert (again.method, again.path) == (GET.method, GET.path)
    assert 0 < again.after_s <= 1


def test_not_before_the_server_says(exchange):
    assert 3 < later(exchange.sure(GET), answered(errors.ServerFull(retry_after_s=3))).after_s < 4


def later(call, reply) -> Request:
    """What is sent after this reply."""
    next(call)
    return call.send(reply)


@pytest.mark.parametrize(
    "reply",
    [
        answered(errors.MinutesUsed(retry_after_s=3600)),
        httpx.Response(503, json={"code": "closed", "retryable": False}),
        httpx.Response(500, json={"code": "internal", "retryable": True}),
        httpx.Response(404),
    ],
)
def test_what_will_not_help_or_takes_too_long_is_not_sent_again(exchange, reply):
    with pytest.raises(WaijiaoError):
        later(exchange.sure(GET), reply)


def test_attempts_come_less_and_less_often_until_patience_ends(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    call, pauses = Exchange("http://127.0.0.1:8000", patience_s=10).sure(GET), []
    next(call)
    with suppress(WaijiaoError):
        while True:
            pauses.append(call.send(httpx.Response(503)).after_s)
            clock[0] += pauses[-1]
    assert 5 < sum(pauses) <= 10
    assert pauses[0] < 0.2
    assert 1 < max(pauses) <= 2


def test_what_may_not_be_sent_twice_is_sent_again_only_when_it_was_never_sent(exchange):
    exchange.met = True
    assert later(exchange.sure(DELETE), httpx.ConnectError("refused")).after_s > 0
    for reply in (httpx.ReadError("reset"), httpx.ReadTimeout("silent"), httpx.Response(503), httpx.Response(429)):
        with pytest.raises(WaijiaoError):
            later(exchange.sure(DELETE), reply)


def test_a_server_that_never_answered_is_not_waited_for(exchange):
    with pytest.raises(Unreachable, match="waijiao up"):
        later(exchange.sure(GET), httpx.ConnectError("refused"))


def test_a_server_that_was_there_is_waited_for(exchange):
    returned(exchange.sure(GET), httpx.Response(200))
    assert later(exchange.sure(GET), httpx.ConnectError("refused")).after_s > 0


def test_a_server_that_lets_nobody_wait_is_looked_at_once_a_second(exchange):
    call = Calls(exchange).progress("x")
    first = returned(call, httpx.Response(200, json=JOB, headers={"ETag": 'W/"1-0"'}))
    request = next(first.rest)
    assert (request.query, request.headers) == ({"wait": "20"}, {"If-None-Match": 'W/"1-0"'})
    with pytest.raises(StopIteration) as done:
        first.rest.send(httpx.Response(304))
    batch = done.value.value
    request = next(batch.rest)
    assert (batch.items, request.after_s, request.query) == ([], 1, None)
