"""/v1/audio/transcriptions and /v1/audio/speech: the recogniser and the voice alone, as in OpenAI's API."""

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
from api.openai.models import resolve_model
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
from pipeline.schemas import openai as openai_schemas

AS_TEXT: dict[str, tuple[str, Callable[[Transcript], str]]] = {
    "text": ("text/plain", lambda transcript: f"{transcript.text}\n"),
    "srt": ("text/plain", srt),
    "vtt": ("text/vtt", vtt),
}  # response format -> content type and writer
OPENAI_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse"
BAD_RECORDING = (EmptyRequest, NotAudio, TooLarge, BadAudio, TooLong, NoSpeech)

routes = Blueprint("openai_audio", __name__)


@routes.post("/v1/audio/transcriptions")
@requires(LEARNER)
@answers(
    "transcriptions",
    {200: (openai_schemas.Transcription, "text/plain", "text/vtt")},
    *run_job.REFUSALS,
    *BAD_RECORDING,
    *run_job.FAILURES,
)
def transcribe(form: TranscriptionForm) -> Response:
    """Transcribe a recording: as JSON, as text, or as subtitles of at most two lines of 42 letters and 7 seconds.

    verbose_json also has the measurements, except `tokens`, `seek` and `temperature`. `language` is an ISO 639-1 code.
    """
    if form.timestamp_granularities and form.response_format != "verbose_json":
        raise BadRequest("`timestamp_granularities[]` goes with verbose_json.", field="timestamp_granularities[]")
    resolve_model("asr", form.model)
    upload = parser.check_upload(form.file)
    job_request = run_job.build_request("transcribe", language=form.language, details={"prompt": form.prompt})
    with run_job.submit(ParsedRequest(job_request, upload)) as pending_job:
        transcript = pending_job.wait_for_result(Transcript)
    if form.response_format in AS_TEXT:
        content_type, write = AS_TEXT[form.response_format]
        return Response(write(transcript), mimetype=content_type)
    verbose = form.response_format == "verbose_json"
    return jsonify(format_verbose(transcript, form.timestamp_granularities) if verbose else {"text": transcript.text})


def format_verbose(transcript: Transcript, granularities: Collection[str]) -> dict[str, Any]:
    """The transcript with its measurements, and with segments, words or both."""
    fields: dict[str, Any] = {"task": "transcribe", "language": transcript.language, "duration": transcript.duration_s}
    fields["text"] = transcript.text
    if "segment" in granularities or not granularities:
        fields["segments"] = [{"id": number, **asdict(segment)} for number, segment in enumerate(transcript.segments)]
    if "word" in granularities:
        fields["words"] = [{"word": word.word, "start": word.start, "end": word.end} for word in transcript.words]
    fields["gaps"] = [asdict(gap) for gap in transcript.gaps]
    return fields


@routes.post("/v1/audio/speech")
@requires(LEARNER)
@answers("speech", {200: "audio/*"}, *run_job.REFUSALS, UnknownVoice, NothingToSay, *run_job.FAILURES)
def speak(json: SpeechRequest) -> Response:
    """Speak a text. OpenAI's voices (alloy, ash, ballad, …) stand for the default voice of the model here."""
    resolve_model("tts", json.model)
    voice = "default" if json.voice in OPENAI_VOICES.split() else parser.check_voice(json.voice)
    format_ = json.response_format or "mp3"
    job_request = run_job.build_request("speak", text=json.input, voice=voice, speed=json.speed or 1.0, format=format_)
    with run_job.submit(ParsedRequest(job_request)) as pending_job:
        speech = pending_job.wait_for_result(Answer)
        file = context.blobs().open(speech.blob)  # readable until it is closed, although the job is erased
    answer = send_file(file, mimetype=FORMATS[format_], download_name=f"speech.{format_}", etag=False)
    answer.content_length = speech.size
    return answer
