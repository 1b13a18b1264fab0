"""How much a request may bring, by what it asks for; large uploads lie on the disk of the blobs meanwhile."""

import tempfile
from pathlib import Path
from typing import IO, cast

from flask import Flask, Request, request

from pipeline.blobs import disk_may_refuse
from pipeline.settings import Settings

ROOM = 64_000  # bytes a request may have beside its recordings
MB = 1_000_000  # bytes
IN_MEMORY = 500_000  # bytes of a file that are not written to disk yet


class Uploading(Request):
    """Keeps what is uploaded in a file without a name beside the blobs: /tmp may be memory."""

    folder: Path

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        with disk_may_refuse("written to"):
            self.folder.mkdir(parents=True, exist_ok=True)
        return cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(self.folder)))


def register(app: Flask, settings: Settings) -> None:
    """From now on each request may be as large as what it asks for needs, and no larger."""
    app.request_class = type("Request", (Uploading,), {"folder": settings.blobs_folder})
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_mb * MB + ROOM
    larger = {
        "submissions.hand_in": settings.max_hand_in_mb * MB + ROOM,
        "lessons.submit": settings.max_lesson_mb * MB + ROOM,
    }

    @app.before_request
    def widen() -> None:
        if request.endpoint in larger:
            request.max_content_length = larger[request.endpoint]
            request.max_form_parts = settings.max_hand_in_files + 10
