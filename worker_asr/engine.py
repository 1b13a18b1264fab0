"""What a speech recogniser is, and the table of those we have."""

from dataclasses import dataclass
from typing import Protocol

from pipeline.audio.decode import Sound
from pipeline.errors import WaijiaoError
from pipeline.jobs.results import Transcript
from pipeline.settings import Settings
from pipeline.worker.engine_loader import load_engine

ENGINES = {"faster-whisper": "worker_asr.faster_whisper:FasterWhisper"}  # name -> module:class


@dataclass(frozen=True)
class Recording:
    """Speech to recognise. `language` is an ISO 639-1 code, None to detect it among `expected`, or among all.

    The first of `expected` is believed unless another one is clearly heard: an accent is no language.
    `hint` holds words that may be expected, such as names or a lesson's vocabulary.
    """

    sound: Sound
    language: str | None = None
    expected: tuple[str, ...] = ()
    hint: str = ""


class Recogniser(Protocol):
    """An engine's class is called with the model's path and the settings, loads at once, and is then warm."""

    def transcribe(self, recordings: list[Recording]) -> list[Transcript | WaijiaoError]:
        """For each recording, in order: what was heard, or why there is nothing (NoSpeech, BadRequest)."""
        ...


def load(settings: Settings) -> Recogniser:
    """The engine that the settings name, loaded; raises ConfigurationError if it cannot work here."""
    engine: Recogniser = load_engine("asr", ENGINES, settings)
    return engine
