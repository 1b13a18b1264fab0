"""Converts a language model from llama.cpp's GGUF to CTranslate2's form, which computes probabilities of given texts.

The weights become int8 with one scale for each row; the byte-level tokenizer becomes a tokenizer.json beside them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from worker_llm.grammar.judge.gguf_model import GgufModel, Layer
from worker_llm.grammar.judge.scorer import START, TOKENIZER_FILE
from worker_llm.grammar.judge.smoothing import Smoother
from worker_llm.grammar.without_torch import without_torch

with without_torch():
    from ctranslate2.specs import TransformerDecoderModelSpec
    from ctranslate2.specs.common_spec import Activation

SAMPLE_TEXTS = (  # over which the sizes of the model's numbers are measured; right and wrong, as learners speak
    "My sister has a red bicycle, and she rides it to school every morning with me.",
    "I don't know what they want, but he is late again, isn't he? Let's go home now!",
    "Yesterday we went to the market; it was 7 o'clock, and the shops were still closed.",
    "There are three books on the table and one of them belongs to our English teacher.",
    "Can you tell me where the station is, please? We have been waiting for an hour here.",
    "If it rains tomorrow, we will stay at home and play chess, or watch a film together.",
    "He like apples very much and eat them every days, because his mother buy it for him.",
    "Last summer I have visited my grandmother which live in the small village near the sea.",
)


def convert(gguf_file: Path, folder: Path) -> None:
    """Write the converted model into the folder, which exists. Takes some seconds, and 1 GB of memory for SmolLM2-135M.

    Raises ValueError for a file that is no GGUF, or whose model has another architecture or tokenizer.
    """
    model = GgufModel(gguf_file)
    tokenizer = build_tokenizer(model)
    spec = build_spec(model, sample_ids(tokenizer))
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)


def build_spec(model: GgufModel, ids: list[list[int]]) -> TransformerDecoderModelSpec:
    """CTranslate2's description of the model with its weights, smoothed over the texts of these tokens."""
    spec = TransformerDecoderModelSpec.from_config(
        model.layer_count,
        model.heads,
        activation=Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,  # the whole head
        rotary_interleave=False,
        rotary_base=model.rope_base,
        num_heads_kv=model.kv_heads,
    )
    decoder, smoother = spec.decoder, Smoother(model, ids)
    decoder.scale_embeddings = False
    decoder.embeddings.weight = model.weights("token_embd")
    for number, layer_spec in enumerate(decoder.layer):
        layer = model.layer(number)
        smoother.smooth_layer(layer)
        set_layer(layer_spec, layer)
    decoder.layer_norm.gamma, decoder.projection.weight = model.weights("output_norm"), model.output_weights()
    smoother.smooth_output(decoder.layer_norm.gamma, decoder.projection.weight)
    spec.register_vocabulary(model.tokens)
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = START
    spec.config.layer_norm_epsilon = model.epsilon
    return spec


def set_layer(spec: Any, layer: Layer) -> None:
    attention, feed_forward = spec.self_attention, spec.ffn
    attention.layer_norm.gamma = layer.attention_norm
    attention.linear[0].weight = np.concatenate([layer.queries, layer.keys, layer.values])
    attention.linear[1].weight = layer.attention_output
    feed_forward.layer_norm.gamma = layer.feed_forward_norm
    feed_forward.linear_0.weight = layer.gate
    feed_forward.linear_0_noact.weight = layer.up
    feed_forward.linear_1.weight = layer.down


def build_tokenizer(model: GgufModel) -> Tokenizer:
    """SmolLM's tokenizer, in which each digit is a token. Text that spells a special token stays text."""
    if (kind := model.value("tokenizer.ggml.pre")) != "smollm":
        raise ValueError(f"the GGUF file has the tokenizer {kind!r}; expected 'smollm'")
    merges = [tuple(merge.split(" ")) for merge in model.value("tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(model.tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def sample_ids(tokenizer: Tokenizer) -> list[list[int]]:
    """The tokens of the sample texts after a start, as many of each as the shortest has."""
    start = tokenizer.get_vocab()[START]
    ids = [[start, *tokenizer.encode(text).ids] for text in SAMPLE_TEXTS]
    return [each[: min(map(len, ids))] for each in ids]
