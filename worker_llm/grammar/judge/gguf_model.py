"""Reads a language model from a GGUF file, llama.cpp's format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass
class Layer:
    """The weights of one layer: of a norm a number for each channel, else a row for each output."""

    attention_norm: Floats
    queries: Floats
    keys: Floats
    values: Floats
    attention_output: Floats
    feed_forward_norm: Floats
    gate: Floats
    up: Floats
    down: Floats


class GgufModel:
    """A model of the architecture `llama`. Raises ValueError for a file that is no GGUF or has another one."""

    def __init__(self, path: Path) -> None:
        self._reader = GGUFReader(path)
        self._tensors = {tensor.name.removesuffix(".weight"): tensor for tensor in self._reader.tensors}
        if (architecture := self.value("general.architecture")) != "llama":
            raise ValueError(f"{path} has the architecture {architecture!r}; expected 'llama'")
        self.layer_count: int = self.value("llama.block_count")
        self.heads: int = self.value("llama.attention.head_count")
        self.kv_heads: int = self.value("llama.attention.head_count_kv")
        self.rope_base: float = self.value("llama.rope.freq_base")
        self.epsilon: float = self.value("llama.attention.layer_norm_rms_epsilon")
        self.tokens: list[str] = self.value("tokenizer.ggml.tokens")

    def value(self, name: str) -> Any:
        """A value of the file's header. Raises ValueError."""
        try:
            return self._reader.fields[name].contents()
        except KeyError:
            raise ValueError(f"the GGUF file has no value {name!r}") from None

    def weights(self, name: str) -> Floats:
        """A tensor. Raises ValueError."""
        try:
            tensor = self._tensors[name]
        except KeyError:
            raise ValueError(f"the GGUF file has no tensor {name!r}") from None
        return np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)

    def output_weights(self) -> Floats:
        """A row for each token; the embeddings, where the model has no other."""
        return self.weights("output" if "output" in self._tensors else "token_embd")

    def layer(self, number: int) -> Layer:
        name = f"blk.{number}"
        return Layer(
            attention_norm=self.weights(f"{name}.attn_norm"),
            queries=rows_in_halves(self.weights(f"{name}.attn_q"), self.heads),
            keys=rows_in_halves(self.weights(f"{name}.attn_k"), self.kv_heads),
            values=self.weights(f"{name}.attn_v"),
            attention_output=self.weights(f"{name}.attn_output"),
            feed_forward_norm=self.weights(f"{name}.ffn_norm"),
            gate=self.weights(f"{name}.ffn_gate"),
            up=self.weights(f"{name}.ffn_up"),
            down=self.weights(f"{name}.ffn_down"),
        )


def rows_in_halves(weights: Floats, heads: int) -> Floats:
    """Rows of queries or keys in another order. Pairs of them are rotated together by the position of a token.

    In GGUF the two of a pair are neighbours; here and in CTranslate2 they are half a head apart.
    """
    rows, columns = weights.shape
    pairs = weights.reshape(heads, rows // heads // 2, 2, columns)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, columns))
