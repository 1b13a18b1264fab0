"""Load ChatGLM-6B from a folder as it was published, or as transformers writes it; and refuse its relatives by name."""

from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged
from pipeline.settings import Settings
from worker_llm.hf_transformers.chatglm6b.model import ChatGLM6B, ChatGLM6BConfig
from worker_llm.hf_transformers.chatglm6b.tokenizer import WHITE_SPACE, ChatGLMTokenizer, RoundsTemplate
from worker_llm.hf_transformers.checkpoint import (
    LOAD_ERRORS,
    SETTING,
    Checkpoint,
    check_files,
    load_weights,
    read_config,
    silence_libraries,
)

TOKENIZER_FILE = "ice_text.model"
FIRST_VOCAB_SIZE = 150_528  # of the revisions before 6 April 2023, whose first 20,000 tokens are parts of pictures
REQUIRED_FIELDS = (
    *("vocab_size", "hidden_size", "inner_hidden_size", "num_layers", "num_attention_heads", "max_sequence_length"),
    *("gmask_token_id", "bos_token_id", "eos_token_id"),
)


def is_chatglm6b(folder: Path) -> bool:
    """Whether its config.json is a ChatGLM-6B's, whatever the rest is. Later generations use other names in it."""
    config = read_config(folder)
    return config.get("model_type") == "chatglm" and "inner_hidden_size" in config


def load_chatglm6b(folder: Path, settings: Settings) -> Checkpoint:
    """Raises ModelDamaged or ConfigurationError, whose messages say what is wrong and what to do."""
    silence_libraries()
    check_folder(folder)
    try:
        config = ChatGLM6BConfig.from_pretrained(folder, local_files_only=True)
        tokenizer = load_tokenizer(folder / TOKENIZER_FILE, config)
        model, report = load_weights(ChatGLM6B, folder, settings, config)
    except LOAD_ERRORS as error:
        raise ModelDamaged(
            f"{SETTING}: {folder} is damaged, or mixes files of several models: {error}; fetch it again"
        ) from error
    if report["unexpected_keys"]:
        unknown_weight = min(report["unexpected_keys"])
        raise ModelDamaged(
            f"{SETTING}: the weights in {folder} are another model's: ChatGLM-6B has no {unknown_weight}"
        )
    if config.tie_word_embeddings:
        # Where a file has both and they differ, transformers 5 leaves them apart. The published code gives the head's
        # weights to both, since they are loaded last.
        model.transformer.word_embeddings.weight = model.lm_head.weight
    template = RoundsTemplate(tokenizer, config.gmask_token_id, config.bos_token_id)
    return Checkpoint(model, template, {config.eos_token_id}, tokenizer.vocab_size, config.max_sequence_length)


def check_folder(folder: Path) -> None:
    """Raises ModelDamaged for missing files or entries, ConfigurationError for a relative of the model."""
    config = read_config(folder)
    if config.get("vocab_size") == FIRST_VOCAB_SIZE:
        raise ConfigurationError(
            f"{SETTING}: {folder} is ChatGLM-6B as it was before 6 April 2023, with {FIRST_VOCAB_SIZE} tokens and "
            "other positions, which is not supported; fetch the model again to get its last revision (v1.1)"
        )
    if bits := config.get("quantization_bit"):
        raise ConfigurationError(
            f"{SETTING}: {folder} is ChatGLM-6B in {bits} bits in a format that only its own code reads; take "
            f"chatglm-6b itself, with WAIJIAO_LLM_COMPUTE_TYPE=int{bits}"
        )
    if config.get("pre_seq_len"):
        raise ConfigurationError(
            f"{SETTING}: {folder} is tuned with a prefix (P-Tuning, pre_seq_len in config.json), which is not "
            "supported; take chatglm-6b itself, or a model whose weights were tuned"
        )
    if missing := [name for name in REQUIRED_FIELDS if not isinstance(config.get(name), int)]:
        raise ModelDamaged(f"{SETTING}: {folder}/config.json has no {missing[0]}; fetch the model again")
    if not config.get("position_encoding_2d", True):
        raise ConfigurationError(
            f"{SETTING}: {folder} encodes positions in another way (position_encoding_2d) than ChatGLM-6B"
        )
    check_files(folder, (TOKENIZER_FILE,))


def load_tokenizer(file: Path, config: ChatGLM6BConfig) -> ChatGLMTokenizer:
    """Raises ModelDamaged when the file's tokens do not match those of config.json."""
    try:
        tokenizer = ChatGLMTokenizer(file)
    except LOAD_ERRORS as error:
        raise ModelDamaged(
            f"{SETTING}: {file} is not a sentencepiece vocabulary, or is incomplete; fetch the model again"
        ) from error
    tokens = [tokenizer.find_token(text) for text in ("[gMASK]", "<sop>", "<eop>")]
    config_tokens = [config.gmask_token_id, config.bos_token_id, config.eos_token_id]
    too_large = tokenizer.vocab_size > config.vocab_size
    if tokens != config_tokens or len(tokenizer.white_space) < len(WHITE_SPACE) or too_large:
        raise ModelDamaged(
            f"{SETTING}: {file} is another model's: it does not match config.json; fetch the model again"
        )
    return tokenizer
