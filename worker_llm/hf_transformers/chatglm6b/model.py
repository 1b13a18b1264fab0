"""ChatGLM-6B as a model of transformers, its weights by their published names.

A row is its context, which ends with [gMASK], then <sop> and the answer. All tokens attend to the whole context; <sop>
and the answer are context to only by later tokens. A token has a position in the context, where the whole answer has
that of [gMASK], and a position in the answer: 1 for <sop>, 0 for the whole context (Du et al. 2022, GLM).
"""

import math
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

ROTARY_BASE = 10_000  # of rotary embeddings (Su et al. 2021)
# The input of a block is scaled before it is added to its output: by sqrt(2 * 28), whatever the number of layers, since
# the published code leaves it at its default of 28.
RESIDUAL_SCALE = math.sqrt(56)
RotaryEmbedding = tuple[torch.Tensor, torch.Tensor]  # cosines and sines


class ChatGLM6BConfig(PreTrainedConfig):
    """Sizes by the names of config.json. The defaults are those of the published model of 6.17 billion weights."""

    model_type = "chatglm"
    attribute_map = {  # noqa: RUF012  (with a type annotation it would become a field of the config)
        "num_hidden_layers": "num_layers",
        "intermediate_size": "inner_hidden_size",
        "max_position_embeddings": "max_sequence_length",
    }
    vocab_size: int = 130_528  # of which ice_text.model has 130,344; the others were not trained
    hidden_size: int = 4096
    num_layers: int = 28
    num_attention_heads: int = 32
    inner_hidden_size: int = 16_384
    layernorm_epsilon: float = 1e-5
    max_sequence_length: int = 2048  # tokens
    mask_token_id: int = 130_000
    gmask_token_id: int = 130_001
    bos_token_id: Any = 130_004
    eos_token_id: Any = 130_005
    pad_token_id: Any = 3
    position_encoding_2d: bool = True
    quantization_bit: int = 0
    pre_seq_len: int | None = None
    tie_word_embeddings: bool = True


# --- positions and attention mask --------------------------------------------------------------------------------


def compute_positions(position_ids: torch.Tensor, context_lengths: torch.Tensor) -> torch.Tensor:
    """The positions in the context and in the answer of tokens at `position_ids` (rows, new): (rows, 2, new)."""
    context_lengths = context_lengths.unsqueeze(-1)
    in_context = torch.minimum(position_ids, context_lengths - 1).clamp(min=0)
    return torch.stack((in_context, (position_ids - context_lengths + 1).clamp(min=0)), dim=1)


def build_attention_mask(
    position_ids: torch.Tensor, not_padding: torch.Tensor, context_lengths: torch.Tensor
) -> torch.Tensor:
    """True where a new token attends to a column: (rows, 1, new, width). `not_padding` is (rows, width).

    Padding itself attends to the context, too: attending to nothing would make it NaN.
    """
    lengths = not_padding.sum(-1, keepdim=True)
    columns = torch.arange(not_padding.shape[1], device=not_padding.device) - (not_padding.shape[1] - lengths)
    causal = columns.unsqueeze(1) <= position_ids.unsqueeze(-1)
    in_context = (columns < context_lengths.unsqueeze(-1)).unsqueeze(1)
    return (not_padding.unsqueeze(1) & (causal | in_context)).unsqueeze(1)


@cache
def compute_rotary_frequencies(size: int) -> torch.Tensor:
    """Radians per position of `size` / 2 pairs, rounded to float16 as the model was trained with; on the CPU."""
    exponents = torch.arange(0, size, 2, device="cpu").float() / size
    return (1.0 / ROTARY_BASE**exponents).half()


def compute_rotary_embedding(positions: torch.Tensor, head_size: int, dtype: torch.dtype) -> RotaryEmbedding:
    """Cosines and sines (rows, 1, new, head size): half of them by the first of the two positions, half by the other.

    In float16 the angles are of that type too, as they were in training: at position 1,000 that is a quarter off.
    """
    angle_dtype = torch.float16 if dtype == torch.float16 else torch.float32
    frequencies = compute_rotary_frequencies(head_size // 2).to(positions.device, angle_dtype)
    angles = positions.to(angle_dtype).unsqueeze(-1) * frequencies
    angles = torch.cat((angles, angles), -1).transpose(1, 2).flatten(-2).unsqueeze(1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def apply_rotary(states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Queries or keys (rows, heads, new, head size), each half of them rotated by itself."""
    first, second = states.unflatten(-1, (2, -1)).chunk(2, dim=-1)
    return states * cosines + torch.cat((-second, first), -1).flatten(-2) * sines


# --- layers --------------------------------------------------------------------------------------------------------


class Attention(nn.Module):
    """`query_key_value` has the query, key and value of each head next to each other.

    The published code divides queries by the layer's number, and multiplies the scores again in float32, so that
    float16 does not overflow: scaled_dot_product_attention has its scores in float32 anyway.
    """

    def __init__(self, config: ChatGLM6BConfig, layer_index: int) -> None:
        super().__init__()
        self.num_heads, self.layer_index = config.num_attention_heads, layer_index
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, states: torch.Tensor, rotary: RotaryEmbedding, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        heads = self.query_key_value(states).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        query, key, value = heads.chunk(3, dim=-1)
        query, key = apply_rotary(query, *rotary), apply_rotary(key, *rotary)
        if cache is not None:
            key, value = cache.update(key, value, self.layer_index)
        context = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        output: torch.Tensor = self.dense(context.transpose(1, 2).flatten(-2))
        return output


class FeedForward(nn.Module):
    def __init__(self, config: ChatGLM6BConfig) -> None:
        super().__init__()
        self.dense_h_to_4h = nn.Linear(config.hidden_size, config.inner_hidden_size)
        self.dense_4h_to_h = nn.Linear(config.inner_hidden_size, config.hidden_size)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.dense_4h_to_h(gelu(self.dense_h_to_4h(states), approximate="tanh"))
        return output


class Layer(nn.Module):
    def __init__(self, config: ChatGLM6BConfig, layer_index: int) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.attention = Attention(config, layer_index)
        self.post_attention_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.mlp = FeedForward(config)

    def forward(self, states: torch.Tensor, rotary: RotaryEmbedding, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """The residual that is added to a block's output is its *normalised* input."""
        states = self.input_layernorm(states)
        states = states * RESIDUAL_SCALE + self.attention(states, rotary, mask, cache)
        states = self.post_attention_layernorm(states)
        output: torch.Tensor = states * RESIDUAL_SCALE + self.mlp(states)
        return output


class Body(nn.Module):
    def __init__(self, config: ChatGLM6BConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config.num_layers))
        self.final_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)


class ChatGLM6B(PreTrainedModel):
    """A context must be given at once: `context_lengths` (rows,) are the tokens before each row's <sop>."""

    config_class = ChatGLM6BConfig
    _tied_weights_keys = {"lm_head.weight": "transformer.word_embeddings.weight"}  # noqa: RUF012
    _keys_to_ignore_on_load_unexpected = [r"rotary_emb\.inv_freq"]  # noqa: RUF012  (it can be computed)

    def __init__(self, config: ChatGLM6BConfig) -> None:
        super().__init__(config)
        self.head_size = config.hidden_size // config.num_attention_heads
        self.transformer = Body(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.transformer.word_embeddings

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def forward(
        self,
        input_ids: torch.Tensor,
        context_lengths: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past_key_values: Any = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """Compute new tokens (rows, new) after those in the cache.

        `attention_mask` (rows, width) covers both, and is 0 for the padding on the left. `position_ids` (rows, new)
        count a row's tokens from 0. Logits: (rows, new or the last `logits_to_keep`, vocabulary).
        """
        states = self.transformer.word_embeddings(input_ids)
        rotary = compute_rotary_embedding(
            compute_positions(position_ids, context_lengths), self.head_size, states.dtype
        )
        mask = build_attention_mask(position_ids, attention_mask.bool(), context_lengths)
        for layer in self.transformer.layers:
            states = layer(states, rotary, mask, past_key_values)
        states = self.transformer.final_layernorm(states)
        return CausalLMOutputWithPast(logits=self.lm_head(states[:, -logits_to_keep:]), past_key_values=past_key_values)
