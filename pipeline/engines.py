"""From a setting to a loaded engine: a stage's table says which module and class an engine's name stands for."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pipeline.errors import UnknownEngine
from pipeline.models import locate
from pipeline.settings import Settings


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
    return named(engines[chosen])(locate(getattr(settings, f"{stage}_model"), settings.models_folder), settings)
