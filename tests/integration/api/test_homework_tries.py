"""Students say the better sentence of homework again: the best and the last try are kept, for the teacher as well."""

import csv
import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from api import create_app
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.errors import NoSpeech
from pipeline.jobs.results import Edit, Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.learners.identity import student_learner
from pipeline.practice.tries import find_needed_blobs
from pipeline.worker.task import commit
from tests.support.job_steps import claim_job, run_stage
from tests.support.recordings import make_wav

HEARD, BETTER = "I go home yesterday.", "I went home yesterday."
CORRECTED = Feedback(HEARD, BETTER, "Why?", BETTER, (Edit("go", "went", (1, 2)),), verdict="corrected")
TEXT = "I think so. He has three dogs."
READ_RIGHT = Feedback(TEXT, TEXT, "Well read!", "Well read!", verdict="correct")
FIGURE = Figure(2.0, 1.0, 3.0)
STUDENTS = [{"name": "Anna"}, {"name": "Ben"}]
STUDENT = student_learner("3a", "Anna")


@pytest.fixture
def client(redis, settings):
    return create_app(settings).test_client()


@pytest.fixture
def blobs(settings) -> FolderBlobs:
    return FolderBlobs(settings.blobs_folder)


@pytest.fixture
def hand_in(client, jobs) -> Callable[..., str]:
    """Sets homework, hands in Anna's recording of it, answers it, and returns its job's id."""

    def hand_in_and_answer(feedback: Feedback = CORRECTED, transcript: Transcript | None = None, **fields) -> str:
        homework = {"title": "Homework", "class_name": "3a", "students": STUDENTS, **fields}
        client.put("/v1/assignments/hw", json=homework)
        form = {"file": (io.BytesIO(sound(0)), "a.wav"), "student": "Anna"}
        (accepted,) = client.post("/v1/assignments/hw/submissions", data=form).json["accepted"]
        run_stage(jobs, "asr", transcript or Transcript(feedback.heard, "en", 3.0))
        run_stage(jobs, "llm", feedback)
        run_stage(jobs, "tts")
        return str(accepted["job"])

    return hand_in_and_answer


def sound(number: int) -> bytes:
    """A silent recording, each number's of another length."""
    return make_wav(np.zeros(16_000 + number))


@pytest.fixture
def say(client, jobs) -> Callable[..., str]:
    """Says the sentence of a job again, as the recogniser then hears it; the id of the try."""

    def say_again(job: str, heard: str | Transcript, number: int = 1) -> str:
        accepted = client.post(f"/v1/jobs/{job}/tries", data={"audio": (io.BytesIO(sound(number)), "a.wav")})
        assert accepted.status_code == 202, accepted.text
        transcript = heard if isinstance(heard, Transcript) else Transcript(heard, "en", 2.0)
        commit(jobs, "asr", claim_job(jobs, "asr"), transcript)
        return str(accepted.json["id"])

    return say_again


def measure(text: str, *clearness: float, unclear: str = "") -> Transcript:
    """The transcript of a text with the clearness of its words."""
    states = [("not_clear" if word in unclear.split() else "said") for word in text.replace(".", "").split()]
    words = zip(text.replace(".", "").split(), states, clearness, strict=True)
    read = tuple(
        ReadWord(word, state, 0.4 * at, 0.4 * at + 0.3, "θ" if state == "not_clear" else "", each)
        for at, (word, state, each) in enumerate(words)
    )
    return Transcript(text, "en", 2.0, reading=Reading(read, ReadingFluency(FIGURE, FIGURE, FIGURE, FIGURE)))


def fetch_tries(client) -> dict | None:
    (submission,) = client.get("/v1/assignments/hw").json["submissions"]
    return submission["tries"]


def is_heard(client, job: str) -> bool:
    with client.get(f"/v1/jobs/{job}/recording") as answer:
        return answer.status_code == 200


def test_the_best_and_the_last_try_are_kept_and_the_other_one_is_given_up(client, jobs, hand_in, say):
    job = hand_in()
    assert fetch_tries(client) is None
    worst, best, last = say(job, "I go"), say(job, "I went home yesterday"), say(job, "I went home")
    assert [is_heard(client, each) for each in (worst, best, last)] == [False, True, True]
    shown = client.get(f"/v1/jobs/{job}/tries").json
    assert [each["recording"] for each in shown["tries"]] == [
        None, f"/v1/jobs/{best}/recording", f"/v1/jobs/{last}/recording",
    ]  # fmt: skip
    tries = fetch_tries(client)
    assert (tries["count"], tries["sentence"], tries["sentence_words"]) == (3, BETTER, 4)
    kept = [tuple(tries[name][field] for field in ("job", "number", "words_said")) for name in ("best", "last")]
    assert kept == [(best, 2, 4), (last, 3, 3)]
    assert [each["change"] for each in tries["best"]["words"]] == ["", "heard", "", ""]
    refused = client.post(f"/v1/jobs/{job}/tries", data={"audio": (io.BytesIO(sound(9)), "a.wav")})
    assert refused.json["code"] == "enough_tries"


def test_a_try_that_is_the_best_stays_when_a_worse_one_follows(client, hand_in, say):
    job = hand_in()
    best, last = say(job, "I went home yesterday"), say(job, "I go home")
    assert [is_heard(client, each) for each in (best, last)] == [True, True]
    tries = fetch_tries(client)
    assert (tries["best"]["job"], tries["last"]["job"]) == (best, last)


def test_what_a_crash_left_of_a_try_that_is_given_up_is_an_orphan(client, jobs, blobs, hand_in):
    job, names = hand_in(), []
    for heard in ("I go", "I went home yesterday", "I went home"):
        accepted = client.post(f"/v1/jobs/{job}/tries", data={"audio": (io.BytesIO(sound(1)), "a.wav")})
        run_stage(jobs, "asr", Transcript(heard, "en", 2.0))  # nothing is removed after it
        names.append(f"default/{accepted.json['id']}")
    assert [len(find_needed_blobs(jobs, name)) for name in names] == [0, 1, 1]
    blobs.remove_orphans(lambda name: find_needed_blobs(jobs, name), older_than_s=-60)
    assert [blobs.count(name) for name in names] == [0, 1, 1]


def test_a_try_in_which_nothing_was_heard_is_not_counted_and_its_recording_is_not_kept(client, jobs, hand_in, say):
    job = hand_in()
    silent = client.post(f"/v1/jobs/{job}/tries", data={"audio": (io.BytesIO(sound(1)), "a.wav")}).json["id"]
    commit(jobs, "asr", claim_job(jobs, "asr"), NoSpeech())
    assert fetch_tries(client) is None
    heard = say(job, BETTER)
    assert (fetch_tries(client)["count"], fetch_tries(client)["best"]["number"]) == (1, 2)
    assert [is_heard(client, each) for each in (silent, heard)] == [False, True]


def test_outside_of_homework_no_try_is_kept(client, jobs, settings, say):
    job = client.post("/v1/jobs", json={"text": HEARD, "session": "anna"}).json["id"]
    run_stage(jobs, "llm", CORRECTED)
    run_stage(jobs, "tts")
    assert not is_heard(client, say(job, BETTER))


def test_only_teachers_of_the_tenant_see_and_hear_a_student_s_tries(redis, settings, jobs, hand_in, say):
    tried = say(job := hand_in(), BETTER)
    client = create_app(settings.model_copy(update={"keys": True})).test_client()
    keys = Keys(redis)
    for tenant, role, status in (("default", "teacher", 200), ("default", "learner", 404), ("other", "teacher", 404)):
        _, text = keys.create(tenant, role, "x", Limits())
        for path in (f"/v1/jobs/{job}/tries", f"/v1/jobs/{tried}/recording", f"/v1/jobs/{tried}"):
            with client.get(path, headers={"Authorization": f"Bearer {text}"}) as answer:
                assert answer.status_code == status, (tenant, role, path)


def test_a_teacher_s_page_is_told_of_each_try(client, hand_in, say):
    job = hand_in()
    tag = client.get("/v1/assignments/hw").headers["ETag"]
    assert client.get("/v1/assignments/hw", headers={"If-None-Match": tag}).status_code == 304
    say(job, BETTER)
    assert client.get("/v1/assignments/hw", headers={"If-None-Match": tag}).status_code == 200


def test_words_to_listen_to_again_are_said_again_in_their_sentence(client, hand_in, say):
    first = measure(TEXT, -0.5, -0.5, -0.6, -0.7, -0.8, -3.5, -0.9, unclear="three")
    job = hand_in(READ_RIGHT, first, text=TEXT, clearness=True)
    shown = client.get(f"/v1/jobs/{job}").json
    assert shown["practice"]["text"] == "He has three dogs."
    say(job, measure("He has three dogs", -0.7, -0.8, -0.9, -0.9))
    (try_,) = client.get(f"/v1/jobs/{job}/tries").json["tries"]
    assert (try_["compared_with"], try_["measured"]) == ("recording", True)
    assert {each["word"]: each["change"] for each in try_["words"]} == {
        "He": "",
        "has": "",
        "three": "clearer",
        "dogs": "",
    }
    assert [each["change"] for each in fetch_tries(client)["best"]["words"]] == ["", "", "clearer", ""]


@pytest.mark.parametrize(
    ("feedback", "transcript"),
    [
        (READ_RIGHT, measure(TEXT, *7 * (-0.5,))),
        (READ_RIGHT, Transcript(TEXT, "en", 2.0)),
        (Feedback(TEXT, TEXT, "", "", verdict="needs_an_adult"), measure(TEXT, *7 * (-3.5,), unclear="three")),
        (Feedback(TEXT, TEXT, "", "", verdict="not_checked"), measure(TEXT, *7 * (-3.5,), unclear="three")),
    ],
)
def test_where_every_word_was_clear_or_nothing_was_checked_there_is_nothing_to_say_again(
    client, hand_in, feedback, transcript
):
    job = hand_in(feedback, transcript, text=TEXT)
    assert client.get(f"/v1/jobs/{job}").json["practice"] is None


def fetch_export(client) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(client.get("/v1/assignments/hw/export").data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_results_have_the_tries_their_words_and_their_recordings(client, hand_in, say):
    job = hand_in()
    for number, heard in enumerate(("I go home", "I went home yesterday", "I went home"), 1):
        say(job, heard, number)
    files = fetch_export(client)
    rows = list(csv.DictReader(io.StringIO(files["gradebook.csv"].decode("utf-8-sig"))))
    columns = ("tries", "sentence_words", "best_try_words_said", "last_try_words_said", "best_try_better_words")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("3", "4", "4", "3", "went"),
        ("", "", "", "", ""),
    ]
    tries = json.loads(files["students/Anna.json"])["tries"]
    assert (tries["count"], tries["sentence"], tries["sentence_words"]) == (3, BETTER, 4)
    assert (tries["best"]["number"], tries["best"]["words_said"], tries["best"]["file"]) == (
        2,
        4,
        "../tries/Anna-best.wav",
    )
    assert [(each["word"], each["change"]) for each in tries["last"]["words"]][1] == ("went", "heard")
    assert {name for name in files if name.startswith("tries/")} == {"tries/Anna-best.wav", "tries/Anna-last.wav"}
    assert (files["tries/Anna-best.wav"], files["tries/Anna-last.wav"]) == (sound(2), sound(3))
    page = files["students/Anna.html"].decode()
    assert 'src="../tries/Anna-best.wav"' in page
    assert "went<span" in page
    assert "3×: 4 / 4" in files["report.html"].decode()


def test_a_recording_that_is_no_longer_there_is_in_no_page(client, blobs, hand_in, say):
    job = hand_in()
    blobs.delete_job(f"default/{say(job, BETTER)}")
    files = fetch_export(client)
    assert json.loads(files["students/Anna.json"])["tries"]["best"]["file"] is None
    assert "tries/" not in "".join(files) + files["students/Anna.html"].decode()
    assert fetch_tries(client)["best"]["recording"] is None


@pytest.mark.parametrize("erase", ["/v1/jobs/{job}", f"/v1/learners/{STUDENT}", "/v1/assignments/hw"])
def test_tries_go_with_the_job_the_student_and_the_assignment(client, jobs, redis, blobs, hand_in, say, erase):
    job = hand_in()
    tries = [say(job, "I went home yesterday, elephant"), say(job, "I elephant")]
    running = client.post(f"/v1/jobs/{job}/tries", data={"audio": (io.BytesIO(sound(1)), "a.wav")}).json["id"]
    assert sum(blobs.count(f"default/{each}") for each in (*tries, running)) == 3
    answer = client.delete(erase.format(job=job))
    assert answer.status_code in (200, 204)
    if answer.status_code == 200:
        assert (answer.json["records"], answer.json["audio_files"]) == (4, 4)
    assert [*blobs.jobs_after("")] == []
    assert not [*redis.scan_iter("waijiao:tries:*")]
    assert [name for name in redis.scan_iter("*") if "elephant" in str(read(redis, name))] == []
    for each in (job, *tries, running):
        assert client.get(f"/v1/jobs/{each}").json["code"] == "erased"


def read(redis, name: str) -> object:
    readers = {"hash": redis.hgetall, "string": redis.get, "zset": lambda key: redis.zrange(key, 0, -1)}
    return readers.get(redis.type(name), lambda _: "")(name)


def test_tries_are_kept_no_longer_than_the_homework(client, jobs, redis, hand_in, say):
    job = hand_in(retention_h=1)
    redis.expire(f"waijiao:job:default/{job}", 100)
    assert 0 < redis.ttl(f"waijiao:job:default/{say(job, BETTER)}") <= 100
