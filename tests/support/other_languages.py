"""Sentences in languages that no voice here is made for: Kokoro is given their phonemes, and a Chinese voice."""

from dataclasses import dataclass

import numpy as np

from pipeline.audio.decode import Waveform, resample
from pipeline.model_files.catalogue import find_model, sets
from pipeline.model_files.download import fetch
from pipeline.settings import settings
from worker_tts.kokoro.engine import KokoroEngine

SAMPLE_RATE = 16_000  # Hz
SILENCE = np.zeros(SAMPLE_RATE // 3, np.float32)  # before and after the sentence
SPEED = 0.9


@dataclass(frozen=True)
class Sentence:
    """What is said, its phonemes as Kokoro writes them, the voice, and words of it that Whisper base makes out."""

    language: str  # ISO 639-1
    text: str
    phonemes: str
    voice: str
    clear_words: frozenset[str]


SENTENCES = (
    Sentence(
        "es",
        "No entiendo lo que usted dice. Vivo en Madrid con mi familia.",
        "no entjˈendo lo ke ustˈed dˈise. bˈiβo en madɾˈid kon mi famˈilja.",
        "zm_yunxia",
        frozenset({"entiendo", "dice", "madrid", "familia"}),
    ),
    Sentence(
        "fr",
        "Je ne comprends pas ce que vous dites. J'habite à Paris avec ma famille.",
        "ʒə nə kɔ̃pʁˈɑ̃ pˈa sə kə vu dˈit. ʒabˈit a paʁˈi avɛk ma famˈij.",
        "zf_xiaobei",
        frozenset({"vous", "dites", "paris", "famille"}),
    ),
)


def load_voice() -> KokoroEngine:
    """Kokoro with its Chinese voices, which are fetched first where they are missing: 100 MB."""
    for name in sets()["chinese"]:
        fetch(find_model(name), settings().models_folder, lambda *progress: None)
    return KokoroEngine(settings())


def speak(voice: KokoroEngine, sentence: Sentence) -> Waveform:
    """The sentence at SAMPLE_RATE Hz, with silence before and after it."""
    ids = [voice.ids[phoneme] for phoneme in sentence.phonemes]
    speech = resample(voice.synthesize(ids, voice.styles[sentence.voice], SPEED), SAMPLE_RATE)
    return Waveform(np.concatenate([SILENCE, speech.samples, SILENCE]), SAMPLE_RATE)
