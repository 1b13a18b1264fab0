"""Security headers of every response, and the size limits of every upload."""

import tempfile
from typing import IO, cast

from flask import Flask, Request, request
from flask_cors import CORS
from werkzeug.wrappers import Response

from pipeline.blob_store import disk_errors_as_unavailable
from pipeline.disk_space import check_free_space
from pipeline.settings import Settings

CONTENT_POLICY = {  # Content-Security-Policy; Swagger UI at /docs needs no more than this
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
DEFAULT_HEADERS = {  # a view may set its own instead
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in CONTENT_POLICY.items()),
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
    """Add the headers to every response; let pages of the configured origins, and no others, read the API."""
    app.after_request(add_headers)
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


def add_headers(answer: Response) -> Response:
    for name, value in DEFAULT_HEADERS.items():
        answer.headers.setdefault(name, value)
    if request.path.startswith("/v1/"):
        answer.headers.setdefault("Cache-Control", "private, no-store")
    return answer


FORM_OVERHEAD_BYTES = 64_000  # bytes of a request besides its recordings
MB = 1_000_000  # bytes
MEMORY_BYTES = 500_000  # a larger file is written to disk


class UploadRequest(Request):
    """Buffers an upload in an unnamed file next to the blobs, since /tmp may be in memory. Raises DiskFull."""

    settings: Settings

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        with disk_errors_as_unavailable("written to"):
            check_free_space(self.settings, total_content_length or 0)
            folder = self.settings.blobs_folder
            folder.mkdir(parents=True, exist_ok=True)
        return cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES, dir=str(folder)))


def register_uploads(app: Flask, settings: Settings) -> None:
    """Limit each request to the size that its route needs."""
    app.request_class = type("Request", (UploadRequest,), {"settings": settings})
    app.config["MAX_CONTENT_LENGTH"] = settings.max_upload_mb * MB + FORM_OVERHEAD_BYTES
    limits = {
        "submissions.hand_in": settings.max_hand_in_mb * MB + FORM_OVERHEAD_BYTES,
        "lessons.submit": settings.max_lesson_mb * MB + FORM_OVERHEAD_BYTES,
    }

    @app.before_request
    def raise_limit() -> None:
        if request.endpoint in limits:
            request.max_content_length = limits[request.endpoint]
            request.max_form_parts = settings.max_hand_in_files + 10
