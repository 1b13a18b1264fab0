"""/v1/audio/speech: the voice by itself, as OpenAI's API has it."""

from flask import Blueprint, send_file
from werkzeug.wrappers import Response

from api import alone, here, questions
from api.asking import SpeechRequest
from api.model_list import asked_for
from api.questions import Asked
from api.spec import answers
from pipeline.errors import NothingToSay, UnknownVoice
from pipeline.magic import FORMATS
from pipeline.turns import Answer

OPENAI_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse"

routes = Blueprint("speech", __name__)


@routes.post("/v1/audio/speech")
@answers("speech", {200: "audio/*"}, *alone.REFUSALS, UnknownVoice, NothingToSay, *alone.FAILURES)
def speak(json: SpeechRequest) -> Response:
    """The text as speech. OpenAI's voices (alloy, ash, ballad, …) mean the default voice of the model that is here."""
    asked_for("tts", json.model)
    voice = "default" if json.voice in OPENAI_VOICES.split() else questions.voice(json.voice)
    format_ = json.response_format or "mp3"
    question = alone.question("speak", text=json.input, voice=voice, speed=json.speed or 1.0, format=format_)
    with alone.submitted(Asked(question)) as held:
        spoken = held.answered(Answer)
        file = here.blobs().open(spoken.blob)  # its bytes are there until it is closed, its name no longer
    answer = send_file(file, mimetype=FORMATS[format_], download_name=f"speech.{format_}", etag=False)
    answer.content_length = spoken.size
    return answer
