"""/v1/jobs/{id}/audio: the spoken answer, whole or sentence by sentence."""

from flask import Blueprint, request, send_file
from werkzeug.wrappers import Response

from api import here
from api.asking import Hearing
from api.showing import Sight, see
from api.spec import answers
from pipeline.errors import AnswerNotReady, Erased, NoAnswer, UnknownJob, UnknownPart
from pipeline.magic import FORMATS
from pipeline.turns import Answer, Part

routes = Blueprint("audio", __name__)


@routes.get("/v1/jobs/<job_id>/audio")
@answers("jobs", {200: "audio/*", 206: "audio/*", 304: None}, UnknownJob, Erased, AnswerNotReady, NoAnswer, UnknownPart)
def audio(job_id: str, query: Hearing) -> Response:
    """The spoken answer, or with `?part=N` its N-th sentence, which is there as soon as it is spoken."""
    sight = see(job_id)
    sound = whole(sight) if query.part is None else part(sight, query.part)
    try:
        file = here.blobs().open(sound.blob)
    except FileNotFoundError as error:
        raise Erased("The answer's audio is no longer kept.") from error
    format_ = sight.job.question.format
    name = f"answer-{job_id}{'' if query.part is None else f'-{query.part}'}.{format_}"
    answer = send_file(file, mimetype=FORMATS[format_], download_name=name, etag=sound.sha256)
    answer.content_length = sound.size
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request, accept_ranges=True, complete_length=sound.size)


def whole(sight: Sight) -> Answer:
    if sight.job.answer:
        return sight.job.answer
    raise NoAnswer if sight.ended else AnswerNotReady


def part(sight: Sight, number: int) -> Part:
    if number <= len(sight.spoken):
        return sight.spoken[number - 1]
    if sight.job.answer:
        raise UnknownPart(f"The answer has {len(sight.spoken)} sentences.")
    raise NoAnswer if sight.ended else AnswerNotReady
