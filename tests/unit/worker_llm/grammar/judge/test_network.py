"""The networks that score proposals."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from worker_llm.grammar.corrector import NETWORKS
from worker_llm.grammar.judge.network import SIZE, Network, row_of


def make_arrays(hidden: int = 4) -> dict[str, NDArray[np.float32]]:
    chance = np.random.default_rng(3)
    shapes = {"linear": (SIZE,), "embedding": (SIZE, hidden), "middle": (hidden, hidden), "bias": hidden, "out": hidden}
    return {name: chance.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_score_is_the_sum_of_the_weights_and_what_two_layers_add() -> None:
    arrays = make_arrays()
    a, b = row_of("gain"), row_of("kind verb")
    hidden = np.maximum(2.0 * arrays["embedding"][a] + arrays["embedding"][b], 0)
    hidden = np.maximum(arrays["middle"] @ hidden + arrays["bias"], 0)
    expected = 2.0 * arrays["linear"][a] + arrays["linear"][b] + arrays["out"] @ hidden
    assert Network(arrays).score([{"gain": 2.0, "kind verb": 1.0}]) == pytest.approx([expected], rel=1e-5)


def test_each_set_is_scored_as_if_it_were_alone() -> None:
    network = Network(make_arrays())
    sets = [{"gain": 1.0}, {"gain": -1.0, "loss": 0.5, "kind verb": 1.0}, {"he|go>goes": 1.0}]
    assert network.score(sets) == pytest.approx([network.score([each])[0] for each in sets], rel=1e-5)
    assert network.score([]) == []


def test_a_row_does_not_depend_on_the_process() -> None:
    assert (row_of("gain"), row_of("he|go>goes")) == (11520, 22790)


@pytest.mark.parametrize("name", ["selection", "decision"])
def test_the_networks_of_the_product_can_be_read_and_prefer_what_is_likelier(name: str) -> None:
    network = Network.read(NETWORKS / f"{name}.npz")
    better = {"local": 1.5, "gain": 2.0, "kind verb": 1.0, "fixes agreement_pronoun": 1.0}
    worse = {"local": -1.5, "gain": -2.0, "loss": -2.0, "kind verb": 1.0, "breaks agreement_pronoun": 1.0}
    good, bad = network.score([better, worse])
    assert good > bad


def test_a_network_is_read_as_it_was_written(tmp_path: Path) -> None:
    arrays = make_arrays()
    np.savez_compressed(tmp_path / "some.npz", **{name: each.astype(np.float16) for name, each in arrays.items()})
    sets = [{"gain": 1.0, "kind verb": 1.0}]
    assert Network.read(tmp_path / "some.npz").score(sets) == pytest.approx(Network(arrays).score(sets), rel=0.01)
