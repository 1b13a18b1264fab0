"""The HTTP API over a real Redis, without workers: what it accepts, what it refuses and how, what it shows."""

from pathlib import Path

import httpx
import pytest

from api import create_app
from pipeline.api_keys import ROLES, Keys, Limits
from pipeline.jobs.results import Answer, Feedback
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import redis_url
from pipeline.settings import Settings
from pipeline.worker.registry import register

LEARNER = Path(__file__).parents[3] / "examples" / "recordings" / "ruoxi-wu.wav"
WORKER = "worker"


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


def post(client, audio: bytes | None = None, **fields):
    if audio is None:
        return client.post("/v1/jobs", data=fields, content_type="application/x-www-form-urlencoded")
    form = httpx.Request("POST", "http://test", data=fields, files={"audio": ("../../etc/passwd.wav", audio)})
    return client.post("/v1/jobs", data=form.read(), content_type=form.headers["Content-Type"])


def code(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    assert {"type", "title", "status", "detail", "code", "retryable"} <= set(answer.json)
    return answer.status_code, answer.json["code"]


@pytest.mark.parametrize(
    ("preferred", "cookie", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"),
        ("en-GB", "", "en"),
        ("zh-CN", "en", "en"),
        ("en", "zh", "zh"),
        ("fr", "xx", ""),
        ("", "", ""),
    ],
)
def test_a_job_knows_the_language_of_the_page_that_sent_it(client, jobs, preferred, cookie, language):
    client.set_cookie("language", cookie)
    answer = client.post("/v1/jobs", json={"text": "hi"}, headers={"Accept-Language": preferred})
    assert jobs.get("default", answer.json["id"]).request.page_language == language


def test_a_request_that_is_repeated_from_a_page_in_another_language_is_the_same(client):
    first, second = (
        client.post("/v1/jobs", json={"text": "hi"}, headers={"Idempotency-Key": "k1", "Accept-Language": language})
        for language in ("en", "zh")
    )
    assert first.json["id"] == second.json["id"]


def test_an_accepted_recording_is_answered_with_location_and_retry_after(client):
    answer = post(client, LEARNER.read_bytes(), session="anna")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert (answer.json["state"], answer.json["session"], answer.json["seq"]) == ("queued", "anna", 1)
    assert len(answer.json["id"]) == 32
    assert client.get(answer.headers["Location"]).json == answer.json


def test_json_text_is_accepted(client):
    answer = client.post("/v1/jobs", json={"text": "Hello", "speed": 0.8, "persona": "emma"})
    assert (answer.status_code, answer.json["persona"]) == (202, "emma")


def test_hint_words_are_part_of_the_request(client, redis, settings):
    given = post(client, LEARNER.read_bytes(), hint=" Zyxelia,\n Mr Kowalczyk, 小明 ").json["id"]
    without = post(client, LEARNER.read_bytes()).json["id"]
    jobs = Jobs(redis, settings)
    assert jobs.get("default", given).request.hint == "Zyxelia, Mr Kowalczyk, 小明"
    assert jobs.get("default", without).request.hint == ""


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en-US", "en"),
        ("en_gb", "en"),
        ("EN", "en"),
        ("zh-Hans-CN", "zh"),
        ("zh-TW", "zh"),
        ("yue", "yue"),
        ("es-419", "es"),
    ],
)
def test_of_a_language_tag_the_language_is_used(client, redis, settings, tag, language):
    job = post(client, LEARNER.read_bytes(), language=tag).json["id"]
    assert Jobs(redis, settings).get("default", job).request.language == language


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (422, "empty_request")),
        ({"text": "hi", "language": "en-"}, (422, "bad_request")),
        ({"text": "hi", "language": "e"}, (422, "bad_request")),
        ({"text": "  "}, (422, "empty_request")),
        ({"text": "hi", "persona": "nobody"}, (422, "unknown_persona")),
        ({"text": "hi", "persona": "../william"}, (422, "unknown_persona")),
        ({"text": "hi", "format": "midi"}, (422, "unknown_format")),
        ({"text": "hi", "voice": "no such voice"}, (422, "unknown_voice")),
        ({"text": "hi", "voice": "nobody"}, (422, "unknown_voice")),
        ({"text": "hi", "language": "English please"}, (422, "bad_request")),
        ({"text": "hi", "speed": "fast"}, (422, "bad_request")),
        ({"text": "hi", "speed": "nan"}, (422, "bad_request")),
        ({"text": "hi", "speed": "9"}, (422, "bad_request")),
        ({"text": "hi", "hint": "x" * 201}, (422, "bad_request")),
        ({"text": "hi", "session": "a/../b"}, (422, "bad_request")),
        ({"text": "hi", "session": "x" * 65}, (422, "bad_request")),
        ({"text": "hi", "sesion": "misspelt"}, (422, "bad_request")),
        ({"text": "x" * 2001}, (422, "bad_request")),
    ],
)
def test_a_bad_field_is_refused_with_its_code(client, redis, fields, expected):
    assert code(post(client, **fields)) == expected
    assert not redis.keys("waijiao:job:*")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (422, "empty_request")),
        (bytes(range(256)) * 40, (415, "not_audio")),
        (b"ffconcat version 1.0\nfile seg.ts\n", (415, "not_audio")),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", (415, "not_audio")),
        (b"RIFF\xff\xff\xff\xffWAVE" + bytes(26_000_000), (413, "too_large")),
    ],
)
def test_a_bad_upload_is_refused_with_its_code(client, settings, content, expected):
    assert code(post(client, content)) == expected
    assert not list(settings.blobs_folder.glob("**/*")) if settings.blobs_folder.exists() else True


HALF = r'"\ud83d"'  # the first half of an emoji, as JSON can spell it


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/jobs", f'{{"text": {HALF}}}'),
        ("/v1/jobs", f'{{"text": "hi", "metadata": {{"pupil": {HALF}}}}}'),
        ("/v1/chat/completions", f'{{"messages": [{{"role": "user", "content": {HALF}}}]}}'),
        ("/v1/audio/speech", f'{{"input": {HALF}, "voice": "default"}}'),
    ],
)
def test_half_a_character_is_refused(client, path, body):
    answer = client.post(path, data=body, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    assert "\ud83d" not in answer.text


def test_bad_json_is_refused(client):
    for body in (b"{", b"[]", b'"text"'):
        assert code(client.post("/v1/jobs", data=body, content_type="application/json")) == (
            422,
            "bad_request",
        )


def test_names_given_by_a_client_never_become_paths(client, settings):
    post(client, LEARNER.read_bytes(), session="anna")
    names = [path.relative_to(settings.home).as_posix() for path in settings.blobs_folder.glob("**/*")]
    assert names
    assert not any("passwd" in name or "anna" in name for name in names)


@pytest.mark.parametrize("job_id", ["unknown", "0" * 32, "..", "%2e%2e", "a b"])
def test_an_unknown_job_is_404(client, job_id):
    assert client.get(f"/v1/jobs/{job_id}").status_code == 404
    assert client.get(f"/v1/jobs/{job_id}/audio").status_code == 404


def test_unknown_pages_and_methods_are_problems_too(client):
    assert code(client.get("/v1/nothing")) == (404, "not_found")
    answer = client.put("/v1/jobs")
    assert code(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


def test_the_answer_is_not_ready_before_it_is_spoken(client):
    answer = client.get(post(client, text="hi").headers["Location"] + "/audio")
    assert code(answer) == (409, "answer_not_ready")
    assert int(answer.headers["Retry-After"]) >= 1


def test_an_answer_whose_blob_is_gone_is_410(client, redis, settings):
    location = post(client, text="hi").headers["Location"]
    jobs = Jobs(redis, settings)
    (job,), _ = jobs.claim("llm", WORKER, 1)
    jobs.complete("llm", job, Feedback("hi", "hi", "Hello.", "Hello."))
    (job,), _ = jobs.claim("tts", WORKER, 1)
    jobs.complete("tts", job, Answer("Hello.", f"{job.name}/gone", "00", 1, 1.0, "wav"))
    assert client.get(location).json["state"] == "succeeded"
    assert code(client.get(location + "/audio")) == (410, "erased")


def test_a_canceled_job_that_is_erased_before_it_can_be_shown_is_gone(client, monkeypatch):
    """Jobs that call a single model are like that: the waiting request erases them when they have ended."""
    location, jobs = post(client, text="Hello").headers["Location"], client.application.extensions["jobs"]
    cancel = jobs.cancel

    def cancel_and_forget(tenant, job_id):
        canceled = cancel(tenant, job_id)
        jobs.forget(tenant, job_id)
        return canceled

    monkeypatch.setattr(jobs, "cancel", cancel_and_forget)
    assert client.delete(location).status_code == 204
    assert code(client.get(location)) == (410, "erased")


def test_an_unknown_session_is_404(client):
    assert code(client.get("/v1/sessions/nobody")) == (404, "unknown_session")
    assert code(client.delete("/v1/sessions/nobody")) == (404, "unknown_session")


def test_readiness_is_shown_for_each_model(client, redis):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["ready"]) == (503, False)
    for stage in ("asr", "llm", "tts"):
        register(redis, stage, "one", "ready", 60)
    register(redis, "asr", "two", "loading", 60)
    post(client, LEARNER.read_bytes())
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["models"]["asr"] == {"ready": 1, "loading": 1, "waiting": 1}
    assert answer.json["redis"].partition(" ")[0] in {"Redis", "Valkey"}


def test_only_an_administrator_is_told_which_redis_it_is_and_how_full_the_disk_is(redis, settings, tmp_path):
    client = create_app(Settings(home=tmp_path, redis_url=redis_url(settings), keys=True)).test_client()
    keys, shown = Keys(redis), {}
    for role in ROLES:
        _, text = keys.create("default", role, role, Limits())
        readiness = client.get("/readyz", headers={"Authorization": f"Bearer {text}"}).json
        shown[role] = {"redis", "storage"} & set(readiness)
    assert shown == {"learner": set(), "teacher": set(), "admin": {"redis", "storage"}}
    assert not {"redis", "storage"} & set(client.get("/readyz").json)


def test_without_redis_the_server_says_so_and_stays_up(tmp_path):
    client = create_app(Settings(home=tmp_path, redis_url="redis://127.0.0.1:1/0")).test_client()
    assert client.get("/healthz").status_code == 200
    assert code(client.get("/readyz")) == (503, "unavailable")
    assert code(client.post("/v1/jobs", json={"text": "hi"})) == (503, "unavailable")
