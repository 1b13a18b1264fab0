"""The ledger over HTTP, the clip of a word, the class, and the erasure of a learner, after which nothing is left."""

import dataclasses
import io
import json
import sqlite3
import wave
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from api import create_app
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.jobs.results import Answer, Edit, Feedback, Figure, Part, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.jobs.store import Jobs
from pipeline.learners.identity import student_learner
from pipeline.settings import Settings
from tests.support.job_steps import claim_job

WENT = Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "It is over.", "zh": "已经过去。"})
FEEDBACK = Feedback("I go fishing yesterday.", "I went fishing yesterday.", "", "x", edits=(WENT,), verdict="corrected")
FIGURE = Figure(1, 0, 2)
FLUENCY = ReadingFluency(FIGURE, FIGURE, FIGURE, FIGURE)
READ = Transcript(
    "Three ponies", "en", 2.0, reading=Reading((ReadWord("Ponies", "not_clear", 0.5, 1.0, "p"),), FLUENCY)
)
READ_FEEDBACK = Feedback("Three ponies", "Three ponies", "", "x", verdict="correct")
HOMEWORK = {
    "title": "Ponies",
    "class_name": "3a",
    "text": "Three ponies",
    "students": [{"name": "Meiling Xu", "id": "7"}, {"name": "Bo Li", "id": "8"}],
}
STUDENT = student_learner("3a", "Meiling Xu")


@pytest.fixture
def kept(settings: Settings) -> Settings:
    return settings.model_copy(update={"keep_recordings": True})


@pytest.fixture
def app(redis: Redis, kept: Settings) -> Flask:
    return create_app(kept)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    return app.test_client()


def recording(seconds: float = 2.0) -> io.BytesIO:
    """A tone as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(16_000)
        samples = 9000 * np.sin(np.arange(round(16_000 * seconds)) / 10)
        output.writeframes(samples.astype("<i2").tobytes())
    file.seek(0)
    return file


def work(jobs: Jobs, feedback: Feedback, transcript: Transcript | None = None, spoken: str = "") -> str:
    """Answer the next job, and store the audio of its answer; its id."""
    if transcript:
        assert jobs.complete("asr", claim_job(jobs, "asr"), transcript)[0]
    assert jobs.complete("llm", claim_job(jobs, "llm"), feedback)[0]
    job = claim_job(jobs, "tts")
    blob = FolderBlobs(jobs.settings.blobs_folder).put(job.name, io.BytesIO(b"sound"))
    part = Part(spoken or feedback.corrected, blob.name, blob.sha256, blob.size, 1.0)
    assert jobs.complete("tts", job, Answer("x", blob.name, blob.sha256, blob.size, 1.0, "wav", (part,)))[0]
    return job.id


def say(client: FlaskClient, jobs: Jobs, feedback: Feedback = FEEDBACK, **fields: object) -> str:
    accepted = client.post("/v1/jobs", json={"text": feedback.heard, "session": "home", **fields})
    assert accepted.status_code == 202, accepted.text
    return work(jobs, feedback)


def hand_in(client: FlaskClient, jobs: Jobs, student: str = "Meiling Xu") -> str:
    """Meiling reads the text of the homework; the job's id."""
    client.put("/v1/assignments/ponies", json=HOMEWORK)
    form = {"file": (recording(1 + len(student) / 10), f"{student}.wav"), "student": student}
    assert client.post("/v1/assignments/ponies/submissions", data=form).json["accepted"]
    return work(jobs, READ_FEEDBACK, READ)


def test_a_mistake_is_shown_with_its_sentences_and_the_audio_of_the_better_one(client, jobs):
    job = say(client, jobs)
    ledger = client.get("/v1/learners/session-home/ledger").json
    (kind,) = ledger["kinds"]
    assert (ledger["kind"], ledger["name"], ledger["words"]) == ("session", "", [])
    assert (kind["kind"], kind["count"], kind["mastered"], kind["can_be_mastered"]) == ("R:VERB:TENSE", 1, False, True)
    (example,) = kind["examples"]
    assert (example["heard"], example["from"], example["to"]) == (FEEDBACK.heard, "go", "went")
    assert example["better"] == FEEDBACK.corrected
    assert example["explanations"] == {"en": "It is over.", "zh": "已经过去。"}
    with client.get(example["audio"]) as audio:
        assert (example["job"], audio.data) == (job, b"sound")


def test_the_sentences_stay_when_their_job_has_expired_and_the_audio_does_not(client, jobs, redis):
    job = say(client, jobs)
    redis.delete(f"waijiao:job:default/{job}")
    (kind,) = client.get("/v1/learners/session-home/ledger").json["kinds"]
    assert (kind["examples"][0]["better"], kind["examples"][0]["audio"]) == (FEEDBACK.corrected, None)


def test_an_answer_that_says_something_else_is_not_offered_as_the_better_sentence(client, jobs):
    client.post("/v1/jobs", json={"text": "I go", "session": "home"})
    work(jobs, FEEDBACK, spoken="Well done.")
    (kind,) = client.get("/v1/learners/session-home/ledger").json["kinds"]
    assert kind["examples"][0]["audio"] is None


def test_a_job_names_its_learner(client, jobs):
    job = say(client, jobs)
    assert client.get(f"/v1/jobs/{job}").json["learner"] == "session-home"
    alone = client.post("/v1/jobs", json={"text": "hi"}).json
    assert alone["learner"] is None


def test_a_learner_of_whom_nothing_is_known_has_an_empty_ledger(client):
    ledger = client.get("/v1/learners/session-new/ledger").json
    assert (ledger["kinds"], ledger["words"]) == ([], [])


@pytest.mark.parametrize("learner", ["home", "key-", "key-0123", "teacher-1"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/ledger"), ("DELETE", "")])
def test_what_is_no_learner_is_refused(client, learner, method, path):
    answer = client.open(f"/v1/learners/{learner}{path}", method=method)
    assert (answer.status_code, answer.json["code"]) == (404, "unknown_learner")


def test_a_word_that_was_not_clear_is_heard_as_the_student_said_it(client, jobs):
    hand_in(client, jobs)
    ledger = client.get(f"/v1/learners/{STUDENT}/ledger").json
    (word,) = ledger["words"]
    assert (ledger["name"], word["word"], word["weakest"], word["clip_s"]) == ("Meiling Xu", "ponies", "p", 0.5)
    clip = client.get(word["clip"])
    assert clip.mimetype == "audio/wav", clip.text
    with wave.open(io.BytesIO(clip.data)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(0.8, abs=0.01)  # with its margins
        assert np.abs(np.frombuffer(sound.readframes(99_999), "<i2")).max() > 8000


def test_a_recording_that_is_not_kept_has_no_clip(redis, settings, jobs):
    client = create_app(settings).test_client()
    job = hand_in(client, jobs)
    (word,) = client.get(f"/v1/learners/{STUDENT}/ledger").json["words"]
    assert word["clip"] is None
    answer = client.get(f"/v1/learners/{STUDENT}/clip?job={job}&number=0")
    assert (answer.status_code, answer.json["code"]) == (410, "clip_not_kept")


def test_a_clip_is_only_cut_out_of_the_learner_s_own_recordings(client, jobs):
    job = hand_in(client, jobs)
    for learner, number in (("session-home", 0), (STUDENT, 1), (student_learner("3a", "Bo Li"), 0)):
        answer = client.get(f"/v1/learners/{learner}/clip?job={job}&number={number}")
        assert (answer.status_code, answer.json["code"]) == (410, "clip_not_kept")


def test_a_recording_that_cannot_be_decoded_is_an_error_of_its_own(client, jobs, kept):
    job = hand_in(client, jobs)
    record = Jobs.get(jobs, "default", job)
    (kept.blobs_folder / record.request.recording).write_bytes(b"RIFF broken")
    answer = client.get(f"/v1/learners/{STUDENT}/clip?job={job}&number=0")
    assert answer.json["code"] == "bad_audio"


def test_a_class_sees_what_its_students_have_not_mastered(client, jobs):
    client.put("/v1/assignments/talk", json={"title": "Talk", "class_name": "3a", "students": HOMEWORK["students"]})
    for student in ("Meiling Xu", "Bo Li"):
        form = {"file": (recording(1 + len(student) / 10), "x.wav"), "student": student}
        client.post("/v1/assignments/talk/submissions", data=form)
        work(jobs, FEEDBACK, Transcript("x", "en", 2.0))
    ledger = client.get("/v1/assignments/talk/ledger").json
    assert ledger["kinds"] == [{"kind": "R:VERB:TENSE", "count": 2, "students": ["Meiling Xu", "Bo Li"]}]
    first = ledger["students"][0]
    assert first == {"student": "Meiling Xu", "learner": STUDENT, "recurring": 1, "mastered": 0}


def read_texts(client: FlaskClient, jobs: Jobs, *words_per_s: float, first: int = 0) -> None:
    """Meiling reads a text aloud in one homework after the other, the first of which has this number."""
    for number, speed in enumerate(words_per_s, first):
        client.put(f"/v1/assignments/read{number}", json=HOMEWORK)
        form = {"file": (recording(1 + number / 10), "a.wav"), "student": "Meiling Xu"}
        assert client.post(f"/v1/assignments/read{number}/submissions", data=form).json["accepted"]
        fluency = ReadingFluency(FIGURE, Figure(speed, 2.0, 3.5), FIGURE, FIGURE)
        word = ReadWord("Three", "said", 0.1, 0.4, "", -0.5)
        work(jobs, READ_FEEDBACK, Transcript("Three ponies", "en", 2.0, reading=Reading((word,), fluency)))


def test_fluency_has_a_mean_and_a_trend_from_five_readings_on(client, jobs):
    path = f"/v1/learners/{STUDENT}/ledger"
    assert client.get(path).json["fluency"] is None
    read_texts(client, jobs, 2.0, 2.2, 2.4, 2.6)
    fluency = client.get(path).json["fluency"]
    assert (fluency["needed"], [each["words_per_s"] for each in fluency["readings"]]) == (5, [2.0, 2.2, 2.4, 2.6])
    assert fluency["figures"]["words_per_s"] == {"mean": None, "trend": None, "low": 2.0, "high": 3.5}
    read_texts(client, jobs, 3.0, first=4)
    fluency = client.get(path).json["fluency"]
    assert fluency["figures"]["words_per_s"] == {"mean": 2.44, "trend": "rising", "low": 2.0, "high": 3.5}
    assert fluency["figures"]["longest_pause_s"]["trend"] == "none"
    table = client.get(f"/v1/learners/{STUDENT}/fluency.csv")
    lines = table.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "read_at,job,sounds_per_s,words_per_s,pauses_per_word,longest_pause_s"
    assert [line.split(",")[3] for line in lines[1:]] == [
        "2.00",
        "2.20",
        "2.40",
        "2.60",
        "3.00",
        "2.44",
        "2.00",
        "3.50",
    ]
    assert [line.split(",")[0] for line in lines[-3:]] == ["mean", "low", "high"]


def test_of_a_learner_who_read_nothing_the_table_of_fluency_has_no_line(client):
    assert client.get("/v1/learners/session-new/fluency.csv").data.decode("utf-8-sig").count("\n") == 1


# --- erasure -----------------------------------------------------------------------------------------------------

WORDS = ("fishing", "ponies", "Ponies", "Meiling", "Lingling")  # what a learner said, or is called


def find_traces(redis: Redis, blobs: Path, traces: tuple[str, ...] = WORDS) -> list[str]:
    """Every key of Redis and every file that has one of the traces in its name or its content."""
    dumps = {key: str(key) + str(read_key(redis, key)) for key in redis.scan_iter("*")}
    files = {str(path): str(path) for path in blobs.rglob("*") if path.is_file() and path.name[0] != "."}
    return [name for name, text in {**dumps, **files}.items() if any(trace in text for trace in traces)]


def read_key(redis: Redis, key: str) -> object:
    readers = {
        "hash": redis.hgetall,
        "set": redis.smembers,
        "string": redis.get,
        "list": lambda name: redis.lrange(name, 0, -1),
        "zset": lambda name: redis.zrange(name, 0, -1),
        "stream": redis.xrange,
    }
    return readers[redis.type(key)](key)


def audio_files(settings: Settings) -> list[Path]:
    return [
        path for path in settings.blobs_folder.rglob("*") if path.is_file() and path.parent != settings.blobs_folder
    ]


def test_of_an_erased_session_nothing_is_left(client, jobs, redis, settings):
    first, second = say(client, jobs), say(client, jobs)
    redis.delete(f"waijiao:job:default/{first}")  # its retention has passed
    FolderBlobs(settings.blobs_folder).delete_job(f"default/{first}")
    waiting = client.post("/v1/jobs", json={"text": "Let us go fishing.", "session": "home"}).json["id"]
    receipt = client.delete("/v1/learners/session-home").json
    assert (receipt["records"], receipt["audio_files"], receipt["exports"]) == (2, 1, 0)
    assert receipt["ledger_entries"] == 2  # also that of the turn that had expired
    assert find_traces(redis, settings.blobs_folder) == []
    assert audio_files(settings) == []
    for job in (second, waiting):
        assert client.get(f"/v1/jobs/{job}").json["code"] == "erased"


def test_of_an_erased_student_nothing_is_left_and_the_others_keep_theirs(client, jobs, redis, settings):
    hand_in(client, jobs)
    client.put("/v1/assignments/later", json={**HOMEWORK, "text": ""})
    hand_in(client, jobs, "Bo Li")
    receipt = client.delete(f"/v1/learners/{STUDENT}").json
    assert (receipt["records"], receipt["audio_files"], receipt["ledger_entries"]) == (1, 2, 1)
    assert receipt["class_lists"] == 2
    assert find_traces(redis, settings.blobs_folder, ("Meiling",)) == []
    assert len(audio_files(settings)) == 2
    assert client.get(f"/v1/learners/{student_learner('3a', 'Bo Li')}/ledger").json["words"]


def test_of_an_erased_learner_with_a_key_nothing_is_left_not_even_the_name(redis, kept, jobs):
    app, keys = create_app(kept.model_copy(update={"keys": True})), Keys(redis)
    key, text = keys.create("default", "learner", "Lingling", Limits())
    client = app.test_client()
    header = {"Authorization": f"Bearer {text}"}
    form = {"audio": (recording(), "Lingling.wav"), "session": "fishing", "metadata": '{"who": "Lingling"}'}
    assert client.post("/v1/jobs", data=form, headers=header).status_code == 202
    work(jobs, FEEDBACK, Transcript(FEEDBACK.heard, "en", 2.0))
    client.post("/v1/jobs", json={"text": "I go fishing.", "session": "x"}, headers=header)
    learner = f"/v1/learners/key-{key.id}"
    assert client.get(f"{learner}/ledger", headers=header).json["name"] == "Lingling"
    receipt = client.delete(learner, headers=header).json
    assert (receipt["records"], receipt["audio_files"], receipt["key_names"]) == (2, 2, 1)
    assert find_traces(redis, kept.blobs_folder) == []
    assert audio_files(kept) == []
    ledger = client.get(f"{learner}/ledger", headers=header).json  # the key is still valid
    assert (ledger["kinds"], ledger["name"]) == ([], "(erased)")


def test_the_receipt_counts_the_logs_of_webhooks(redis, kept, jobs):
    client = create_app(kept.model_copy(update={"webhook_networks": "127.0.0.0/8"})).test_client()
    say(client, jobs, webhook="http://127.0.0.1:9/hook")
    assert redis.keys("waijiao:delivery:*")
    assert client.delete("/v1/learners/session-home").json["webhook_logs"] == 1
    assert not redis.keys("waijiao:delivery:*")


def test_erased_twice_the_receipt_is_empty(client, jobs):
    say(client, jobs)
    assert client.delete("/v1/learners/session-home").json["records"] == 1
    receipt = client.delete("/v1/learners/session-home").json
    numbers = {name: number for name, number in receipt.items() if isinstance(number, int)}
    assert set(numbers.values()) == {0}


def test_what_an_adult_should_see_is_in_no_ledger(client, jobs, redis):
    concern = dataclasses.replace(FEEDBACK, verdict="needs_an_adult")
    say(client, jobs, concern)
    assert not redis.keys("waijiao:ledger*")


# --- export ------------------------------------------------------------------------------------------------------


def test_the_ledger_is_exported_as_a_table_that_spreadsheets_run_nothing_of(client, jobs):
    say(client, jobs, dataclasses.replace(FEEDBACK, heard="=I go fishing yesterday."))
    hand_in(client, jobs)
    lines = client.get("/v1/learners/session-home/ledger.csv").data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("what,kind_or_word,heard,better,")
    assert lines[1].startswith(
        "mistake,R:VERB:TENSE,'=I go fishing yesterday.,'=I went fishing yesterday.,It is over.,"
    )
    assert lines[1].endswith(",1,no")
    words = client.get(f"/v1/learners/{STUDENT}/ledger.csv").data.decode("utf-8-sig").splitlines()
    assert words[1].startswith("word,ponies,")


def open_deck(data: bytes, folder: Path) -> tuple[list[list[str]], dict[str, bytes]]:
    """The fields of each note of a deck, and its sounds by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (folder / "collection").write_bytes(archive.read("collection.anki2"))
        names = json.loads(archive.read("media"))
        sounds = {name: archive.read(number) for number, name in names.items()}
    with closing(sqlite3.connect(folder / "collection")) as database:
        notes = database.execute("SELECT flds FROM notes").fetchall()
    return [fields.split("\x1f") for (fields,) in notes], sounds


def test_the_ledger_is_exported_as_a_deck_with_the_better_sentence_spoken(client, jobs, tmp_path):
    say(client, jobs)
    say(client, jobs)
    answer = client.get("/v1/learners/session-home/ledger.apkg")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="ledger.apkg"'
    ((question, own, better, sound, why),), sounds = open_deck(answer.data, tmp_path)
    assert (question, own, better, why) == (FEEDBACK.heard, "", FEEDBACK.corrected, "It is over.<br>已经过去。")
    assert sounds[sound.removeprefix("[sound:").removesuffix("]")] == b"sound"


def test_a_deck_has_the_learner_s_own_clip_while_it_is_kept(client, jobs, tmp_path, redis):
    job = hand_in(client, jobs)
    ((question, own, _, _, why),), sounds = open_deck(client.get(f"/v1/learners/{STUDENT}/ledger.apkg").data, tmp_path)
    assert (question, why) == ("ponies", "/p/")
    assert sounds[own.removeprefix("[sound:").removesuffix("]")][:4] == b"RIFF"
    redis.delete(f"waijiao:job:default/{job}")
    ((_, own, _, _, _),), sounds = open_deck(client.get(f"/v1/learners/{STUDENT}/ledger.apkg").data, tmp_path)
    assert (own, sounds) == ("", {})


def test_an_empty_ledger_is_an_empty_deck(client, tmp_path):
    assert open_deck(client.get("/v1/learners/session-new/ledger.apkg").data, tmp_path) == ([], {})
