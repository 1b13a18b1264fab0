"""Reads and checks what a client asks: the fields of POST /v1/jobs."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import IO, Any

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest as Malformed

from api import here
from pipeline import personas
from pipeline.blobs import Blob
from pipeline.errors import BadRequest, EmptyRequest, TooLarge, UnknownFormat, UnknownVoice
from pipeline.jobs import Repeatable
from pipeline.magic import FORMATS, HEAD, sniff
from pipeline.models import catalogue
from pipeline.record import Question

SESSION = re.compile(r"[^\s/\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,63}")
LANGUAGE = re.compile(r"[a-z]{2,3}")
VOICE = re.compile(r"[A-Za-z0-9_./-]{1,64}")
KEY = re.compile(r"[\x21-\x7e]{1,255}")
SPEEDS = (0.5, 2.0)  # slowest and fastest, times the voice's own pace
FIELDS = {"text", "session", "persona", "language", "voice", "speed", "format"}


@dataclass(frozen=True)
class Asked:
    """A request: its question, without its recording's name; the recording's bytes; its Idempotency-Key."""

    question: Question
    recording: IO[bytes] | None
    key: str | None

    def repeatable(self, blob: Blob | None) -> Repeatable | None:
        """How the same request is known when it comes again; a session that was not named is not part of it."""
        if self.key is None:
            return None
        fields = {**asdict(self.question), "id": "", "recording": blob.sha256 if blob else ""}
        if self.question.session == self.question.id:
            fields["session"] = ""
        return Repeatable(self.key, hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest())


def read(request: Request) -> Asked:
    """The checked request."""
    fields = form(request)
    upload = recording(request.files.get("audio"))
    text = str(fields.get("text") or "").strip()
    if upload is None and not text:
        raise EmptyRequest("Send a recording as the multipart file `audio`, or `text`, or both.")
    chosen = here.settings()
    if len(text) > chosen.max_text_chars:
        raise BadRequest(f"`text` has {len(text)} characters; at most {chosen.max_text_chars} are answered.")
    persona = str(fields.get("persona") or chosen.persona)
    personas.load(persona, chosen.personas)
    job_id = secrets.token_hex(16)
    question = Question(
        id=job_id,
        tenant=here.TENANT,
        session=matching(SESSION, "session", fields.get("session") or job_id, "1 to 64 characters without / or \\"),
        text=text,
        persona=persona,
        language=matching(LANGUAGE, "language", fields["language"], "an ISO 639 code such as en or zh")
        if fields.get("language")
        else "",
        voice=voice(str(fields.get("voice") or "default")),
        speed=speed(fields.get("speed")),
        format=audio_format(str(fields.get("format") or "wav")),
    )
    key = request.headers.get("Idempotency-Key")
    if key is not None:
        matching(KEY, "Idempotency-Key", key, "1 to 255 visible ASCII characters")
    return Asked(question, upload, key)


def form(request: Request) -> Mapping[str, Any]:
    """The request's fields, from a form or from JSON; an unknown name is an error, since it is a misspelt one."""
    if request.is_json:
        try:
            fields: Any = request.get_json()
        except Malformed as error:
            raise BadRequest("The body is not valid JSON.") from error
        if not isinstance(fields, dict):
            raise BadRequest("The JSON body must be an object.")
    else:
        fields = dict(request.form.items())
    if unknown := set(fields) - FIELDS:
        names = ", ".join(sorted(FIELDS))
        raise BadRequest(f"Unknown field {sorted(unknown)[0]!r}; known are audio (a file), {names}.")
    return dict(fields)


def recording(upload: FileStorage | None) -> IO[bytes] | None:
    """The uploaded bytes, judged by size and by their first bytes; never by the name the client gave."""
    if upload is None:
        return None
    file = upload.stream
    head = file.read(HEAD)
    size = file.seek(0, 2)
    file.seek(0)
    if not size:
        raise EmptyRequest("The recording is empty: 0 bytes were uploaded.")
    limit = here.settings().max_upload_mb
    if size > limit * 1_000_000:
        raise TooLarge(f"The recording is larger than {limit} MB.")
    sniff(head)
    return file


def matching(pattern: re.Pattern[str], name: str, value: object, expected: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise BadRequest(f"`{name}` must be {expected}.")
    return value


def voice(name: str) -> str:
    """A voice of the model that speaks here; a model of the user's own judges its voices itself."""
    model = catalogue().get(here.settings().tts_model)
    known = model.voices if model else (name,)
    if name not in known or not VOICE.fullmatch(name):
        raise UnknownVoice(f"`voice` must be one of {', '.join(known) if model else 'the voices of the speech model'}.")
    return name


def speed(value: object) -> float:
    slowest, fastest = SPEEDS
    try:
        chosen = float(str(value)) if value not in (None, "") else 1.0
    except ValueError:
        chosen = 0.0
    if not slowest <= chosen <= fastest:
        raise BadRequest(f"`speed` must be a number from {slowest} to {fastest}; 1 is the voice's own pace.")
    return chosen


def audio_format(name: str) -> str:
    if name not in FORMATS:
        raise UnknownFormat(f"`format` must be one of {', '.join(FORMATS)}.")
    return name
