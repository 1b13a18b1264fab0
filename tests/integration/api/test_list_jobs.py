"""Pages of jobs over the API: filters, cursors, nothing twice, nothing left out."""

from itertools import chain

import pytest

from api import create_app
from pipeline.jobs import listing
from tests.support.job_steps import claim_job, let_job_die, make_job_request, run_stage


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


def pages(client, **query) -> list[list[str]]:
    """The ids of every page, from the first to the last."""
    found, cursor = [], {}
    while True:
        answer = client.get("/v1/jobs", query_string={**query, **cursor})
        assert answer.status_code == 200, answer.text
        found.append([job["id"] for job in answer.json["jobs"]])
        if answer.json["next"] is None:
            return found
        cursor = {"cursor": answer.json["next"]}


def submit(jobs, *ids: str, **fields) -> None:
    for id_ in ids:
        jobs.submit(make_job_request(id_, **fields))


def test_jobs_come_newest_first_page_by_page(client, jobs):
    submit(jobs, *"abcdefg", session="anna")
    assert list(chain(*pages(client, limit=3))) == list("gfedcba")
    assert [len(page) for page in pages(client, limit=3)] == [3, 3, 1]
    assert [len(page) for page in pages(client, limit=7)] == [7]
    assert pages(client) == [list("gfedcba")]


def test_an_empty_server_has_one_empty_page(client):
    assert pages(client) == [[]]


def test_jobs_that_come_meanwhile_do_not_move_the_pages(client, jobs):
    submit(jobs, *"abcd")
    first = client.get("/v1/jobs?limit=2").json
    submit(jobs, "e")
    second = client.get(f"/v1/jobs?limit=2&cursor={first['next']}").json
    assert [job["id"] for job in second["jobs"]] == ["b", "a"]


def test_filters_by_session_state_task_and_death(client, jobs):
    submit(jobs, "a", "b", session="anna", recording=False)
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    let_job_die(jobs, "llm")
    submit(jobs, "c", session="ben", recording=False)
    assert pages(client, session="anna") == [["b", "a"]]
    assert pages(client, session="nobody") == [[]]
    assert pages(client, state="succeeded") == [["a"]]
    assert pages(client, state="failed", session="anna") == [["b"]]
    assert pages(client, dead="true") == [["b"]]
    assert pages(client, dead="false") == [["c", "a"]]
    assert pages(client, task="teach") == [["c", "b", "a"]]
    assert pages(client, task="chat") == [[]]


def test_filters_by_metadata(client):
    posted = [
        {"metadata": {"assignment": "7", "time": "10:30"}},
        {"metadata": {"assignment": "7"}, "session": "anna"},
        {"metadata": {"assignment": "77", "empty": ""}},
        {},
    ]
    a, b, c, _ = [client.post("/v1/jobs", json={"text": "hi", **fields}).json["id"] for fields in posted]
    assert pages(client, metadata="assignment:7") == [[b, a]]
    assert pages(client, metadata="assignment:7", session="anna") == [[b]]
    assert pages(client, metadata="time:10:30") == [[a]]  # the value may have colons
    assert pages(client, metadata="empty:") == [[c]]
    assert pages(client, metadata="assignment:") == pages(client, metadata="7:assignment") == [[]]


def test_a_tenant_never_sees_jobs_of_another(client, jobs):
    submit(jobs, "a", tenant="north")
    assert pages(client) == [[]]


def test_a_rare_state_is_found_behind_many_others(client, jobs, monkeypatch):
    monkeypatch.setattr(listing, "PAGE_CHUNK", 4)
    monkeypatch.setattr(listing, "MAX_SCANNED", 6)
    submit(jobs, "old", recording=False)
    claim_job(jobs, "llm")
    submit(jobs, *(f"new{number}" for number in range(20)), session="ben", recording=False)
    found = pages(client, state="thinking", limit=5)
    assert list(chain(*found)) == ["old"]
    assert len(found) > 1  # no page looks at more than it may


def test_erased_jobs_are_listed_no_more(client, jobs):
    submit(jobs, "a", session="anna")
    submit(jobs, "b", session="ben")
    jobs.erase("default", "anna")
    assert pages(client) == [["b"]]


@pytest.mark.parametrize(
    "query",
    [
        "state=done",
        "limit=0",
        "limit=101",
        "cursor=x",
        "cursor=-1",
        "dead=perhaps",
        "page=2",
        "session=a/b",
        "metadata=x",
        "metadata=:x",
    ],
)
def test_an_invalid_query_is_refused(client, query):
    answer = client.get(f"/v1/jobs?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "bad_request")


def test_jobs_in_a_list_are_complete(client, jobs):
    submit(jobs, "a" * 32)
    (job,) = client.get("/v1/jobs").json["jobs"]
    whole = client.get(f"/v1/jobs/{'a' * 32}").json
    assert job == {**whole, "queue_position": None, "eta_seconds": None}
