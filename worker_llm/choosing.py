"""From a model's scores to the next token of each answer, which no other answer of the batch has a part in."""

from collections.abc import Sequence

import torch

from worker_llm.engine import Sampling


class Choice:
    """How one answer's tokens are chosen. Its random numbers are its own, and the same on every device."""

    def __init__(self, sampling: Sampling) -> None:
        self.greedy = sampling.temperature <= 0
        self.temperature, self.top_p = (1.0, 1.0) if self.greedy else (sampling.temperature, sampling.top_p)
        self.random = torch.Generator()
        if sampling.seed is None:
            self.random.seed()
        else:
            self.random.manual_seed(sampling.seed % 2**63)

    def draw(self) -> float:
        """In [0, 1); the next for each token that is not simply the likeliest."""
        return 0.0 if self.greedy else float(torch.rand((), generator=self.random))


def choose(scores: torch.Tensor, choices: Sequence[Choice]) -> list[int | None]:
    """A token for each row of `scores` (rows, vocabulary); None for a row that has no numbers, as after an overflow."""
    scores = scores.float()
    chosen = scores.argmax(-1)
    if not all(choice.greedy for choice in choices):
        greedy = torch.tensor([choice.greedy for choice in choices], device=scores.device)
        chosen = torch.where(greedy, chosen, drawn(scores, choices))
    chosen = torch.where(scores.isnan().any(-1), -1, chosen)
    return [token if token >= 0 else None for token in chosen.tolist()]


def drawn(scores: torch.Tensor, choices: Sequence[Choice]) -> torch.Tensor:
    """Each row's token among the likeliest that make up its `top_p`, by the inverse of their cumulative sum."""
    temperature, top_p, random = (
        torch.tensor(column, device=scores.device).unsqueeze(-1)
        for column in zip(*((each.temperature, each.top_p, each.draw()) for each in choices), strict=True)
    )
    likeliest, order = (scores / temperature).softmax(-1).sort(dim=-1, descending=True, stable=True)
    kept = (likeliest.cumsum(-1) - likeliest < top_p).sum(-1, keepdim=True).clamp(min=1)
    sums = likeliest.cumsum(-1)
    place = torch.searchsorted(sums, random * sums.gather(-1, kept - 1), right=True)
    return order.gather(-1, place.minimum(kept - 1)).squeeze(-1)
