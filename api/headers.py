"""What every answer tells browsers and caches: nothing from elsewhere is loaded, nobody frames it, nothing is kept.

A view may say something of its own instead, such as a policy for a page that carries its own styles.
"""

from flask import Flask, request
from flask_cors import CORS
from werkzeug.wrappers import Response

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
SHOWN = ["Location", "Retry-After", "ETag", "Preference-Applied", "Content-Range", "Accept-Ranges", "WWW-Authenticate"]
SENT = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Prefer", "Range"]
PREFLIGHT_S = 600  # seconds for which a browser need not ask again


def register(app: Flask, settings: Settings) -> None:
    """From now on every answer has them; pages of the named origins, and of no other, may read what the API says."""
    app.after_request(guard)
    if settings.origins:
        CORS(
            app,
            resources=r"/v1/.*",
            origins=list(settings.origins),
            methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=SENT,
            expose_headers=SHOWN,
            max_age=PREFLIGHT_S,
            always_send=False,
        )


def guard(answer: Response) -> Response:
    for name, value in ALWAYS.items():
        answer.headers.setdefault(name, value)
    if request.path.startswith("/v1/"):
        answer.headers.setdefault("Cache-Control", "private, no-store")
    return answer
