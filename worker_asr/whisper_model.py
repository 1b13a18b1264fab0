"""A Whisper model in CTranslate2's form, loaded from its folder: any size, on a CPU or on one GPU."""

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor

from pipeline.errors import ConfigurationError, ModelMissing
from pipeline.settings import Settings
from worker_asr import cublas

FULL = 3000  # frames of 10 ms in the window that Whisper was trained on
BRIEF = 100  # frames that are enough to try something out
AUTO = {"cpu": ("int8", "float32"), "cuda": ("float16", "float32")}  # what "auto" means: the first that can be computed
FILES = ("config.json", "model.bin", "tokenizer.json")
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")  # of newer models and of older ones


class Windowed(WhisperModel):
    """Whisper that encodes `frames` frames only, and not twice when it also detects the language."""

    frames = FULL
    latest: tuple[np.ndarray, Any] | None = None

    def encode(self, features: np.ndarray) -> Any:
        """`features` are those of one window, (bands, frames), or of several, which are always full."""
        if features.ndim > 2:
            return super().encode(features)
        window = features[:, : self.frames]
        if self.latest is None or not alike(self.latest[0], window):
            self.latest = window, super().encode(window)
        return self.latest[1]


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """The same but for one frame: at a clip's end, detecting the language sees one more than recognising."""
    return one.shape == other.shape and int((one != other).any(axis=0).sum()) <= 1


def loaded(model: Path, settings: Settings) -> Windowed:
    """The model on the device that the settings name. Raises ModelMissing, ConfigurationError."""
    missing = [name for name in FILES if not (model / name).is_file()]
    if not any((model / name).is_file() for name in VOCABULARIES):
        missing.append(" or ".join(VOCABULARIES))
    if missing:
        raise ModelMissing(f"WAIJIAO_ASR_MODEL: {model} has no {', '.join(missing)}")
    device, number = place(settings)
    kind = compute_type(settings.asr_compute_type, device, number)
    try:
        whisper = Windowed(
            str(model),
            device=device,
            device_index=number,
            compute_type=kind,
            cpu_threads=settings.asr_threads,
            local_files_only=True,
        )
    except (RuntimeError, ValueError) as error:
        where = f"WAIJIAO_ASR_DEVICE={device} WAIJIAO_ASR_COMPUTE_TYPE={kind}"
        raise ConfigurationError(f"{model} cannot be loaded with {where}: {error}") from error
    bands = whisper.model.n_mels  # large-v3 and what is made of it have 128; a folder may lack the file that says so
    if bands != whisper.feature_extractor.mel_filters.shape[0]:
        whisper.feature_extractor = FeatureExtractor(feature_size=bands)
    check_alignment(whisper, model)
    return whisper


def check_alignment(whisper: Windowed, model: Path) -> None:
    """Raises ConfigurationError when words would have no times: some converted models do not say which heads tell."""
    silence = whisper.encode(np.zeros((1, whisper.model.n_mels, BRIEF), np.float32))
    begin = whisper.hf_tokenizer.token_to_id("<|startoftranscript|>")
    try:
        whisper.model.align(silence, [begin], [[0, 1]], BRIEF)
    except (RuntimeError, ValueError) as error:
        better = "convert the model anew with ct2-transformers-converter, which writes them"
        raise ConfigurationError(f"{model}/config.json has no `alignment_heads` that fit: {better}") from error


def place(settings: Settings) -> tuple[str, int]:
    """The device and its number; raises ConfigurationError when there is no such one."""
    device, number = settings.asr_device, settings.asr_gpu
    if device not in AUTO:
        raise ConfigurationError(f"WAIJIAO_ASR_DEVICE={device!r}: expected one of {', '.join(AUTO)}")
    if device == "cpu":
        return device, 0
    there = ctranslate2.get_cuda_device_count()
    if not there:
        none = "CTranslate2 finds no GPU that it can use, or no driver; there is cpu"
        raise ConfigurationError(f"WAIJIAO_ASR_DEVICE=cuda: {none}")
    if number >= there:
        raise ConfigurationError(f"WAIJIAO_ASR_GPU={number}: expected a number below {there}; so many GPUs are there")
    cublas.preload()
    return device, number


def compute_type(wanted: str, device: str, number: int) -> str:
    """The one that is wanted; for "auto" the best that the device can compute. Raises ConfigurationError."""
    possible = ctranslate2.get_supported_compute_types(device, number)
    chosen = next((kind for kind in AUTO[device] if kind in possible), None) if wanted == "auto" else wanted
    if chosen not in possible:
        known = ", ".join(sorted(possible))
        raise ConfigurationError(f"WAIJIAO_ASR_COMPUTE_TYPE={wanted}: this {device} can compute {known}, or auto")
    return str(chosen)
