"""Several fitted networks make one that scores as they do on average, and knows nothing of what was never seen."""

import numpy as np
import torch

from benchmarks.teaching import networks
from benchmarks.teaching.states import Option, State
from worker_llm.grammar.judge.features import Expectation
from worker_llm.grammar.judge.network import SIZE, Network
from worker_llm.grammar.sentence import Proposal


def make_state(rows: list[int], right: set[int]) -> State:
    options = tuple(
        Option("", Proposal(0, 1, (), "test"), Expectation(), np.array([row], np.int32), np.ones(1, np.float32))
        for row in rows
    )
    return State("text", "text", options, frozenset(right), bool(right), is_invented=False)


STATES = [make_state([3, 5], {0}), make_state([5, 7], set()), make_state([3, 7], {0})] * 40


def test_joined_networks_score_as_their_members_on_average():
    members = [networks.fit(STATES, hidden=4, epochs=2, seed=seed) for seed in range(3)]
    scores = [np.concatenate(networks.score(each, STATES)) for each in members]
    joined = np.concatenate(networks.score(networks.join(members), STATES))
    assert not np.allclose(scores[0], scores[1])
    np.testing.assert_allclose(joined, np.mean(scores, axis=0), atol=1e-5)


def test_what_was_never_seen_weighs_nothing(tmp_path):
    network = networks.fit(STATES, hidden=4, epochs=2)
    before = networks.score(network, STATES)
    networks.forget_unseen(network, STATES)
    assert torch.count_nonzero(network.embedding.weight.any(1)) == 3
    np.testing.assert_allclose(np.concatenate(networks.score(network, STATES)), np.concatenate(before))
    networks.write(network, tmp_path / "network.npz")
    written = Network.read(tmp_path / "network.npz")
    assert written.embedding.shape == (SIZE, 4)
    assert not written.embedding[[1, 2, 4]].any()
