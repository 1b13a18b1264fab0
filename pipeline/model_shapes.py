"""The sizes of models, from which `pipeline.footprint` computes their memory; `pipeline.model_sizes` reads them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Whisper:
    """Whisper's sizes. Its feed-forward layers are four times as wide as the others (Radford et al., 2022)."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    mels: int
    vocabulary: int

    @property
    def matrices(self) -> int:
        """Weights of linear layers and embeddings: 4 + 8 squares a layer, and 4 more for cross attention."""
        square = self.width * self.width
        return square * (12 * self.encoder_layers + 16 * self.decoder_layers) + self.vocabulary * self.width

    @property
    def others(self) -> int:
        """Convolutions of 3 frames, places, biases and norms (about 20 vectors a layer)."""
        vectors = 1500 + 448 + 20 * (self.encoder_layers + self.decoder_layers)
        return 3 * self.width * (self.mels + self.width) + vectors * self.width


@dataclass(frozen=True)
class LanguageModel:
    """A language model's sizes. `matrices` are weights of the layers' linear parts, `others` all that is left."""

    matrices: int
    others: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    width: int
    inner: int
    vocabulary: int
    own_type: str = "bfloat16"
    file_bytes: int = 0  # of a GGUF file
    positions: int = 0  # tokens it was made for, where that is known
    whole: bool = False  # it reads a prompt at once, and keeps no beginnings

    def pair(self, size: int) -> int:
        """Bytes of the keys and values of one token, whose numbers have that many bytes."""
        return 2 * self.layers * self.kv_heads * self.head_width * size


@dataclass(frozen=True)
class Bark:
    """Bark's sizes; its three transformers have the same. `block` is how many tokens one can look at."""

    parameters: int
    width: int
    layers: int
    heads: int
    block: int
