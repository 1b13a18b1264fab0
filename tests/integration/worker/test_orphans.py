"""Cleaning up: orphaned audio is removed and all other audio stays."""

import io
import os
import time

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
