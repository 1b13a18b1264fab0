"""A folder that says it is ChatGLM-6B: what of it is missing, or is another model's."""

from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged
from worker_llm.generations import described
from worker_llm.model_folder import SETTING, complete

WORDS = "ice_text.model"
FIRST_VOCABULARY = 150_528  # of the revisions before 6 April 2023, whose first 20,000 tokens are parts of pictures
SIZES = ("vocab_size", "hidden_size", "inner_hidden_size", "num_layers", "num_attention_heads", "max_sequence_length")
TOKENS = ("gmask_token_id", "bos_token_id", "eos_token_id")


def recognised(folder: Path) -> bool:
    """Whether it is a ChatGLM-6B by its config.json, whatever the rest is. Later ones have other names in it."""
    config = described(folder)
    return config.get("model_type") == "chatglm" and "inner_hidden_size" in config


def check(folder: Path) -> None:
    """Raises ModelDamaged for what is missing, ConfigurationError for a relative of the model."""
    config = described(folder)
    if config.get("vocab_size") == FIRST_VOCABULARY:
        raise ConfigurationError(
            f"{SETTING}: {folder} is ChatGLM-6B as it was before 6 April 2023, with {FIRST_VOCABULARY} tokens, which "
            "counts its places otherwise; fetch the model anew: its last revision is meant (v1.1)"
        )
    if bits := config.get("quantization_bit"):
        raise ConfigurationError(
            f"{SETTING}: {folder} is ChatGLM-6B in {bits} bits of a form that only its own code reads; take chatglm-6b "
            f"itself, with WAIJIAO_LLM_COMPUTE_TYPE=int{bits}"
        )
    if config.get("pre_seq_len"):
        raise ConfigurationError(
            f"{SETTING}: {folder} is tuned with a prefix (P-Tuning, pre_seq_len in config.json), which is not read; "
            "take chatglm-6b itself, or one that was tuned as a whole"
        )
    if missing := [name for name in (*SIZES, *TOKENS) if not isinstance(config.get(name), int)]:
        raise ModelDamaged(f"{SETTING}: {folder}/config.json has no {missing[0]}; fetch the model anew")
    if not config.get("position_encoding_2d", True):
        raise ConfigurationError(
            f"{SETTING}: {folder} counts its places otherwise (position_encoding_2d) than ChatGLM-6B"
        )
    complete(folder, (WORDS,))
