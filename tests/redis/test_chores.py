"""Tidying up: the audio of jobs that have no record goes, all other audio stays."""

import io
import os
import time

from pipeline.blobs import FolderBlobs
from pipeline.record import Question
from worker_chores.tasks import remove_orphans


def test_only_old_blobs_of_unknown_jobs_are_removed(jobs, here):
    blobs = FolderBlobs(here.blobs_folder)
    for name in ("known", "orphan", "fresh"):
        blobs.put(f"default/{name}", io.BytesIO(b"x"))
    for name in ("known", "orphan"):
        hour_ago = time.time() - 3600
        os.utime(blobs.path(f"default/{name}"), (hour_ago, hour_ago))
    jobs.submit(Question("known", "anna", recording="default/known/x"))
    remove_orphans(jobs, blobs, older_than_s=60)
    assert sorted(path.name for path in (blobs.folder / "default").iterdir()) == ["fresh", "known"]
