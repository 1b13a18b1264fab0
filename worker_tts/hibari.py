"""The engine "hibari": English, 24 kHz, one small ONNX model on a CPU."""

import logging
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped, unused-ignore]
from hibari import Hibari
from hibari.voices import DEFAULT, VOICES

from pipeline.audio.decode import Waveform
from pipeline.errors import EngineFailed, ModelDamaged, NothingToSay, UnknownVoice, WaijiaoError, safe_traceback
from pipeline.model_files.catalogue import catalogue
from pipeline.settings import Settings
from pipeline.text.number_words import write_numbers
from worker_tts.engine import Utterance
from worker_tts.lowered_voice import speak_lowered
from worker_tts.text_cleaning import clean_text

MIN_SPEED, MAX_SPEED = 0.5, 2.0  # the speeds hibari was made for
LOWERED = "heart-low"  # the same model, lowered to the voice of a man
WARM_UP = Utterance("I am Zyxelia.")  # loads the dictionary, and the net for words that are not in it

log = logging.getLogger(__name__)


class HibariEngine:
    """hibari with one voice file: that voice by its two names, heart also lowered. Any thread; one utterance at a time.

    Another voice is not lowered: it may be a man's already. A file of one's own is called heart.
    """

    def __init__(self, model: Path, settings: Settings) -> None:
        """Raises ModelDamaged when `model` is not an ONNX file."""
        entry = catalogue().get(settings.tts_model)
        self.voices = entry.voices if entry else ("default", DEFAULT)
        accent = self.voices[1] if self.voices[1] in VOICES else DEFAULT
        try:
            self.hibari = Hibari(voice=accent, model=str(model), threads=settings.tts_threads)
            if settings.tts_threads > 1:
                self.hibari.sess = create_session(model, settings.tts_threads)
        except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf:
            raise ModelDamaged(f"{model} is not an ONNX model. Run: waijiao models fetch") from None
        self.speak([WARM_UP])

    def speak(self, utterances: list[Utterance]) -> list[Waveform | WaijiaoError]:
        return [self.speak_one(utterance) for utterance in utterances]

    def speak_one(self, utterance: Utterance) -> Waveform | WaijiaoError:
        if utterance.voice not in self.voices:
            return UnknownVoice(f"voice {utterance.voice[:32]!r}: expected one of {', '.join(self.voices)}")
        text = write_numbers(clean_text(utterance.text, frozenset({"LATIN"})))
        if not text:
            return NothingToSay()
        speed = max(MIN_SPEED, min(MAX_SPEED, utterance.speed))
        try:
            speak = speak_lowered if utterance.voice == LOWERED else Hibari.__call__
            samples = speak(self.hibari, text, speed, utterance.seed)
        except (IndexError, KeyError, ValueError) as error:  # raised by its reading rules on text they do not expect
            log.error("hibari could not read a sentence of %d characters: %s", len(text), safe_traceback(error))
            return EngineFailed()
        if not len(samples):
            return NothingToSay()
        return Waveform(np.clip(samples, -1, 1).astype(np.float32), self.hibari.sample_rate)


def create_session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session whose threads sleep while they wait; those of hibari's own spin, and starve other processes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
