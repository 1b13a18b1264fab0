"""A Bark from its folder: `suno/bark` or `suno/bark-small` in transformers' form. Nothing is downloaded."""

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
from pipeline.gpu.torch_device import device
from pipeline.settings import Settings

FILES = (  # what a folder must have; of names with a bar between them, one
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "tokenizer.json|vocab.txt",
    "model.safetensors|model.safetensors.index.json|pytorch_model.bin|pytorch_model.bin.index.json",
)
TYPES = {"float32": torch.float32, "float16": torch.float16}
AUTO = {"cpu": "float32", "cuda": "float16"}
UNREADABLE = (OSError, RuntimeError, ValueError, KeyError, TypeError, pickle.UnpicklingError, SafetensorError)


@dataclass(frozen=True)
class Loaded:
    """A BarkModel in its place, its BarkGenerationConfig, and the tokenizer of its texts."""

    model: Any
    manner: Any
    tokenizer: Any


def load(folder: Path, settings: Settings) -> Loaded:
    """Raises ConfigurationError, ModelMissing or ModelDamaged, which say what to do."""
    place = device("tts", settings)
    kind = kind_of_numbers(settings)
    check(folder)
    disable_progress_bar()
    try:
        loaded, missing = read_all(folder, kind)
        loaded.model.eval().to(place)
    except torch.OutOfMemoryError as error:
        fraction = f"WAIJIAO_TTS_GPU_FRACTION={settings.tts_gpu_fraction}"
        raise ConfigurationError(f"{folder} does not fit on GPU {place.index} with {fraction}: {error}") from error
    except UNREADABLE as error:
        raise ModelDamaged(
            f"WAIJIAO_TTS_MODEL: Bark cannot be loaded from {folder}: {error}. Fetch it anew."
        ) from error
    if missing:
        lacking = f"WAIJIAO_TTS_MODEL: {folder} lacks {len(missing)} of Bark's weights, such as {missing[0]}"
        raise ModelDamaged(f"{lacking}. Fetch it anew.")
    return loaded


def read_all(folder: Path, kind: Any) -> tuple[Loaded, list[str]]:
    """What is in the folder, and the names of weights that are not: transformers would make them up at random."""
    manner = BarkGenerationConfig(**read(folder / "generation_config.json"))
    tokenizer = BertTokenizer.from_pretrained(str(folder), local_files_only=True)
    model, found = BarkModel.from_pretrained(
        str(folder), dtype=kind, local_files_only=True, weights_only=True, output_loading_info=True
    )
    needed = {name for name in model.state_dict() if not name.endswith(".attn.bias")}  # which is a mask, and computed
    return Loaded(model, manner, tokenizer), sorted(needed & set(found["missing_keys"]))


def kind_of_numbers(settings: Settings) -> Any:
    wanted, place = settings.tts_compute_type, settings.tts_device
    name = AUTO[place] if wanted == "auto" else wanted
    if name not in TYPES:
        raise ConfigurationError(f"WAIJIAO_TTS_COMPUTE_TYPE={wanted!r}: expected auto, {' or '.join(TYPES)}")
    return TYPES[name]


def check(folder: Path) -> None:
    """Raises ModelMissing for a folder without Bark's files, ConfigurationError for one of another model."""
    for names in FILES:
        if not any((folder / name).is_file() for name in names.split("|")):
            lacking = f"WAIJIAO_TTS_MODEL: {folder} has no {names.replace('|', ' or ')}"
            raise ModelMissing(f"{lacking}: it must hold a Bark for transformers, such as suno/bark-small")
    kind = read(folder / "config.json").get("model_type")
    if kind != "bark":
        raise ConfigurationError(f"WAIJIAO_TTS_MODEL: {folder} is a model of type {kind!r}, not 'bark'")


def read(file: Path) -> dict[str, Any]:
    try:
        entries: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{file} cannot be read: {error}") from error
    if not isinstance(entries, dict):
        raise ModelDamaged(f"{file} cannot be read: it is no object of JSON")
    return entries
