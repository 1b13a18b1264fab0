"""Bark's voices: each is a sentence that it once said, in the three forms in which Bark goes on from it."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import ModelDamaged, ModelMissing, UnknownVoice
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings

FORMS = {  # array -> its number of dimensions, its rows (0: it has none), and the number of values a token may have
    "semantic_prompt": (1, 0, 10_000),
    "coarse_prompt": (2, 2, 1024),
    "fine_prompt": (2, 8, 1024),
}
SHORTEST = 60  # tokens of each form: a second; less says nothing of a voice
MEN = {"en": "en_speaker_6", "zh": "zh_speaker_8"}  # spoken when no voice is asked for; the English one is Suno's own
WOMEN = {"en": "en_speaker_9", "zh": "zh_speaker_4"}
FEMALE = frozenset(WOMEN.values()) | {"zh_speaker_6", "zh_speaker_7", "zh_speaker_9"}  # of these two languages
FOLDER = "v2/"  # Suno's, in which the prompts lie; their names are known with and without it


@dataclass(frozen=True)
class Prompt:
    """A voice: tokens of shapes (n,), (2, m) and (8, m), at 49.9, 75 and 75 a second."""

    semantic: np.ndarray
    coarse: np.ndarray
    fine: np.ndarray


class Voices:
    """All voices of a folder; a voice's name is its file's, which begins with its language."""

    def __init__(self, settings: Settings) -> None:
        """Reads every .npz of the folder that WAIJIAO_TTS_VOICES names. Raises ModelMissing or ModelDamaged."""
        folder = locate(settings.tts_voices, settings.models_folder)
        self.prompts = {file.stem: read(file) for file in sorted(folder.glob("*.npz"))}
        if not self.prompts:
            raise ModelMissing(f"WAIJIAO_TTS_VOICES: {folder} has no .npz files. Run: waijiao models fetch bark-voices")
        self.names = ("default", *self.prompts)

    def of(self, name: str, language: str) -> Prompt:
        """Who speaks a part in this language when a line is spoken by voice `name`. Raises UnknownVoice."""
        plain = name.removeprefix(FOLDER)
        if plain not in self.names:
            raise UnknownVoice(f"voice {name[:32]!r}: expected one of {', '.join(self.names)}")
        likely = MEN.get(language, f"{language}_speaker_0") if plain == "default" else counterpart(plain, language)
        others = (each for each in self.prompts if each.startswith(f"{language}_"))
        return self.prompts[next(each for each in (likely, *others, plain, *self.prompts) if each in self.prompts)]


def counterpart(name: str, language: str) -> str:
    """The voice that goes on in this language: the one of the same number, but no woman for a man where we know."""
    own, _, number = name.partition("_speaker_")
    if own == language or not number:
        return name
    same = f"{language}_speaker_{number}"
    if own in MEN and language in MEN and (name in FEMALE) != (same in FEMALE):
        return (WOMEN if name in FEMALE else MEN)[language]
    return same


def read(file: Path) -> Prompt:
    """The voice in an .npz file, of which no code is run. Raises ModelDamaged."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return Prompt(*(checked(arrays[name], *form) for name, form in FORMS.items()))
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelDamaged(f"{file} is no voice of Bark: {error}. Run: waijiao models fetch bark-voices") from error


def checked(tokens: np.ndarray, dimensions: int, rows: int, values: int) -> np.ndarray:
    shaped = tokens.ndim == dimensions and (not rows or len(tokens) == rows) and tokens.shape[-1] >= SHORTEST
    if not shaped or not np.issubdtype(tokens.dtype, np.integer):
        raise ValueError(f"an array of shape {tokens.shape} and type {tokens.dtype}")
    if tokens.min() < 0 or tokens.max() >= values:
        raise ValueError(f"tokens from {tokens.min()} to {tokens.max()}, expected 0 to {values - 1}")
    return tokens.astype(np.int64)
