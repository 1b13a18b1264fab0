"""One record that cannot be read over the API: everything else is shown, and it can be erased."""

from dataclasses import replace

import pytest

from api import create_app
from pipeline.homework.assignments import Assignment, Assignments
from pipeline.jobs.store import PREFIX
from tests.integration.jobs.test_broken_records import ASSIGNMENT_DAMAGE, DAMAGE
from tests.support.job_steps import make_job_request, run_stage


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def three_jobs(jobs):
    """Answered jobs a, b and c of one session and one assignment."""
    Assignments(jobs).put(Assignment("hw", "default", "Homework"), replace=False)
    for name in "abc":
        jobs.submit(replace(make_job_request(name), assignment="hw", student=name))
    for stage in ("asr", "llm", "tts"):
        for _ in "abc":
            run_stage(jobs, stage)
    return jobs


PAGES = [
    "/v1/jobs",
    "/v1/jobs?session=anna",
    "/v1/jobs?assignment=hw",
    "/v1/jobs?state=succeeded",
    "/v1/sessions/anna",
    "/v1/assignments",
    "/v1/assignments/hw",
    "/v1/assignments/hw/report.html",
    "/v1/lessons",
    "/v1/capacity",
    "/v1/capabilities",
    "/metrics",
    "/healthz",
]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_every_list_shows_the_others(client, three_jobs, damage):
    damage(three_jobs.redis, f"{PREFIX}job:default/b")
    for page in PAGES:
        answer = client.get(page)
        assert answer.status_code in ({200} if "report" not in page else {200, 404}), (page, answer.text)
    ids = {job["id"] for job in client.get("/v1/jobs").json["jobs"]}
    assert {"a", "c"} <= ids <= {"a", "b", "c"}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_it_is_told_as_broken_and_erased(client, three_jobs, damage):
    damage(three_jobs.redis, f"{PREFIX}job:default/b")
    shown = client.get("/v1/jobs/b")
    assert (shown.status_code, shown.json.get("code")) in {(500, "broken_record"), (404, "unknown_job"), (200, None)}
    assert client.delete("/v1/jobs/b").status_code in {200, 204, 404}
    if shown.status_code != 404:
        assert client.get("/v1/jobs/b").status_code == 410
    assert client.delete("/v1/sessions/anna").status_code == 204
    for name in "ac":
        assert client.get(f"/v1/jobs/{name}").status_code == 410


@pytest.mark.parametrize("damage", ASSIGNMENT_DAMAGE.values(), ids=ASSIGNMENT_DAMAGE.keys())
def test_an_assignment_that_cannot_be_read_is_left_out_and_erased(client, three_jobs, damage):
    Assignments(three_jobs).put(Assignment("other", "default", "Other"), replace=False)
    damage(three_jobs.redis, f"{PREFIX}assignment:default/hw")
    assert [each["id"] for each in client.get("/v1/assignments").json["assignments"]] == ["other"]
    assert client.get("/v1/assignments/hw").json["code"] == "broken_record"
    assert client.delete("/v1/assignments/hw").status_code == 204
    assert client.get("/v1/jobs/a").status_code == 410


@pytest.mark.parametrize(
    "due",
    [
        "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-12:00", "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00", "2000-01-01T00:00:00+00:01",
    ],
)  # fmt: skip
def test_a_date_out_of_bounds_is_refused_with_its_reason(client, due):
    answer = client.put("/v1/assignments/hw", json={"title": "Homework", "due": due})
    assert answer.status_code == 422
    assert "due" in answer.json["detail"]
    assert "between the years 2000 and 2200" in answer.json["detail"]
    assert client.get("/v1/assignments").json["assignments"] == []


@pytest.mark.parametrize("due", ["2000-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "2199-12-31T23:59:59+14:00"])
def test_a_date_within_bounds_is_shown_everywhere(client, due):
    assert client.put("/v1/assignments/hw", json={"title": "Homework", "due": due}).status_code == 201
    for page in ("/v1/assignments", "/v1/assignments/hw"):
        assert client.get(page).status_code == 200


@pytest.mark.parametrize("due", [-62135647200.0, -1e18, 1e18, 253402300799.0])
def test_a_date_that_an_earlier_version_took_is_shown_as_the_nearest(client, jobs, due):
    Assignments(jobs).put(Assignment("hw", "default", "Homework", due=due), replace=False)
    assert client.get("/v1/assignments").json["assignments"][0]["due"][:4] in {"2000", "2200"}
    assert client.get("/v1/assignments/hw").status_code == 200
