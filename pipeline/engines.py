"""From a setting to a loaded engine: a stage's table says which module and class an engine's name stands for."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline import gpu_shares
from pipeline.errors import ConfigurationError, UnknownEngine
from pipeline.models import locate
from pipeline.settings import Settings

ELSEWHERE = {"openai"}  # engines whose model is the name that another server gives it
LARGE = {"torch", "transformers", "accelerate", "bitsandbytes", "sentencepiece"}  # what the extra `gpu` brings


def named(place: str) -> Any:
    """What 'module:name' names; the module, heavy as it may be, is imported only now."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


def load_engine(stage: str, engines: Mapping[str, str], settings: Settings) -> Any:
    """The stage's engine that the settings name, loaded with the model they name. Raises ConfigurationError."""
    chosen: str = getattr(settings, f"{stage}_engine")
    if chosen not in engines:
        known = ", ".join(sorted(engines))
        raise UnknownEngine(f"WAIJIAO_{stage.upper()}_ENGINE={chosen!r}: expected one of {known}")
    model = model_of(stage, settings)
    gpu_shares.check(stage, model, settings)
    try:
        engine = named(engines[chosen])
    except ModuleNotFoundError as missing:
        if missing.name not in LARGE:
            raise
        needs = f"needs {missing.name}, which is not installed: run `make teachers`"
        raise ConfigurationError(f"WAIJIAO_{stage.upper()}_ENGINE={chosen} {needs}") from missing
    return engine(model, settings)


def model_of(stage: str, settings: Settings) -> Path:
    """The file or folder that the settings name; or only a name, where the engine asks another server.

    Raises ModelMissing or ModelDamaged.
    """
    name: str = getattr(settings, f"{stage}_model")
    if getattr(settings, f"{stage}_engine") in ELSEWHERE:
        return Path(name)
    return locate(name, settings.models_folder)
