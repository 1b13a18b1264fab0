"""Every error of the API is raised as the class of its code; requests are repeated only where that is safe."""

import re
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from flask import Flask

from api.error_handlers import problem
from pipeline import errors
from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job
from waijiao import Client
from waijiao.client.results import job_error
from waijiao.client.transport import Attempts, Request, Server, reply_error, response_error
from waijiao.errors import Refused, Unreachable

URL = "http://127.0.0.1:8000"
TREE = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, WaijiaoError)]
CODED = [each for each in TREE if "code" in vars(each) and each is not WaijiaoError]
GET, DELETE = Request("GET", "/v1/jobs/x"), Request("DELETE", "/v1/jobs/x", repeatable=False)


def error_response(error: WaijiaoError) -> httpx.Response:
    """The API's own response with this error."""
    with Flask("api").test_request_context():
        response = problem(error)
        return httpx.Response(response.status_code, content=response.get_data(), headers=list(response.headers))


@pytest.fixture
def server() -> Server:
    return Server(URL, "", patience_s=10)


@pytest.fixture
def scripted_client() -> Iterator[tuple[Client, list[httpx.Response], list[httpx.Request]]]:
    """A client, the responses it gets, one after the other, and the requests it sends."""
    responses: list[httpx.Response] = []
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return responses.pop(0)

    with Client(URL, "") as client:
        client._session.close()
        client._session = httpx.Client(transport=httpx.MockTransport(respond), base_url=URL)
        yield client, responses, requests


@pytest.mark.parametrize("kind", CODED)
def test_every_error_of_the_api_is_raised_as_its_class(kind):
    error = response_error(error_response(kind("What happened.", retry_after_s=7)))
    assert type(error) is kind
    assert (error.code, error.status, error.retryable) == (kind.code, kind.http_status, kind.retryable)
    assert error.detail.startswith("What happened.")
    assert error.retry_after_s == (7 if kind.retryable and kind.http_status in {409, 429, 503, 507} else 0)


@pytest.mark.parametrize("kind", CODED)
def test_a_job_that_failed_raises_its_error_as_its_class(kind, job_record):
    record = {"code": kind.code, "stage": "llm", "detail": "What happened.", "retryable": kind.retryable}
    job = Job.model_validate({**job_record, "state": "failed", "error": record})
    error = job_error(job)
    assert (type(error), error.detail, error.job) == (kind, "What happened.", job)


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (httpx.ConnectError("[Errno 111] Connection refused"), "Start one with `waijiao up`"),
        (httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"), "SSL_CERT_FILE"),
        (httpx.UnsupportedProtocol("Request URL has an unsupported protocol 'localhost://'."), "http:// or https://"),
    ],
)
def test_what_keeps_a_client_from_its_server_is_named_with_its_remedy(failure, advice):
    error = reply_error(failure, URL)
    assert isinstance(error, Unreachable)
    assert advice in error.detail
    assert ("Start one" in error.detail) == ("refused" in str(failure))


def test_an_error_code_newer_than_the_client_is_raised_with_that_code():
    newer = {"code": "teacher_asleep", "detail": "Come back at nine.", "retryable": False}
    error = response_error(httpx.Response(409, json=newer))
    assert (type(error), error.code, error.detail) == (Refused, "teacher_asleep", "Come back at nine.")
    assert WaijiaoError.code == "internal"


def test_an_error_that_did_not_come_from_waijiao_is_refused_with_its_status():
    for response in (httpx.Response(404, text="<h1>nginx</h1>"), httpx.Response(404, json=["no problem"])):
        error = response_error(response)
        assert (type(error), error.code, error.status) == (Refused, "404", 404)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (413, "A proxy .* does not let so large an upload through"),
        (502, "the server behind it cannot be reached"),
        (504, "the server behind it cannot be reached, or takes too long"),
        (403, "Something else than Waijiao answered: 403 Forbidden"),
    ],
)
def test_the_error_page_of_a_proxy_is_not_shown_but_explained(status, meaning):
    page = f"<html><head><title>{status}</title></head><body><center>nginx/1.22.1</center></body></html>"
    assert re.search(meaning, response_error(httpx.Response(status, text=page)).detail)


def test_fields_of_a_newer_server_are_ignored(scripted_client, job_record):
    client, responses, _ = scripted_client
    newer = {**job_record, "mood": "good", "question": {**job_record["question"], "mood": "good"}}
    responses.append(httpx.Response(200, json=newer))
    assert client.job("x").session == "anna"


def test_a_response_of_another_kind_of_server_is_an_error(scripted_client):
    client, responses, _ = scripted_client
    responses.append(httpx.Response(200, text="<h1>Welcome</h1>"))
    with pytest.raises(Unreachable, match="not a Waijiao server"):
        client.job("x")


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_request_without_effect_is_sent_again(server, status):
    assert 0 < Attempts(server, GET).delay_s(httpx.Response(status)) <= 1


def test_a_repeated_request_has_the_same_headers_and_body(scripted_client, job_record):
    client, responses, requests = scripted_client
    responses += [httpx.Response(503), httpx.Response(202, json=job_record)]
    client.submit(b"a recording", session="anna")
    first, second = requests
    assert (first.method, first.url, first.headers["Idempotency-Key"]) == (
        second.method,
        second.url,
        second.headers["Idempotency-Key"],
    )
    assert first.read().count(b"a recording") == second.read().count(b"a recording") == 1


def test_a_request_is_repeated_after_the_server_s_retry_after(server):
    reply = error_response(errors.ServerFull(retry_after_s=3))
    assert 3 < Attempts(server, GET).delay_s(reply) < 4


@pytest.mark.parametrize(
    "reply",
    [
        error_response(errors.MinutesUsed(retry_after_s=3600)),
        httpx.Response(503, json={"code": "closed", "retryable": False}),
        httpx.Response(500, json={"code": "internal", "retryable": True}),
        httpx.Response(404),
    ],
)
def test_hopeless_or_late_requests_are_not_repeated(server, reply):
    with pytest.raises(WaijiaoError):
        Attempts(server, GET).delay_s(reply)


def test_attempts_become_rarer_until_the_client_gives_up(monkeypatch, server):
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    attempts, pauses = Attempts(server, GET), []
    with suppress(WaijiaoError):
        while True:
            pauses.append(attempts.delay_s(httpx.Response(503)))
            clock[0] += pauses[-1]
    assert 5 < sum(pauses) <= 10
    assert pauses[0] < 0.2
    assert 1 < max(pauses) <= 2


def test_an_unsafe_request_is_repeated_only_if_it_was_never_sent(server):
    server.was_reached = True
    assert Attempts(server, DELETE).delay_s(httpx.ConnectError("refused")) > 0
    for reply in (httpx.ReadError("reset"), httpx.ReadTimeout("silent"), httpx.Response(503), httpx.Response(429)):
        with pytest.raises(WaijiaoError):
            Attempts(server, DELETE).delay_s(reply)


def test_a_server_that_never_answered_is_not_waited_for(server):
    with pytest.raises(Unreachable, match="waijiao up"):
        Attempts(server, GET).delay_s(httpx.ConnectError("refused"))


def test_a_server_that_answered_before_is_waited_for(server):
    assert Attempts(server, GET).is_success(httpx.Response(200))
    assert Attempts(server, GET).delay_s(httpx.ConnectError("refused")) > 0


def test_a_server_without_capacity_for_long_polls_is_polled_once_a_second(scripted_client, job_record, monkeypatch):
    client, responses, requests = scripted_client
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    responses += [
        httpx.Response(200, json=job_record, headers={"ETag": 'W/"1-0"'}),
        httpx.Response(304),
        httpx.Response(200, json=job_record, headers={"ETag": 'W/"1-0"'}),
        httpx.Response(200, json={**job_record, "state": "canceled"}),
    ]
    assert [job.state for job in client.progress("x")] == ["queued", "canceled"]
    assert [request.url.query for request in requests] == [b"", b"wait=20", b"", b"wait=20"]
    assert [request.headers.get("If-None-Match") for request in requests] == [None, 'W/"1-0"', None, 'W/"1-0"']
    assert pauses == [1]
