"""Kokoro-82M with its Chinese voices: an ONNX model of 8 bits on a CPU, 24 kHz."""

import json
import logging
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped, unused-ignore]

from pipeline.audio.decode import Waveform
from pipeline.errors import ConfigurationError, ModelDamaged, NothingToSay, UnknownVoice, WaijiaoError
from pipeline.model_files.catalogue import find_model, locate_files, verify
from pipeline.settings import Settings
from worker_tts.engine import Utterance
from worker_tts.kokoro.phonemes import to_phonemes
from worker_tts.kokoro.pinyin import PinyinReader
from worker_tts.sentences import join_waveforms, split_long
from worker_tts.text_cleaning import clean_text

MODEL, VOICES, PINYIN = "kokoro", "kokoro-chinese-voices", "pinyin"  # what it is made of, in the catalogue
RATE = 24_000
MIN_SPEED, MAX_SPEED = 0.5, 2.0
SCRIPTS = frozenset({"LATIN", "CJK", "IDEOGRAPHIC"})
STYLE_WIDTH = 256
MAX_PIECE_CHARS = 80  # a Chinese character has at most six phonemes, and the model takes 510
PAUSE_S = 0.1  # between the pieces of a long sentence

log = logging.getLogger(__name__)


class KokoroEngine:
    """Chinese sentences, with English words in them, in one of several voices; "default" is the first one's."""

    def __init__(self, settings: Settings) -> None:
        """Raises ModelMissing or ModelDamaged, and ConfigurationError where hibari is not installed."""
        folder = settings.models_folder
        for name in (MODEL, VOICES, PINYIN):
            verify(find_model(name), folder)
        self.session = create_session(locate_files(find_model(MODEL), folder), settings.tts_threads)
        self.styles = load_styles(locate_files(find_model(VOICES), folder))
        self.reader = PinyinReader.from_folder(locate_files(find_model(PINYIN), folder))
        self.ids, self.read_english = load_english()
        self.voices = ("default", *self.styles)
        self.speak([Utterance("你好，Zyxelia。", language="zh")])

    def speak(self, utterances: list[Utterance]) -> list[Waveform | WaijiaoError]:
        return [self.speak_one(utterance) for utterance in utterances]

    def speak_one(self, utterance: Utterance) -> Waveform | WaijiaoError:
        if utterance.voice not in self.voices:
            return UnknownVoice(f"voice {utterance.voice[:32]!r}: expected one of {', '.join(self.voices)}")
        style = self.styles[self.voices[1] if utterance.voice == "default" else utterance.voice]
        speed = max(MIN_SPEED, min(MAX_SPEED, utterance.speed))
        pieces = split_long(clean_text(utterance.text, SCRIPTS), MAX_PIECE_CHARS)
        waveforms = [self.synthesize(ids, style, speed) for ids in map(self.find_ids, pieces) if ids]
        return join_waveforms(waveforms, PAUSE_S) if waveforms else NothingToSay()

    def find_ids(self, text: str) -> list[int]:
        """The model's ids of the text's phonemes, as many as it can take."""
        phonemes = to_phonemes(text, self.reader, self.read_english)
        ids = [self.ids[phoneme] for phoneme in phonemes if phoneme in self.ids]
        return ids[: len(next(iter(self.styles.values()))) - 1] if any(map(str.isalpha, phonemes)) else []

    def synthesize(self, ids: list[int], style: np.ndarray, speed: float) -> Waveform:
        """`style` [510, 256] has a row for each number of phonemes."""
        inputs = {
            "tokens": np.asarray([[0, *ids, 0]], np.int64),
            "style": style[len(ids)][None],
            "speed": np.asarray([speed], np.float32),
        }
        samples = self.session.run(None, inputs)[0].reshape(-1)
        return Waveform(np.clip(samples, -1, 1).astype(np.float32), RATE)


def create_session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    """A session whose threads sleep while they wait. Raises ModelDamaged."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf:
        raise ModelDamaged(f"{model} is not an ONNX model. Run: waijiao models fetch chinese") from None


def load_styles(folder: Path) -> dict[str, np.ndarray]:
    """The voices of a folder by name: each has [510, 256] numbers."""
    return {path.stem: np.fromfile(path, np.float32).reshape(-1, STYLE_WIDTH) for path in sorted(folder.glob("*.bin"))}


def load_english() -> tuple[dict[str, int], Callable[[str], str]]:
    """The ids of the alphabet's phonemes, and what gives the phonemes of English words: both are hibari's.

    hibari's voices were made with Kokoro, so they share its alphabet. Raises ConfigurationError.
    """
    try:
        from hibari.g2p import G2P
    except ModuleNotFoundError as missing:
        raise ConfigurationError("WAIJIAO_TTS_CHINESE=kokoro needs the package hibari-tts") from missing
    vocabulary = json.loads(files("hibari").joinpath("assets/vocab.json").read_text(encoding="utf-8"))
    reader = G2P(british=False)

    def read_english(text: str) -> str:
        try:
            return str(reader(text) or "")
        except (IndexError, KeyError, ValueError):  # raised by its rules on text that they do not expect
            log.error("no phonemes were found for %d English characters", len(text))
            return ""

    return vocabulary, read_english
