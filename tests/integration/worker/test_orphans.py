"""Cleaning up: orphaned audio is removed and all other audio stays."""

import io
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import blob_store
from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadAudio
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Answer, Feedback, Transcript

WORKER = "worker"


def put_old_blob(blobs: FolderBlobs, job: str) -> str:
    """Store a blob of the job that is an hour old."""
    name = blobs.put(f"default/{job}", io.BytesIO(b"x")).name
    hour_ago = time.time() - 3600
    os.utime(blobs.path(name), (hour_ago, hour_ago))
    os.utime(blobs.path(f"default/{job}"), (hour_ago, hour_ago))
    return name


def list_blobs_after_cleanup(jobs, blobs: FolderBlobs) -> set[str]:
    """Remove orphans; return the names of the remaining blobs."""
    blobs.remove_orphans(jobs.blobs, older_than_s=60)
    return {path.relative_to(blobs.folder).as_posix() for path in blobs.folder.glob("*/*/*")}


def test_only_old_blobs_of_unknown_jobs_are_removed(jobs, settings):
    blobs = FolderBlobs(settings.blobs_folder)
    known = put_old_blob(blobs, "known")
    put_old_blob(blobs, "orphan")
    fresh = blobs.put("default/fresh", io.BytesIO(b"x")).name
    jobs.submit(JobRequest("known", "anna", recording=known))
    assert list_blobs_after_cleanup(jobs, blobs) == {known, fresh}
    assert not blobs.path("default/orphan").exists()


def test_an_answer_whose_writer_died_before_it_was_recorded_is_removed(jobs, settings):
    blobs = FolderBlobs(settings.blobs_folder)
    jobs.submit(JobRequest("a", "anna", text="hi"))
    (job,), _ = jobs.claim("llm", WORKER, 1)
    jobs.complete("llm", job, Feedback("hi", "hi", "Hello.", "Hello."))
    put_old_blob(blobs, "a")
    recorded = put_old_blob(blobs, "a")
    (blobs.path("default/a") / "cut.writing").write_bytes(b"x")
    os.utime(blobs.path("default/a") / "cut.writing", (0, 0))
    (job,), _ = jobs.claim("tts", WORKER, 1)
    jobs.complete("tts", job, Answer("Hello.", recorded, "00", 1, 1.0, "wav"))
    assert list_blobs_after_cleanup(jobs, blobs) == {recorded}


def test_a_recording_is_removed_when_recognised_or_refused_and_kept_for_a_dead_job(jobs, settings):
    blobs = FolderBlobs(settings.blobs_folder)
    recordings = {name: put_old_blob(blobs, name) for name in ("heard", "refused", "canceled", "dead", "waiting")}
    for name, recording in recordings.items():
        jobs.submit(JobRequest(name, name, recording=recording))
    jobs.cancel("default", "canceled")
    (heard, refused), _ = jobs.claim("asr", WORKER, 2)
    jobs.complete("asr", heard, Transcript("Hello", "en", 1.0))
    jobs.fail("asr", refused, BadAudio(), again=False)
    for _ in range(settings.attempts + 1):
        jobs.claim("asr", "unlucky", 1)
    assert jobs.get("default", "dead").dead
    assert list_blobs_after_cleanup(jobs, blobs) == {recordings["dead"], recordings["waiting"]}


# --- what cannot be read stops nothing


def deny(monkeypatch, path: Path) -> None:
    """Let nobody list the folder; the tests may run as a user who may do everything."""
    real = {"scandir": os.scandir, "listdir": os.listdir}

    def refuse(name: str) -> Callable[..., object]:
        def call(folder=".", *args: object) -> object:
            if Path(os.fspath(folder)) == path:
                raise PermissionError(13, "Permission denied", str(folder))
            return real[name](folder, *args)

        return call

    for name in real:
        monkeypatch.setattr(os, name, refuse(name))


def forbid_tenant(monkeypatch, blobs: FolderBlobs) -> None:
    (blobs.folder / "middle").mkdir()
    deny(monkeypatch, blobs.folder / "middle")


def forbid_job(monkeypatch, blobs: FolderBlobs) -> None:
    put_old_blob(blobs, "b")
    deny(monkeypatch, blobs.folder / "default" / "b")


def put_file_for_tenant(monkeypatch, blobs: FolderBlobs) -> None:
    (blobs.folder / "aaa").write_text("no folder")


def put_file_for_job(monkeypatch, blobs: FolderBlobs) -> None:
    (blobs.folder / "default" / "b").write_text("no folder")


def put_folder_for_blob(monkeypatch, blobs: FolderBlobs) -> None:
    folder = blobs.folder / "default" / "b" / "folder"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    os.utime(folder, (0, 0))


def put_link_in_circles(monkeypatch, blobs: FolderBlobs) -> None:
    (blobs.folder / "default" / "b").symlink_to(blobs.folder / "default")


def put_link_to_nothing(monkeypatch, blobs: FolderBlobs) -> None:
    name = put_old_blob(blobs, "b")
    blobs.path(name).unlink()
    blobs.path(name).symlink_to("/nowhere")


def put_name_that_is_no_text(monkeypatch, blobs: FolderBlobs) -> None:
    os.mkdir(os.fsencode(blobs.folder / "default") + b"/b\xff")
    with open(os.fsencode(blobs.folder / "default") + b"/b\xff/x", "wb"):
        os.utime(os.fsencode(blobs.folder / "default") + b"/b\xff/x", (0, 0))


TROUBLE = [
    forbid_tenant,
    forbid_job,
    put_file_for_tenant,
    put_file_for_job,
    put_folder_for_blob,
    put_link_in_circles,
    put_link_to_nothing,
    put_name_that_is_no_text,
]


@pytest.mark.parametrize("make_trouble", TROUBLE, ids=lambda each: each.__name__)
def test_what_cannot_be_read_keeps_no_other_orphan(jobs, settings, monkeypatch, make_trouble):
    blobs = FolderBlobs(settings.blobs_folder)
    for name in "ac":
        put_old_blob(blobs, name)
    make_trouble(monkeypatch, blobs)
    blobs.remove_orphans(jobs.blobs, older_than_s=60)
    for name in "ac":
        assert not blobs.path(f"default/{name}").exists()


@pytest.mark.parametrize(("field", "value"), [("question", "{"), ("answer", "5"), ("seq", "x"), ("format", "99")])
def test_a_record_that_cannot_be_read_keeps_its_audio_and_no_other(jobs, settings, redis, field, value, caplog):
    blobs = FolderBlobs(settings.blobs_folder)
    recordings = {name: put_old_blob(blobs, name) for name in "abc"}
    jobs.submit(JobRequest("b", "anna", recording=recordings["b"]))
    redis.hset("waijiao:job:default/b", field, value)
    assert list_blobs_after_cleanup(jobs, blobs) == {recordings["b"]}
    assert "1 folders of recordings and answers were passed over." in caplog.messages
    redis.delete("waijiao:job:default/b")
    assert list_blobs_after_cleanup(jobs, blobs) == set()


# --- any number of folders


def test_a_search_that_is_out_of_time_goes_on_where_it_stopped(jobs, settings, monkeypatch):
    blobs = FolderBlobs(settings.blobs_folder)
    names = [f"{tenant}/job{number:02}" for tenant in ("a", "ab", "b") for number in range(7)]
    for name in names:
        blob = blobs.put(name, io.BytesIO(b"x")).name
        os.utime(blobs.path(blob), (0, 0))
    looked_at: list[str] = []

    def find_needed(job: str) -> set[str]:
        looked_at.append(job)
        return {f"{job}/{file.name}" for file in (blobs.folder / job).iterdir()}  # all are needed

    clock = iter(range(10_000))
    monkeypatch.setattr(blob_store.time, "monotonic", lambda: next(clock))
    cursor, rounds = "", 0
    while rounds == 0 or cursor:
        cursor = blobs.remove_orphans(find_needed, 60, after=cursor, walk_s=3)
        rounds += 1
        assert rounds < 50
    assert looked_at == names
    assert rounds > 3


def test_a_search_goes_on_when_the_folder_that_it_reached_is_gone(jobs, settings):
    blobs = FolderBlobs(settings.blobs_folder)
    for name in "abcd":
        put_old_blob(blobs, name)
    assert blobs.remove_orphans(jobs.blobs, 60, after="default/b", walk_s=0) == "default/c"
    assert blobs.remove_orphans(jobs.blobs, 60, after="default/c") == ""
    assert blobs.remove_orphans(jobs.blobs, 60, after="zzz") == ""
    assert sorted(path.name for path in blobs.folder.glob("*/*/")) == ["a", "b"]
