"""/healthz: this process lives. /readyz: a job sent now would be worked on, said for each model."""

from flask import Blueprint, Response, jsonify

from api import here
from api.spec import answers
from pipeline import shapes
from pipeline.readiness import workers
from pipeline.record import STAGES

routes = Blueprint("health", __name__)


@routes.get("/healthz")
@answers("health", {200: shapes.Alive})
def alive() -> Response:
    """This process lives."""
    return jsonify({"alive": True})


@routes.get("/readyz")
@answers("health", {200: shapes.Readiness, 503: shapes.Readiness})
def ready() -> Response:
    """200 when every stage has a worker with a loaded model, else 503; both say how many and what waits."""
    found, waiting = workers(here.jobs().redis), here.jobs().waiting()
    none = {"ready": 0, "loading": 0}
    models = {stage: {**found.get(stage, none), "waiting": waiting[stage]} for stage in STAGES}
    everywhere = all(model["ready"] for model in models.values())
    answer = jsonify({"ready": everywhere, "models": models})
    answer.status_code = 200 if everywhere else 503
    return answer
