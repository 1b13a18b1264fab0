"""A folder with a chat model as transformers writes it: how it is loaded, and what is refused.

Nothing is ever fetched, and no code that a folder brings is run, unless WAIJIAO_LLM_REMOTE_CODE names that folder.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.utils import logging as their_log

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.gpu.torch_device import device
from pipeline.settings import Settings
from worker_llm.chat_form import ChatForm, Form
from worker_llm.model_folder import SETTING, complete, refused
from worker_llm.precision import precision

DAMAGE = (OSError, ValueError, TypeError, LookupError, RuntimeError, ImportError, SafetensorError, UnpicklingError)


@dataclass(frozen=True)
class Checkpoint:
    """What was loaded: a model of transformers, the form in which chats are read, and what decoding must know."""

    model: Any
    form: Form
    ends: set[int]  # tokens with which an answer ends
    words: int  # how many tokens have a text: a model may have rows for more, which mean nothing
    positions: int | None  # tokens that the model was made for


def load(folder: Path, settings: Settings) -> Checkpoint:
    """Raises ModelDamaged or ConfigurationError, which say what is missing and what to do."""
    quiet()
    complete(folder)
    named = settings.llm_remote_code
    trusted = named is not None and named.expanduser().resolve() == folder.resolve()
    local = {"local_files_only": True, "trust_remote_code": trusted}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except DAMAGE as error:
        raise refused(folder, error, trusted) from error
    suits(folder, config, tokenizer)
    try:
        model = weights(AutoModelForCausalLM, folder, settings, config, **local)[0]
    except DAMAGE as error:
        raise refused(folder, error, trusted) from error
    words = 1 + max(map(int, tokenizer.get_vocab().values()))
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return Checkpoint(model, ChatForm(tokenizer), ends(model, tokenizer), words, positions)


def weights(kind: Any, folder: Path, settings: Settings, config: Any, **more: Any) -> tuple[Any, Any]:
    """The model that `kind` makes of the folder, and what was found in it. Raises DAMAGE, ModelDamaged when some are
    missing, ConfigurationError when there is too little memory.
    """
    try:
        model, found = kind.from_pretrained(
            folder,
            config=config,
            device_map={"": device("llm", settings)},
            weights_only=True,  # a .bin is read without running what may be hidden in it
            output_loading_info=True,
            **precision(settings, config),
            **more,
        )
    except torch.OutOfMemoryError as error:
        raise ConfigurationError(
            f"{SETTING}: {folder} needs more memory than there is. Raise WAIJIAO_LLM_GPU_FRACTION if the GPU has more, "
            "or set WAIJIAO_LLM_COMPUTE_TYPE=int8 or int4"
        ) from error
    if found["missing_keys"] or found["mismatched_keys"]:
        lost = sorted(map(str, found["missing_keys"] or found["mismatched_keys"]))
        raise ModelDamaged(f"{SETTING}: the weights in {folder} lack {lost[0]} and {len(lost) - 1} more; fetch it anew")
    return model.eval(), found


def ends(model: Any, tokenizer: Any) -> set[int]:
    named = model.generation_config.eos_token_id
    known = {tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])}
    return {token for token in known if token is not None}


def quiet() -> None:
    """Their logs tell of progress and of habits, not of trouble: that is raised."""
    their_log.set_verbosity_error()
    their_log.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


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
