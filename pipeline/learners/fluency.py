"""How fluently a learner reads aloud over many readings: plain figures, their mean and trend, and never a mark."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Literal

from pipeline.jobs.results import Figure, ReadingFluency

MIN_READINGS = 5  # from which on there is a mean and a trend: one reading says little about a reader
MAX_READINGS = 20  # the latest ones, of which the mean is
TREND_Z = 1.96  # how clear a trend is: without one, it would be found in one of twenty readers

FigureName = Literal["sounds_per_s", "words_per_s", "pauses_per_word", "longest_pause_s"]
FIGURES: tuple[FigureName, ...] = ("sounds_per_s", "words_per_s", "pauses_per_word", "longest_pause_s")
Trend = Literal["rising", "falling", "none"]


@dataclass(frozen=True)
class FluentReading:
    """How fluently a text was read aloud, in a job, at a time in Unix seconds."""

    at: float
    job: str
    fluency: ReadingFluency

    def figure(self, name: FigureName) -> Figure:
        figure: Figure = getattr(self.fluency, name)
        return figure


@dataclass(frozen=True)
class FluencySummary:
    """A figure over all readings: None before MIN_READINGS of them.

    The middle half of the speakers of the corpus lies from `low` to `high`, by the latest reading.
    """

    mean: float | None
    trend: Trend | None
    low: float
    high: float


def summarize_fluency(readings: Sequence[FluentReading], name: FigureName) -> FluencySummary:
    """The summary of one figure of the readings, at least one, oldest first."""
    latest = readings[-1].figure(name)
    values = [each.figure(name).value for each in readings]
    if len(values) < MIN_READINGS:
        return FluencySummary(None, None, latest.low, latest.high)
    return FluencySummary(round(sum(values) / len(values), 2), find_trend(values), latest.low, latest.high)


def find_trend(values: Sequence[float]) -> Trend:
    """Whether the values rise or fall, by the test of Mann and Kendall; "none" where chance explains it as well."""
    count = len(values)
    score = sum((later > earlier) - (later < earlier) for earlier, later in combinations(values, 2))
    deviation = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    if abs(score) - 1 < TREND_Z * deviation:
        return "none"
    return "rising" if score > 0 else "falling"
