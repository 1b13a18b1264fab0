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
        """Convolutions of 3 frames, positions, biases and norms (about 20 vectors a layer)."""
        vectors = 1500 + 448 + 20 * (self.encoder_layers + self.decoder_layers)
        return 3 * self.width * (self.mels + self.width) + vectors * self.width


@dataclass(frozen=True)
class LanguageModel:
    """A language model's sizes. `matrices` are weights of the layers' linear parts, `others` all others."""

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
    whole: bool = False  # it reads a prompt in one step, without a prefix cache

    def kv_bytes(self, size: int) -> int:
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


# Bytes that each process on a GPU needs for its CUDA context, kernels, and the workspaces of cuBLAS and cuDNN.
# PyTorch's maintainers speak of 300 to 400 MB since CUDA 11.7,
# which loads kernels when they are needed (pytorch issues 107667 and 109888).
CONTEXT_BYTES = 500_000_000
BYTES_PER_WEIGHT = {"float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "int8": 1.0, "int4": 0.5 + 1 / 64 + 4 / (64 * 256)}
# int4: bitsandbytes stores a byte for each 64 weights, and a float32 for each 256 of those bytes
CACHE_OVERHEAD = 1.25  # factor for caches that grow: torch's allocator cannot reuse every gap
HALF_BYTES = 2  # bytes of float16 and bfloat16


@dataclass(frozen=True)
class Need:
    """Bytes on a GPU. `cache`: keys and values; `working`: what the step that needs most needs in addition."""

    weights: int
    cache: int
    working: int
    context: int = CONTEXT_BYTES

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.working + self.context


WINDOW_TOKENS = 224  # that Whisper may write for one window: half of its 448
WINDOW_FRAMES = 1500  # that its encoder makes of a window of 30 s
MIN_BEAMS = 5  # at least, when a text was doubtful


def whisper(shape: Whisper, compute_type: str, windows: int, beams: int, tokens: int = WINDOW_TOKENS) -> Need:
    """Whisper through CTranslate2, `windows` of 30 s at once.

    int8 keeps all but matrices as the converted model has it, in float16 (CTranslate2 3.18's release notes). Cross
    attention keeps keys and values of every frame, once for all beams; self attention those of every token and beam,
    twice, as beams change places. Of what faster-whisper's README measured this is never less, and at most a fifth more
    (large-v2, 5 beams: with 448 tokens, as the text before was its prompt; for 8 windows at once with 100).
    """
    size = 4 if compute_type == "float32" else HALF_BYTES
    matrix_size = 1 if compute_type.startswith("int8") else size
    weights = shape.matrices * matrix_size + shape.others * size
    kv_bytes = 2 * shape.decoder_layers * shape.width * size  # keys and values of one frame or token
    cache = kv_bytes * windows * (WINDOW_FRAMES + 2 * tokens * beams)
    scores = 2 * shape.heads * WINDOW_FRAMES * WINDOW_FRAMES + 8 * shape.width * WINDOW_FRAMES  # of one encoder layer
    sampling = 3 * 4 * shape.vocabulary * beams
    return Need(weights, cache, max(windows * sampling, windows * scores * size - cache) + ALLOCATOR_BYTES)


ALLOCATOR_BYTES = 200_000_000  # that CTranslate2's allocator keeps in addition, by the measurements above


@dataclass(frozen=True)
class Chats:
    """How many chats of how many tokens; `cached_tokens` are the prompts of personas in the prefix cache."""

    rows: int
    tokens: int
    cached_tokens: int = 0


PREFILL_TOKENS = 512  # tokens of a prompt that are read at once, at most


def on_torch(shape: LanguageModel, compute_type: str, chats: Chats) -> Need:
    """A language model on transformers: the chats that are generated, and one whose prompt is read at the same time.

    8 and 4 bits (bitsandbytes) are for the matrices of the layers; embeddings and the head stay as they were. A
    matrix that is multiplied with many tokens is made float16 first. Grouped heads are repeated for attention.
    """
    weight_type = shape.own_type if compute_type == "auto" else compute_type
    size = 4 if weight_type == "float32" else HALF_BYTES
    weights = int(shape.matrices * BYTES_PER_WEIGHT[weight_type]) + shape.others * size
    longest = min(chats.tokens, shape.positions or chats.tokens)
    cached_tokens = 0 if shape.whole else chats.cached_tokens
    cache = int(shape.kv_bytes(size) * (longest * (chats.rows + 1) + cached_tokens) * CACHE_OVERHEAD)
    repeated_heads = 2 * shape.heads * shape.head_width * longest * chats.rows * size
    at_once = longest if shape.whole else PREFILL_TOKENS
    scores = shape.heads * at_once * longest * 4
    inner = at_once * (3 * shape.inner + 6 * shape.width) * size
    widest = 2 * shape.inner * shape.width * HALF_BYTES if weight_type in ("int8", "int4") else 0
    sampling = 4 * 4 * shape.vocabulary * chats.rows
    return Need(weights, cache, repeated_heads + scores + inner + widest + sampling)


def llama_cpp(shape: LanguageModel, layers: int, chats: Chats) -> Need:
    """A GGUF file through llama.cpp with that many layers on the GPU: all of them when it has fewer.

    Keys and values are float16, for every slot's whole context; the computing buffer has the scores of PREFILL_TOKENS,
    llama.cpp's n_ubatch, over the vocabulary and over the context.
    """
    share = min(1.0, layers / (shape.layers + 1))  # the output counts as one more layer
    cache = shape.kv_bytes(HALF_BYTES) * chats.tokens * chats.rows
    working = PREFILL_TOKENS * 4 * (shape.vocabulary + shape.heads * chats.tokens)
    return Need(int(shape.file_bytes * share), int(cache * share), working)


MAX_LINE_SAMPLES = 14 * 24_000  # of the longest line that Bark speaks in one go


def bark(shape: Bark, compute_type: str, lines: int) -> Need:
    """Bark: three transformers, one after the other, then a codec.

    The cache is that of one transformer with a full block; attention has its scores three times (plain, masked,
    softmax); the codec's last layers have 32 channels for each sample, of which about 8 exist at the same time.
    """
    size = 4 if compute_type == "float32" else HALF_BYTES
    cache = int(2 * shape.layers * shape.width * shape.block * size * lines * CACHE_OVERHEAD)
    scores = 3 * shape.heads * shape.block * shape.block * size
    codec = 8 * 32 * MAX_LINE_SAMPLES * size
    return Need(shape.parameters * size, cache, lines * max(scores, codec))
