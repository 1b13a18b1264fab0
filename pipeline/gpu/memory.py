"""The sizes of models and the memory they take on a GPU or in RAM."""

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


# Of a process that computes on a GPU: its CUDA context, kernels, cuBLAS's and cuDNN's room. PyTorch's maintainers speak
# of 300 to 400 MB since CUDA 11.7, which loads kernels when they are needed (pytorch issues 107667 and 109888).
CONTEXT = 500_000_000
BYTES = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "int8": 1.0, "int4": 0.5 + 1 / 64 + 4 / (64 * 256)}
# int4: bitsandbytes keeps a byte for each 64 weights, and a float32 for each 256 of those bytes
GAPS = 1.25  # times what caches take that grow piece by piece: torch's allocator cannot use every gap again
HALF = 2  # bytes of float16 and bfloat16


@dataclass(frozen=True)
class Need:
    """Bytes on a GPU. `cache` holds what was read and written, `working` what the widest step takes for itself."""

    weights: int
    cache: int
    working: int
    context: int = CONTEXT

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.working + self.context


TOKENS = 224  # that Whisper may write for one window: half of its 448
FRAMES = 1500  # that its encoder makes of a window of 30 s
BEAMS = 5  # at least, when a text was doubtful


def whisper(shape: Whisper, compute_type: str, windows: int, beams: int, tokens: int = TOKENS) -> Need:
    """Whisper through CTranslate2, `windows` of 30 s at once.

    int8 keeps what is no matrix as the converted model has it, in float16 (CTranslate2 3.18's release notes). Cross
    attention keeps keys and values of every frame, once for all beams; self attention those of every token and beam,
    twice, as beams change places. Of what faster-whisper's README measured this is never less, and at most a fifth more
    (large-v2, 5 beams: with 448 tokens, as the text before was its prompt; for 8 windows at once with 100).
    """
    size = 4 if compute_type == "float32" else HALF
    each = 1 if compute_type.startswith("int8") else size
    weights = shape.matrices * each + shape.others * size
    pair = 2 * shape.decoder_layers * shape.width * size  # keys and values of one frame or token
    cache = pair * windows * (FRAMES + 2 * tokens * beams)
    scores = 2 * shape.heads * FRAMES * FRAMES + 8 * shape.width * FRAMES  # of one encoder layer
    choosing = 3 * 4 * shape.vocabulary * beams
    return Need(weights, cache, max(windows * choosing, windows * scores * size - cache) + LIBRARY)


LIBRARY = 200_000_000  # that CTranslate2's allocator keeps besides, by the measurements above


@dataclass(frozen=True)
class Chats:
    """How many chats of how many tokens; `beginnings` are tokens of personas that are kept besides."""

    rows: int
    tokens: int
    beginnings: int = 0


CHUNK = 512  # tokens of a prompt that are read at once, at most


def on_torch(shape: LanguageModel, compute_type: str, chats: Chats) -> Need:
    """A language model on transformers: the chats that are written, and one that is read meanwhile.

    8 and 4 bits (bitsandbytes) are for the matrices of the layers; embeddings and the head stay as they were. A
    matrix that is multiplied with many tokens is made float16 first. Grouped heads are repeated for attention.
    """
    chosen = shape.own_type if compute_type == "auto" else compute_type
    size = 4 if chosen == "float32" else HALF
    weights = int(shape.matrices * BYTES[chosen]) + shape.others * size
    longest = min(chats.tokens, shape.positions or chats.tokens)
    kept = 0 if shape.whole else chats.beginnings
    cache = int(shape.pair(size) * (longest * (chats.rows + 1) + kept) * GAPS)
    repeated = 2 * shape.heads * shape.head_width * longest * chats.rows * size
    at_once = longest if shape.whole else CHUNK
    scores = shape.heads * at_once * longest * 4
    inner = at_once * (3 * shape.inner + 6 * shape.width) * size
    widest = 2 * shape.inner * shape.width * HALF if chosen in ("int8", "int4") else 0
    choosing = 4 * 4 * shape.vocabulary * chats.rows
    return Need(weights, cache, repeated + scores + inner + widest + choosing)


def llama_cpp(shape: LanguageModel, layers: int, chats: Chats) -> Need:
    """A GGUF file through llama.cpp with that many layers on the GPU: all of them when it has fewer.

    Keys and values are float16, for every slot's whole context; the computing buffer has the scores of CHUNK tokens,
    llama.cpp's n_ubatch, over the vocabulary and over the context.
    """
    share = min(1.0, layers / (shape.layers + 1))  # the output counts as one more layer
    cache = shape.pair(HALF) * chats.tokens * chats.rows
    working = CHUNK * 4 * (shape.vocabulary + shape.heads * chats.tokens)
    return Need(int(shape.file_bytes * share), int(cache * share), working)


SAMPLES = 14 * 24_000  # of the longest line that Bark speaks in one go


def bark(shape: Bark, compute_type: str, lines: int) -> Need:
    """Bark: three transformers, one after the other, then a codec.

    The cache is that of one transformer with a full block; attention has its scores three times (plain, masked,
    softmax); the codec's last layers have 32 channels for each sample, of which about 8 stand at once.
    """
    size = 4 if compute_type == "float32" else HALF
    cache = int(2 * shape.layers * shape.width * shape.block * size * lines * GAPS)
    scores = 3 * shape.heads * shape.block * shape.block * size
    codec = 8 * 32 * SAMPLES * size
    return Need(shape.parameters * size, cache, lines * max(scores, codec))
