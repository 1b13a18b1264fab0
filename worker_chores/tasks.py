"""Tidies up.  Run with: celery -A worker_chores.tasks worker -Q chores -c 1"""

from pipeline.app import app
from pipeline.blobs import FolderBlobs
from pipeline.settings import settings
from pipeline.stages import records


@app.task(name="chores.tidy")
def tidy() -> None:
    """Remove audio that no record needs: its retention has passed, its upload was cut off, or its writer died."""
    FolderBlobs(settings().blobs_folder).remove_orphans(records().blobs, settings().orphan_s)
