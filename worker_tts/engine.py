"""What a voice is, and the table of those we have."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from pipeline.audio import Sound
from pipeline.errors import UnknownEngine, WaijiaoError
from pipeline.models import locate
from pipeline.settings import Settings

ENGINES = {"hibari": "worker_tts.hibari:HibariVoice"}  # name -> module:class


@dataclass(frozen=True)
class Line:
    """Text to speak; an engine is given one sentence at a time.

    `voice` is one of the engine's `voices`; `speed` 1 is the voice's own pace; `language` is an
    ISO 639-1 code. The same line, seed included, gives the same samples.
    """

    text: str
    voice: str = "default"
    speed: float = 1.0
    language: str = "en"
    seed: int = 0


class Voice(Protocol):
    """An engine's class is called with the model's path and the settings, loads at once, and is then warm."""

    voices: tuple[str, ...]  # the names it answers to; "default" is always one

    def speak(self, lines: list[Line]) -> list[Sound | WaijiaoError]:
        """For each line, in the same order: its sound, or why there is none (NothingToSay, BadRequest)."""
        ...


def load(settings: Settings) -> Voice:
    """The engine that the settings name, loaded; raises ConfigurationError if it cannot work here."""
    try:
        module, _, name = ENGINES[settings.tts_engine].partition(":")
    except KeyError:
        known = ", ".join(sorted(ENGINES))
        raise UnknownEngine(f"WAIJIAO_TTS_ENGINE={settings.tts_engine!r}: expected one of {known}") from None
    engine: Callable[..., Voice] = getattr(import_module(module), name)
    return engine(locate(settings.tts_model, settings.models_folder), settings)
