"""Key/value caches: running a model on them, batching those of several sequences, and sharing common prefixes.

Sequences of different length in a batch end at the same column: shorter ones are padded on the left, and the padding is
masked. Every layer caches all tokens, even one with sliding window attention.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

MAX_PREFIXES = 4  # system messages, such as personas, whose prefixes stay cached: the most recently used

LayerCache = tuple[torch.Tensor | None, torch.Tensor | None]  # keys and values, (rows, heads, tokens, head size) each


def get_layers(cache: Any) -> list[LayerCache]:
    """A layer that shares another's keys and values has (None, None)."""
    return [(layer.keys, layer.values) for layer in cache.layers]


def map_layers(layers: Iterable[LayerCache], function: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[LayerCache]:
    """Lazily, layer by layer, so that old and new layers are never all in memory at once."""
    for keys, values in layers:
        yield (None, None) if keys is None or values is None else (function(keys), function(values))


def concat_rows(upper: list[LayerCache], lower: list[LayerCache]) -> Iterator[LayerCache]:
    """The rows of both, padded on the left to the same width; lazily as well."""
    width = max(count_tokens(upper), count_tokens(lower))

    def pad_left(layers: list[LayerCache]) -> Iterator[LayerCache]:
        return map_layers(layers, lambda tensor: pad(tensor, (0, 0, width - tensor.shape[2], 0)))

    for (keys, values), (more_keys, more_values) in zip(pad_left(upper), pad_left(lower), strict=True):
        if keys is None or values is None or more_keys is None or more_values is None:
            yield None, None
        else:
            yield torch.cat((keys, more_keys)), torch.cat((values, more_values))


def count_tokens(layers: Iterable[LayerCache]) -> int:
    return next((keys.shape[2] for keys, _ in layers if keys is not None), 0)


class ModelRunner:
    """Calls a model of transformers with the arguments that its class takes.

    `vocab_size` is how many of its tokens have a text. A model that takes `context_lengths` attends to a prompt (all
    but its last token) in both directions: `bidirectional_prompts`. Its prompts must be prefilled at once.
    """

    def __init__(self, model: Any, vocab_size: int) -> None:
        self.model, self.vocab_size = model, vocab_size
        parameters = inspect.signature(model.forward).parameters
        self.cache_argument = "cache" if "cache" in parameters else "past_key_values"  # before transformers 5.24
        self.extra_arguments: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self.bidirectional_prompts = "context_lengths" in parameters

    def __call__(
        self, tokens: list[list[int]], lengths: list[int], prompt_lengths: list[int], cache: Any
    ) -> torch.Tensor:
        """Compute new tokens of each row, the same number of each, after those in `cache`, which grows by them.

        `lengths` are the rows' tokens without padding and with the new ones, `prompt_lengths` those of their whole
        prompts. Returns the logits of the next token: (rows, vocab_size).
        """
        device = self.model.device
        new_tokens, width = len(tokens[0]), max(lengths)
        row_lengths = torch.tensor(lengths, device=device).unsqueeze(-1)
        arguments = {self.cache_argument: cache, **self.extra_arguments}
        if self.bidirectional_prompts:
            arguments["context_lengths"] = torch.tensor(prompt_lengths, device=device) - 1
        outputs = self.model(
            input_ids=torch.tensor(tokens, device=device),
            attention_mask=(torch.arange(width, device=device) >= width - row_lengths).long(),
            position_ids=row_lengths - new_tokens + torch.arange(new_tokens, device=device),
            use_cache=True,
            **arguments,
        )
        logits: torch.Tensor = outputs.logits[:, -1, : self.vocab_size]
        return logits


class BatchedKVCache:
    """The caches of the running sequences as one; `lengths` are the rows' tokens in it, without padding."""

    def __init__(self) -> None:
        self.cache, self.lengths, self.prompt_lengths = DynamicCache(), list[int](), list[int]()

    def add_row(self, prompt_cache: Any) -> None:
        """Append a row: the cache of one prompt that was prefilled."""
        layers = get_layers(prompt_cache)
        self.cache = DynamicCache(concat_rows(get_layers(self.cache), layers)) if self.lengths else prompt_cache
        self.lengths.append(count_tokens(layers))
        self.prompt_lengths.append(self.lengths[-1])

    def keep_rows(self, rows: list[int]) -> None:
        """Remove all other rows, and the columns that are padding in all that remain."""
        if rows == list(range(len(self.lengths))):
            return
        lengths, self.prompt_lengths = ([old[row] for row in rows] for old in (self.lengths, self.prompt_lengths))
        padding = max(self.lengths) - max(lengths, default=0)
        layers = map_layers(get_layers(self.cache), lambda tensor: tensor[rows, :, padding:])
        self.cache, self.lengths = DynamicCache(layers if rows else None), lengths

    def step(self, model_runner: ModelRunner, tokens: list[int]) -> torch.Tensor:
        """Append one token to each row. Returns the logits of the next: (rows, vocab_size)."""
        self.lengths = [length + 1 for length in self.lengths]
        return model_runner([[token] for token in tokens], self.lengths, self.prompt_lengths, self.cache)


@dataclass
class CachedPrefix:
    """The tokens that prompts with the same system message have in common, and their keys and values."""

    system_message: str
    tokens: list[int]
    layers: list[LayerCache]

    def count_common(self, tokens: list[int]) -> int:
        """The length of the common prefix."""
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self.tokens, tokens, strict=False)))

    def truncate(self, length: int) -> None:
        """Copies what is kept, so that the memory of the rest is freed."""
        if length < len(self.tokens):
            self.tokens = self.tokens[:length]
            self.layers = list(map_layers(self.layers, lambda tensor: tensor[:, :, :length].clone()))


class PrefixCache:
    """The MAX_PREFIXES prefixes used last, of at most `max_tokens` each; 0 where prefixes cannot be shared."""

    def __init__(self, max_tokens: int) -> None:
        self.max_tokens, self.prefixes = max_tokens, list[CachedPrefix]()

    def lookup(self, tokens: list[int]) -> tuple[int, Any]:
        """How many of the prompt's tokens are cached, and a cache of them; the last token is never taken from it."""
        best = max(self.prefixes, key=lambda prefix: prefix.count_common(tokens), default=None)
        length = min(best.count_common(tokens), len(tokens) - 1) if best else 0
        if not best or not length:
            return 0, DynamicCache()
        return length, DynamicCache(map_layers(best.layers, lambda tensor: tensor[:, :, :length]))

    def store(self, system_message: str | None, tokens: list[int], cache: Any) -> None:
        """Cache a prompt that was computed; without a system message it shares nothing with others, and is not cached.

        The first prompt with a system message is cached as a whole; each later one shows how much of it is common.
        """
        if system_message is None:
            return
        existing = next((prefix for prefix in self.prefixes if prefix.system_message == system_message), None)
        prefix = existing or CachedPrefix(system_message, tokens, get_layers(cache))
        prefix.truncate(min(self.max_tokens, prefix.count_common(tokens)))
        other_prefixes = [each for each in self.prefixes if each is not existing]
        self.prefixes = [*other_prefixes, prefix][-MAX_PREFIXES:]
