"""Loads a Bark from its folder: `suno/bark` or `suno/bark-small` in transformers' format. Nothing is downloaded."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import BarkModel, BertTokenizer
from transformers.models.bark.generation_configuration_bark import BarkGenerationConfig
from transformers.utils.logging import disable_progress_bar

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing
from pipeline.gpu.torch_device import configure_device
from pipeline.settings import Settings

REQUIRED_FILES = (  # that a folder must have; one of those with a bar between them
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "tokenizer.json|vocab.txt",
    "model.safetensors|model.safetensors.index.json|pytorch_model.bin|pytorch_model.bin.index.json",
)
DTYPES = {"float32": torch.float32, "float16": torch.float16}
AUTO_DTYPES = {"cpu": "float32", "cuda": "float16"}
LOAD_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, pickle.UnpicklingError, SafetensorError)


@dataclass(frozen=True)
class LoadedBark:
    """A BarkModel on its device, its BarkGenerationConfig, and the tokenizer of its texts."""

    model: Any
    generation_config: Any
    tokenizer: Any


def load_bark(folder: Path, settings: Settings) -> LoadedBark:
    """Raises ConfigurationError, ModelMissing or ModelDamaged, which say what to do."""
    target = configure_device("tts", settings)
    dtype = choose_dtype(settings)
    check_folder(folder)
    disable_progress_bar()
    try:
        bark, missing = read_folder(folder, dtype)
        bark.model.eval().to(target)
    except torch.OutOfMemoryError as error:
        fraction = f"WAIJIAO_TTS_GPU_FRACTION={settings.tts_gpu_fraction}"
        raise ConfigurationError(f"{folder} does not fit on GPU {target.index} with {fraction}: {error}") from error
    except LOAD_ERRORS as error:
        raise ModelDamaged(
            f"WAIJIAO_TTS_MODEL: Bark cannot be loaded from {folder}: {error}. Fetch it again."
        ) from error
    if missing:
        problem = f"WAIJIAO_TTS_MODEL: {folder} lacks {len(missing)} of Bark's weights, such as {missing[0]}"
        raise ModelDamaged(f"{problem}. Fetch it again.")
    return bark


def read_folder(folder: Path, dtype: Any) -> tuple[LoadedBark, list[str]]:
    """What is in the folder, and the names of missing weights, which transformers initialises at random."""
    generation_config = BarkGenerationConfig(**read_json(folder / "generation_config.json"))
    tokenizer = BertTokenizer.from_pretrained(str(folder), local_files_only=True)
    model, report = BarkModel.from_pretrained(
        str(folder), dtype=dtype, local_files_only=True, weights_only=True, output_loading_info=True
    )
    needed_weights = {name for name in model.state_dict() if not name.endswith(".attn.bias")}  # a computed mask
    return LoadedBark(model, generation_config, tokenizer), sorted(needed_weights & set(report["missing_keys"]))


def choose_dtype(settings: Settings) -> Any:
    setting = settings.tts_compute_type
    name = AUTO_DTYPES[settings.tts_device] if setting == "auto" else setting
    if name not in DTYPES:
        raise ConfigurationError(f"WAIJIAO_TTS_COMPUTE_TYPE={setting!r}: expected auto, {' or '.join(DTYPES)}")
    return DTYPES[name]


def check_folder(folder: Path) -> None:
    """Raises ModelMissing for a folder without Bark's files, ConfigurationError for one of another model."""
    for names in REQUIRED_FILES:
        if not any((folder / name).is_file() for name in names.split("|")):
            problem = f"WAIJIAO_TTS_MODEL: {folder} has no {names.replace('|', ' or ')}"
            raise ModelMissing(f"{problem}: it must contain a Bark model for transformers, such as suno/bark-small")
    model_type = read_json(folder / "config.json").get("model_type")
    if model_type != "bark":
        raise ConfigurationError(f"WAIJIAO_TTS_MODEL: {folder} is a model of type {model_type!r}, not 'bark'")


def read_json(file: Path) -> dict[str, Any]:
    try:
        entries: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{file} cannot be read: {error}") from error
    if not isinstance(entries, dict):
        raise ModelDamaged(f"{file} cannot be read: it is not a JSON object")
    return entries
