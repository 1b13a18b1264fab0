"""The learner mends what was heard: the turn is answered again on the learner's own words, with a real Redis."""

import io
import json
from dataclasses import replace

import pytest

from api import create_app
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.jobs.job import JobRequest
from pipeline.jobs.listing import turns
from pipeline.jobs.results import Feedback, Transcript
from tests.support.job_steps import ANSWER, FEEDBACK, claim_job, run_stage
from worker_llm.tutor.teacher import get_utterance

HEARD = Transcript("I like tree", "en", 2.0)
NOT_HEARD_WELL = Feedback(
    "I like tree", "I like tree", "", 'I heard: "I like tree". Is that right?', verdict="not_heard_well", unclear=(2,)
)
SAID = "I like three."


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def submit(jobs, settings):
    """Submits a job with a recording, answers it with this feedback, and returns it."""
    blobs = FolderBlobs(settings.blobs_folder)

    def submit_job(id_: str = "a" * 32, feedback: Feedback | None = NOT_HEARD_WELL, **fields):
        recording = blobs.put(f"default/{id_}", io.BytesIO(b"a recording")).name
        jobs.submit(JobRequest(id_, **{"session": "anna", "recording": recording, **fields}))
        run_stage(jobs, "asr", HEARD)
        if feedback:
            run_stage(jobs, "llm", feedback)
            if not fields.get("hold"):
                run_stage(jobs, "tts")
        return jobs.get("default", id_)

    return submit_job


def mend(client, job_id: str, said: str = SAID, **headers):
    json_text = json.dumps({"said": said})  # which writes an unpaired surrogate as such
    return client.post(f"/v1/jobs/{job_id}/said", data=json_text, content_type="application/json", headers=headers)


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_the_turn_is_answered_on_the_learner_s_words_and_shows_what_was_heard(client, jobs, submit):
    first = submit()
    answer = mend(client, first.id, f"  {SAID} ")
    shown = answer.json
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/jobs/{shown['id']}")
    assert (shown["question"]["said"], shown["transcript"]["text"]) == (SAID, "I like tree")
    assert (shown["rerun_of"], client.get(f"/v1/jobs/{first.id}").json["rerun_as"]) == (first.id, shown["id"])
    claimed = claim_job(jobs, "llm")
    assert (claimed.id, get_utterance(claimed)) == (shown["id"], SAID)
    assert jobs.waiting() == {"asr": 0, "llm": 0, "tts": 0}


def test_words_that_were_typed_with_the_recording_are_replaced_too(client, jobs, submit):
    shown = mend(client, submit(text="and cake").id).json
    assert (shown["question"]["text"], shown["question"]["said"]) == ("and cake", SAID)
    assert get_utterance(claim_job(jobs, "llm")) == SAID


def test_the_new_turn_is_the_next_one_of_its_session_and_the_earlier_one_is_history_no_more(
    client, jobs, redis, submit
):
    first, second = submit("a" * 32), submit("b" * 32)
    again = mend(client, first.id).json
    assert (again["session"], again["seq"]) == ("anna", second.seq + 1)
    assert [job.id for job in turns(redis, "default", "anna")] == [second.id, again["id"]]
    assert [turn["id"] for turn in client.get("/v1/sessions/anna").json["turns"]] == [second.id, again["id"]]


def test_a_turn_with_a_session_of_its_own_stays_in_it(client, submit):
    first = submit(session="a" * 32)
    again = mend(client, first.id).json
    assert (again["session"], again["seq"]) == (first.id, 2)


def test_the_same_words_make_one_new_turn_and_other_words_another_version_of_it(client, jobs, redis, submit):
    first = submit()
    again = mend(client, first.id).json["id"]
    assert [mend(client, job).json["id"] for job in (first.id, again)] == [again, again]
    assert refusal(mend(client, first.id, "I like trees.")) == (409, "cannot_rerun")  # it is still being answered
    run_stage(jobs, "llm", replace(FEEDBACK, heard=SAID, verdict="correct"))
    run_stage(jobs, "tts")
    assert mend(client, first.id).json["id"] == again
    third = mend(client, first.id, "I like trees.").json
    assert (third["rerun_of"], third["question"]["said"]) == (again, "I like trees.")
    assert [job.id for job in turns(redis, "default", "anna")] == [third["id"]]


def test_two_requests_at_once_make_one_new_turn(jobs, submit, client, monkeypatch):
    first = submit()
    monkeypatch.setattr("pipeline.jobs.rerun.find_latest_version", lambda *_: first)  # neither sees the other's
    assert mend(client, first.id).json["id"] == mend(client, first.id).json["id"]


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ("", "`said` must be"),
        ("  \n ", "`said` must be"),
        ("\ud83d", "`said` must be"),
        ("x" * 2001, "`said` has 2001 characters; at most 2000 are allowed."),
        (None, "`said` must be"),
        (["I"], "`said` must be"),
    ],
)
def test_words_that_cannot_be_answered_are_refused(client, submit, said, detail):
    answer = mend(client, submit().id, said)
    assert refusal(answer) == (422, "bad_request")
    assert answer.json["detail"].startswith(detail)


def test_words_as_long_as_typed_text_may_be_are_answered(client, submit):
    assert mend(client, submit().id, "x" * 2000).status_code == 202


@pytest.mark.parametrize(
    ("feedback", "fields"),
    [
        (None, {}),  # it is being answered
        (replace(NOT_HEARD_WELL, verdict="needs_an_adult", unclear=()), {}),
    ],
)
def test_a_turn_that_is_being_answered_or_that_an_adult_should_see_is_not_mended(client, submit, feedback, fields):
    first = submit(feedback=feedback, **fields)
    assert refusal(mend(client, first.id)) == (409, "cannot_rerun")
    assert "said" not in client.get(f"/v1/jobs/{first.id}").json["links"]


def test_only_a_recording_of_a_learner_is_mended(client, jobs):
    jobs.submit(JobRequest("typed", "anna", text="I like three"))
    jobs.submit(JobRequest("spoken", "spoken", text="Hello", task="speak"))
    run_stage(jobs, "llm")
    for _ in range(2):
        run_stage(jobs, "tts")
    assert [refusal(mend(client, job)) for job in ("typed", "spoken")] == 2 * [(409, "cannot_rerun")]
    assert refusal(mend(client, "f" * 32)) == (404, "unknown_job")


@pytest.mark.parametrize("verdict", ["correct", "corrected", "not_heard_well", "not_understood", "not_checked"])
def test_a_turn_with_any_other_verdict_has_a_link_to_mend_it(client, submit, verdict):
    first = submit(feedback=replace(NOT_HEARD_WELL, verdict=verdict))
    link = client.get(f"/v1/jobs/{first.id}").json["links"]["said"]
    assert link == f"/v1/jobs/{first.id}/said"
    assert client.post(link, json={"said": SAID}).status_code == 202


def test_a_turn_whose_new_version_was_erased_says_so(client, jobs, submit):
    first = submit()
    again = mend(client, first.id).json["id"]
    jobs.cancel("default", again)
    jobs.forget("default", again)
    assert refusal(mend(client, first.id)) == (410, "erased")


def test_a_learner_mends_only_its_own_turns_and_they_count_for_its_key(redis, settings, jobs, submit):
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    keys = Keys(redis)
    (anna, anna_text), (_, ben_text) = (
        keys.create("default", "learner", name, Limits(per_minute=2)) for name in ("Anna", "Ben")
    )
    _, teacher_text = keys.create("default", "teacher", "Ms Li", Limits())
    first = submit("a" * 32, owner=anna.id, key=anna.id)
    assert refusal(mend(client, first.id, Authorization=f"Bearer {ben_text}")) == (404, "unknown_job")
    assert mend(client, first.id, Authorization=f"Bearer {anna_text}").status_code == 202
    run_stage(jobs, "llm")
    run_stage(jobs, "tts")
    refused = mend(client, first.id, "I like trees.", Authorization=f"Bearer {anna_text}")
    assert refusal(refused) == (429, "rate_limited")
    by_teacher = submit("b" * 32, owner=anna.id)
    assert mend(client, by_teacher.id, Authorization=f"Bearer {teacher_text}").json["owner"] == anna.id


def test_homework_that_is_mended_replaces_the_submission_and_waits_for_its_review_again(client, jobs, submit):
    client.put("/v1/assignments/hw3", json={"title": "Homework 3", "hold": True, "students": [{"name": "Ann"}]})
    fields = {"assignment": "hw3", "student": "Ann", "lane": "homework", "hold": True, "session": "a" * 32}
    first = submit(**fields, details={"handed_in_at": 1_796_000_000.0})
    again = mend(client, first.id).json
    assert client.get(f"/v1/jobs/{first.id}").json["state"] == "canceled"
    run_stage(jobs, "llm", replace(FEEDBACK, heard=SAID, corrected=SAID, verdict="correct"))
    (submission,) = client.get("/v1/assignments/hw3").json["submissions"]
    assert (submission["job"], submission["state"]) == (again["id"], "held")
    assert submission["handed_in_at"].startswith("2026-11-30")
    shown = client.get(f"/v1/jobs/{again['id']}").json
    assert (shown["transcript"]["text"], shown["question"]["said"]) == ("I like tree", SAID)


@pytest.mark.parametrize(
    ("from_", "changes", "said"),
    [("llm", {"persona": "emma"}, SAID), ("tts", {"speed": 0.5}, SAID), ("llm", {"transcript": "I like free"}, None)],
)
def test_a_teacher_s_rerun_keeps_the_learner_s_words_unless_it_changes_the_transcript(
    client, jobs, submit, from_, changes, said
):
    again = mend(client, submit().id).json["id"]
    run_stage(jobs, "llm", replace(FEEDBACK, heard=SAID))
    run_stage(jobs, "tts", ANSWER)
    shown = client.post(f"/v1/jobs/{again}/rerun?from={from_}", json=changes).json
    assert (shown["question"]["said"], shown["rerun_of"]) == (said, again)
