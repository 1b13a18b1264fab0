"""Fluency over many readings: a mean and a trend from five on, and a trend only where chance does not explain it."""

import pytest

from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.learners.entries import LedgerEntry, build_entry
from pipeline.learners.fluency import FIGURES, MAX_READINGS, MIN_READINGS, FluentReading, find_trend, summarize_fluency
from pipeline.learners.ledger import DatedEntry, build_ledger


def fluency(words_per_s: float, low: float = 2.0) -> ReadingFluency:
    other = Figure(1.0, 0.5, 1.5)
    return ReadingFluency(other, Figure(words_per_s, low, 3.5), other, other)


def read(*words_per_s: float) -> list[FluentReading]:
    return [FluentReading(at, "a", fluency(each)) for at, each in enumerate(words_per_s)]


def test_before_five_readings_there_is_neither_a_mean_nor_a_trend():
    figure = summarize_fluency(read(2.0, 2.5, 3.0, 3.5), "words_per_s")
    assert (figure.mean, figure.trend, figure.low, figure.high) == (None, None, 2.0, 3.5)


def test_from_five_readings_on_there_are_both():
    readings = read(2.0, 2.2, 2.4, 2.6, 3.0)
    assert len(readings) == MIN_READINGS
    figure = summarize_fluency(readings, "words_per_s")
    assert (figure.mean, figure.trend) == (2.44, "rising")
    assert summarize_fluency(readings, "longest_pause_s").trend == "none"


@pytest.mark.parametrize(
    ("values", "trend"),
    [
        ((1, 2, 3, 4, 5), "rising"),
        ((5, 4, 3, 2, 1), "falling"),
        ((1, 3, 2, 4, 5), "none"),
        ((2, 2, 2, 2, 2), "none"),
        ((1, 5, 1, 5, 1, 5), "none"),
        ((1, 2, 2, 3, 3, 4, 4, 5), "rising"),
    ],
)
def test_a_trend_is_named_only_where_it_would_be_rare_by_chance(values, trend):
    assert find_trend(values) == trend


def test_the_range_is_that_of_the_latest_reading():
    readings = [FluentReading(0, "a", fluency(2.0, low=1.0)), FluentReading(1, "b", fluency(2.0, low=1.8))]
    assert summarize_fluency(readings, "words_per_s").low == 1.8


def test_a_ledger_has_the_latest_readings_oldest_first():
    entries = [DatedEntry(at, LedgerEntry(f"job{at}", fluency=fluency(at / 10))) for at in range(MAX_READINGS + 3)]
    readings = build_ledger("session-a", reversed(entries)).readings
    assert [each.job for each in readings] == [f"job{at}" for at in range(3, MAX_READINGS + 3)]


@pytest.mark.parametrize(("verdict", "is_kept"), [("correct", True), ("corrected", True), ("needs_an_adult", False)])
def test_a_text_that_was_read_adds_its_fluency(verdict, is_kept):
    transcript = Transcript("Hi", "en", 1.0, reading=Reading((ReadWord("Hi", "misread", 0, 1),), fluency(2.5)))
    request = JobRequest("a", "a", assignment="hw", student="Anna", details={"text": "Hi"})
    entry = build_entry(request, transcript, Feedback("Hi", "Hi", "", "", verdict=verdict))
    assert (entry.fluency if entry else None) == (fluency(2.5) if is_kept else None)


def test_every_figure_of_a_reading_is_summed_up():
    assert list(ReadingFluency.__annotations__) == list(FIGURES)
