"""/v1/models: the three models here, and the names by which clients may ask for them."""

from pathlib import Path

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from api import context
from api.auth import LEARNER, requires
from api.openapi import answers
from pipeline.errors import ModelNotFound
from pipeline.jobs.job import MODEL_STAGES
from pipeline.model_files.catalogue import catalogue
from pipeline.schemas import jobs as job_schemas

ALIASES = {
    "asr": ("default", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    "llm": ("default",),
    "tts": ("default", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
}  # stage -> names by which clients ask for whatever model is there

routes = Blueprint("models", __name__)


@routes.get("/v1/models")
@requires(LEARNER)
@answers("models", {200: job_schemas.ModelList})
def browse() -> Response:
    """The models here: one transcribes speech, one continues a chat, one speaks."""
    return jsonify({"object": "list", "data": [show(model_at(stage)) for stage in MODEL_STAGES]})


@routes.get("/v1/models/<model>")
@requires(LEARNER)
@answers("models", {200: job_schemas.ModelEntry}, ModelNotFound)
def read(model: str) -> Response:
    """One of the models."""
    known = [model_at(stage) for stage in MODEL_STAGES]
    if model not in known:
        raise ModelNotFound(f"There is no such model here; there are {', '.join(known)}.", field="model")
    return jsonify(show(model))


def resolve_model(stage: str, name: str) -> str:
    """The id of the stage's model, for a name that a client gave. ModelNotFound."""
    model = model_at(stage)
    if name not in (model, *ALIASES[stage]):
        known = ", ".join((model, *ALIASES[stage]))
        raise ModelNotFound(f"There is no such model for this; known are {known}.", field="model")
    return model


def model_at(stage: str) -> str:
    """The model's name in the catalogue; for a file or folder of the user's own, the last part of its path."""
    configured_model = str(getattr(context.settings(), f"{stage}_model"))
    return configured_model if configured_model in catalogue() else Path(configured_model).name


def show(model: str) -> dict[str, str | int]:
    known = catalogue().get(model)
    return {"id": model, "object": "model", "created": 0, "owned_by": known.credit if known else "local"}
