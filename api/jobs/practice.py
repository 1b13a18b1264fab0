"""/v1/jobs/{id}/practice: the better sentence of a job, or some of its words, spoken alone at any pace."""

import re

from flask import Blueprint, send_file
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs.parser import ParsedRequest, list_voices
from api.jobs.schemas import PracticeQuery
from api.jobs.tries import require_sentence
from api.openai import run_job
from api.openapi import answers
from pipeline import personas
from pipeline.audio.formats import FORMATS
from pipeline.errors import BadRequest, Erased, NothingToPractise, UnknownJob
from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer

FORMAT = "wav"  # which every browser plays
CACHE_S = 3600  # seconds for which a browser may play it again without asking

routes = Blueprint("practice", __name__)


@routes.get("/v1/jobs/<job_id>/practice")
@requires(LEARNER)
@answers("jobs", {200: "audio/*"}, UnknownJob, Erased, NothingToPractise, *run_job.REFUSALS, *run_job.FAILURES)
def speak(job_id: str, query: PracticeQuery) -> Response:
    """The better sentence of a job, or `words` of it, in the voice of its answer, as a WAV file."""
    job = context.job(job_id)
    text = choose_words(require_sentence(job).text, query.words)
    job_request = run_job.build_request("speak", text=text, voice=choose_voice(job), speed=query.speed, format=FORMAT)
    with run_job.submit(ParsedRequest(job_request)) as pending_job:
        speech = pending_job.wait_for_result(Answer)
        file = context.blobs().open(speech.blob)  # readable until it is closed, although the job is erased
    answer = send_file(file, mimetype=FORMATS[FORMAT], download_name=f"practice.{FORMAT}", etag=False)
    answer.content_length = speech.size
    answer.headers["Cache-Control"] = f"private, max-age={CACHE_S}"
    return answer


def choose_words(sentence: str, words: str | None) -> str:
    """The sentence, or these words of it. Raises BadRequest for others: this is no voice for any text."""
    if words is None:
        return sentence
    if not re.search(rf"(?<!\w){re.escape(words.strip())}(?!\w)", sentence):
        raise BadRequest("`words` must be words of the sentence, as they are in it.", field="words")
    return words.strip()


def choose_voice(job: Job) -> str:
    """The voice in which the job was answered: its own, or the first of its persona's that there is."""
    job_request = job.request
    if job_request.voice != "default":
        return job_request.voice
    persona, voices = personas.load(job_request.persona, context.settings().personas), list_voices()
    return next((voice for voice in persona.voices.get(persona.languages[0], ()) if voice in voices), "default")
