"""/v1/sessions: what was said, and how to have it forgotten."""

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import here
from api.asking import Owned
from api.showing import listed
from api.spec import answers
from pipeline import shapes
from pipeline.errors import UnknownSession
from pipeline.sessions import known_turns

routes = Blueprint("sessions", __name__)


@routes.get("/v1/sessions/<session>")
@answers("sessions", {200: shapes.Session}, UnknownSession)
def read(session: str, query: Owned) -> Response:
    """The session's turns since it was last started over, oldest first."""
    caller = here.caller()
    turns = known_turns(here.jobs().redis, caller.tenant, caller.conversation(session, query.owner))
    return jsonify({"session": session, "turns": [listed(job) for job in turns]})


@routes.delete("/v1/sessions/<session>")
@answers("sessions", {204: None}, UnknownSession)
def erase(session: str, query: Owned) -> Response:
    """Erase every record, recording and answer of the session; work in hand for it comes to nothing."""
    caller = here.caller()
    conversation = caller.conversation(session, query.owner)
    known_turns(here.jobs().redis, caller.tenant, conversation)
    for name in here.jobs().erase(caller.tenant, conversation):
        here.blobs().delete_job(name)
    return Response(status=204)


@routes.post("/v1/sessions/<session>/reset")
@answers("sessions", {204: None}, UnknownSession)
def reset(session: str, query: Owned) -> Response:
    """Start the session over: what was said is history no more, and what is not answered yet never will be."""
    caller = here.caller()
    for name in here.jobs().reset(caller.tenant, caller.conversation(session, query.owner)):
        here.blobs().delete_job(name)
    return Response(status=204)
