"""The hibari voice: English, 24 kHz, one small ONNX model on a CPU."""

import logging
import re
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped, unused-ignore]
from hibari import Hibari

from pipeline.audio.decode import Sound
from pipeline.errors import EngineFailed, ModelDamaged, NothingToSay, UnknownVoice, WaijiaoError, wordless
from pipeline.settings import Settings
from worker_tts.engine import Line
from worker_tts.wording import speakable

SLOWEST, FASTEST = 0.5, 2.0  # the speeds hibari was made for
LONG_NUMBER = re.compile(r"\d(?:[,.]?\d){15,}")  # hibari has no name for so many digits and raises IndexError

log = logging.getLogger(__name__)


class HibariVoice:
    """hibari with one voice file: `voices` is that voice by its two names. Any thread; one line at a time."""

    voices = ("default", "heart")

    def __init__(self, model: Path, settings: Settings) -> None:
        """Raises ModelDamaged when `model` is no ONNX file."""
        try:
            self.hibari = Hibari(model=str(model), threads=settings.tts_threads)
            if settings.tts_threads > 1:
                self.hibari.sess = patient(model, settings.tts_threads)
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf:
            raise ModelDamaged(f"{model} is no ONNX model. Run: waijiao models fetch") from None
        self.speak([Line("I am Zyxelia.")])  # loads the dictionary, and the net for words that are not in it

    def speak(self, lines: list[Line]) -> list[Sound | WaijiaoError]:
        return [self.say(line) for line in lines]

    def say(self, line: Line) -> Sound | WaijiaoError:
        if line.voice not in self.voices:
            return UnknownVoice(f"voice {line.voice[:32]!r}: expected one of {', '.join(self.voices)}")
        text = LONG_NUMBER.sub(digit_by_digit, speakable(line.text, frozenset({"LATIN"})))
        if not text:
            return NothingToSay()
        speed = max(SLOWEST, min(FASTEST, line.speed))
        try:
            samples = self.hibari(text, speed=speed, seed=line.seed)
        except (IndexError, KeyError, ValueError) as error:  # what its reading rules raise on text they do not expect
            log.error("hibari could not read a sentence of %d characters: %s", len(text), wordless(error))
            return EngineFailed()
        if not len(samples):
            return NothingToSay()
        return Sound(np.clip(samples, -1, 1).astype(np.float32), self.hibari.sample_rate)


def digit_by_digit(number: re.Match[str]) -> str:
    return " ".join(filter(str.isdigit, number[0]))


def patient(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session whose threads sleep while they wait; hibari's own spin, which starves its neighbours."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
