"""The plot of a class: a bar for each student, or in a large class for each range of values."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from unicodedata import east_asian_width

from api.report.results import Result

MOST_BARS = 50  # students that have a bar each; more would not be read one by one
RANGES = 10  # about how many bars a larger class has
TICKS = 5  # marks on the axis, at most
LABEL = 18  # widths of a Latin letter that the names have room for


@dataclass(frozen=True)
class Bar:
    """`share`: its length in [0, 1]. `label` is `name` as far as there is room."""

    name: str
    label: str
    share: float
    text: str


@dataclass(frozen=True)
class Plot:
    """`title`, `rest_title` and `axis` are keys of the wording; `ticks` are shares of the axis, and what stands there.

    `rest` are the students who have no bar, since nothing was wrong.
    """

    title: str
    axis: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    rest: tuple[str, ...] = ()
    rest_title: str = ""


def plot(results: Sequence[Result]) -> Plot | None:
    """Of a text that was read: the share of its words that was heard; else the corrections of 100 words.

    Who needs most help comes first. None where nothing was heard.
    """
    read = [(each.name, 100 * (each.reading.accuracy or 0)) for each in results if each.reading]
    if read:
        return _drawn(sorted(read, key=lambda each: each[1]), "read", best=100, longest=100)
    rates = [(each.name, each.corrections_per_100) for each in results]
    known = sorted(((name, rate) for name, rate in rates if rate is not None), key=lambda each: -each[1])
    return _drawn(known, "corrections", best=0, longest=known[0][1]) if known else None


def _drawn(values: Sequence[tuple[str, float]], what: str, best: float, longest: float) -> Plot:
    """Who has the same value stays in the class's order."""
    rest = tuple(name for name, value in values if value == best)
    if len(values) - len(rest) > MOST_BARS:
        return _ranges([value for _, value in values], what, longest)
    end, ticks = _axis(longest)
    shown = [(name, value) for name, value in values if value != best]
    bars = tuple(Bar(name, shortened(name), value / end, f"{value:.1f}") for name, value in shown)
    return Plot(f"plot_{what}", f"axis_{what}", bars, ticks, rest, f"rest_{what}")


def _ranges(values: Sequence[float], what: str, longest: float) -> Plot:
    """How many students there are in each range; the upper end belongs to the next one, save the last."""
    step = _step(longest, RANGES)
    ends = max(1, ceil(longest / step))
    counts = [0] * ends
    for value in values:
        counts[min(floor(value / step), ends - 1)] += 1
    end, ticks = _axis(max(counts), whole=True)
    names = [f"{step * n:g} – {step * (n + 1):g}" for n in range(ends)]
    bars = tuple(Bar(name, name, count / end, str(count)) for name, count in zip(names, counts, strict=True))
    return Plot(f"plot_{what}_ranges", "axis_students", bars, ticks)


def _axis(longest: float, whole: bool = False) -> tuple[float, tuple[tuple[float, str], ...]]:
    """Where the axis ends, and its marks."""
    step = max(_step(longest, TICKS), 1 if whole else 0)
    count = max(1, ceil(longest / step - 1e-9))
    return step * count, tuple((n / count, f"{step * n:g}") for n in range(count + 1))


def _step(longest: float, most: int) -> float:
    """The least of …, 1, 2, 5, 10, 20, … of which `most` reach as far."""
    if longest <= 0:
        return 1.0
    power = 10 ** floor(log10(longest / most))
    return next(float(power * each) for each in (1, 2, 5, 10) if power * each * most >= longest * (1 - 1e-9))


def shortened(name: str) -> str:
    """As much of a name as there is room for; a Chinese character takes that of two letters."""
    width, shown = 0, ""
    for letter in name:
        width += 2 if east_asian_width(letter) in "WF" else 1
        if width > LABEL:
            return f"{shown.rstrip()}…"
        shown += letter
    return shown
