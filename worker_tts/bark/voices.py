"""Bark's voices: each is a sentence that was spoken once, as tokens of the three stages, which Bark continues."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import ModelDamaged, ModelMissing, UnknownVoice
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings

PROMPT_ARRAYS = {  # name -> number of dimensions, rows (0: it has none), number of values that a token may have
    "semantic_prompt": (1, 0, 10_000),
    "coarse_prompt": (2, 2, 1024),
    "fine_prompt": (2, 8, 1024),
}
MIN_TOKENS = 60  # of each array: a second; less does not define a voice
DEFAULT_MALE = {"en": "en_speaker_6", "zh": "zh_speaker_8"}  # for "default"; the English one is Suno's own
DEFAULT_FEMALE = {"en": "en_speaker_9", "zh": "zh_speaker_4"}
FEMALE_VOICES = frozenset(DEFAULT_FEMALE.values()) | {
    "zh_speaker_6",
    "zh_speaker_7",
    "zh_speaker_9",
}  # of these two languages
SUNO_FOLDER = "v2/"  # in which Suno publishes the prompts; their names are accepted with and without it


@dataclass(frozen=True)
class VoicePrompt:
    """A voice: tokens of shapes (n,), (2, m) and (8, m), at 49.9, 75 and 75 a second."""

    semantic: np.ndarray
    coarse: np.ndarray
    fine: np.ndarray


class VoiceCatalogue:
    """All voices of a folder; a voice is named after its file, whose name begins with its language."""

    def __init__(self, settings: Settings) -> None:
        """Reads every .npz of the folder that WAIJIAO_TTS_VOICES names. Raises ModelMissing or ModelDamaged."""
        folder = locate(settings.tts_voices, settings.models_folder)
        self.prompts = {file.stem: read_prompt(file) for file in sorted(folder.glob("*.npz"))}
        if not self.prompts:
            raise ModelMissing(f"WAIJIAO_TTS_VOICES: {folder} has no .npz files. Run: waijiao models fetch bark-voices")
        self.names = ("default", *self.prompts)

    def find_prompt(self, name: str, language: str) -> VoicePrompt:
        """The voice of a part in this language, when the utterance asks for voice `name`. Raises UnknownVoice."""
        plain = name.removeprefix(SUNO_FOLDER)
        if plain not in self.names:
            raise UnknownVoice(f"voice {name[:32]!r}: expected one of {', '.join(self.names)}")
        if plain == "default":
            preferred_voice = DEFAULT_MALE.get(language, f"{language}_speaker_0")
        else:
            preferred_voice = find_counterpart(plain, language)
        same_language = (each for each in self.prompts if each.startswith(f"{language}_"))
        candidates = (preferred_voice, *same_language, plain, *self.prompts)
        return self.prompts[next(each for each in candidates if each in self.prompts)]


def find_counterpart(name: str, language: str) -> str:
    """The voice for another language: that of the same number, unless it is known to be of the other sex."""
    own_language, _, number = name.partition("_speaker_")
    if own_language == language or not number:
        return name
    same_number = f"{language}_speaker_{number}"
    is_female = name in FEMALE_VOICES
    if own_language in DEFAULT_MALE and language in DEFAULT_MALE and is_female != (same_number in FEMALE_VOICES):
        return (DEFAULT_FEMALE if is_female else DEFAULT_MALE)[language]
    return same_number


def read_prompt(file: Path) -> VoicePrompt:
    """The voice in an .npz file; pickled objects, which could run code, are refused. Raises ModelDamaged."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return VoicePrompt(*(check_tokens(arrays[name], *rule) for name, rule in PROMPT_ARRAYS.items()))
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelDamaged(f"{file} is not a voice of Bark: {error}. Run: waijiao models fetch bark-voices") from error


def check_tokens(tokens: np.ndarray, dimensions: int, rows: int, values: int) -> np.ndarray:
    """The tokens as int64; ValueError when they are not what Bark expects."""
    has_shape = tokens.ndim == dimensions and (not rows or len(tokens) == rows)
    if not has_shape or tokens.shape[-1] < MIN_TOKENS or not np.issubdtype(tokens.dtype, np.integer):
        raise ValueError(f"an array of shape {tokens.shape} and type {tokens.dtype}")
    if tokens.min() < 0 or tokens.max() >= values:
        raise ValueError(f"tokens from {tokens.min()} to {tokens.max()}, expected 0 to {values - 1}")
    return tokens.astype(np.int64)
