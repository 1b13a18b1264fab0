"""Loads the engine and finds the model that the settings name for a stage."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, UnknownEngine
from pipeline.gpu import fractions
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings

REMOTE_ENGINES = {"openai"}  # their model is a name on another server, not a file
GPU_PACKAGES = {"torch", "transformers", "accelerate", "bitsandbytes", "sentencepiece"}  # installed by the extra `gpu`


def import_name(path: str) -> Any:
    """The object that 'module:name' names. The module may be heavy: it is imported only now."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def load_engine(stage: str, engines: Mapping[str, str], settings: Settings) -> Any:
    """The stage's engine that the settings name, loaded with the model they name. Raises ConfigurationError."""
    engine_name: str = getattr(settings, f"{stage}_engine")
    if engine_name not in engines:
        engine_names = ", ".join(sorted(engines))
        raise UnknownEngine(f"WAIJIAO_{stage.upper()}_ENGINE={engine_name!r}: expected one of {engine_names}")
    model = model_of(stage, settings)
    fractions.check(stage, model, settings)
    try:
        engine = import_name(engines[engine_name])
    except ModuleNotFoundError as missing:
        if missing.name not in GPU_PACKAGES:
            raise
        needs = f"needs {missing.name}, which is not installed: run `make teachers`"
        raise ConfigurationError(f"WAIJIAO_{stage.upper()}_ENGINE={engine_name} {needs}") from missing
    return engine(model, settings)


def model_of(stage: str, settings: Settings) -> Path:
    """The file or folder that the settings name; or only a name, where the engine asks another server.

    Raises ModelMissing or ModelDamaged.
    """
    name: str = getattr(settings, f"{stage}_model")
    if getattr(settings, f"{stage}_engine") in REMOTE_ENGINES:
        return Path(name)
    return locate(name, settings.models_folder)
