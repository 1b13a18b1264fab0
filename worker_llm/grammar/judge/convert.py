"""Converts a language model from llama.cpp's GGUF to CTranslate2's form, which computes probabilities of given texts.

The weights become int8 with one scale for each row; the byte-level tokenizer becomes a tokenizer.json beside them.
"""

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from worker_llm.grammar.judge.scorer import TOKENIZER_FILE
from worker_llm.grammar.without_torch import without_torch

with without_torch():
    from ctranslate2.specs import TransformerDecoderModelSpec
    from ctranslate2.specs.common_spec import Activation

Weights = NDArray[np.float32]


def convert(gguf_file: Path, folder: Path) -> None:
    """Write the converted model into the folder, which exists. Takes some seconds, and 4 bytes of memory a parameter.

    Raises ValueError for a file that is no GGUF, or whose model has another architecture or tokenizer.
    """
    model = GgufModel(gguf_file)
    spec = build_spec(model)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    build_tokenizer(model).save(str(folder / TOKENIZER_FILE), pretty=False)


class GgufModel:
    """A GGUF file of the architecture `llama`: its values by their names, and its tensors as float32."""

    def __init__(self, path: Path) -> None:
        self.reader = GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in self.reader.tensors}
        if (architecture := self.value("general.architecture")) != "llama":
            raise ValueError(f"{path} has the architecture {architecture!r}; expected 'llama'")
        self.layers: int = self.value("llama.block_count")
        self.heads: int = self.value("llama.attention.head_count")
        self.kv_heads: int = self.value("llama.attention.head_count_kv")
        self.tokens: list[str] = self.value("tokenizer.ggml.tokens")

    def value(self, name: str) -> Any:
        try:
            return self.reader.fields[name].contents()
        except KeyError:
            raise ValueError(f"the GGUF file has no value {name!r}") from None

    def weights(self, name: str) -> Weights:
        """The tensor, with a row for each output."""
        try:
            tensor = self.tensors[f"{name}.weight"]
        except KeyError:
            raise ValueError(f"the GGUF file has no tensor {name!r}") from None
        return np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)

    def rotated_weights(self, name: str, heads: int) -> Weights:
        """Weights of queries or keys, whose pairs of rows are rotated by a token's position.

        In GGUF the two rows of a pair are neighbours; CTranslate2 has them half a head apart.
        """
        neighbours = self.weights(name)
        rows, columns = neighbours.shape
        pairs = neighbours.reshape(heads, rows // heads // 2, 2, columns)
        return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, columns))


def build_spec(model: GgufModel) -> TransformerDecoderModelSpec:
    """CTranslate2's description of the model, with its weights."""
    spec = TransformerDecoderModelSpec.from_config(
        model.layers,
        model.heads,
        activation=Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,  # the whole head
        rotary_interleave=False,
        rotary_base=model.value("llama.rope.freq_base"),
        num_heads_kv=model.kv_heads,
    )
    spec.decoder.scale_embeddings = False
    spec.decoder.embeddings.weight = model.weights("token_embd")
    spec.decoder.layer_norm.gamma = model.weights("output_norm")
    has_own_output = "output.weight" in model.tensors
    spec.decoder.projection.weight = model.weights("output") if has_own_output else spec.decoder.embeddings.weight
    for number, layer in enumerate(spec.decoder.layer):
        set_layer(layer, model, f"blk.{number}")
    spec.register_vocabulary(model.tokens)
    start = model.tokens[model.value("tokenizer.ggml.bos_token_id")]
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = start
    spec.config.layer_norm_epsilon = model.value("llama.attention.layer_norm_rms_epsilon")
    return spec


def set_layer(layer: Any, model: GgufModel, name: str) -> None:
    attention, feed_forward = layer.self_attention, layer.ffn
    attention.layer_norm.gamma = model.weights(f"{name}.attn_norm")
    queries = model.rotated_weights(f"{name}.attn_q", model.heads)
    keys = model.rotated_weights(f"{name}.attn_k", model.kv_heads)
    attention.linear[0].weight = np.concatenate([queries, keys, model.weights(f"{name}.attn_v")])
    attention.linear[1].weight = model.weights(f"{name}.attn_output")
    feed_forward.layer_norm.gamma = model.weights(f"{name}.ffn_norm")
    feed_forward.linear_0.weight = model.weights(f"{name}.ffn_gate")
    feed_forward.linear_0_noact.weight = model.weights(f"{name}.ffn_up")
    feed_forward.linear_1.weight = model.weights(f"{name}.ffn_down")


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
