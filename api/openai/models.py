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
from pipeline.schemas import openai as openai_schemas

ALIASES = {
    "asr": ("default", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    "llm": ("default",),
    "tts": ("default", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"),
}  # stage -> names by which clients may ask for the stage's model

routes = Blueprint("models", __name__)


@routes.get("/v1/models")
@requires(LEARNER)
@answers("models", {200: openai_schemas.ModelList})
def browse() -> Response:
    """The models here: one transcribes speech, one continues a chat, one speaks."""
    return jsonify({"object": "list", "data": [show(find_model_name(stage)) for stage in MODEL_STAGES]})


@routes.get("/v1/models/<model>")
@requires(LEARNER)
@answers("models", {200: openai_schemas.ModelEntry}, ModelNotFound)
def read(model: str) -> Response:
    """One of the models."""
    models = [find_model_name(stage) for stage in MODEL_STAGES]
    if model not in models:
        raise ModelNotFound(f"No model here has this name; there are {', '.join(models)}.", field="model")
    return jsonify(show(model))


def resolve_model(stage: str, name: str) -> str:
    """The id of the stage's model, if `name` is that or one of its aliases. Raises ModelNotFound."""
    model = find_model_name(stage)
    if name not in (model, *ALIASES[stage]):
        names = ", ".join((model, *ALIASES[stage]))
        raise ModelNotFound(f"No model for this has this name; there are {names}.", field="model")
    return model


def find_model_name(stage: str) -> str:
    """The model's name in the catalogue; for a file or folder of the user's own, the last part of its path."""
    setting = str(getattr(context.settings(), f"{stage}_model"))
    return setting if setting in catalogue() else Path(setting).name


def show(model: str) -> dict[str, str | int]:
    catalogue_entry = catalogue().get(model)
    owner = catalogue_entry.credit if catalogue_entry else "local"
    return {"id": model, "object": "model", "created": 0, "owned_by": owner}
