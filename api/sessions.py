"""/v1/sessions: what was said, and how to have it forgotten."""

from flask import Blueprint, Response, jsonify

from api import here
from api.jobs import show
from pipeline.sessions import known_turns

routes = Blueprint("sessions", __name__)


@routes.get("/v1/sessions/<session>")
def read(session: str) -> Response:
    """The session's turns since it was last started over, oldest first."""
    turns = known_turns(here.jobs().redis, here.TENANT, session)
    return jsonify({"session": session, "turns": [show(job) for job in turns]})


@routes.delete("/v1/sessions/<session>")
def erase(session: str) -> Response:
    """Erase every record, recording and answer of the session; work in hand for it comes to nothing."""
    known_turns(here.jobs().redis, here.TENANT, session)
    for name in here.jobs().erase(here.TENANT, session):
        here.blobs().delete_job(name)
    return Response(status=204)


@routes.post("/v1/sessions/<session>/reset")
def reset(session: str) -> Response:
    """Start the session over: what was said is history no more, and what is not answered yet never will be."""
    for name in here.jobs().reset(here.TENANT, session):
        here.blobs().delete_job(name)
    return Response(status=204)
