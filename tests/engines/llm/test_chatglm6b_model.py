"""ChatGLM-6B's own arithmetic: positions, attention mask, and the whole model against a plain re-implementation."""

import json
import math

import pytest
import torch
from torch.nn.functional import layer_norm
from transformers import DynamicCache

from pipeline.settings import Settings
from waijiao.tiny_models import chatglm6b
from worker_llm.hf_transformers.chatglm6b.model import (
    RESIDUAL_SCALE,
    build_attention_mask,
    compute_positions,
    compute_rotary_embedding,
    compute_rotary_frequencies,
)
from worker_llm.hf_transformers.engine import Transformers

A, B, C, GMASK, SOP, X, Y = 300, 410, 520, 87, 90, 600, 700  # tokens of the tiny vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return chatglm6b.make(tmp_path_factory.mktemp("chatglm6b"))


@pytest.fixture(scope="module")
def network(folder):
    return Transformers(folder, Settings(llm_compute_type="float32")).config.model_runner.model


@pytest.fixture(scope="module")
def weights(folder):
    files = sorted(folder.glob("*.bin"))
    return {name: each.float() for file in files for name, each in torch.load(file).items()}


def compute_logits(network, rows, context_lengths, cache=None, before=0):
    """Of rows of tokens, padded on the left with the first token to be of one length."""
    width = max(map(len, rows))
    own = torch.tensor([[len(row)] for row in rows])
    tokens = torch.tensor([[A] * (width - len(row)) + row for row in rows])[:, before:]
    with torch.inference_mode():
        return network(
            input_ids=tokens,
            context_lengths=torch.tensor(context_lengths),
            attention_mask=(torch.arange(width) >= width - own).long(),
            position_ids=(own - width + torch.arange(width))[:, before:],
            past_key_values=cache,
        ).logits


# --- a chat of three tokens, then [gMASK], <sop> and an answer of two, worked out by hand ----------------------------

CHAT, CONTEXT = [A, B, C, GMASK, SOP, X, Y], 4


def test_a_token_has_a_position_in_the_context_and_one_in_the_answer():
    found = compute_positions(torch.arange(7).unsqueeze(0), torch.tensor([CONTEXT]))
    assert found.tolist() == [
        [
            [0, 1, 2, 3, 3, 3, 3],  # the answer stays at [gMASK]
            [0, 0, 0, 0, 1, 2, 3],  # <sop> is its first
        ]
    ]


def test_all_tokens_attend_to_the_context_and_later_ones_to_the_answer():
    visible = build_attention_mask(
        torch.arange(7).unsqueeze(0), torch.ones(1, 7, dtype=torch.bool), torch.tensor([CONTEXT])
    )
    assert visible[0, 0].int().tolist() == [
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],  # [gMASK] does not attend to <sop>
        [1, 1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ]


def test_a_shorter_row_counts_from_its_own_first_token():
    """A shorter chat in the same batch, of one token: [pad, pad, A, gMASK, sop, X, Y]."""
    position_ids, context_lengths = torch.tensor([[-2, -1, 0, 1, 2, 3, 4]]), torch.tensor([2])
    not_padding = torch.tensor([[False, False, True, True, True, True, True]])
    assert compute_positions(position_ids, context_lengths).tolist() == [[[0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 2, 3]]]
    assert build_attention_mask(position_ids, not_padding, context_lengths)[0, 0, 2:].int().tolist() == [
        [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 1, 1],
    ]


def test_the_next_token_alone_has_the_position_it_has_in_the_whole():
    visible = build_attention_mask(
        torch.tensor([[6], [4]]), torch.tensor([[1] * 7, [0, 0] + [1] * 5]).bool(), torch.tensor([4, 2])
    )
    assert visible[:, 0, 0].int().tolist() == [[1, 1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1, 1]]
    assert compute_positions(torch.tensor([[6], [4]]), torch.tensor([4, 2])).tolist() == [[[3], [3]], [[1], [3]]]


def test_the_frequencies_are_those_of_float16():
    """Of the real model's heads of 128: two halves of 64, so 32 frequencies."""
    found = compute_rotary_frequencies(64)
    assert found.dtype == torch.float16
    assert found[:3].tolist() == [1.0, 0.75, 0.5625] == pytest.approx([10_000 ** (-n / 32) for n in range(3)], abs=4e-4)
    cosines, sines = compute_rotary_embedding(torch.tensor([[[5], [2]]]), 128, torch.float32)
    assert cosines.shape == (1, 1, 1, 128)
    assert cosines[0, 0, 0, [1, 33, 65, 97]].tolist() == pytest.approx([math.cos(n * found[1]) for n in (5, 5, 2, 2)])
    assert sines[0, 0, 0, [1, 33, 65, 97]].tolist() == pytest.approx([math.sin(n * found[1]) for n in (5, 5, 2, 2)])


def test_angles_are_rounded_to_float16_in_a_float16_model():
    angle = torch.tensor(1001.0).half() * compute_rotary_frequencies(64)[5]
    cosines, _ = compute_rotary_embedding(torch.tensor([[[1001], [0]]]), 128, torch.float16)
    assert cosines[0, 0, 0, 5] == angle.cos()
    assert cosines[0, 0, 0, 5] != torch.tensor(1001 * compute_rotary_frequencies(64)[5].item()).cos().half()


# --- the model against a plain re-implementation ---------------------------------------------------------------------


def compute_by_hand(weights, config, tokens, context):
    """Attention scores of one row, head by head and token by token, without the code under test."""
    heads = config["num_attention_heads"]
    size = config["hidden_size"] // heads
    half = size // 2
    speeds = [torch.tensor(10_000.0 ** (-2 * n / half)).half().item() for n in range(half // 2)]
    positions = [(min(n, context - 1), max(0, n - context + 1)) for n in range(len(tokens))]

    def rotate(vector, positions):
        out = vector.clone()
        for start, count in ((0, positions[0]), (half, positions[1])):
            for n, speed in enumerate(speeds):
                one, other = start + n, start + n + half // 2
                cos, sin = math.cos(count * speed), math.sin(count * speed)
                out[one] = vector[one] * cos - vector[other] * sin
                out[other] = vector[other] * cos + vector[one] * sin
        return out

    def linear(name, states):
        return states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name, states):
        return layer_norm(states, states.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-5)

    states = weights["transformer.word_embeddings.weight"][tokens]
    for number in range(config["num_layers"]):
        layer = f"transformer.layers.{number}"
        states = norm(f"{layer}.input_layernorm", states)
        mixed = linear(f"{layer}.attention.query_key_value", states)
        found = torch.zeros_like(states)
        for head in range(heads):
            own = mixed[:, 3 * size * head : 3 * size * (head + 1)]
            query = [rotate(own[n, :size], position) for n, position in enumerate(positions)]
            key = [rotate(own[n, size : 2 * size], position) for n, position in enumerate(positions)]
            for n in range(len(tokens)):
                attended = range(context if n < context else n + 1)
                weight = torch.stack([query[n] @ key[other] / math.sqrt(size) for other in attended]).softmax(0)
                found[n, size * head : size * (head + 1)] = weight @ own[: len(attended), 2 * size :]
        states = states * math.sqrt(56) + linear(f"{layer}.attention.dense", found)
        states = norm(f"{layer}.post_attention_layernorm", states)
        inner = linear(f"{layer}.mlp.dense_h_to_4h", states)
        inner = 0.5 * inner * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner**3)))
        states = states * math.sqrt(56) + linear(f"{layer}.mlp.dense_4h_to_h", inner)
    return norm("transformer.final_layernorm", states) @ weights["transformer.word_embeddings.weight"].T


@pytest.mark.parametrize(
    ("tokens", "context"), [(CHAT, CONTEXT), ([GMASK, SOP, X], 1), ([*range(300, 340), SOP, X], 40)]
)
def test_the_model_computes_the_same_as_the_plain_re_implementation(network, weights, folder, tokens, context):
    config = json.loads((folder / "config.json").read_text())
    expected = compute_by_hand(weights, config, tokens, context)
    torch.testing.assert_close(compute_logits(network, [tokens], [context])[0], expected, atol=1e-4, rtol=1e-4)


def test_the_residual_is_scaled_by_seven_and_a_half_whatever_the_number_of_layers(network):
    assert math.sqrt(2 * 28) == RESIDUAL_SCALE
    assert network.config.num_layers == 3
    layer, states = network.transformer.layers[1], torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(0))
    silent = [layer.attention.dense, layer.mlp.dense_4h_to_h]
    kept = [(part.weight.clone(), part.bias.clone()) for part in silent]
    with torch.inference_mode():
        for part in silent:
            part.weight.zero_()
            part.bias.zero_()
        angles = compute_rotary_embedding(torch.zeros(1, 2, 1), 16, torch.float32)
        found = layer(states, angles, torch.ones(1, 1, 1, 1, dtype=torch.bool), None)
        first = layer.input_layernorm(states)  # not `states`: what is added is normalised
        expected = math.sqrt(56) * layer.post_attention_layernorm(math.sqrt(56) * first)
        for part, (weight, bias) in zip(silent, kept, strict=True):
            part.weight.copy_(weight)
            part.bias.copy_(bias)
    torch.testing.assert_close(found, expected)


def test_the_beginning_of_a_context_attends_to_its_end_and_not_to_sop(network):
    first = compute_logits(network, [CHAT], [CONTEXT])[0]
    other = compute_logits(network, [[A, B, X, GMASK, SOP, X, Y]], [CONTEXT])[0]
    assert not torch.allclose(first[0], other[0], atol=0.01)
    shorter = compute_logits(network, [CHAT[:CONTEXT]], [CONTEXT])[0]
    torch.testing.assert_close(first[:CONTEXT], shorter, atol=1e-4, rtol=1e-4)


# --- the cache, and several rows -------------------------------------------------------------------------------------


def test_with_a_cache_it_computes_the_same_as_without(network):
    cache, long = DynamicCache(), [*range(300, 360), GMASK, SOP, *range(500, 520)]
    whole = compute_logits(network, [long], [61])
    parts = [compute_logits(network, [long[:62]], [61], cache)]
    parts += [compute_logits(network, [long[: end + 1]], [61], cache, before=end) for end in range(62, len(long))]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-4, rtol=1e-4)


def test_a_row_computes_the_same_in_a_batch_with_longer_ones(network):
    """Padded on the left, read at once and then token by token."""
    rows, context_lengths = [[GMASK, SOP, X, Y], CHAT, [*range(300, 330), GMASK, SOP, Y, B]], [1, 4, 31]
    alone = [compute_logits(network, [row], [context])[0] for row, context in zip(rows, context_lengths, strict=True)]
    together = compute_logits(network, rows, context_lengths)
    assert not together.isnan().any()
    for row, expected in zip(together, alone, strict=True):
        torch.testing.assert_close(row[-len(expected) :], expected, atol=1e-4, rtol=1e-4)
    cache, width = DynamicCache(), len(rows[2])
    compute_logits(network, [row[:-1] for row in rows], context_lengths, cache)
    last = compute_logits(network, rows, context_lengths, cache, before=width - 1)
    torch.testing.assert_close(last[:, 0], together[:, -1], atol=1e-4, rtol=1e-4)


def test_the_head_is_the_embeddings(network):
    assert network.lm_head.weight is network.transformer.word_embeddings.weight
