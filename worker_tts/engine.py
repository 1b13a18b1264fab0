"""What a voice is, and the table of those we have."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.audio.decode import Sound
from pipeline.errors import WaijiaoError
from pipeline.settings import Settings
from pipeline.worker.engine_loader import load_engine

ENGINES = {  # name -> module:class
    "bark": "worker_tts.bark:Bark",
    "hibari": "worker_tts.hibari:HibariVoice",
}


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
        """For each line, in the same order: its sound, or why there is none (NothingToSay, UnknownVoice)."""
        ...


def load(settings: Settings) -> Voice:
    """The engine that the settings name, loaded; raises ConfigurationError if it cannot work here."""
    engine: Voice = load_engine("tts", ENGINES, settings)
    return engine
