"""What every answer tells browsers and caches: nothing from elsewhere is loaded, nobody frames it, nothing is kept.

A view may say something of its own instead, such as a policy for a page that carries its own styles.
"""

import tempfile
from pathlib import Path
from typing import IO, cast

from flask import Flask, Request, request
from flask_cors import CORS
from werkzeug.wrappers import Response

from pipeline.blob_store import disk_may_refuse
from pipeline.settings import Settings

POLICY = {  # Content-Security-Policy; Swagger UI at /docs needs no more than this
    "default-src": "'self'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "'self' blob:",
    "style-src": "'self'",
}
ALWAYS = {
    "Content-Security-Policy": "; ".join(f"{name} {allowed}" for name, allowed in POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
EXPOSED_HEADERS = [
    "Location",
    "Retry-After",
    "ETag",
    "Preference-Applied",
    "Content-Range",
    "Accept-Ranges",
    "WWW-Authenticate",
]
ALLOWED_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "Range",
]
PREFLIGHT_S = 600  # seconds for which a browser need not ask again


def register_headers(app: Flask, settings: Settings) -> None:
    """From now on every answer has them; pages of the named origins, and of no other, may read what the API says."""
    app.after_request(guard)
    if settings.origins:
        CORS(
            app,
            resources=r"/v1/.*",
            origins=list(settings.origins),
            methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=ALLOWED_HEADERS,
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_S,
            always_send=False,
        )


def guard(answer: Response) -> Response:
    for name, value in ALWAYS.items():
        answer.headers.setdefault(name, value)
    if request.path.startswith("/v1/"):
        answer.headers.setdefault("Cache-Control", "private, no-store")
    return answer


FORM_OVERHEAD_BYTES = 64_000  # bytes a request may have beside its recordings
MB = 1_000_000  # bytes
IN_MEMORY = 500_000  # bytes of a file that are not written to disk yet


class UploadRequest(Request):
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


def register_uploads(app: Flask, settings: Settings) -> None:
    """From now on each request may be as large as what it asks for needs, and no larger."""
    app.request_class = type("Request", (UploadRequest,), {"folder": settings.blobs_folder})
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_mb * MB + FORM_OVERHEAD_BYTES
    larger = {
        "submissions.hand_in": settings.max_hand_in_mb * MB + FORM_OVERHEAD_BYTES,
        "lessons.submit": settings.max_lesson_mb * MB + FORM_OVERHEAD_BYTES,
    }

    @app.before_request
    def widen() -> None:
        if request.endpoint in larger:
            request.max_content_length = larger[request.endpoint]
            request.max_form_parts = settings.max_hand_in_files + 10
