"""From a batch's logits to the next token of each sequence, independently of the other sequences."""

from collections.abc import Sequence

import torch

from worker_llm.engine import SamplingParams


class Sampler:
    """Sampling parameters of one sequence with its own random numbers, which are the same on every device."""

    def __init__(self, params: SamplingParams) -> None:
        self.greedy = params.temperature <= 0
        self.temperature, self.top_p = (1.0, 1.0) if self.greedy else (params.temperature, params.top_p)
        self.generator = torch.Generator()
        if params.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(params.seed % 2**63)

    def next_random(self) -> float:
        """In [0, 1). A greedy sequence uses no random numbers."""
        return 0.0 if self.greedy else float(torch.rand((), generator=self.generator))


def sample(logits: torch.Tensor, samplers: Sequence[Sampler]) -> list[int | None]:
    """A token for each row of `logits` (rows, vocabulary); None for a row with a NaN, as after an overflow."""
    logits = logits.float()
    tokens = logits.argmax(-1)
    if not all(sampler.greedy for sampler in samplers):
        greedy = torch.tensor([sampler.greedy for sampler in samplers], device=logits.device)
        tokens = torch.where(greedy, tokens, _sample_top_p(logits, samplers))
    tokens = torch.where(logits.isnan().any(-1), -1, tokens)
    return [token if token >= 0 else None for token in tokens.tolist()]


def _sample_top_p(logits: torch.Tensor, samplers: Sequence[Sampler]) -> torch.Tensor:
    """Nucleus sampling (Holtzman et al. 2020), by inverting the cumulative distribution: a token for each row."""
    temperature, top_p, random = (
        torch.tensor(column, device=logits.device).unsqueeze(-1)
        for column in zip(*((each.temperature, each.top_p, each.next_random()) for each in samplers), strict=True)
    )
    probabilities, tokens = (logits / temperature).softmax(-1).sort(dim=-1, descending=True, stable=True)
    cumulative = probabilities.cumsum(-1)
    nucleus_size = (cumulative - probabilities < top_p).sum(-1, keepdim=True).clamp(min=1)
    index = torch.searchsorted(cumulative, random * cumulative.gather(-1, nucleus_size - 1), right=True)
    return tokens.gather(-1, index.minimum(nucleus_size - 1)).squeeze(-1)
