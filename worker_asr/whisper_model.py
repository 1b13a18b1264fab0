"""A Whisper model in CTranslate2's format, loaded from its folder: any size, on a CPU or on one GPU."""

import ctypes
import importlib.util
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor

from pipeline.errors import ConfigurationError, ModelMissing
from pipeline.settings import Settings

WINDOW_FRAMES = 3000  # frames of 10 ms in the window that Whisper was trained on
RECENT_WINDOWS = 3  # of which the encodings are kept, 1.5 MB each with Whisper base
PROBE_FRAMES = 100  # enough to try something out
AUTO_COMPUTE_TYPES = {"cpu": ("int8", "float32"), "cuda": ("float16", "float32")}  # the first that can be computed
REQUIRED_FILES = ("config.json", "model.bin", "tokenizer.json")
VOCABULARY_FILES = ("vocabulary.json", "vocabulary.txt")  # of newer models and of older ones
CUBLAS_LIBRARIES = (  # in this order, since each needs those before it
    "cuda_nvrtc/lib/libnvrtc.so.12",
    "cublas/lib/libcublasLt.so.12",
    "cublas/lib/libcublas.so.12",
)


class NoWindowsLeft(Exception):
    """No more windows of this recording may be computed."""


class VariableWindowWhisper(WhisperModel):
    """Whisper that encodes only `frames` frames, and none of the last RECENT_WINDOWS windows twice.

    The same window is needed to detect the language, to recognise, and to measure how clearly words were said.

    It computes only `windows_left` more windows one by one, and raises NoWindowsLeft before the next one.
    """

    frames = WINDOW_FRAMES
    windows_left = 1
    recent: tuple[tuple[np.ndarray, Any], ...] = ()  # features of windows, and their encodings; the latest first

    def encode(self, features: np.ndarray) -> Any:
        """`features` are those of one window, (bands, frames), or of several, which are always full."""
        if features.ndim > 2:
            return super().encode(features)
        window = features[:, : self.frames]
        for earlier_window, encoding in self.recent:
            if is_same_window(earlier_window, window):
                return encoding
        encoding = super().encode(window)
        self.recent = ((window, encoding), *self.recent)[:RECENT_WINDOWS]
        return encoding

    def generate_with_fallback(self, *arguments: Any, **options: Any) -> Any:
        if not self.windows_left:
            raise NoWindowsLeft
        self.windows_left -= 1
        return super().generate_with_fallback(*arguments, **options)


def is_same_window(first: np.ndarray, second: np.ndarray) -> bool:
    """Equal but for one frame: at a clip's end, language detection is given one more than recognition."""
    return first.shape == second.shape and int((first != second).any(axis=0).sum()) <= 1


def load_whisper(model: Path, settings: Settings) -> VariableWindowWhisper:
    """The model on the device that the settings name. Raises ModelMissing, ConfigurationError."""
    missing = [name for name in REQUIRED_FILES if not (model / name).is_file()]
    if not any((model / name).is_file() for name in VOCABULARY_FILES):
        missing.append(" or ".join(VOCABULARY_FILES))
    if missing:
        raise ModelMissing(f"WAIJIAO_ASR_MODEL: {model} has no {', '.join(missing)}")
    device, index = choose_device(settings)
    compute_type = choose_compute_type(settings.asr_compute_type, device, index)
    try:
        whisper = VariableWindowWhisper(
            str(model),
            device=device,
            device_index=index,
            compute_type=compute_type,
            cpu_threads=settings.asr_threads,
            local_files_only=True,
        )
    except (RuntimeError, ValueError) as error:
        options = f"WAIJIAO_ASR_DEVICE={device} WAIJIAO_ASR_COMPUTE_TYPE={compute_type}"
        raise ConfigurationError(f"{model} cannot be loaded with {options}: {error}") from error
    bands = whisper.model.n_mels  # 128 for large-v3 and its derivatives; the folder may lack the file that says so
    if bands != whisper.feature_extractor.mel_filters.shape[0]:
        whisper.feature_extractor = FeatureExtractor(feature_size=bands)
    check_alignment_heads(whisper, model)
    return whisper


def check_alignment_heads(whisper: VariableWindowWhisper, model: Path) -> None:
    """Raises ConfigurationError when words would have no times: some converted models lack the alignment heads."""
    silence = whisper.encode(np.zeros((1, whisper.model.n_mels, PROBE_FRAMES), np.float32))
    start_token = whisper.hf_tokenizer.token_to_id("<|startoftranscript|>")
    try:
        whisper.model.align(silence, [start_token], [[0, 1]], PROBE_FRAMES)
    except (RuntimeError, ValueError) as error:
        advice = "convert the model again with ct2-transformers-converter, which writes them"
        raise ConfigurationError(f"{model}/config.json has no `alignment_heads` that fit: {advice}") from error


def choose_device(settings: Settings) -> tuple[str, int]:
    """The device and its index; raises ConfigurationError when there is no such device."""
    device, index = settings.asr_device, settings.asr_gpu
    if device not in AUTO_COMPUTE_TYPES:
        raise ConfigurationError(f"WAIJIAO_ASR_DEVICE={device!r}: expected one of {', '.join(AUTO_COMPUTE_TYPES)}")
    if device == "cpu":
        return device, 0
    count = ctranslate2.get_cuda_device_count()
    if not count:
        raise ConfigurationError(
            "WAIJIAO_ASR_DEVICE=cuda: CTranslate2 finds no GPU that it can use, or no driver; choose cpu"
        )
    if index >= count:
        raise ConfigurationError(
            f"WAIJIAO_ASR_GPU={index}: expected 0..{count - 1}; this machine has {count} GPU{'s' * (count > 1)}"
        )
    preload_cublas()
    return device, index


def preload_cublas() -> None:
    """Load the libraries of the wheel `nvidia-cublas-cu12`, if it is installed.

    CTranslate2 opens cuBLAS for CUDA 12 by its name, which finds libraries that are loaded already; without the wheel
    the system's own are found.
    """
    package = importlib.util.find_spec("nvidia")
    folders = list(package.submodule_search_locations or ()) if package else []
    for library in CUBLAS_LIBRARIES:
        for file in (Path(folder) / library for folder in folders):
            if file.is_file():
                ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)


def choose_compute_type(setting: str, device: str, index: int) -> str:
    """The compute type of the setting; for "auto" the best that the device supports. Raises ConfigurationError."""
    supported_types = ctranslate2.get_supported_compute_types(device, index)
    if setting == "auto":
        setting = next((name for name in AUTO_COMPUTE_TYPES[device] if name in supported_types), setting)
    if setting not in supported_types:
        names = ", ".join(sorted(supported_types))
        raise ConfigurationError(f"WAIJIAO_ASR_COMPUTE_TYPE={setting}: this {device} can compute {names}, or auto")
    return setting
