"""A webhook is validated when the job is accepted, as far as possible without resolving its name."""

import pytest
from pydantic import ValidationError

from pipeline.errors import BadRequest
from pipeline.jobs.job import JobRequest
from pipeline.settings import Settings
from pipeline.webhooks.validation import FINAL_EVENTS, MAX_URL_CHARS, check_webhook, host, webhook_fields

NOBODY_S = Settings(webhook_networks="")
SCHOOL_S = Settings(webhook_networks="10.0.0.0/8,fd00::/8")


def test_by_default_every_final_state_is_notified():
    assert check_webhook("https://school.example/hook", [], NOBODY_S) == FINAL_EVENTS
    assert check_webhook("", [], NOBODY_S) == ()


def test_each_event_is_listed_once():
    twice = ["job.transcribed", "job.failed", "job.transcribed"]
    assert check_webhook("https://school.example", twice, NOBODY_S) == ("job.transcribed", "job.failed")


def test_an_unknown_event_is_refused_with_those_that_are_known():
    with pytest.raises(BadRequest, match=r"'job\.done' is not one of job\.transcribed, job\.succeeded"):
        check_webhook("https://school.example", ["job.done"], NOBODY_S)


def test_events_without_a_webhook_are_refused():
    with pytest.raises(BadRequest, match="without `webhook`"):
        check_webhook("", ["job.failed"], NOBODY_S)


@pytest.mark.parametrize(
    "url",
    [
        "http://school.example/hook",
        "ftp://school.example",
        "https://",
        "https:///hook",
        "https://user:password@school.example",
        "https://school.example@evil.example",
        "https://school.example:port/",
        "https://school.example:99999/",
        "https://school.example/a b",
        "https://school.example/\r\nhost: x",
        "https://school.example\\@127.0.0.1",
        "https://schöol.example",
        "https://school.example/#x",
        "https://[::1",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        f"https://school.example/{'x' * MAX_URL_CHARS}",
    ],
)
def test_a_url_that_cannot_be_sent_to_is_refused(url):
    with pytest.raises(BadRequest):
        check_webhook(url, [], NOBODY_S)


def test_where_networks_are_named_their_addresses_and_plain_http_are_accepted():
    for url in ("http://10.1.2.3:8080/hook", "https://10.1.2.3/", "http://[fd00::1]/", "http://moodle.school.example/"):
        assert check_webhook(url, [], SCHOOL_S) == FINAL_EVENTS
    for url in ("http://93.184.215.14/", "http://192.168.0.1/", "https://192.168.0.1/"):
        with pytest.raises(BadRequest):
            check_webhook(url, [], SCHOOL_S)


def test_networks_that_cannot_be_read_are_refused_at_the_start():
    with pytest.raises(ValidationError, match="webhook_networks"):
        Settings(webhook_networks="10.0.0.0/8, school")


def test_only_the_host_of_a_url_is_shown():
    assert host("https://school.example:8443/hook?secret=1") == "school.example"
    job_request = JobRequest("a", "anna", webhook="https://school.example/secret")
    assert webhook_fields(job_request) == {"webhook_host": "school.example", "webhook_events": ",".join(FINAL_EVENTS)}
    assert webhook_fields(JobRequest("a", "anna")) == {}
