"""A learner says the better sentence of a job again: accepted, compared, counted and erased, with a real Redis."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from api import create_app
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.errors import NoSpeech
from pipeline.jobs.job import JobRequest
from pipeline.jobs.listing import turns
from pipeline.jobs.results import Answer, Edit, Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript, Word
from pipeline.settings import Settings
from tests.support.job_steps import claim_job, run_stage
from tests.support.recordings import make_wav
from tests.support.wait import wait_for
from worker_asr.transcriber import text_to_read

HEARD = "I go home yesterday."
BETTER = "I went home yesterday."
WORDS = tuple(Word(f" {word}", at, at + 0.5, 0.9) for at, word in enumerate(HEARD.split()))
FEEDBACK = Feedback(HEARD, BETTER, "Why?", BETTER, (Edit("go", "went", (1, 2)),), verdict="corrected")
RANGE = Figure(2.0, 1.0, 3.0)
WAV = make_wav(np.zeros(16_000))
FIRST, SECOND = "a" * 32, "b" * 32


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def submit(jobs):
    """Submits a turn, answers it with this feedback, and returns its id."""

    def submit_turn(id_: str = FIRST, feedback: Feedback = FEEDBACK, **fields) -> str:
        jobs.submit(JobRequest(id_, **{"session": "anna", "recording": f"default/{id_}/x", **fields}))
        run_stage(jobs, "asr", Transcript(HEARD, "en", 4.0, WORDS))
        run_stage(jobs, "llm", feedback)
        run_stage(jobs, "tts")
        return id_

    return submit_turn


def say_again(client, job_id: str = FIRST, audio: bytes = WAV, **headers):
    return client.post(f"/v1/jobs/{job_id}/tries", data={"audio": (io.BytesIO(audio), "a.wav")}, headers=headers)


def measure(*words: tuple[str, str, float]) -> Transcript:
    """The transcript of a try with the clearness of its words."""
    read = tuple(ReadWord(word, state, 0.5, 0.9, "", clearness) for word, state, clearness in words)
    return Transcript(BETTER, "en", 3.0, reading=Reading(read, ReadingFluency(RANGE, RANGE, RANGE, RANGE)))


def fetch(client, job_id: str = FIRST) -> dict:
    return dict(client.get(f"/v1/jobs/{job_id}/tries").json)


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def changes(shown: dict) -> dict[str, str]:
    return {each["word"]: each["change"] for each in shown["words"] if each["change"]}


def test_a_try_is_recognised_alone_and_belongs_to_its_job(client, jobs, redis, submit):
    submit(persona="emma", hint="Emma", group="class 3")
    shown = client.get(f"/v1/jobs/{FIRST}").json
    assert shown["practice"] == {"text": BETTER, "start": 0.0, "end": 3.5}
    assert shown["links"]["tries"] == f"/v1/jobs/{FIRST}/tries"
    answer = say_again(client)
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/v1/jobs/{answer.json['id']}")
    assert (answer.json["task"], answer.json["practised"], answer.json["practice"]) == ("read", FIRST, None)
    claimed = claim_job(jobs, "asr")
    assert (claimed.request.persona, claimed.request.hint, claimed.request.language) == ("emma", "", "en")
    assert claimed.request.details == {"text": BETTER, "clearness": False}
    jobs.complete("asr", claimed, Transcript(BETTER, "en", 3.0))
    assert client.get(f"/v1/jobs/{claimed.id}").json["state"] == "succeeded"
    assert jobs.waiting() == {"asr": 0, "llm": 0, "tts": 0}
    assert [job.id for job in turns(redis, "default", "anna")] == [FIRST]  # it is no turn of the conversation


def test_tries_are_compared_with_the_recording_and_then_with_each_other(client, jobs, submit):
    submit()
    assert fetch(client) == {
        "practice": {"text": BETTER, "start": 0.0, "end": 3.5},
        "left": 3,
        "best": None,
        "last": None,
        "tries": [],
    }
    ids = []
    for transcript in (
        Transcript("I went hope yesterday", "en", 3.0),
        measure(("I", "said", -0.5), ("went", "said", -0.9), ("home", "not_clear", -3.2), ("yesterday", "said", -0.8)),
        measure(("I", "said", -0.5), ("went", "said", -0.9), ("home", "said", -0.9), ("yesterday", "said", -0.9)),
    ):
        ids.append(say_again(client).json["id"])
        run_stage(jobs, "asr", transcript)
    shown = fetch(client)
    first, second, third = shown["tries"]
    assert [each["job"] for each in shown["tries"]] == ids
    assert (shown["left"], shown["best"], shown["last"]) == (0, ids[2], ids[2])
    assert (first["compared_with"], first["measured"], changes(first)) == ("recording", False, {"went": "heard"})
    assert first["praise"] == {"en": "“went” was heard this time.", "zh": "这次听到了“went”。"}
    assert (second["compared_with"], second["measured"], changes(second)) == ("try", True, {})
    assert (third["number"], changes(third)) == (3, {"home": "clearer"})
    assert third["praise"]["en"] == "“home” was clearer this time. All words were heard."
    assert refusal(say_again(client)) == (409, "enough_tries")


def test_what_was_not_heard_or_was_something_else_is_no_progress(client, jobs, submit):
    submit()
    silent = say_again(client).json["id"]
    jobs.fail("asr", claim_job(jobs, "asr"), NoSpeech(), again=False)
    say_again(client)
    run_stage(jobs, "asr", Transcript("Elephants eat grass all day long", "en", 3.0))
    shown = fetch(client)
    assert [(each["state"], each["words"]) for each in shown["tries"]] == [("failed", []), ("succeeded", [])]
    assert (shown["tries"][0]["job"], shown["tries"][0]["error"]["code"]) == (silent, "no_speech")
    assert (shown["tries"][0]["praise"], shown["tries"][1]["praise"]["en"]) == ({}, "You said it once more.")
    assert shown["left"] == 2  # silence does not count


@pytest.mark.parametrize(
    ("settings_changes", "details", "measured"),
    [
        ({}, {}, ""),
        ({"practice_clearness": "on"}, {}, BETTER),
        ({}, {"clearness": True}, BETTER),
    ],
)
def test_clearness_is_measured_only_where_it_is_switched_on(
    redis, settings: Settings, jobs, submit, settings_changes, details, measured
):
    client = create_app(settings.model_copy(update=settings_changes)).test_client()
    submit(details=details)
    say_again(client)
    assert text_to_read(claim_job(jobs, "asr")) == measured


def test_the_same_request_makes_one_try(client, submit):
    submit()
    ids = {say_again(client, **{"Idempotency-Key": "once"}).json["id"] for _ in range(2)}
    assert len(ids) == len(fetch(client)["tries"]) == 1


@pytest.mark.parametrize("erase", [f"/v1/jobs/{FIRST}", "/v1/sessions/anna"])
def test_tries_are_erased_with_their_job_and_with_its_session(client, jobs, redis, settings, submit, erase):
    submit()
    tried, running = (say_again(client).json["id"] for _ in range(2))
    run_stage(jobs, "asr", Transcript(BETTER, "en", 3.0))
    blobs = FolderBlobs(settings.blobs_folder)
    assert f"default/{running}" in blobs.jobs_after("")
    assert client.delete(erase).status_code == 204
    assert [refusal(client.get(f"/v1/jobs/{each}")) for each in (FIRST, tried, running)] == 3 * [(410, "erased")]
    assert [*blobs.jobs_after("")] == []
    assert not [*redis.scan_iter("waijiao:tries:*")]
    assert jobs.waiting()["asr"] == 0


def test_a_try_that_is_erased_leaves_the_others(client, jobs, submit):
    submit()
    ids = [say_again(client).json["id"] for _ in range(2)]
    run_stage(jobs, "asr", Transcript(BETTER, "en", 3.0))
    assert client.delete(f"/v1/jobs/{ids[0]}").status_code == 204
    assert [each["job"] for each in fetch(client)["tries"]] == ids[1:]


def test_a_try_is_kept_no_longer_than_its_job(client, jobs, redis, submit):
    submit()
    redis.expire(f"waijiao:job:default/{FIRST}", 100)
    tried = say_again(client).json["id"]
    run_stage(jobs, "asr", Transcript(BETTER, "en", 3.0))
    assert 0 < redis.ttl(f"waijiao:job:default/{tried}") <= 100


@pytest.mark.parametrize("verdict", ["correct", "not_heard_well", "needs_an_adult"])
def test_nothing_is_said_again_where_nothing_was_corrected(client, submit, verdict):
    submit(feedback=Feedback(HEARD, BETTER, "", "", FEEDBACK.edits, verdict=verdict))
    shown = client.get(f"/v1/jobs/{FIRST}").json
    assert (shown["practice"], "tries" in shown["links"]) == (None, False)
    assert refusal(say_again(client)) == (409, "nothing_to_practise")
    assert refusal(client.get(f"/v1/jobs/{FIRST}/tries")) == (409, "nothing_to_practise")


def test_bad_recordings_are_refused(client, submit):
    submit()
    assert refusal(say_again(client, audio=b"words")) == (415, "not_audio")
    assert refusal(say_again(client, audio=b"")) == (422, "empty_request")
    without = client.post(f"/v1/jobs/{FIRST}/tries", data={"audio": "words"})
    assert refusal(without) == (422, "bad_request")
    assert without.json["detail"].startswith("`audio` must be a file:")
    assert refusal(say_again(client, "f" * 32)) == (404, "unknown_job")


def test_a_learner_tries_only_its_own_sentences_and_a_teacher_s_try_is_the_learner_s(redis, settings, submit):
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    keys = Keys(redis)
    (anna, anna_text), (_, ben_text) = (keys.create("default", "learner", name, Limits()) for name in ("Anna", "Ben"))
    _, teacher_text = keys.create("default", "teacher", "Ms Li", Limits())
    submit(owner=anna.id, key=anna.id)
    assert refusal(say_again(client, Authorization=f"Bearer {ben_text}")) == (404, "unknown_job")
    for text in (anna_text, teacher_text):
        assert say_again(client, Authorization=f"Bearer {text}").json["owner"] == anna.id


def test_the_own_recording_is_served_while_it_is_kept(client, jobs, settings):
    blob = FolderBlobs(settings.blobs_folder).put(f"default/{FIRST}", io.BytesIO(WAV))
    jobs.submit(JobRequest(FIRST, "anna", recording=blob.name))
    with client.get(f"/v1/jobs/{FIRST}/recording") as whole:
        assert whole.data == WAV
    with client.get(f"/v1/jobs/{FIRST}/recording", headers={"Range": "bytes=0-3"}) as part:
        assert (part.status_code, part.data) == (206, b"RIFF")
    FolderBlobs(settings.blobs_folder).delete_job(f"default/{FIRST}")
    assert refusal(client.get(f"/v1/jobs/{FIRST}/recording")) == (410, "erased")
    jobs.submit(JobRequest(SECOND, "anna", text="Hello"))
    assert refusal(client.get(f"/v1/jobs/{SECOND}/recording")) == (410, "erased")


@pytest.fixture
def speak(jobs, settings):
    """Speaks the next job in another thread; the future is what was asked for."""

    def complete() -> JobRequest:
        job = wait_for(lambda: jobs.waiting()["tts"] and claim_job(jobs, "tts"))
        blob = FolderBlobs(settings.blobs_folder).put(job.name, io.BytesIO(b"sound"))
        answer = Answer(job.request.text, blob.name, blob.sha256, blob.size, 1.0, "wav")
        assert jobs.complete("tts", job, answer)[0]
        return job.request

    with ThreadPoolExecutor() as pool:
        yield lambda: pool.submit(complete)


@pytest.mark.parametrize(
    ("query", "turn", "expected"),
    [
        ("", {}, (BETTER, "heart-low", 1.0)),
        ("?speed=0.7", {"voice": "heart"}, (BETTER, "heart", 0.7)),
        ("?words=went+home", {"persona": "emma"}, ("went home", "heart", 1.0)),
    ],
)
def test_the_sentence_and_its_words_are_spoken_in_the_voice_of_the_answer(client, submit, speak, query, turn, expected):
    submit(**turn)
    speaking = speak()
    with client.get(f"/v1/jobs/{FIRST}/practice{query}") as spoken:
        assert (spoken.status_code, spoken.data, spoken.content_type) == (200, b"sound", "audio/wav")
    asked = speaking.result(30)
    assert (asked.text, asked.voice, asked.speed) == expected


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?words=elephants", 422, "bad_request"),
        ("?words=wen", 422, "bad_request"),
        ("?words=", 422, "bad_request"),
        ("?speed=3", 422, "bad_request"),
    ],
)
def test_only_the_words_of_the_sentence_are_spoken(client, submit, query, status, code):
    submit()
    assert refusal(client.get(f"/v1/jobs/{FIRST}/practice{query}")) == (status, code)


def test_where_nothing_was_corrected_nothing_is_spoken(client, submit):
    submit(feedback=Feedback(HEARD, HEARD, "", HEARD, verdict="correct"))
    assert refusal(client.get(f"/v1/jobs/{FIRST}/practice")) == (409, "nothing_to_practise")
