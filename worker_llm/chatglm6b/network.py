"""ChatGLM-6B's network as a model of transformers, its weights by their published names."""

import math
from typing import Any

import torch
from torch import nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers import PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from worker_llm.chatglm6b.places import places, seen, turned, turns
from worker_llm.chatglm6b.shape import ChatGLM6BConfig

# What a block reads is added to what it writes this many times: sqrt(2 * 28), whatever the number of layers, since the
# published code leaves it at its default of 28.
RESIDUAL = math.sqrt(56)
Turns = tuple[torch.Tensor, torch.Tensor]


class Attention(nn.Module):
    """Of one layer. Each head has its query, key and value beside each other in `query_key_value`.

    The published code divides queries by the layer's number, and multiplies the scores again in float32, so that
    float16 does not overflow: scaled_dot_product_attention has its scores in float32 anyway.
    """

    def __init__(self, config: ChatGLM6BConfig, number: int) -> None:
        super().__init__()
        self.heads, self.number = config.num_attention_heads, number
        self.query_key_value = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, states: torch.Tensor, angles: Turns, visible: torch.Tensor, cache: Any) -> torch.Tensor:
        each = self.query_key_value(states).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        query, key, value = each.chunk(3, dim=-1)
        query, key = turned(query, *angles), turned(key, *angles)
        if cache is not None:
            key, value = cache.update(key, value, self.number)
        found = scaled_dot_product_attention(query, key, value, attn_mask=visible)
        written: torch.Tensor = self.dense(found.transpose(1, 2).flatten(-2))
        return written


class FeedForward(nn.Module):
    def __init__(self, config: ChatGLM6BConfig) -> None:
        super().__init__()
        self.dense_h_to_4h = nn.Linear(config.hidden_size, config.inner_hidden_size)
        self.dense_4h_to_h = nn.Linear(config.inner_hidden_size, config.hidden_size)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        written: torch.Tensor = self.dense_4h_to_h(gelu(self.dense_h_to_4h(states), approximate="tanh"))
        return written


class Layer(nn.Module):
    def __init__(self, config: ChatGLM6BConfig, number: int) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.attention = Attention(config, number)
        self.post_attention_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)
        self.mlp = FeedForward(config)

    def forward(self, states: torch.Tensor, angles: Turns, visible: torch.Tensor, cache: Any) -> torch.Tensor:
        """What is added to a block's output is its *normalised* input."""
        states = self.input_layernorm(states)
        states = states * RESIDUAL + self.attention(states, angles, visible, cache)
        states = self.post_attention_layernorm(states)
        written: torch.Tensor = states * RESIDUAL + self.mlp(states)
        return written


class Body(nn.Module):
    def __init__(self, config: ChatGLM6BConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config, number) for number in range(config.num_layers))
        self.final_layernorm = nn.LayerNorm(config.hidden_size, config.layernorm_epsilon)


class ChatGLM6B(PreTrainedModel):
    """Reads a context as a whole: `contexts` (rows,) tells how many tokens come before each row's <sop>."""

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
        contexts: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past_key_values: Any = None,
        logits_to_keep: int = 0,
        **_: Any,
    ) -> CausalLMOutputWithPast:
        """New tokens (rows, new) after those in the cache; in `attention_mask` (rows, all) both, 0 left of short rows.

        `position_ids` (rows, new) simply count a row's tokens from 0. Scores: (rows, new or the last few, vocabulary).
        """
        states = self.transformer.word_embeddings(input_ids)
        angles = turns(places(position_ids, contexts), self.head_size, states.dtype)
        visible = seen(position_ids, attention_mask.bool(), contexts)
        for layer in self.transformer.layers:
            states = layer(states, angles, visible, past_key_values)
        states = self.transformer.final_layernorm(states)
        return CausalLMOutputWithPast(logits=self.lm_head(states[:, -logits_to_keep:]), past_key_values=past_key_values)
