"""/v1/answers.zip: every answer and a table of all jobs, streamed, with filenames that are valid on every system."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from flask import Flask

from api import create_app
from api.jobs import zip_download
from pipeline.api_keys import Keys, Limits
from pipeline.blob_store import FolderBlobs
from pipeline.errors import NoSpeech
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Answer, Feedback, Transcript
from pipeline.jobs.store import Jobs
from tests.support.job_steps import WORKER, let_job_die, run_stage

BIG = 3_000_000  # bytes


@dataclass
class Class:
    """A server whose jobs the test answers."""

    app: Flask
    jobs: Jobs
    blobs: FolderBlobs

    def ask(self, key: str = "", **fields) -> str:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        accepted = self.app.test_client().post("/v1/jobs", json={"text": "hi", **fields}, headers=headers)
        assert accepted.status_code == 202, accepted.text
        return accepted.json["id"]

    def ask_and_answer(self, audio: bytes, text: str = "I go home", **fields) -> str:
        job_id = self.ask(**fields)
        self.answer(audio, text)
        return job_id

    def answer(self, audio: bytes, text: str = "I go home") -> None:
        (job,), _ = self.jobs.claim("llm", WORKER, 1)
        self.jobs.complete("llm", job, Feedback(text, "I went home", "Why?", "I went home. Why?", verdict="corrected"))
        (job,), _ = self.jobs.claim("tts", WORKER, 1)
        blob = self.blobs.put(job.name, io.BytesIO(audio))
        self.jobs.complete("tts", job, Answer("I went home. Why?", blob.name, blob.sha256, blob.size, 1.5, "wav"))

    def fetch(self, key: str = "", **query) -> zipfile.ZipFile:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = self.app.test_client().get("/v1/answers.zip", query_string=query, headers=headers)
        assert (answer.status_code, answer.content_type) == (200, "application/zip"), answer.text
        return zipfile.ZipFile(io.BytesIO(answer.data))


@pytest.fixture
def make_class(redis, settings) -> Callable[..., Class]:
    return lambda **chosen: Class(
        create_app(settings.model_copy(update=chosen)), Jobs(redis, settings), FolderBlobs(settings.blobs_folder)
    )


@pytest.fixture
def class_(make_class) -> Class:
    return make_class()


def table(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    content = archive.read("answers.csv")
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def code(answer) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json", answer.text
    return answer.status_code, answer.json["code"]


def test_the_answers_in_an_assignment_s_archive_are_those_of_the_single_jobs(class_):
    files = {"anna's essay.m4a": b"RIFF anna" * 99, "作业/小明.wav": b"RIFF xiaoming" * 99}
    assigned = {"assignment": "7"}
    ids = [class_.ask_and_answer(audio, metadata={**assigned, "file": file}) for file, audio in files.items()]
    class_.ask_and_answer(b"another", metadata={"assignment": "8"})
    found = class_.fetch(metadata="assignment:7")
    assert found.testzip() is None
    assert found.namelist() == ["anna's essay.wav", "小明.wav", "answers.csv"]
    for id_, name in zip(ids, found.namelist(), strict=False):
        with class_.app.test_client().get(f"/v1/jobs/{id_}/audio") as heard:
            assert found.read(name) == heard.data
        assert found.getinfo(name).compress_type == zipfile.ZIP_STORED
        assert found.getinfo(name).date_time > (2020, 1, 1, 0, 0, 0)


def test_the_answers_of_a_session_are_numbered_oldest_first(class_):
    for word in (b"one", b"two", b"three"):
        class_.ask_and_answer(word, session="anna")
    found = class_.fetch(session="anna")
    assert found.namelist() == ["anna-1.wav", "anna-2.wav", "anna-3.wav", "answers.csv"]
    assert [found.read(name) for name in found.namelist()[:3]] == [b"one", b"two", b"three"]


def test_the_table_has_every_job_in_any_state(class_):
    class_.ask_and_answer(b"fine", "I go home, “today”", session="anna", metadata={"file": "good.wav"})
    class_.ask(session="anna", metadata={"file": "silent.wav"})
    (job,), _ = class_.jobs.claim("llm", WORKER, 1)
    class_.jobs.fail("llm", job, NoSpeech(), again=False)
    class_.ask(session="anna", metadata={"file": "lost.wav"})
    let_job_die(class_.jobs, "llm")
    class_.ask(session="anna", metadata={"file": "waiting.wav"})
    found = class_.fetch(session="anna")
    assert found.namelist() == ["good.wav", "answers.csv"]
    assert [list(row.values()) for row in table(found)] == [
        [
            *("good.wav", "succeeded", "corrected", "I go home, “today”", "", "I went home"),
            "I went home. Why?",
            "",
            "1.50",
        ],
        ["silent.wav", "failed", *5 * [""], "no_speech", ""],
        ["lost.wav", "failed", *5 * [""], "worker_lost", ""],
        ["waiting.wav", "queued", *5 * [""], "", ""],
    ]


def test_the_table_has_what_was_heard_beside_what_the_learner_says_was_said(class_):
    first = JobRequest("a" * 32, "anna", recording="default/a/b")
    class_.jobs.submit(first)
    run_stage(class_.jobs, "asr", Transcript("I like tree", "en", 2.0))
    class_.answer(b"first", "I like tree")
    mended = class_.app.test_client().post(f"/v1/jobs/{first.id}/said", json={"said": "I like three"})
    assert mended.status_code == 202
    class_.answer(b"second", "I like three")
    assert [(row["heard"], row["said"]) for row in table(class_.fetch(session="anna"))] == [
        ("I like tree", ""),
        ("I like tree", "I like three"),
    ]


def test_an_answer_erased_meanwhile_is_named_and_left_out(class_):
    files = {"kept": bytes(BIG), "removed": b"x", "erased": b"x"}
    ids = [
        class_.ask_and_answer(audio, session="anna", metadata={"file": f"{file}.wav"}) for file, audio in files.items()
    ]
    coming = class_.app.test_client().get("/v1/answers.zip?session=anna").iter_encoded()
    begun = next(coming)
    class_.blobs.delete_job(f"default/{ids[1]}")
    class_.jobs.forget("default", ids[2])
    found = zipfile.ZipFile(io.BytesIO(begun + b"".join(coming)))
    assert found.namelist() == ["kept.wav", "answers.csv"]
    assert [(row["file"], row["state"], row["error"]) for row in table(found)] == [
        ("kept.wav", "succeeded", ""),
        ("removed.wav", "succeeded", "erased"),
        ("erased.wav", "", "erased"),
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_a_learner_s_words_cannot_become_a_formula(class_, start):
    text = f'{start}HYPERLINK("http://evil.example","me")'
    class_.ask_and_answer(b"x", text, session="anna", metadata={"file": f"{start}cmd.wav"})
    (row,) = table(class_.fetch(session="anna"))
    assert row["heard"] == f"'{text}"
    assert not row["file"].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"))


@pytest.mark.parametrize(
    "file", ["../../etc/cron.d/x", "C:\\autoexec.bat", "/etc/passwd", "..", "nul.wav", "a\x00b", "\n"]
)
def test_no_name_leads_out_of_the_folder_of_extraction(class_, tmp_path, file):
    class_.ask_and_answer(b"x", session="anna", metadata={"file": file})
    found = class_.fetch(session="anna")
    name, _ = found.namelist()
    assert not set(name) & set('\x00\n/\\:"')
    assert name.lower().partition(".")[0] not in {"", "nul"}
    found.extractall(tmp_path / "unpacked")
    assert {path.name for path in (tmp_path / "unpacked").iterdir()} == {name, "answers.csv"}


def test_a_learner_gets_only_its_own_and_another_tenant_nothing(make_class, redis):
    class_, keys = make_class(keys=True), Keys(redis)
    people = [("north", "learner"), ("north", "learner"), ("north", "teacher"), ("south", "admin")]
    anna, ben, teacher, other = [keys.create(tenant, role, "x", Limits())[1] for tenant, role in people]
    for key, word in ((anna, b"anna"), (ben, b"ben")):
        class_.ask_and_answer(word, key=key, session="home", metadata={"assignment": "7"})
    for key, word in ((anna, b"anna"), (ben, b"ben")):
        for query in ({"session": "home"}, {"metadata": "assignment:7"}):
            found = class_.fetch(key, **query)
            assert [found.read(name) for name in found.namelist()[:-1]] == [word]
    assert class_.fetch(teacher, metadata="assignment:7").namelist() == ["home-1.wav", "home-1-2.wav", "answers.csv"]
    hers = class_.fetch(teacher, session="home", owner=anna.split("_")[1])
    assert hers.read("home.wav") == b"anna"
    answer = class_.app.test_client().get(
        "/v1/answers.zip?metadata=assignment:7", headers={"Authorization": f"Bearer {other}"}
    )
    assert code(answer) == (404, "nothing_fits")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (422, "bad_request")),
        ("owner=0123", (422, "bad_request")),
        ("session=nobody", (404, "nothing_fits")),
        ("metadata=assignment:8", (404, "nothing_fits")),
        ("metadata=assignment", (422, "bad_request")),
        ("session=anna&state=failed", (422, "bad_request")),
    ],
)
def test_an_archive_that_cannot_be_made_is_refused_with_its_code(class_, query, expected):
    class_.ask(session="anna", metadata={"assignment": "7"})
    assert code(class_.app.test_client().get(f"/v1/answers.zip?{query}")) == expected


def test_too_many_answers_for_one_archive_are_refused(class_, monkeypatch):
    monkeypatch.setattr(zip_download, "MAX_JOBS", 3)
    for _ in range(4):
        class_.ask(session="anna", metadata={"part": "all"})
    class_.ask(session="ben", metadata={"part": "all"})
    answer = class_.app.test_client().get("/v1/answers.zip?metadata=part:all")
    assert code(answer) == (422, "too_many_fit")
    assert answer.json["detail"].startswith("5 jobs match, but an archive holds at most 3.")
    assert class_.fetch(session="ben").namelist() == ["answers.csv"]


@pytest.mark.parametrize("role", ["learner", "teacher"])
def test_a_key_may_not_fetch_archives_as_often_as_it_likes(make_class, redis, role):
    class_, keys = make_class(keys=True), Keys(redis)
    key, other = (keys.create("school", role, name, Limits())[1] for name in ("Anna", "Ben"))
    class_.ask(key, session="home")
    class_.ask(other, session="mine")
    client = class_.app.test_client()
    fetches = [
        client.get("/v1/answers.zip?session=home", headers={"Authorization": f"Bearer {key}"})
        for _ in range(zip_download.ARCHIVES_PER_MINUTE + 3)
    ]
    refused = [answer for answer in fetches if answer.status_code != 200]
    assert [code(answer) for answer in refused] == [(429, "rate_limited")] * 3
    assert all(0 < int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert class_.fetch(other, session="mine").namelist() == ["answers.csv"]
    redis.config_set("maxmemory", 1)
    redis.delete(*redis.scan_iter("waijiao:archives:*"))
    class_.fetch(key, session="home")


def test_answers_are_streamed_into_the_archive(class_):
    for _ in range(8):
        class_.ask_and_answer(bytes(BIG), session="anna")
    answer = class_.app.test_client().get("/v1/answers.zip?session=anna")
    tracemalloc.start()
    sent, largest = 0, 0
    for piece in answer.iter_encoded():
        sent, largest = sent + len(piece), max(largest, len(piece))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent > 8 * BIG
    assert largest <= zip_download.CHUNK_BYTES
    assert peak < BIG


def test_a_truncated_archive_does_not_look_complete(serve, cluster, redis, settings):
    server: httpx.Client = serve()
    class_ = Class(create_app(settings), Jobs(redis, settings), FolderBlobs(settings.blobs_folder))
    for _ in range(20):
        class_.ask_and_answer(bytes(BIG), session="anna")
    with server.stream("GET", "/v1/answers.zip?session=anna") as answer:
        coming = answer.iter_raw()
        assert next(coming).startswith(b"PK")
        redis.shutdown(nosave=True)
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            list(coming)
    assert "anna" not in cluster["api1"].output()
