"""/v1/audio/transcriptions: the recogniser by itself, as OpenAI's API has it."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import alone, questions
from api.asking import TranscriptionForm
from api.model_list import asked_for
from api.questions import Asked
from api.spec import answers
from api.subtitles import srt, vtt
from pipeline import shapes
from pipeline.errors import BadAudio, BadRequest, EmptyRequest, NoSpeech, NotAudio, TooLarge, TooLong
from pipeline.turns import Transcript

AS_TEXT: dict[str, tuple[str, Callable[[Transcript], str]]] = {
    "text": ("text/plain", lambda heard: f"{heard.text}\n"),
    "srt": ("text/plain", srt),
    "vtt": ("text/vtt", vtt),
}  # response format -> content type, and how it is written
BAD = (EmptyRequest, NotAudio, TooLarge, BadAudio, TooLong, NoSpeech)

routes = Blueprint("transcriptions", __name__)


@routes.post("/v1/audio/transcriptions")
@answers(
    "transcriptions", {200: (shapes.Transcription, "text/plain", "text/vtt")}, *alone.REFUSALS, *BAD, *alone.FAILURES
)
def transcribe(form: TranscriptionForm) -> Response:
    """What is said in a recording: as JSON, as text, or as subtitles of at most two lines of 42 letters and 7 seconds.

    verbose_json has what was measured; `tokens`, `seek` and `temperature` are not. `language` is an ISO 639-1 code.
    """
    if form.timestamp_granularities and form.response_format != "verbose_json":
        raise BadRequest("`timestamp_granularities[]` goes with verbose_json.", field="timestamp_granularities[]")
    asked_for("asr", form.model)
    upload = questions.recording(form.file)
    question = alone.question("transcribe", language=form.language, details={"prompt": form.prompt})
    with alone.submitted(Asked(question, upload)) as held:
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
