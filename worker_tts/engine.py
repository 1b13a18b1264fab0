"""The interface of a text-to-speech engine, and the table of engines."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.audio.decode import Waveform
from pipeline.errors import WaijiaoError
from pipeline.settings import Settings
from pipeline.worker.engine_loader import load_engine

ENGINES = {  # name -> module:class
    "bark": "worker_tts.bark.engine:Bark",
    "hibari": "worker_tts.hibari:HibariEngine",
}


@dataclass(frozen=True)
class Utterance:
    """Text to speak; an engine is given one sentence at a time.

    `voice` is one of the engine's `voices`; `speed` 1 is the voice's own pace; `language` is an ISO 639-1 code;
    `chinese_voice` speaks Chinese text where a second engine does. The same utterance, seed included, gives the same
    samples.
    """

    text: str
    voice: str = "default"
    speed: float = 1.0
    language: str = "en"
    seed: int = 0
    chinese_voice: str = "default"


class TextToSpeech(Protocol):
    """An engine's class is called with the model's path and the settings; it loads and warms up at once."""

    voices: tuple[str, ...]  # names that an utterance's `voice` may have; "default" is always one

    def speak(self, utterances: list[Utterance]) -> list[Waveform | WaijiaoError]:
        """For each utterance, in the same order: its waveform, or why there is none (NothingToSay, UnknownVoice)."""
        ...


def load(settings: Settings) -> TextToSpeech:
    """The engine that the settings name, loaded. Raises ConfigurationError if it cannot work here."""
    engine: TextToSpeech = load_engine("tts", ENGINES, settings)
    return engine
