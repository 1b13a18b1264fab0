"""/v1/capabilities: what may be asked here, for a page or program that offers it."""

import logging
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import here
from api.asking import SPEEDS
from api.questions import voices
from api.spec import answers
from pipeline import personas, shapes
from pipeline.errors import WaijiaoError
from pipeline.magic import FORMATS

log = logging.getLogger("waijiao")
routes = Blueprint("capabilities", __name__)


@routes.get("/v1/capabilities")
@answers("capabilities", {200: shapes.Capabilities})
def read() -> Response:
    """The teachers, voices and formats that a job may name, and how much it may bring."""
    chosen = here.settings()
    limits = {
        "upload_mb": chosen.max_upload_mb,
        "recording_s": chosen.max_recording_s,
        "text_chars": chosen.max_text_chars,
    }
    return jsonify(
        {
            "version": version("waijiao"),
            "personas": list(teachers()),
            "persona": chosen.persona,
            "voices": voices() or ["default"],
            "formats": list(FORMATS),
            "speed": dict(zip(("min", "max"), SPEEDS, strict=True)),
            "limits": limits,
            "retention_h": chosen.retention_h,
            "keeps_recordings": chosen.keep_recordings,
        }
    )


def teachers() -> Iterator[dict[str, Any]]:
    """Those whose files can be used: a teacher whose file is being edited must not lock all others out."""
    folder = here.settings().personas
    for name in personas.names(folder):
        try:
            teacher = personas.load(name, folder)
        except (WaijiaoError, OSError) as error:
            log.warning("the persona %s cannot be offered: %s", name, error)
            continue
        yield {
            "name": name,
            "display": dict(teacher.display),
            "about": dict(teacher.about),
            "greeting": teacher.greeting,
            "languages": list(teacher.languages),
        }
