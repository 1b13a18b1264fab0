"""Tidies up.  Run with: celery -A worker_chores.tasks worker -Q chores -c 1"""

from pipeline.app import app
from pipeline.blobs import FolderBlobs
from pipeline.jobs import Jobs
from pipeline.settings import settings
from pipeline.stages import records


@app.task(name="chores.tidy")
def tidy() -> None:
    """Remove the audio of jobs that have no record: their retention has passed, or their upload was cut off."""
    remove_orphans(records(), FolderBlobs(settings().blobs_folder), settings().orphan_s)


def remove_orphans(jobs: Jobs, blobs: FolderBlobs, older_than_s: float) -> None:
    """Remove the blobs of every job without a record whose folder has not changed for `older_than_s` seconds."""
    for name in blobs.jobs(older_than_s):
        if not jobs.exists(name):
            blobs.delete_job(name)
