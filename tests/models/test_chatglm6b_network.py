"""ChatGLM-6B's own arithmetic: places, who sees whom, and the whole network against one that is written out by hand."""

import json
import math

import pytest
import torch
from torch.nn.functional import layer_norm
from transformers import DynamicCache

from pipeline.settings import Settings
from waijiao.tiny_models import chatglm6b
from worker_llm.chatglm6b.network import RESIDUAL
from worker_llm.chatglm6b.places import frequencies, places, seen, turns
from worker_llm.transformers import Transformers

A, B, C, GMASK, SOP, X, Y = 300, 410, 520, 87, 90, 600, 700  # tokens of the tiny vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return chatglm6b.make(tmp_path_factory.mktemp("chatglm6b"))


@pytest.fixture(scope="module")
def network(folder):
    return Transformers(folder, Settings(llm_compute_type="float32")).reader.network.model


@pytest.fixture(scope="module")
def weights(folder):
    files = sorted(folder.glob("*.bin"))
    return {name: each.float() for file in files for name, each in torch.load(file).items()}


def scores(network, rows, contexts, cache=None, before=0):
    """Of rows of tokens, padded on the left with the first token to be of one length."""
    width = max(map(len, rows))
    own = torch.tensor([[len(row)] for row in rows])
    tokens = torch.tensor([[A] * (width - len(row)) + row for row in rows])[:, before:]
    with torch.inference_mode():
        return network(
            input_ids=tokens,
            contexts=torch.tensor(contexts),
            attention_mask=(torch.arange(width) >= width - own).long(),
            position_ids=(own - width + torch.arange(width))[:, before:],
            past_key_values=cache,
        ).logits


# --- a chat of three tokens, then [gMASK], <sop> and an answer of two, worked out by hand --------------------------

CHAT, CONTEXT = [A, B, C, GMASK, SOP, X, Y], 4


def test_a_token_has_a_place_in_the_context_and_one_in_the_answer():
    found = places(torch.arange(7).unsqueeze(0), torch.tensor([CONTEXT]))
    assert found.tolist() == [
        [
            [0, 1, 2, 3, 3, 3, 3],  # the answer stays at [gMASK]
            [0, 0, 0, 0, 1, 2, 3],  # <sop> is its first
        ]
    ]


def test_the_context_is_seen_by_all_and_the_answer_by_what_follows():
    visible = seen(torch.arange(7).unsqueeze(0), torch.ones(1, 7, dtype=torch.bool), torch.tensor([CONTEXT]))
    assert visible[0, 0].int().tolist() == [
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],  # [gMASK] does not see <sop>
        [1, 1, 1, 1, 1, 0, 0],
        [1, 1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1, 1],
    ]


def test_a_shorter_row_counts_from_its_own_first_token():
    """A chat of one token beside it: [pad, pad, A, gMASK, sop, X, Y]."""
    positions, contexts = torch.tensor([[-2, -1, 0, 1, 2, 3, 4]]), torch.tensor([2])
    real = torch.tensor([[False, False, True, True, True, True, True]])
    assert places(positions, contexts).tolist() == [[[0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 2, 3]]]
    assert seen(positions, real, contexts)[0, 0, 2:].int().tolist() == [
        [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0],
        [0, 0, 1, 1, 1, 1, 0],
        [0, 0, 1, 1, 1, 1, 1],
    ]


def test_an_answer_s_next_token_alone_stands_where_it_stood_in_the_whole():
    visible = seen(torch.tensor([[6], [4]]), torch.tensor([[1] * 7, [0, 0] + [1] * 5]).bool(), torch.tensor([4, 2]))
    assert visible[:, 0, 0].int().tolist() == [[1, 1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1, 1]]
    assert places(torch.tensor([[6], [4]]), torch.tensor([4, 2])).tolist() == [[[3], [3]], [[1], [3]]]


def test_the_frequencies_are_those_of_float16():
    """Of the real model's heads of 128: two halves of 64, so 32 frequencies."""
    found = frequencies(64)
    assert found.dtype == torch.float16
    assert found[:3].tolist() == [1.0, 0.75, 0.5625] == pytest.approx([10_000 ** (-n / 32) for n in range(3)], abs=4e-4)
    cosines, sines = turns(torch.tensor([[[5], [2]]]), 128, torch.float32)
    assert cosines.shape == (1, 1, 1, 128)
    assert cosines[0, 0, 0, [1, 33, 65, 97]].tolist() == pytest.approx([math.cos(n * found[1]) for n in (5, 5, 2, 2)])
    assert sines[0, 0, 0, [1, 33, 65, 97]].tolist() == pytest.approx([math.sin(n * found[1]) for n in (5, 5, 2, 2)])


def test_angles_are_rounded_to_float16_where_all_is():
    angle = torch.tensor(1001.0).half() * frequencies(64)[5]
    cosines, _ = turns(torch.tensor([[[1001], [0]]]), 128, torch.float16)
    assert cosines[0, 0, 0, 5] == angle.cos()
    assert cosines[0, 0, 0, 5] != torch.tensor(1001 * frequencies(64)[5].item()).cos().half()


# --- the network, written out by hand --------------------------------------------------------------------------------


def by_hand(weights, config, tokens, context):
    """Scores of one row, head by head and token by token, with nothing of the code that is tested."""
    heads = config["num_attention_heads"]
    size = config["hidden_size"] // heads
    half = size // 2
    speeds = [torch.tensor(10_000.0 ** (-2 * n / half)).half().item() for n in range(half // 2)]
    where = [(min(n, context - 1), max(0, n - context + 1)) for n in range(len(tokens))]

    def turn(vector, place):
        out = vector.clone()
        for start, count in ((0, place[0]), (half, place[1])):
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
            query = [turn(own[n, :size], place) for n, place in enumerate(where)]
            key = [turn(own[n, size : 2 * size], place) for n, place in enumerate(where)]
            for n in range(len(tokens)):
                sees = range(context if n < context else n + 1)
                weight = torch.stack([query[n] @ key[other] / math.sqrt(size) for other in sees]).softmax(0)
                found[n, size * head : size * (head + 1)] = weight @ own[: len(sees), 2 * size :]
        states = states * math.sqrt(56) + linear(f"{layer}.attention.dense", found)
        states = norm(f"{layer}.post_attention_layernorm", states)
        inner = linear(f"{layer}.mlp.dense_h_to_4h", states)
        inner = 0.5 * inner * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner**3)))
        states = states * math.sqrt(56) + linear(f"{layer}.mlp.dense_4h_to_h", inner)
    return norm("transformer.final_layernorm", states) @ weights["transformer.word_embeddings.weight"].T


@pytest.mark.parametrize(
    ("tokens", "context"), [(CHAT, CONTEXT), ([GMASK, SOP, X], 1), ([*range(300, 340), SOP, X], 40)]
)
def test_the_network_computes_what_is_written_out_by_hand(network, weights, folder, tokens, context):
    config = json.loads((folder / "config.json").read_text())
    expected = by_hand(weights, config, tokens, context)
    torch.testing.assert_close(scores(network, [tokens], [context])[0], expected, atol=1e-4, rtol=1e-4)


def test_what_a_block_reads_counts_for_seven_and_a_half_times_whatever_the_number_of_layers(network):
    assert math.sqrt(2 * 28) == RESIDUAL
    assert network.config.num_layers == 3
    layer, states = network.transformer.layers[1], torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(0))
    silent = [layer.attention.dense, layer.mlp.dense_4h_to_h]
    kept = [(part.weight.clone(), part.bias.clone()) for part in silent]
    with torch.inference_mode():
        for part in silent:
            part.weight.zero_()
            part.bias.zero_()
        angles = turns(torch.zeros(1, 2, 1), 16, torch.float32)
        found = layer(states, angles, torch.ones(1, 1, 1, 1, dtype=torch.bool), None)
        first = layer.input_layernorm(states)  # not `states`: what is added is normalised
        expected = math.sqrt(56) * layer.post_attention_layernorm(math.sqrt(56) * first)
        for part, (weight, bias) in zip(silent, kept, strict=True):
            part.weight.copy_(weight)
            part.bias.copy_(bias)
    torch.testing.assert_close(found, expected)


def test_the_end_of_a_context_is_seen_at_its_beginning_and_sop_is_not(network):
    first = scores(network, [CHAT], [CONTEXT])[0]
    other = scores(network, [[A, B, X, GMASK, SOP, X, Y]], [CONTEXT])[0]
    assert not torch.allclose(first[0], other[0], atol=0.01)
    shorter = scores(network, [CHAT[:CONTEXT]], [CONTEXT])[0]
    torch.testing.assert_close(first[:CONTEXT], shorter, atol=1e-4, rtol=1e-4)


# --- the cache, and several rows -------------------------------------------------------------------------------------


def test_with_a_cache_it_computes_the_same_as_without(network):
    cache, long = DynamicCache(), [*range(300, 360), GMASK, SOP, *range(500, 520)]
    whole = scores(network, [long], [61])
    parts = [scores(network, [long[:62]], [61], cache)]
    parts += [scores(network, [long[: end + 1]], [61], cache, before=end) for end in range(62, len(long))]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-4, rtol=1e-4)


def test_a_row_computes_the_same_beside_longer_ones(network):
    """Padded on the left, read at once and then token by token."""
    rows, contexts = [[GMASK, SOP, X, Y], CHAT, [*range(300, 330), GMASK, SOP, Y, B]], [1, 4, 31]
    alone = [scores(network, [row], [context])[0] for row, context in zip(rows, contexts, strict=True)]
    together = scores(network, rows, contexts)
    assert not together.isnan().any()
    for row, expected in zip(together, alone, strict=True):
        torch.testing.assert_close(row[-len(expected) :], expected, atol=1e-4, rtol=1e-4)
    cache, width = DynamicCache(), len(rows[2])
    scores(network, [row[:-1] for row in rows], contexts, cache)
    last = scores(network, rows, contexts, cache, before=width - 1)
    torch.testing.assert_close(last[:, 0], together[:, -1], atol=1e-4, rtol=1e-4)


def test_the_head_is_the_embeddings(network):
    assert network.lm_head.weight is network.transformer.word_embeddings.weight
