"""Keys and values of the tokens that a model has read, and a batch of them in which rows come and go.

Rows of different length end at the same column; what stands left of the shorter ones is hidden from the model.
Every layer keeps all tokens, also one that looks at the latest only.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch.nn.functional import pad
from transformers import DynamicCache

Pair = tuple[torch.Tensor | None, torch.Tensor | None]  # a layer's keys and values, (rows, heads, tokens, size) each


def pairs(cache: Any) -> list[Pair]:
    """None for a layer that uses another's."""
    return [(layer.keys, layer.values) for layer in cache.layers]


def changed(old: Iterable[Pair], change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[Pair]:
    """Layer by layer as they are asked for, so that not all are in memory twice."""
    for key, value in old:
        yield (None, None) if key is None or value is None else (change(key), change(value))


def joined(upper: list[Pair], lower: list[Pair]) -> Iterator[Pair]:
    """The rows of both, likewise layer by layer."""
    width = max(length(upper), length(lower))

    def wide(layers: list[Pair]) -> Iterator[Pair]:
        return changed(layers, lambda old: pad(old, (0, 0, width - old.shape[2], 0)))

    for (key, value), (more_keys, more_values) in zip(wide(upper), wide(lower), strict=True):
        none = key is None or value is None or more_keys is None or more_values is None
        yield (None, None) if none else (torch.cat((key, more_keys)), torch.cat((value, more_values)))


def length(layers: Iterable[Pair]) -> int:
    return next((key.shape[2] for key, _ in layers if key is not None), 0)


class Network:
    """A model of transformers, called with what its class takes. `words` is how many of its tokens have a text.

    One that takes `contexts` reads a prompt's tokens but the last in both directions, so it must be given all at once.
    """

    def __init__(self, model: Any, words: int) -> None:
        self.model, self.words = model, words
        takes = inspect.signature(model.forward).parameters
        self.cache = "cache" if "cache" in takes else "past_key_values"  # the name before transformers 5.24
        self.more: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}
        self.whole = "contexts" in takes

    def __call__(self, tokens: list[list[int]], lengths: list[int], prompts: list[int], cache: Any) -> torch.Tensor:
        """Read new tokens of each row, the same number of each, after what `cache` has; it grows by them.

        `lengths` are the rows' own, with the new tokens, `prompts` those of their whole prompts. The scores of what
        follows the last one: (rows, words).
        """
        device = self.model.device
        new, width = len(tokens[0]), max(lengths)
        own = torch.tensor(lengths, device=device).unsqueeze(-1)
        contexts = {"contexts": torch.tensor(prompts, device=device) - 1} if self.whole else {}
        outputs = self.model(
            input_ids=torch.tensor(tokens, device=device),
            attention_mask=(torch.arange(width, device=device) >= width - own).long(),
            position_ids=own - new + torch.arange(new, device=device),
            use_cache=True,
            **{self.cache: cache, **self.more, **contexts},
        )
        scores: torch.Tensor = outputs.logits[:, -1, : self.words]
        return scores


class Batch:
    """The caches of several rows as one; `lengths` are the rows' tokens in it, `prompts` those they came with."""

    def __init__(self) -> None:
        self.cache, self.lengths, self.prompts = DynamicCache(), list[int](), list[int]()

    def join(self, cache: Any) -> None:
        """One more row, read by itself, comes last."""
        self.cache = DynamicCache(joined(pairs(self.cache), pairs(cache))) if self.lengths else cache
        self.lengths.append(length(pairs(cache)))
        self.prompts.append(self.lengths[-1])

    def keep(self, rows: list[int]) -> None:
        """Only these stay, without columns that are empty in all of them."""
        if rows == list(range(len(self.lengths))):
            return
        lengths, self.prompts = ([old[row] for row in rows] for old in (self.lengths, self.prompts))
        empty = max(self.lengths) - max(lengths, default=0)
        stay = changed(pairs(self.cache), lambda old: old[rows, :, empty:])
        self.cache, self.lengths = DynamicCache(stay if rows else None), lengths

    def step(self, network: Network, tokens: list[int]) -> torch.Tensor:
        self.lengths = [each + 1 for each in self.lengths]
        return network([[token] for token in tokens], self.lengths, self.prompts, self.cache)
