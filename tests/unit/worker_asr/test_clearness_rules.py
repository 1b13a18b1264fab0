"""The probe's file and the rules' file, and the rules on figures that were made up."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import ConfigurationError
from worker_asr.clearness.fluency import Fluency
from worker_asr.clearness.meter import PROBE_FILE, SpokenText, SpokenWord
from worker_asr.clearness.probe import CLASSES, FLOOR, WIDTH, Probe, load_probe, save_probe
from worker_asr.clearness.rules import LinearRule, Rules, load_rules, save_rules

CLEAR = SpokenWord("tea", 0.5, 0.9, -0.4, "t", -0.6, -0.2, -0.4, 2, -0.5, -6.0, 1, True, 0.95)
UNCLEAR = replace(
    CLEAR, clearness=-5.5, weakest_clearness=-8.0, margin=-5.0, least_margin=-7.5, forced=-9.0, recognised=False,
    probability=0.0,
)  # fmt: skip
FLUENCY = Fluency(9.0, 3.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules()


def test_a_word_that_was_hardly_heard_is_less_clear_than_one_that_was(rules):
    clear, unclear, _ = rules.unclear_probability([CLEAR, UNCLEAR, CLEAR])
    assert clear < 0.1 < rules.threshold < unclear


def test_only_the_unclear_word_is_marked(rules):
    assert rules.mark([CLEAR, UNCLEAR, CLEAR]) == [False, True, False]


def test_a_sentence_that_is_clear_and_without_pauses_has_the_better_scores(rules):
    good = SpokenText((CLEAR,) * 5, FLUENCY)
    poor = SpokenText((CLEAR, UNCLEAR) * 2, Fluency(3.0, 1.0, 0.6, 2.0, 0.6))
    assert all(better > worse + 1 for better, worse in zip(rules.score(good), rules.score(poor), strict=True))


def test_a_word_for_which_the_decoder_had_no_room_is_judged_by_the_rest(rules):
    unknown = {"forced": float("nan"), "in_silence": float("nan")}
    clear, unclear = rules.unclear_probability([replace(CLEAR, **unknown), replace(UNCLEAR, **unknown)])
    assert 0 < clear < unclear < 1
    assert np.isfinite(rules.score(SpokenText((replace(CLEAR, **unknown),), FLUENCY))).all()


def test_a_figure_far_outside_counts_as_four_standard_deviations():
    rule = LinearRule(np.zeros(1), np.ones(1), np.ones(1), 0.0)
    assert rule.apply(np.array([[1000.0], [-1000.0], [2.0]])).tolist() == [4.0, -4.0, 2.0]


def test_rules_are_read_as_they_were_written(rules, tmp_path):
    save_rules(rules, tmp_path / "rules.npz")
    again = load_rules(tmp_path / "rules.npz")
    assert again.threshold == pytest.approx(rules.threshold)
    assert again.ranges == rules.ranges
    assert again.unclear_probability([CLEAR, UNCLEAR]) == pytest.approx(rules.unclear_probability([CLEAR, UNCLEAR]))


def test_each_fluency_figure_has_a_middle_range(rules):
    assert {*rules.ranges} == {*vars(FLUENCY)}
    assert all(low <= high for low, high in rules.ranges.values())


def test_the_probe_gives_log_probabilities_of_every_class():
    frames = np.random.default_rng(0).normal(0, 1, (7, WIDTH)).astype(np.float32)
    result = load_probe(PROBE_FILE).classify(frames)
    assert result.shape == (7, len(CLASSES))
    assert result.min() >= FLOOR
    assert np.exp(result).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_a_probe_is_read_as_it_was_written_up_to_half_precision(tmp_path):
    probe = load_probe(PROBE_FILE)
    save_probe(probe, tmp_path / "probe.npz")
    again = load_probe(tmp_path / "probe.npz")
    assert all(np.array_equal(getattr(again, name), value) for name, value in vars(probe).items())


@pytest.mark.parametrize("load", [load_probe, load_rules])
@pytest.mark.parametrize("content", [None, b"", b"no numbers at all", b"PK\x03\x04 torn"])
def test_a_missing_or_damaged_file_is_a_configuration_error(load, content, tmp_path):
    file = tmp_path / "numbers.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"numbers\.npz"):
        load(file)


def test_a_probe_for_another_model_is_refused(tmp_path):
    narrow = Probe(*(np.zeros(shape, np.float32) for shape in ((384, 4), (4,), (4, 40), (40,), (40,))))
    save_probe(narrow, tmp_path / "narrow.npz")
    with pytest.raises(ConfigurationError, match="another speech model"):
        load_probe(tmp_path / "narrow.npz")


def test_rules_for_other_figures_are_refused(rules, tmp_path):
    fewer = LinearRule(np.zeros(3), np.ones(3), np.ones(3), 0.0)
    save_rules(replace(rules, word=fewer), tmp_path / "rules.npz")
    with pytest.raises(ConfigurationError, match="fit them again"):
        load_rules(tmp_path / "rules.npz")
