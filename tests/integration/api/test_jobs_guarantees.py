"""The HTTP API over a real Redis: repeated requests, cancel, erase, retry, bounds, and a store that is in trouble."""

import threading
from io import BytesIO
from pathlib import Path

import pytest

from api import create_app
from pipeline.blob_store import FolderBlobs
from pipeline.errors import EngineFailed
from pipeline.jobs.results import Answer, Feedback, Transcript
from pipeline.jobs.store import Jobs
from pipeline.settings import Settings

LEARNER = (Path(__file__).parents[3] / "examples" / "recordings" / "ruoxi-wu.wav").read_bytes()
OTHER = (Path(__file__).parents[3] / "examples" / "recordings" / "ruoxi-wu.wav").read_bytes() + b"\0\0"
WORKER = "worker"


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


def post(client, audio: bytes | None = None, key: str | None = None, **fields):
    files = {"audio": (BytesIO(audio), "a.wav")} if audio is not None else {}
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post("/v1/jobs", data={**fields, **files}, content_type="multipart/form-data", headers=headers)


def code(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def list_stored_files(settings) -> list[Path]:
    return [path for path in settings.blobs_folder.glob("*/*/*") if path.is_file()]


def make_dead_job(redis, settings) -> str:
    """The id of a job with a recording whose engine failed as often as it may."""
    jobs = Jobs(redis, settings)
    for _ in range(settings.attempts):
        (job,), _ = jobs.claim("asr", WORKER, 1)
        jobs.fail("asr", job, EngineFailed(), again=True)
    return job.id


def test_a_repeated_request_gets_the_same_job(client, settings):
    first = post(client, LEARNER, key="k-1", session="anna", speed="0.8")
    again = post(client, LEARNER, key="k-1", session="anna", speed="0.8")
    assert (again.status_code, again.json) == (202, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert len(list_stored_files(settings)) == 1


def test_a_repeated_request_without_a_session_is_the_same_too(client):
    assert post(client, text="hi", key="k").json == post(client, text="hi", key="k").json


@pytest.mark.parametrize("change", [{"speed": "2"}, {"session": "ben"}, {"text": "bye"}, {"audio": OTHER}])
def test_the_same_key_with_another_request_is_refused(client, settings, change):
    fields = {"audio": LEARNER, "session": "anna", "speed": "1", "text": "hi"}
    post(client, key="k", **fields)
    assert code(post(client, key="k", **{**fields, **change})) == (422, "idempotency_key_reused")
    assert len(list_stored_files(settings)) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
def test_a_key_that_cannot_be_used_is_refused(client, key):
    assert code(post(client, text="hi", key=key)) == (422, "bad_request")


def test_twenty_requests_at_once_with_one_key_give_one_job(redis, settings):
    application, ids = create_app(settings), []

    def ask():
        ids.append(post(application.test_client(), LEARNER, key="same", session="anna").json["id"])

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ids), len(set(ids))) == (20, 1)
    assert len(redis.keys("waijiao:job:*")) == len(list_stored_files(settings)) == 1


def test_an_erased_job_is_not_given_again(client):
    accepted = post(client, text="hi", key="k", session="anna")
    assert client.delete("/v1/sessions/anna").status_code == 204
    assert code(client.get(accepted.headers["Location"])) == (410, "erased")
    assert code(post(client, text="hi", key="k", session="anna")) == (410, "erased")


@pytest.mark.parametrize("way", ["DELETE", "POST"])
def test_an_unfinished_job_is_canceled_with_its_recording(client, settings, way):
    accepted = post(client, LEARNER)
    place = accepted.headers["Location"]
    assert accepted.json["links"]["cancel"] == f"{place}/cancel"
    answer = client.delete(place) if way == "DELETE" else client.post(f"{place}/cancel")
    assert (answer.status_code, answer.json["state"], answer.json["error"]["code"]) == (200, "canceled", "canceled")
    assert not list_stored_files(settings)
    assert code(client.get(f"{place}/audio")) == (409, "no_answer")


def test_a_repeated_or_late_cancellation_erases_nothing(client, redis, settings):
    place = post(client, text="hi").headers["Location"]
    canceled = client.post(f"{place}/cancel").json
    assert client.post(f"{place}/cancel").json == canceled
    place, jobs, blobs = (
        post(client, LEARNER).headers["Location"],
        Jobs(redis, settings),
        FolderBlobs(settings.blobs_folder),
    )
    (job,), _ = jobs.claim("asr", WORKER, 1)
    jobs.complete("asr", job, Transcript("hi", "en", 1.0))
    (job,), _ = jobs.claim("llm", WORKER, 1)
    jobs.complete("llm", job, Feedback("hi", "hi", "Hello.", "Hello."))
    (job,), _ = jobs.claim("tts", WORKER, 1)
    spoken = blobs.put(job.name, BytesIO(b"Hello."))
    jobs.complete("tts", job, Answer("Hello.", spoken.name, spoken.sha256, spoken.size, 1.0, "wav"))
    assert client.post(f"{place}/cancel").json["state"] == "succeeded"
    with client.get(f"{place}/audio") as answer:
        assert answer.data == b"Hello."


def test_an_ended_job_is_erased(client, redis, settings):
    place = post(client, text="hi", session="anna").headers["Location"]
    following = post(client, text="and?", session="anna").json["id"]
    jobs = Jobs(redis, settings)
    (job,), _ = jobs.claim("llm", WORKER, 1)
    jobs.complete("llm", job, Feedback("hi", "hi", "Hello.", "Hello."))
    (job,), _ = jobs.claim("tts", WORKER, 1)
    jobs.complete("tts", job, Answer("Hello.", f"{job.name}/gone", "00", 1, 1.0, "wav"))
    assert client.delete(place).status_code == 204
    assert code(client.get(place)) == (410, "erased")
    assert code(client.delete(place)) == (410, "erased")
    assert [turn["id"] for turn in client.get("/v1/sessions/anna").json["turns"]] == [following]


def test_an_unknown_job_can_be_neither_canceled_nor_retried(client):
    assert code(client.delete("/v1/jobs/" + "0" * 32)) == (404, "unknown_job")
    assert code(client.post("/v1/jobs/" + "0" * 32 + "/cancel")) == (404, "unknown_job")
    assert code(client.post("/v1/jobs/" + "0" * 32 + "/retry")) == (404, "unknown_job")


def test_a_dead_job_is_listed_and_retried_once(client, redis, settings):
    post(client, LEARNER, session="anna")
    job_id = make_dead_job(redis, settings)
    (listed,) = client.get("/v1/jobs?dead=true").json["jobs"]
    assert (listed["id"], listed["links"]["retry"]) == (job_id, f"/v1/jobs/{job_id}/retry")
    again = client.post(listed["links"]["retry"])
    assert (again.status_code, again.json["state"], again.json["retry_of"]) == (202, "queued", job_id)
    assert client.post(listed["links"]["retry"]).json["id"] == again.json["id"]
    assert client.get(f"/v1/jobs/{job_id}").json["retried_as"] == again.json["id"]
    assert client.get("/v1/jobs?dead=true").json["jobs"] == []
    assert [turn["id"] for turn in client.get("/v1/sessions/anna").json["turns"]] == [again.json["id"]]
    (job,), _ = Jobs(redis, settings).claim("asr", WORKER, 1)
    assert settings.blobs_folder.joinpath(job.request.recording).read_bytes() == LEARNER


def test_only_dead_jobs_can_be_retried(client):
    accepted = post(client, text="hi")
    assert code(client.post(f"{accepted.headers['Location']}/retry")) == (409, "not_dead")


def test_starting_over_cancels_what_is_not_answered(client, redis, settings):
    place = post(client, LEARNER, session="anna").headers["Location"]
    (job,), _ = Jobs(redis, settings).claim("asr", WORKER, 1)
    assert client.post("/v1/sessions/anna/reset").status_code == 204
    assert client.get(place).json["state"] == "canceled"
    assert not Jobs(redis, settings).complete("asr", job, Transcript("late", "en", 1.0))[0]
    assert client.get("/v1/sessions/anna").json["turns"] == []
    assert not list_stored_files(settings)
    assert code(client.post("/v1/sessions/nobody/reset")) == (404, "unknown_session")


@pytest.mark.parametrize(
    ("bound", "expected"),
    [
        ("max_jobs", (503, "server_full")),
        ("max_jobs_tenant", (429, "quota_full")),
        ("max_jobs_session", (429, "quota_full")),
    ],
)
def test_a_job_over_the_limit_is_refused_with_retry_after(redis, settings, bound, expected):
    client = create_app(settings.model_copy(update={bound: 2})).test_client()
    for _ in range(2):
        assert post(client, LEARNER, session="anna").status_code == 202
    before = sorted(redis.keys())
    refused = post(client, LEARNER, session="anna")
    assert code(refused) == expected
    assert (refused.json["retryable"], int(refused.headers["Retry-After"]) >= 1) == (True, True)
    assert sorted(redis.keys()) == before
    assert len(list_stored_files(settings)) == 2


def test_a_full_redis_accepts_nothing_and_leaves_nothing(client, redis, settings):
    accepted = post(client, text="hi")
    redis.config_set("maxmemory", "1")
    before = sorted(redis.keys())
    assert code(post(client, text="hi")) == (503, "unavailable")
    assert sorted(redis.keys()) == before
    assert client.get(accepted.headers["Location"]).status_code == 200
    redis.config_set("maxmemory", "0")
    assert post(client, text="hi").status_code == 202


def test_without_redis_every_route_says_so(tmp_path):
    client = create_app(Settings(home=tmp_path, redis_url="redis://127.0.0.1:1/0")).test_client()
    job = "/v1/jobs/" + "0" * 32
    for answer in (
        client.get(job),
        client.delete(job),
        client.get(job + "/audio"),
        client.post(job + "/retry"),
        client.get("/v1/jobs?dead=true"),
        client.get("/v1/sessions/anna"),
        client.delete("/v1/sessions/anna"),
        client.post("/v1/sessions/anna/reset"),
        post(client, LEARNER, key="k"),
    ):
        assert code(answer) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1


def test_a_blob_store_that_cannot_be_written_to_accepts_nothing(client, redis, settings):
    settings.blobs_folder.write_bytes(b"a file where the folder should be")
    assert code(post(client, LEARNER)) == (503, "unavailable")
    assert not redis.keys("waijiao:job:*")
