"""/v1/learners/{id}: what a learner gets wrong again and again, the words to listen to again, and their erasure."""

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, TEACHER, requires
from api.homework.assignments import load_assignment
from api.learners import erasure
from api.learners.access import check_learner, ledgers, load_jobs, load_ledger
from api.learners.class_ledger import show_class
from api.learners.schemas import ClipQuery
from api.learners.view import find_recording, show_ledger
from api.openapi import answers, respond
from pipeline.audio.clip import extract_clip
from pipeline.errors import BadAudio, ClipNotKept, UnknownAssignment, UnknownLearner
from pipeline.learners.ledger import WordClip
from pipeline.schemas import learners as schemas

routes = Blueprint("learners", __name__)


@routes.get("/v1/learners/<learner_id>/ledger")
@requires(LEARNER)
@answers("learners", {200: schemas.Ledger}, UnknownLearner)
def read(learner_id: str) -> Response:
    """The learner's mistakes by kind, with their sentences, and the words that were not clear.

    A learner has the id `key-` and the id of the key; whoever speaks in a session without a learner's key, `session-`
    and the session's name; a student's is in the ledger of the class.
    """
    answer = respond(show_ledger(load_ledger(learner_id)))
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@routes.get("/v1/learners/<learner_id>/clip")
@requires(LEARNER)
@answers("learners", {200: "audio/wav"}, UnknownLearner, ClipNotKept, BadAudio)
def clip(learner_id: str, query: ClipQuery) -> Response:
    """A word that was not clear, as the learner said it: `clip` of the ledger's word, while its recording is kept."""
    word_clip = find_clip(learner_id, query)
    recording = find_recording(word_clip, load_jobs([word_clip.job]))
    try:
        if not recording:
            raise FileNotFoundError
        with context.blobs().open(recording) as file:
            note = word_clip.note
            sound = extract_clip(file, note.start, note.end, context.settings().max_recording_s)
    except FileNotFoundError as error:
        raise ClipNotKept from error
    answer = Response(sound, mimetype="audio/wav")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def find_clip(learner: str, query: ClipQuery) -> WordClip:
    """The clip in the learner's own ledger. Raises ClipNotKept."""
    clips = (record.latest for record in load_ledger(learner).words)
    word_clip = next((each for each in clips if (each.job, each.number) == (query.job, query.number)), None)
    if word_clip is None:
        raise ClipNotKept
    return word_clip


@routes.delete("/v1/learners/<learner_id>")
@requires(LEARNER)
@answers("learners", {200: schemas.ErasureReceipt}, UnknownLearner)
def erase(learner_id: str) -> Response:
    """Erase everything of the learner, and return a receipt: records, audio, ledger, logs of webhooks, names.

    Unfinished jobs are canceled. A learner's key stays valid, without its name.
    """
    return respond(erasure.erase_learner(check_learner(learner_id)))


@routes.get("/v1/assignments/<assignment_id>/ledger")
@requires(TEACHER)
@answers("assignments", {200: schemas.ClassLedger}, UnknownAssignment)
def read_class(assignment_id: str) -> Response:
    """What the students of an assignment have to practise, from their ledgers."""
    class_work = load_assignment(assignment_id)
    answer = respond(show_class(class_work, ledgers()))
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
