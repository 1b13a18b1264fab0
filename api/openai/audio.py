"""/v1/audio/transcriptions: the recogniser by itself, as OpenAI's API has it."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

from flask import Blueprint, jsonify, send_file
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs import parser
from api.jobs.parser import ParsedRequest
from api.jobs.schemas import SpeechRequest, TranscriptionForm
from api.openai import run_job
from api.openai.models import asked_for
from api.openapi import answers
from api.subtitles import srt, vtt
from pipeline.audio.formats import FORMATS
from pipeline.errors import (
    BadAudio,
    BadRequest,
    EmptyRequest,
    NoSpeech,
    NotAudio,
    NothingToSay,
    TooLarge,
    TooLong,
    UnknownVoice,
)
from pipeline.jobs.results import Answer, Transcript
from pipeline.schemas import jobs as job_schemas

AS_TEXT: dict[str, tuple[str, Callable[[Transcript], str]]] = {
    "text": ("text/plain", lambda heard: f"{heard.text}\n"),
    "srt": ("text/plain", srt),
    "vtt": ("text/vtt", vtt),
}  # response format -> content type, and how it is written
OPENAI_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse"
BAD = (EmptyRequest, NotAudio, TooLarge, BadAudio, TooLong, NoSpeech)

routes = Blueprint("openai_audio", __name__)


@routes.post("/v1/audio/transcriptions")
@requires(LEARNER)
@answers(
    "transcriptions",
    {200: (job_schemas.Transcription, "text/plain", "text/vtt")},
    *run_job.REFUSALS,
    *BAD,
    *run_job.FAILURES,
)
def transcribe(form: TranscriptionForm) -> Response:
    """What is said in a recording: as JSON, as text, or as subtitles of at most two lines of 42 letters and 7 seconds.

    verbose_json has what was measured; `tokens`, `seek` and `temperature` are not. `language` is an ISO 639-1 code.
    """
    if form.timestamp_granularities and form.response_format != "verbose_json":
        raise BadRequest("`timestamp_granularities[]` goes with verbose_json.", field="timestamp_granularities[]")
    asked_for("asr", form.model)
    upload = parser.recording(form.file)
    job_request = run_job.single_model_request("transcribe", language=form.language, details={"prompt": form.prompt})
    with run_job.submitted(ParsedRequest(job_request, upload)) as held:
        heard = held.answered(Transcript)
    if form.response_format in AS_TEXT:
        content_type, written = AS_TEXT[form.response_format]
        return Response(written(heard), mimetype=content_type)
    verbose = form.response_format == "verbose_json"
    return jsonify(measured(heard, form.timestamp_granularities) if verbose else {"text": heard.text})


def measured(heard: Transcript, wanted: Collection[str]) -> dict[str, Any]:
    """All that is known of what was heard; segments, words or both, as is `wanted`."""
    shown: dict[str, Any] = {"task": "transcribe", "language": heard.language, "duration": heard.duration_s}
    shown["text"] = heard.text
    if "segment" in wanted or not wanted:
        shown["segments"] = [{"id": number, **asdict(segment)} for number, segment in enumerate(heard.segments)]
    if "word" in wanted:
        shown["words"] = [{"word": each.word, "start": each.start, "end": each.end} for each in heard.words]
    return shown


@routes.post("/v1/audio/speech")
@requires(LEARNER)
@answers("speech", {200: "audio/*"}, *run_job.REFUSALS, UnknownVoice, NothingToSay, *run_job.FAILURES)
def speak(json: SpeechRequest) -> Response:
    """The text as speech. OpenAI's voices (alloy, ash, ballad, …) mean the default voice of the model that is here."""
    asked_for("tts", json.model)
    voice = "default" if json.voice in OPENAI_VOICES.split() else parser.voice(json.voice)
    format_ = json.response_format or "mp3"
    job_request = run_job.single_model_request(
        "speak", text=json.input, voice=voice, speed=json.speed or 1.0, format=format_
    )
    with run_job.submitted(ParsedRequest(job_request)) as held:
        spoken = held.answered(Answer)
        file = context.blobs().open(spoken.blob)  # its bytes are there until it is closed, its name no longer
    answer = send_file(file, mimetype=FORMATS[format_], download_name=f"speech.{format_}", etag=False)
    answer.content_length = spoken.size
    return answer
