"""A folder with a chat model in the format of transformers: how it is loaded, and what is refused.

Nothing is ever downloaded, and Python code in a folder is not run, unless WAIJIAO_LLM_REMOTE_CODE names that folder.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer
from transformers.utils import logging as transformers_logging

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.gpu.torch_device import configure_device
from pipeline.settings import Settings
from worker_llm.hf_transformers.chat_template import ChatTemplate, JinjaChatTemplate

SETTING = "WAIJIAO_LLM_MODEL"  # named at the beginning of every message
# What transformers and its libraries raise for missing, damaged or malicious files.
LOAD_ERRORS = (
    *(OSError, ValueError, TypeError, LookupError, RuntimeError, ImportError),
    *(SafetensorError, UnpicklingError),
)
WEIGHT_FILES = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "ice_text.model")

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
QUANTIZED_TYPES = ("int8", "int4")

# The generations of ChatGLM after the first share its model_type, but are other models.
GLM_4_VOCAB_SIZE = 151_552  # ChatGLM2's and ChatGLM3's is 65,024
USE_SERVER = "behind a server that runs it (vLLM lists it) with WAIJIAO_LLM_ENGINE=openai"
LATER_GENERATIONS = {  # name -> how to use it
    "ChatGLM2": USE_SERVER,
    "ChatGLM3": f"as a GGUF file with WAIJIAO_LLM_ENGINE=llama.cpp, or {USE_SERVER}",
    "GLM-4": "in the format that transformers supports, whose name ends in -hf (`waijiao models fetch glm-4-9b-chat`), "
    "or as a GGUF file with WAIJIAO_LLM_ENGINE=llama.cpp",
}


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model of transformers, and what is needed to generate text with it."""

    model: Any
    chat_template: ChatTemplate
    stop_tokens: set[int]
    vocab_size: int  # tokens that have a text: a model may have rows for more, which mean nothing
    max_positions: int | None  # tokens that the model was made for


def load_checkpoint(folder: Path, settings: Settings) -> Checkpoint:
    """Raises ModelDamaged or ConfigurationError, whose messages say what is wrong and what to do."""
    silence_libraries()
    check_files(folder)
    trusted_folder = settings.llm_remote_code
    is_trusted = trusted_folder is not None and trusted_folder.expanduser().resolve() == folder.resolve()
    options = {"local_files_only": True, "trust_remote_code": is_trusted}
    try:
        config = AutoConfig.from_pretrained(folder, **options)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    except LOAD_ERRORS as error:
        raise explain_load_error(folder, error, is_trusted) from error
    check_supported(folder, config, tokenizer)
    try:
        model, _ = load_weights(AutoModelForCausalLM, folder, settings, config, **options)
    except LOAD_ERRORS as error:
        raise explain_load_error(folder, error, is_trusted) from error
    vocab_size = 1 + max(map(int, tokenizer.get_vocab().values()))
    max_positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    stop_tokens = find_stop_tokens(model, tokenizer)
    return Checkpoint(model, JinjaChatTemplate(tokenizer), stop_tokens, vocab_size, max_positions)


def silence_libraries() -> None:
    """Their logs report progress and advice; failures are raised."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


# --- files -----------------------------------------------------------------------------------------------------


def check_files(folder: Path, tokenizer_files: Sequence[str] = TOKENIZER_FILES) -> None:
    """Raises unless the files that every model has are there: of `tokenizer_files`, at least one."""
    if folder.is_file():
        raise ConfigurationError(
            f"{SETTING}: {folder} is a file, and WAIJIAO_LLM_ENGINE=transformers needs a folder; "
            "a GGUF file is for WAIJIAO_LLM_ENGINE=llama.cpp"
        )
    weights = next((name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    missing += [] if any((folder / name).is_file() for name in tokenizer_files) else [tokenizer_files[0]]
    missing += find_missing_shards(folder, weights) if weights else [WEIGHT_FILES[0]]
    if missing:
        raise ModelDamaged(
            f"{SETTING}: {', '.join(missing)} missing in {folder}; fetch the model again, with all files"
        )


def find_missing_shards(folder: Path, weights: str) -> list[str]:
    """The files that an index of weights names and the folder does not have."""
    if not weights.endswith(".index.json"):
        return []
    try:
        shards = set(json.loads((folder / weights).read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ModelDamaged(f"{SETTING}: {folder / weights} is damaged; fetch the model again") from error
    return sorted(shard for shard in shards if not (folder / shard).is_file())


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json; {} when it cannot be read."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


# --- weights ---------------------------------------------------------------------------------------------------


def load_weights(kind: Any, folder: Path, settings: Settings, config: Any, **options: Any) -> tuple[Any, Any]:
    """The model of class `kind`, and transformers' report on the weights that it loaded.

    Raises LOAD_ERRORS; ModelDamaged when weights are missing; ConfigurationError when there is too little memory.
    """
    try:
        model, report = kind.from_pretrained(
            folder,
            config=config,
            device_map={"": configure_device("llm", settings)},
            weights_only=True,  # a .bin is a pickle: code hidden in it is not run
            output_loading_info=True,
            **choose_precision(settings, config),
            **options,
        )
    except torch.OutOfMemoryError as error:
        raise ConfigurationError(
            f"{SETTING}: {folder} needs more memory than there is. Raise WAIJIAO_LLM_GPU_FRACTION if the GPU has more, "
            "or set WAIJIAO_LLM_COMPUTE_TYPE=int8 or int4"
        ) from error
    if report["missing_keys"] or report["mismatched_keys"]:
        missing = sorted(map(str, report["missing_keys"] or report["mismatched_keys"]))
        raise ModelDamaged(
            f"{SETTING}: the weights in {folder} lack {missing[0]} and {len(missing) - 1} more; fetch the model again"
        )
    return model.eval(), report


def choose_precision(settings: Settings, config: Any) -> dict[str, Any]:
    """Arguments of `from_pretrained` for WAIJIAO_LLM_COMPUTE_TYPE. Raises ConfigurationError for an unknown type."""
    compute_type = settings.llm_compute_type
    if compute_type in DTYPES:
        return {"dtype": DTYPES[compute_type]}
    if compute_type not in ("auto", *QUANTIZED_TYPES):
        compute_types = ", ".join(("auto", *DTYPES, *QUANTIZED_TYPES))
        raise ConfigurationError(f"WAIJIAO_LLM_COMPUTE_TYPE={compute_type!r}: expected one of {compute_types}")
    dtype = torch.float32 if settings.llm_device == "cpu" else config.dtype or torch.float16
    if compute_type == "auto":
        return {"dtype": dtype}
    if compute_type == "int8":  # LLM.int8() (Dettmers et al. 2022)
        return {"dtype": dtype, "quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    quantization = BitsAndBytesConfig(  # QLoRA (Dettmers et al. 2023): NF4, its scales quantized as well
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    return {"dtype": dtype, "quantization_config": quantization}


def find_stop_tokens(model: Any, tokenizer: Any) -> set[int]:
    end_tokens = model.generation_config.eos_token_id
    tokens = {tokenizer.eos_token_id, *(end_tokens if isinstance(end_tokens, list) else [end_tokens])}
    return {token for token in tokens if token is not None}


# --- what is refused ---------------------------------------------------------------------------------------------


def check_supported(folder: Path, config: Any, tokenizer: Any) -> None:
    """Raises unless it is a chat model with a plain key/value cache, so that chats can share a batch."""
    if not tokenizer.chat_template:
        raise ConfigurationError(
            f"{SETTING}: {folder} has no chat template (chat_template.jinja, or in tokenizer_config.json), so it is "
            "not a chat model; choose the one of its family that is called chat, instruct or it"
        )
    try:
        layers = DynamicCache(config=config).layers
    except LOAD_ERRORS:
        layers = [None]
    if not all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers):
        raise ConfigurationError(
            f"{SETTING}: {folder} is a model ({config.model_type}) that does not use a key/value cache alone, which is "
            "not supported; try WAIJIAO_LLM_ENGINE=llama.cpp, or run it behind a server with WAIJIAO_LLM_ENGINE=openai"
        )


def explain_load_error(folder: Path, error: Exception, is_trusted: bool) -> ConfigurationError:
    """Why transformers does not load the folder, as far as its files tell."""
    if not is_trusted and (description := describe_later_generation(folder)):
        return ConfigurationError(f"{SETTING}: {folder} is {description}")
    files = (folder / "config.json", folder / "tokenizer_config.json")
    if not is_trusted and any(
        "auto_map" in file.read_text("utf-8", errors="replace") for file in files if file.is_file()
    ):
        return ConfigurationError(
            f"{SETTING}: {folder} needs Python code that it contains, and that is not run. Choose a checkpoint that "
            "transformers supports itself: of GLM those whose name ends in -hf. Or, if you have read the code and "
            f"trust it: WAIJIAO_LLM_REMOTE_CODE={folder}"
        )
    return ModelDamaged(f"{SETTING}: transformers cannot load {folder}: {error}")


def describe_later_generation(folder: Path) -> str | None:
    """If the folder is a ChatGLM after the first, as it was published: which one, and how to use it."""
    config = read_config(folder)
    if config.get("model_type") != "chatglm" or "padded_vocab_size" not in config:
        return None
    names = f"{config.get('_name_or_path')} {folder.resolve().name}".lower()
    if config["padded_vocab_size"] == GLM_4_VOCAB_SIZE or "glm-4" in names:
        generation = "GLM-4"
    else:
        generation = "ChatGLM2" if "chatglm2" in names else "ChatGLM3"
    return f"{generation}, with code of its own that is not run here; use it {LATER_GENERATIONS[generation]}"
