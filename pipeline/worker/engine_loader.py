"""Loads the engine and finds the model that the settings name for a stage."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, UnknownEngine
from pipeline.gpu import fractions
from pipeline.model_files.catalogue import catalogue, locate, verify
from pipeline.settings import Settings

REMOTE_ENGINES = {"openai"}  # their model is a name on another server, not a file
MAX_VERIFIED_BYTES = 2_000_000_000  # of a model whose content is checked at each start, which takes a second or two
GPU_PACKAGES = {"torch", "transformers", "accelerate", "bitsandbytes", "sentencepiece"}  # installed by the extra `gpu`


def import_name(path: str) -> Any:
    """The object that 'module:name' names. The module may be heavy: it is imported only now."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def load_engine(stage: str, engines: Mapping[str, str], settings: Settings) -> Any:
    """The stage's engine that the settings name, loaded with the model they name. Raises ConfigurationError.

    A model of the catalogue whose files are not those of the catalogue is refused: it might load, and talk nonsense.
    """
    engine_name: str = getattr(settings, f"{stage}_engine")
    if engine_name not in engines:
        engine_names = ", ".join(sorted(engines))
        raise UnknownEngine(f"WAIJIAO_{stage.upper()}_ENGINE={engine_name!r}: expected one of {engine_names}")
    model = model_of(stage, settings)
    fractions.check(stage, model, settings)
    if engine_name not in REMOTE_ENGINES:
        verify_small_model(getattr(settings, f"{stage}_model"), settings.models_folder)
    try:
        engine = import_name(engines[engine_name])
    except ModuleNotFoundError as missing:
        if missing.name not in GPU_PACKAGES:
            raise
        needs = f"needs {missing.name}, which is not installed: run `make teachers`"
        raise ConfigurationError(f"WAIJIAO_{stage.upper()}_ENGINE={engine_name} {needs}") from missing
    return engine(model, settings)


def verify_small_model(name: str, folder: Path) -> None:
    """Compare the files of a model of the catalogue with their sha256, unless they are large. Raises ModelDamaged."""
    model = catalogue().get(name)
    if model and model.size <= MAX_VERIFIED_BYTES:
        verify(model, folder)


def model_of(stage: str, settings: Settings) -> Path:
    """The file or folder that the settings name; or only a name, where the engine asks another server.

    Raises ModelMissing or ModelDamaged.
    """
    name: str = getattr(settings, f"{stage}_model")
    if getattr(settings, f"{stage}_engine") in REMOTE_ENGINES:
        return Path(name)
    return locate(name, settings.models_folder)
