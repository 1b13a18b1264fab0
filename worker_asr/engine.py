"""The interface of a speech recogniser, and the table of engines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.audio.decode import Waveform
from pipeline.errors import WaijiaoError
from pipeline.jobs.results import Transcript
from pipeline.settings import Settings
from pipeline.worker.engine_loader import load_engine

ENGINES = {"faster-whisper": "worker_asr.faster_whisper:FasterWhisper"}  # name -> module:class


def _always_wanted() -> bool:
    return True


@dataclass(frozen=True)
class Recording:
    """Speech to recognise. `language` is an ISO 639-1 code; None: one of `expected_languages`, or any if that is empty.

    The first of `expected_languages` is assumed unless another one is clearly recognised: an accent is not a language.
    One that is not expected must be clearer still; with `any_language` it counts as the expected ones.
    `hint` has words that may be expected, such as names or a lesson's vocabulary. `text` was to be read aloud: the
    transcript gets its reading, where the engine can measure that. `estimate_misheard`: its words get the probability
    that they were misheard, likewise. `still_wanted` is asked between two windows: it is False once the job was
    canceled or its client has left.
    """

    waveform: Waveform
    language: str | None = None
    expected_languages: tuple[str, ...] = ()
    any_language: bool = False
    hint: str = ""
    text: str = ""
    estimate_misheard: bool = False
    still_wanted: Callable[[], bool] = _always_wanted


class Recogniser(Protocol):
    """An engine's class is called with the model's path and the settings; it loads and warms up at once."""

    def transcribe(self, recordings: list[Recording]) -> list[Transcript | WaijiaoError]:
        """For each recording, in order: its transcript, or why there is none (NoSpeech, BadRequest, Canceled)."""
        ...


def load(settings: Settings) -> Recogniser:
    """The engine that the settings name, loaded; raises ConfigurationError if it cannot work here."""
    engine: Recogniser = load_engine("asr", ENGINES, settings)
    return engine
