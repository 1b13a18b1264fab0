"""/v1/sessions: read, erase and reset conversations."""

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.jobs.schemas import OwnerQuery
from api.jobs.view import show_in_list
from api.openapi import answers, respond
from pipeline.errors import UnknownSession
from pipeline.jobs.listing import check_session_exists, existing_turns
from pipeline.schemas import jobs as job_schemas

routes = Blueprint("sessions", __name__)


@routes.get("/v1/sessions/<session>")
@requires(LEARNER)
@answers("sessions", {200: job_schemas.Session}, UnknownSession)
def read(session: str, query: OwnerQuery) -> Response:
    """The session's turns since it was last started over, oldest first."""
    caller = context.caller()
    turns = existing_turns(context.jobs().redis, caller.tenant, caller.conversation(session, query.owner))
    return respond(job_schemas.Session(session=session, turns=[show_in_list(job) for job in turns]))


@routes.delete("/v1/sessions/<session>")
@requires(LEARNER)
@answers("sessions", {204: None}, UnknownSession)
def erase(session: str, query: OwnerQuery) -> Response:
    """Erase every record, recording and answer of the session; its unfinished jobs are canceled."""
    caller = context.caller()
    conversation = caller.conversation(session, query.owner)
    check_session_exists(context.jobs().redis, caller.tenant, conversation)
    for name in context.jobs().erase(caller.tenant, conversation):
        context.blobs().delete_job(name)
    return Response(status=204)


@routes.post("/v1/sessions/<session>/reset")
@requires(LEARNER)
@answers("sessions", {204: None}, UnknownSession)
def reset(session: str, query: OwnerQuery) -> Response:
    """Start the session over: earlier turns are no longer history, and unanswered ones are canceled."""
    caller = context.caller()
    for name in context.jobs().reset(caller.tenant, caller.conversation(session, query.owner)):
        context.blobs().delete_job(name)
    return Response(status=204)
