"""The sizes of a ChatGLM-6B, by the names of its config.json."""

from typing import Any

from transformers import PreTrainedConfig


class ChatGLM6BConfig(PreTrainedConfig):
    """The defaults are those of the published model, of 6.17 billion weights. Sizes in numbers, places in tokens."""

    model_type = "chatglm"
    attribute_map = {  # noqa: RUF012  (with a type it would be one of the sizes)
        "num_hidden_layers": "num_layers",
        "intermediate_size": "inner_hidden_size",
        "max_position_embeddings": "max_sequence_length",
    }
    vocab_size: int = 130_528  # of which ice_text.model has 130,344; nothing was learnt of the others
    hidden_size: int = 4096
    num_layers: int = 28
    num_attention_heads: int = 32
    inner_hidden_size: int = 16_384
    layernorm_epsilon: float = 1e-5
    max_sequence_length: int = 2048
    mask_token_id: int = 130_000
    gmask_token_id: int = 130_001
    bos_token_id: Any = 130_004
    eos_token_id: Any = 130_005
    pad_token_id: Any = 3
    position_encoding_2d: bool = True
    quantization_bit: int = 0
    pre_seq_len: int | None = None
    tie_word_embeddings: bool = True
