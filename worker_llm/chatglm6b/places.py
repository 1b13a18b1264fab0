"""Where each token of a chat stands, and which tokens it sees: what is ChatGLM-6B's own in its attention.

A row is its context, which ends with [gMASK], then <sop> and the answer. All of the context is seen by everybody; <sop>
and the answer are seen by what comes after them. A place has two numbers (Du et al. 2022, GLM): where in the context,
at which all of the answer stays at [gMASK]; and where in the answer, 1 for <sop>, 0 for all of the context.
"""

from functools import cache

import torch

BASE = 10_000  # of rotary embeddings (Su et al. 2021)


def places(positions: torch.Tensor, contexts: torch.Tensor) -> torch.Tensor:
    """Both numbers of tokens at `positions` (rows, new), of rows whose contexts have so many tokens: (rows, 2, new)."""
    contexts = contexts.unsqueeze(-1)
    in_context = torch.minimum(positions, contexts - 1).clamp(min=0)
    return torch.stack((in_context, (positions - contexts + 1).clamp(min=0)), dim=1)


def seen(positions: torch.Tensor, real: torch.Tensor, contexts: torch.Tensor) -> torch.Tensor:
    """True where a new token sees a column: (rows, 1, new, width). `real` (rows, width) is False left of a short row.

    What stands there itself sees the context, as all do: seeing nothing would make it no number at all.
    """
    lengths = real.sum(-1, keepdim=True)
    columns = torch.arange(real.shape[1], device=real.device) - (real.shape[1] - lengths)
    before = columns.unsqueeze(1) <= positions.unsqueeze(-1)
    in_context = (columns < contexts.unsqueeze(-1)).unsqueeze(1)
    return (real.unsqueeze(1) & (before | in_context)).unsqueeze(1)


@cache
def frequencies(size: int) -> torch.Tensor:
    """Turns of pairs of `size` numbers a place, rounded to float16 as the model was trained with; on the CPU."""
    exponents = torch.arange(0, size, 2, device="cpu").float() / size
    return (1.0 / BASE**exponents).half()


def turns(where: torch.Tensor, size: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines (rows, 1, new, size) for heads of `size`: the first half by the one place, then the other.

    In float16 the angles are of that type too, as they were in training: at place 1,000 that is a quarter off.
    """
    kind = torch.float16 if dtype == torch.float16 else torch.float32
    angles = where.to(kind).unsqueeze(-1) * frequencies(size // 2).to(where.device, kind)
    angles = torch.cat((angles, angles), -1).transpose(1, 2).flatten(-2).unsqueeze(1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def turned(states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Queries or keys (rows, heads, new, size), each half of them turned by itself."""
    first, second = states.unflatten(-1, (2, -1)).chunk(2, dim=-1)
    return states * cosines + torch.cat((-second, first), -1).flatten(-2) * sines
