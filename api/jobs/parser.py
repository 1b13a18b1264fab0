"""From the fields of POST /v1/jobs to a question that can be submitted: what its types cannot know is checked here."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import IO

from werkzeug.datastructures import FileStorage

from api import context
from api.jobs.schemas import AnswerFields, JobFields, JobForm
from pipeline import personas
from pipeline.audio.formats import FORMATS, HEAD, sniff
from pipeline.blob_store import Blob
from pipeline.errors import BadRequest, EmptyRequest, TooLarge, UnknownFormat, UnknownVoice
from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import Idempotency
from pipeline.model_files.catalogue import catalogue
from pipeline.webhooks.validation import checked_webhook

VOICE = re.compile(r"[A-Za-z0-9_./-]{1,64}")


@dataclass(frozen=True)
class ParsedRequest:
    """A request: its question, without its recording's name; the recording's bytes; its Idempotency-Key."""

    request: JobRequest
    recording: IO[bytes] | None = None
    key: str | None = None

    def repeatable(self, blob: Blob | None) -> Idempotency | None:
        """How the same request is known when it comes again; a session that was not named is not part of it."""
        if self.key is None:
            return None
        fields = {**asdict(self.request), "id": "", "recording": blob.sha256 if blob else ""}
        if self.request.session == self.request.id:
            fields["session"] = ""
        return Idempotency(self.key, hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest())


def parse_request(fields: JobFields, key: str | None) -> ParsedRequest:
    """The checked request."""
    upload = recording(fields.audio) if isinstance(fields, JobForm) else None
    text = fields.text.strip()
    if upload is None and not text:
        raise EmptyRequest("Send a recording as the multipart file `audio`, or `text`, or both.")
    chosen = context.settings()
    if len(text) > chosen.max_text_chars:
        raise BadRequest(f"`text` has {len(text)} characters; at most {chosen.max_text_chars} are answered.")
    asked = build_request(fields)
    session = fields.session or asked.session
    return ParsedRequest(replace(asked, text=text, session=session, lane=fields.lane), upload, key)


def build_request(fields: AnswerFields) -> JobRequest:
    """A question of the caller's, in a session of its own, with what is said of how it is heard and answered."""
    chosen = context.settings()
    persona = fields.persona or chosen.persona
    personas.load(persona, chosen.personas)
    events = checked_webhook(fields.webhook or "", fields.webhook_events, chosen)
    caller, job_id = context.caller(), secrets.token_hex(16)
    return JobRequest(
        id=job_id,
        tenant=caller.tenant,
        key=caller.key,
        owner=caller.owner,
        session=job_id,
        persona=persona,
        language=fields.language or "",
        hint=" ".join(fields.hint.split()),
        voice=voice(fields.voice),
        speed=fields.speed,
        format=audio_format(fields.format),
        metadata=fields.metadata,
        webhook=fields.webhook or "",
        webhook_events=events,
    )


def recording(upload: FileStorage | None, most_mb: int | None = None) -> IO[bytes] | None:
    """The uploaded bytes, judged by size and by their first bytes; never by the name the client gave."""
    if upload is None:
        return None
    file = upload.stream
    size = file.seek(0, 2)

    def from_start() -> IO[bytes]:
        file.seek(0)
        return file

    return judged(from_start, size, most_mb)


def judged(opened: Callable[[], IO[bytes]], size: int, most_mb: int | None = None) -> IO[bytes]:
    """The `size` bytes of a recording that may be opened repeatedly. EmptyRequest, TooLarge, NotAudio."""
    if not size:
        raise EmptyRequest("The recording is empty: 0 bytes were uploaded.")
    limit = context.settings().max_upload_mb if most_mb is None else most_mb
    if size > limit * 1_000_000:
        raise TooLarge(f"The recording is larger than {limit} MB.")
    sniff(opened().read(HEAD))
    return opened()


def voice(name: str) -> str:
    """A voice of the model that speaks here; a model of the user's own judges its voices itself."""
    known = voices()
    name = name.removeprefix("v2/") if known else name  # Bark's voices are often called by the folder they came in
    if (known and name not in known) or not VOICE.fullmatch(name):
        raise UnknownVoice(f"`voice` must be one of {', '.join(known) or 'the voices of the speech model'}.")
    return name


def voices() -> tuple[str, ...]:
    """The voices of the model that speaks here; none are known of a model, or of voices, of the user's own."""
    chosen = context.settings()
    model = catalogue().get(chosen.tts_voices if chosen.tts_engine == "bark" else chosen.tts_model)
    return model.voices if model else ()


def audio_format(name: str) -> str:
    if name not in FORMATS:
        raise UnknownFormat(f"`format` must be one of {', '.join(FORMATS)}.")
    return name
