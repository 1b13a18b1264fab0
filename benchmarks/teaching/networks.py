"""Fits the judge's networks, with torch: a conditional logit between a sentence's options and leaving it alone."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import relu

from benchmarks.teaching.states import State
from worker_llm.grammar.judge.network import SIZE

BATCH = 128  # states
RATE = 0.005  # of the optimiser (Adam), falling to 0
PENALTY = 1e-5  # of the squared weights that a batch uses
DROPOUT = 0.3
MAX_SCORE = 30.0


class Trained(torch.nn.Module):
    """The network of `worker_llm.grammar.judge.network`, as torch fits it."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.linear = torch.nn.EmbeddingBag(SIZE, 1, mode="sum", include_last_offset=True)
        self.embedding = torch.nn.EmbeddingBag(SIZE, hidden, mode="sum", include_last_offset=True)
        self.middle = torch.nn.Linear(hidden, hidden)
        self.out = torch.nn.Linear(hidden, 1, bias=False)
        self.dropout = torch.nn.Dropout(DROPOUT)
        torch.nn.init.zeros_(self.linear.weight)
        torch.nn.init.normal_(self.embedding.weight, std=0.1)
        torch.nn.init.zeros_(self.out.weight)

    def forward(self, rows: torch.Tensor, starts: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """One score for each option."""
        hidden = self.dropout(relu(self.embedding(rows, starts, per_sample_weights=values)))
        sums: torch.Tensor = self.linear(rows, starts, per_sample_weights=values)[:, 0]
        return sums + self.out(relu(self.middle(hidden)))[:, 0]

    def penalty(self, rows: torch.Tensor) -> torch.Tensor:
        rows_in_use = rows.unique()
        return PENALTY * (
            (self.linear.weight[rows_in_use] ** 2).sum() + (self.embedding.weight[rows_in_use] ** 2).sum()
        )


def fit(
    states: Sequence[State],
    hidden: int,
    epochs: int,
    weight_of_invented: float = 1.0,
    start: Trained | None = None,
    rate: float = RATE,
) -> Trained:
    """A network with `hidden` units in each layer; a network to `start` with is changed itself."""
    torch.manual_seed(0)
    chance = random.Random(0)
    states = [state for state in states if state.options]
    network = start or Trained(hidden)
    network.train()
    steps = epochs * -(-len(states) // BATCH)
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, total_iters=steps)
    for _ in range(epochs):
        for batch in _batches(chance.sample(states, len(states))):
            arrays = _pack(batch)
            weights = torch.tensor([weight_of_invented if state.is_invented else 1.0 for state in batch])
            loss = (_losses(network(*arrays), batch) * weights).mean() + network.penalty(arrays[0])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    network.eval()
    return network


def score(network: Trained, states: Sequence[State]) -> list[NDArray[np.float32]]:
    """The scores of each state's options."""
    scores: list[NDArray[np.float32]] = []
    with torch.no_grad():
        for batch in _batches(states):
            results = network(*_pack(batch)).numpy() if any(state.options for state in batch) else np.empty(0)
            ends = np.cumsum([len(state.options) for state in batch])
            scores += np.split(results.astype(np.float32), ends[:-1])
    return scores


def write(network: Trained, path: Path) -> None:
    arrays = {
        "linear": network.linear.weight[:, 0],
        "embedding": network.embedding.weight,
        "middle": network.middle.weight,
        "bias": network.middle.bias,
        "out": network.out.weight[0],
    }
    halves = {name: array.detach().numpy().astype(np.float16) for name, array in arrays.items()}
    np.savez_compressed(path, **halves)


def _batches(states: Sequence[State]) -> Iterator[Sequence[State]]:
    for start in range(0, len(states), BATCH):
        yield states[start : start + BATCH]


def _pack(states: Sequence[State]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All options' rows one after the other, where each option's begin, and the values."""
    options = [option for state in states for option in state.options]
    starts = np.cumsum([0, *(len(option.rows) for option in options)])
    rows = np.concatenate([option.rows for option in options]).astype(np.int64)
    values = np.concatenate([option.values for option in options])
    return torch.from_numpy(rows), torch.from_numpy(starts), torch.from_numpy(values)


def _losses(scores: torch.Tensor, states: Sequence[State]) -> torch.Tensor:
    """For each state the negative log probability of a right choice; nothing right means leaving it alone."""
    count = len(states)
    owner = torch.tensor([number for number, state in enumerate(states) for _ in state.options])
    is_right = torch.tensor([place in state.right for state in states for place in range(len(state.options))])
    odds = scores.clamp(-MAX_SCORE, MAX_SCORE).exp()
    total = 1 + torch.zeros(count).index_add(0, owner, odds)
    right = torch.zeros(count).index_add(0, owner, odds * is_right)
    has_right = torch.tensor([bool(state.right) for state in states])
    return total.log() - torch.where(has_right, right, torch.ones(count)).clamp_min(1e-20).log()
