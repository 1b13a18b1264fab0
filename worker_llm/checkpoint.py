"""A folder with a chat model as transformers writes it: how it is loaded, and what is refused.

Nothing is ever fetched, and no code that a folder brings is run, unless WAIJIAO_LLM_REMOTE_CODE names that folder.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.utils import logging as their_log

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.settings import Settings
from pipeline.torch_device import device
from worker_llm.precision import precision

SETTING = "WAIJIAO_LLM_MODEL"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
WORDS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "ice_text.model")
DAMAGE = (OSError, ValueError, TypeError, LookupError, RuntimeError, ImportError, SafetensorError, UnpicklingError)


@dataclass(frozen=True)
class Checkpoint:
    """What was loaded; both are transformers' own."""

    model: Any
    tokenizer: Any

    @property
    def ends(self) -> set[int]:
        """Tokens with which an answer ends."""
        named = self.model.generation_config.eos_token_id
        known = {self.tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])}
        return {token for token in known if token is not None}

    @property
    def words(self) -> int:
        """How many tokens have a text: a model may have rows for more, which mean nothing."""
        return 1 + max(map(int, self.tokenizer.get_vocab().values()))

    @property
    def positions(self) -> int | None:
        """Tokens that the model was made for."""
        most: int | None = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return most


def load(folder: Path, settings: Settings) -> Checkpoint:
    """Raises ModelDamaged or ConfigurationError, which say what is missing and what to do."""
    quiet()
    complete(folder)
    place, named = device("llm", settings), settings.llm_remote_code
    trusted = named is not None and named.expanduser().resolve() == folder.resolve()
    local = {"local_files_only": True, "trust_remote_code": trusted}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except DAMAGE as error:
        raise refused(folder, error, trusted) from error
    suits(folder, config, tokenizer)
    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            device_map={"": place},
            weights_only=True,  # a .bin is read without running what may be hidden in it
            output_loading_info=True,
            **precision(settings, config),
            **local,
        )
    except DAMAGE as error:
        raise refused(folder, error, trusted) from error
    if found["missing_keys"] or found["mismatched_keys"]:
        lost = sorted(map(str, found["missing_keys"] or found["mismatched_keys"]))
        raise ModelDamaged(f"{SETTING}: the weights in {folder} lack {lost[0]} and {len(lost) - 1} more; fetch it anew")
    return Checkpoint(model.eval(), tokenizer)


def quiet() -> None:
    """Their logs tell of progress and of habits, not of trouble: that is raised."""
    their_log.set_verbosity_error()
    their_log.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def complete(folder: Path) -> None:
    """Raises unless the files are there that any model has."""
    if folder.is_file():
        raise ConfigurationError(
            f"{SETTING}: {folder} is a file, and WAIJIAO_LLM_ENGINE=transformers needs a folder; "
            "a GGUF file is for WAIJIAO_LLM_ENGINE=llama.cpp"
        )
    present = [each for each in WEIGHTS if (folder / each).is_file()]
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    missing += [] if any((folder / each).is_file() for each in WORDS) else [WORDS[0]]
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


def suits(folder: Path, config: Any, tokenizer: Any) -> None:
    """Raises unless it is a model for chats whose memory is keys and values, so that chats can share a batch."""
    if not tokenizer.chat_template:
        raise ConfigurationError(
            f"{SETTING}: {folder} has no chat template (chat_template.jinja, or in tokenizer_config.json), so it is no "
            "model for chats; choose the one of its family that is called chat, instruct or it"
        )
    try:
        layers = DynamicCache(config=config).layers
    except DAMAGE:
        layers = [None]
    if not all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        raise ConfigurationError(
            f"{SETTING}: {folder} is of a kind ({config.model_type}) that remembers otherwise than by keys and values; "
            "try it with WAIJIAO_LLM_ENGINE=llama.cpp, or behind a server with WAIJIAO_LLM_ENGINE=openai"
        )


def refused(folder: Path, error: Exception, trusted: bool) -> ConfigurationError:
    """Why transformers does not load it, as far as its files tell."""
    if not trusted and any("auto_map" in content(folder / each) for each in ("config.json", "tokenizer_config.json")):
        return ConfigurationError(
            f"{SETTING}: {folder} needs Python code that it brings, and that is not run. Choose a checkpoint that "
            "transformers knows by itself: of GLM those whose name ends in -hf. Or, if you have read the code and "
            f"trust it: WAIJIAO_LLM_REMOTE_CODE={folder}"
        )
    return ModelDamaged(f"{SETTING}: transformers cannot load {folder}: {error}")


def content(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
