"""GET /v1/jobs/{id}/card, with a real Redis and without workers: asked for, fetched, erased; in homework and ZIPs."""

import io
import zipfile

import httpx
import pytest

from api import create_app
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.homework.assignments import Assignments
from pipeline.jobs.rerun import Overrides, rerun, retry
from pipeline.jobs.results import Answer, CardChapter, Feedback, LessonCard
from pipeline.jobs.store import Jobs
from tests.support.job_steps import TRANSCRIPT, claim_job, let_job_die, run_stage
from tests.support.recordings import CLEAR_RECORDING

FEEDBACK = Feedback("I go home", "I went home", "Why?", "I went home. Why?", verdict="corrected")
CHAPTERS = (CardChapter("own_words", "Your words", 0.0, 1.5), CardChapter("praise", "Praise", 1.5, 4.0))
CLASS = {"title": "Homework 3", "students": [{"name": "Ann"}]}


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def blobs(settings) -> FolderBlobs:
    return FolderBlobs(settings.blobs_folder)


def submit(client, key: str = "", **fields):
    form = httpx.Request("POST", "http://test", data=fields, files={"audio": CLEAR_RECORDING.read_bytes()})
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.post("/v1/jobs", data=form.read(), content_type=form.headers["Content-Type"], headers=headers)


def answer_next(jobs: Jobs, blobs: FolderBlobs, no_card: str = "") -> str:
    """Answers the next job, with a card unless `no_card` says why there is none; returns its id."""
    run_stage(jobs, "asr", TRANSCRIPT)
    run_stage(jobs, "llm", FEEDBACK)
    job = claim_job(jobs, "tts")
    blob = blobs.put(job.name, io.BytesIO(b"the answer"))
    answer = Answer("I went home. Why?", blob.name, blob.sha256, blob.size, 1.5, job.request.format, no_card=no_card)
    if job.request.card and not no_card:
        card = blobs.put(job.name, io.BytesIO(b"the card"))
        answer = Answer(
            answer.text, blob.name, blob.sha256, blob.size, 1.5, job.request.format,
            card=LessonCard(card.name, card.sha256, card.size, 4.0, CHAPTERS),
        )  # fmt: skip
    assert jobs.complete("tts", job, answer)[0]
    return job.id


def test_the_card_is_fetched_in_the_format_of_the_answer_and_its_chapters_are_in_the_record(client, jobs, blobs):
    assert submit(client, card="true", format="mp3").json["card"] is None
    id_ = answer_next(jobs, blobs)
    job = client.get(f"/v1/jobs/{id_}").json
    assert job["card"].pop("sha256")
    assert job["card"] == {
        "audio": job["links"]["card"],
        "duration_s": 4.0,
        "format": "mp3",
        "chapters": [
            {"kind": "own_words", "title": "Your words", "start_s": 0.0, "end_s": 1.5},
            {"kind": "praise", "title": "Praise", "start_s": 1.5, "end_s": 4.0},
        ],
        "missing": None,
    }
    with client.get(f"/v1/jobs/{id_}/card") as card:
        assert (card.status_code, card.data, card.content_type) == (200, b"the card", "audio/mpeg")
        assert card.headers["Content-Disposition"].endswith(f"card-{id_}.mp3")
    with client.get(f"/v1/jobs/{id_}/card", headers={"Range": "bytes=4-7"}) as part:
        assert (part.status_code, part.data) == (206, b"card")


def test_a_card_can_be_asked_for_as_json_too(client, jobs):
    id_ = client.post("/v1/jobs", json={"text": "I go home", "card": True}).json["id"]
    assert jobs.get("default", id_).request.card
    refused = client.post("/v1/jobs", json={"text": "I go home", "card": "yes"})
    assert refused.json["code"] == "bad_request"


def test_a_card_that_was_not_asked_for_or_is_not_there_yet_is_refused(client, jobs, blobs):
    id_ = submit(client).json["id"]
    assert client.get(f"/v1/jobs/{id_}/card").json["code"] == "answer_not_ready"
    answer_next(jobs, blobs)
    refused = client.get(f"/v1/jobs/{id_}/card")
    assert (refused.status_code, refused.json["code"]) == (409, "no_card")
    assert client.get(f"/v1/jobs/{id_}").json["card"] is None


def test_the_record_says_why_there_is_no_card(client, jobs, blobs):
    submit(client, card="true")
    id_ = answer_next(jobs, blobs, no_card="verdict")
    job = client.get(f"/v1/jobs/{id_}").json
    assert (job["state"], job["card"]["missing"], job["card"]["audio"]) == ("succeeded", "verdict", None)
    assert "card" not in job["links"]
    assert client.get(f"/v1/jobs/{id_}/card").json["code"] == "no_card"


def test_a_card_is_erased_with_its_job(client, jobs, blobs, settings):
    submit(client, card="true")
    id_ = answer_next(jobs, blobs)
    assert client.delete(f"/v1/jobs/{id_}").status_code == 204
    assert client.get(f"/v1/jobs/{id_}/card").json["code"] == "erased"
    assert not [path for path in settings.blobs_folder.rglob("*") if path.is_file()]


def test_a_card_is_fetched_by_those_alone_who_may_fetch_the_answer(redis, settings, jobs, blobs):
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    people = {"ann": ("north", "learner"), "ben": ("north", "learner"), "carl": ("south", "teacher")}
    keys = {name: Keys(redis).create(*who, name, Limits())[1] for name, who in people.items()}
    assert submit(client, keys["ann"], card="true").status_code == 202
    id_ = answer_next(jobs, blobs)
    statuses = {}
    for name, key in keys.items():
        with client.get(f"/v1/jobs/{id_}/card", headers={"Authorization": f"Bearer {key}"}) as card:
            statuses[name] = card.status_code
    assert statuses == {"ann": 200, "ben": 404, "carl": 404}
    assert client.get(f"/v1/jobs/{id_}/card").status_code == 401


# --- homework


def assign(client, **fields):
    answer = client.put("/v1/assignments/hw3", json={**CLASS, **fields})
    assert answer.status_code in {200, 201}, answer.text
    return answer.json


def hand_in(client):
    form = httpx.Request("POST", "http://test", files={"file": ("Ann.wav", CLEAR_RECORDING.read_bytes())})
    return client.post(
        "/v1/assignments/hw3/submissions", data=form.read(), content_type=form.headers["Content-Type"]
    ).json["accepted"][0]["job"]


@pytest.mark.parametrize(("fields", "has_card"), [({}, True), ({"card": True}, True), ({"card": False}, False)])
def test_homework_has_cards_unless_the_teacher_switches_them_off(client, jobs, fields, has_card):
    assert assign(client, **fields)["card"] is has_card
    assert jobs.get("default", hand_in(client)).request.card is has_card


def test_homework_that_was_stored_before_there_were_cards_has_none(client, jobs, redis):
    assign(client)
    text = redis.hget("waijiao:assignment:default/hw3", "assignment")
    redis.hset("waijiao:assignment:default/hw3", "assignment", text.replace(', "card": true', ""))
    assert not Assignments(jobs).get("default", "hw3").assignment.card
    assert not jobs.get("default", hand_in(client)).request.card


def test_both_zips_contain_the_cards(client, jobs, blobs):
    assign(client, format="mp3")
    hand_in(client)
    answer_next(jobs, blobs)
    export = zipfile.ZipFile(io.BytesIO(client.get("/v1/assignments/hw3/export").data))
    assert export.read("cards/Ann.mp3") == b"the card"
    assert export.read("students/Ann.mp3") == b"the answer"
    assert 'src="../cards/Ann.mp3"' in export.read("students/Ann.html").decode()
    answers = zipfile.ZipFile(io.BytesIO(client.get("/v1/answers.zip?metadata=student:Ann").data))
    assert {name: answers.read(name) for name in answers.namelist() if name.endswith("mp3")} == {
        "Ann.mp3": b"the answer",
        "cards/Ann.mp3": b"the card",
    }


# --- another version of a job


@pytest.mark.parametrize(("keep", "is_there"), [(True, True), (False, False)])
def test_a_rerun_has_a_card_where_the_recording_is_kept(client, jobs, blobs, settings, keep, is_there):
    jobs.settings = settings.model_copy(update={"keep_recordings": keep})
    submit(client, card="true")
    id_ = answer_next(jobs, blobs)
    job = jobs.get("default", id_)
    if not keep:
        blobs.delete(job.request.recording)
    again = rerun(jobs, blobs, job, "tts", Overrides(speed=0.8)).job
    assert bool(again.request.recording) is is_there
    assert again.stage == "tts"


def test_a_retried_answer_still_has_the_recording_for_its_card(client, jobs, blobs):
    id_ = submit(client, card="true").json["id"]
    run_stage(jobs, "asr", TRANSCRIPT)
    let_job_die(jobs, "llm")
    recording = jobs.get("default", id_).request.recording
    assert recording in jobs.blobs(f"default/{id_}")
    again = retry(jobs, blobs, "default", id_).job
    assert again.request.recording not in ("", recording)
    with blobs.open(again.request.recording) as file:
        assert file.read() == CLEAR_RECORDING.read_bytes()
