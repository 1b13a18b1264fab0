"""The file of experts' scores, the figures of agreement, and the fit by speaker."""

import numpy as np
import pytest

from benchmarks.clearness.corpus import find_quiet, speaker_of
from benchmarks.clearness.fit import cross_validate, find_threshold, fit_logistic, fit_ridge
from benchmarks.clearness.network import train_network
from benchmarks.clearness.scores import area_under_curve, correlation, interval, read_scores, share
from pipeline.errors import BadRequest

LINE = "000540004\ttrain\t8\t9\t7\t6\tMARK:10:2/2/2\tLOVE:5:2/0.4/1.6"


def test_a_line_is_read_with_its_scores_and_words(tmp_path):
    file = tmp_path / "scores.tsv"
    file.write_text(f"{LINE}\n\n", encoding="utf-8")
    (score,) = read_scores(file)
    assert (score.accuracy, score.fluency, score.prosodic, score.total) == (8, 9, 7, 6)
    assert score.text == "MARK LOVE"
    assert [each.accuracy for each in score.words] == [10, 5]
    assert speaker_of(score.identifier) == "00054"


@pytest.mark.parametrize(
    "bad_line",
    ["x", "a\tb\tc", LINE.replace("8", "high"), LINE.rsplit("\tMARK", 1)[0], LINE.replace("MARK:10:2/2/2", "MARK"),
     LINE.replace("MARK", "")],
)  # fmt: skip
def test_a_line_that_is_none_is_named(bad_line, tmp_path):
    file = tmp_path / "scores.tsv"
    file.write_text(f"{LINE}\n{bad_line}\n", encoding="utf-8")
    with pytest.raises(BadRequest, match=r"scores\.tsv, line 2: "):
        read_scores(file)


def test_a_file_without_scores_is_refused(tmp_path):
    file = tmp_path / "scores.tsv"
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(BadRequest, match="has no scores"):
        read_scores(file)


@pytest.mark.parametrize(
    ("values", "is_bad", "area"),
    [([1, 2, 3, 4], [0, 0, 1, 1], 1.0), ([4, 3, 2, 1], [0, 0, 1, 1], 0.0), ([1, 1, 1], [0, 1, 1], 0.5),
     ([1, 3, 2, 4], [0, 0, 1, 1], 0.75)],
)  # fmt: skip
def test_the_area_under_the_curve_counts_pairs_in_the_right_order(values, is_bad, area):
    assert area_under_curve(np.array(values), np.array(is_bad, bool)) == pytest.approx(area)


def test_figures_of_nothing_are_no_numbers():
    assert np.isnan(area_under_curve(np.ones(2), np.zeros(2, bool)))
    assert np.isnan(correlation(np.ones(3), np.arange(3)))
    assert np.isnan(share(np.ones(2, bool), np.zeros(2, bool)))


def test_an_interval_is_drawn_over_speakers_and_not_over_rows():
    values, speakers = np.repeat([0.0, 1.0], 500), np.repeat(["a", "b"], 500)
    assert interval(lambda at: float(values[at].mean()), speakers) == (0.0, 1.0)


def test_no_rule_of_a_cross_validation_saw_the_speaker_that_it_judges():
    speakers = np.repeat(["a", "b", "c", "d"], 5)
    seen = np.array([{"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}[each] for each in speakers])

    class FakeRule:
        def __init__(self, known: set[float]) -> None:
            self.known = known

        def apply(self, rows: np.ndarray) -> np.ndarray:
            return np.array([float(row[0] in self.known) for row in rows])

    leaks = cross_validate(lambda rows, _: FakeRule({*rows[:, 0]}), seen[:, None], seen, speakers)
    assert leaks.tolist() == [0.0] * len(speakers)


def test_a_fitted_rule_finds_what_depends_on_a_figure():
    random = np.random.default_rng(0)
    rows = random.normal(0, 1, (400, 2))
    is_bad = rows[:, 0] + random.normal(0, 0.3, 400) > 1
    assert area_under_curve(fit_logistic(rows, is_bad).apply(rows), is_bad) > 0.95
    assert correlation(fit_ridge(rows, 3 * rows[:, 1] + 5).apply(rows), rows[:, 1]) > 0.99


@pytest.mark.parametrize(
    ("is_bad", "precision", "threshold"),
    [([1, 1, 0, 0], 0.8, 0.8), ([1, 0, 1, 1, 0], 0.75, 0.6), ([1, 1, 1, 1], 0.8, 0.6)],
)
def test_the_threshold_is_the_lowest_with_the_precision(is_bad, precision, threshold):
    unclear = np.array([0.9, 0.8, 0.7, 0.6, 0.5])[: len(is_bad)]
    assert find_threshold(unclear, np.array(is_bad, bool), precision) == pytest.approx(threshold)


def test_no_word_is_marked_when_no_threshold_has_the_precision():
    assert find_threshold(np.array([0.9, 0.8]), np.zeros(2, bool), 0.8) > 0.9


def test_the_network_learns_classes_that_lie_apart():
    random = np.random.default_rng(0)
    labels = random.integers(3, size=3000)
    rows = (np.eye(3)[labels] * 4 + random.normal(0, 1, (3000, 3))).astype(np.float32)
    network = train_network(rows, labels, units=16, classes=3, epochs=100)
    assert (network.log_probabilities(rows).argmax(axis=1) == labels).mean() > 0.9


def test_silence_before_and_after_a_voice_is_quiet():
    time = np.arange(16_000) / 16_000
    samples = np.concatenate([np.zeros(16_000), 0.3 * np.sin(2 * np.pi * 200 * time), np.zeros(16_000)])
    quiet = find_quiet(samples.astype(np.float32), 150)
    assert quiet[:48].all()
    assert quiet[102:].all()
    assert not quiet[52:98].any()
