"""Turns the fields of a request into a JobRequest; checks what their types cannot express."""

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
from pipeline.audio.formats import FORMATS, sniff
from pipeline.blob_store import Blob
from pipeline.errors import BadRequest, EmptyRequest, TooLarge, UnknownFormat, UnknownVoice
from pipeline.jobs.job import JobRequest
from pipeline.jobs.store import Idempotency
from pipeline.model_files.catalogue import catalogue
from pipeline.webhooks.validation import check_webhook

CHINESE_VOICES = "kokoro-chinese-voices"  # of the engine that speaks Chinese beside another one
VOICE = re.compile(r"[A-Za-z0-9_./-]{1,64}")


@dataclass(frozen=True)
class ParsedRequest:
    """The job to submit, without its recording's name; the recording's bytes; the client's Idempotency-Key."""

    request: JobRequest
    recording: IO[bytes] | None = None
    key: str | None = None

    def repeatable(self, blob: Blob | None) -> Idempotency | None:
        """What identifies a repeated request. A session that the client did not name is not part of it."""
        if self.key is None:
            return None
        fields = {**asdict(self.request), "id": "", "page_language": "", "recording": blob.sha256 if blob else ""}
        if self.request.session == self.request.id:
            fields["session"] = ""
        return Idempotency(self.key, hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest())


def parse_request(fields: JobFields, key: str | None) -> ParsedRequest:
    """The checked request. Raises EmptyRequest, BadRequest, NotAudio, TooLarge, and what `build_request` raises."""
    upload = check_upload(fields.audio) if isinstance(fields, JobForm) else None
    text = fields.text.strip()
    if upload is None and not text:
        raise EmptyRequest("Send a recording as the multipart file `audio`, or `text`, or both.")
    check_length("text", text)
    request = build_request(fields)
    session = fields.session or request.session
    return ParsedRequest(replace(request, text=text, session=session, lane=fields.lane, card=fields.card), upload, key)


def check_length(field: str, text: str) -> None:
    """Raises BadRequest when the text of a field is longer than typed text may be."""
    max_chars = context.settings().max_text_chars
    if len(text) > max_chars:
        raise BadRequest(f"`{field}` has {len(text)} characters; at most {max_chars} are allowed.", field=field)


def build_request(fields: AnswerFields) -> JobRequest:
    """A job of the caller, in a session of its own, with the options for its answer that the fields contain."""
    server_settings = context.settings()
    persona = fields.persona or server_settings.persona
    personas.load(persona, server_settings.personas)
    events = check_webhook(fields.webhook or "", fields.webhook_events, server_settings)
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
        voice=check_voice(fields.voice),
        speed=fields.speed,
        format=check_format(fields.format),
        metadata=fields.metadata,
        webhook=fields.webhook or "",
        webhook_events=events,
        page_language=context.find_page_language(),
    )


def check_upload(upload: FileStorage | None, max_mb: int | None = None) -> IO[bytes] | None:
    """The uploaded bytes, checked by size and by their first bytes, never by the file's name."""
    if upload is None:
        return None
    file = upload.stream
    size = file.seek(0, 2)

    def open_again() -> IO[bytes]:
        file.seek(0)
        return file

    return check_recording(open_again, size, max_mb)


def check_recording(open_file: Callable[[], IO[bytes]], size: int, max_mb: int | None = None) -> IO[bytes]:
    """A recording of `size` bytes that can be opened repeatedly. EmptyRequest, TooLarge, NotAudio."""
    if not size:
        raise EmptyRequest("The recording is empty: 0 bytes were uploaded.")
    limit = context.settings().max_upload_mb if max_mb is None else max_mb
    if size > limit * 1_000_000:
        raise TooLarge(f"The recording is larger than {limit} MB.")
    sniff(open_file())
    return open_file()


def check_voice(name: str) -> str:
    """The checked name of a voice. Voices of a model of the user's own are checked by its engine. UnknownVoice."""
    voice_names = list_voices()
    name = name.removeprefix("v2/") if voice_names else name  # Bark's voices are often named with their folder
    if (voice_names and name not in voice_names) or not VOICE.fullmatch(name):
        raise UnknownVoice(f"`voice` must be one of {', '.join(voice_names) or 'the voices of the speech model'}.")
    return name


def list_voices() -> tuple[str, ...]:
    """The voices of the speech model; empty for a model or voices of the user's own."""
    server_settings = context.settings()
    model = catalogue().get(
        server_settings.tts_voices if server_settings.tts_engine == "bark" else server_settings.tts_model
    )
    if model is None:
        return ()
    chinese_voices = () if server_settings.tts_chinese == "none" else catalogue()[CHINESE_VOICES].voices
    return tuple(dict.fromkeys((*model.voices, *chinese_voices)))


def check_format(name: str) -> str:
    if name not in FORMATS:
        raise UnknownFormat(f"`format` must be one of {', '.join(FORMATS)}.")
    return name
