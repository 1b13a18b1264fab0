"""The probe: a small network that tells from a frame of Whisper base's encoder which sound is heard in it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from pipeline.errors import ConfigurationError
from worker_asr.clearness.sounds import SOUNDS

CLASSES = (*SOUNDS, "")  # the last one is a pause
PAUSE_CLASS = len(SOUNDS)
WIDTH = 512  # numbers in a frame of Whisper base; other sizes have other widths, or other meanings
FRAME_S = 0.02
FLOOR = -13.0  # log probability below which all is the same

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Probe:
    """One hidden layer with rectified units. `frequency` [classes] is how often each sound was in the training data."""

    hidden: Floats  # [WIDTH, units]
    hidden_bias: Floats
    output: Floats  # [units, classes]
    output_bias: Floats
    frequency: Floats

    def classify(self, frames: Floats) -> Floats:
        """The log probability of each sound in each frame, [frames, classes], at least FLOOR."""
        units = np.maximum(frames.astype(np.float32) @ self.hidden + self.hidden_bias, 0)
        scores = units @ self.output + self.output_bias
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        result: Floats = np.maximum(scores, FLOOR)
        return result


def load_probe(file: Path) -> Probe:
    """The probe that `save_probe` wrote; raises ConfigurationError when the file is missing or is none."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if tuple(arrays["classes"].tolist()) != CLASSES or arrays["hidden"].shape[0] != WIDTH:
                raise ConfigurationError(f"{file}: a probe for other sounds or for another speech model")
            names = ("hidden", "hidden_bias", "output", "output_bias", "frequency")
            return Probe(*(arrays[name].astype(np.float32) for name in names))
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise ConfigurationError(f"{file} is not the file of a probe: {error}") from error


def save_probe(probe: Probe, file: Path) -> None:
    """Write the numbers with half precision, compressed."""
    arrays = {name: value.astype(np.float16) for name, value in vars(probe).items()}
    np.savez_compressed(file, classes=np.array(CLASSES), **arrays)
