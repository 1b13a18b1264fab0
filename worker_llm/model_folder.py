"""The files of a model's folder: which must be there, and what they tell when transformers does not load them."""

import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged
from worker_llm.generations import later

SETTING = "WAIJIAO_LLM_MODEL"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
WORDS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "ice_text.model")


def complete(folder: Path, words: Sequence[str] = WORDS) -> None:
    """Raises unless the files are there that any model has: of `words`, at least one."""
    if folder.is_file():
        raise ConfigurationError(
            f"{SETTING}: {folder} is a file, and WAIJIAO_LLM_ENGINE=transformers needs a folder; "
            "a GGUF file is for WAIJIAO_LLM_ENGINE=llama.cpp"
        )
    present = [each for each in WEIGHTS if (folder / each).is_file()]
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    missing += [] if any((folder / each).is_file() for each in words) else [words[0]]
    missing += lacking(folder, present[0]) if present else [WEIGHTS[0]]
    if missing:
        raise ModelDamaged(f"{SETTING}: {', '.join(missing)} missing in {folder}; fetch the model anew, with all files")


def lacking(folder: Path, weights: str) -> list[str]:
    """The parts that an index names and the folder does not have."""
    if not weights.endswith(".index.json"):
        return []
    try:
        parts = set(json.loads((folder / weights).read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelDamaged(f"{SETTING}: {folder / weights} is damaged; fetch the model anew") from error
    return sorted(part for part in parts if not (folder / part).is_file())


def refused(folder: Path, error: Exception, trusted: bool) -> ConfigurationError:
    """Why transformers does not load it, as far as its files tell."""
    if not trusted and (known := later(folder)):
        return ConfigurationError(f"{SETTING}: {folder} is {known}")
    if not trusted and any("auto_map" in content(folder / each) for each in ("config.json", "tokenizer_config.json")):
        return ConfigurationError(
            f"{SETTING}: {folder} needs Python code that it brings, and that is not run. Choose a checkpoint that "
            "transformers knows by itself: of GLM those whose name ends in -hf. Or, if you have read the code and "
            f"trust it: WAIJIAO_LLM_REMOTE_CODE={folder}"
        )
    return ModelDamaged(f"{SETTING}: transformers cannot load {folder}: {error}")


def content(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
