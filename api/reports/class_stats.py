"""The figures of a whole class, and its bar chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from unicodedata import east_asian_width

from api.reports.student_stats import ANSWERED, GONE, MISSING, StudentStats
from pipeline.homework.assignments import Assignment
from pipeline.jobs.results import Verdict
from pipeline.text.statistics import Mistake, UnclearWord, count_mistakes, count_unclear_words, count_verdicts

MAX_BARS = 50  # students with a bar each; of more, nobody would read each bar
RANGE_COUNT = 10  # about how many bars a larger class has
MAX_TICKS = 5  # marks on the axis
LABEL_WIDTH = 18  # of a bar's label, in widths of a Latin letter


@dataclass(frozen=True)
class TargetWord:
    """A word that was to be used: `users` said it, `non_users` handed in something without it."""

    word: str
    users: tuple[str, ...]
    non_users: tuple[str, ...]


@dataclass(frozen=True)
class ClassStats:
    """A class's figures; students are named in its order.

    `handed_in_count` includes what is not stored any more (`gone_count`). `outsiders`: handed in, but not among the
    assignment's students. `on_time_count` and `late`: of those handed in, where there is a due time.
    `transcribed_count`: of those with a transcript. `unfinished_count`: neither answered nor ended; this includes those
    who wait for the teacher's review. `recording_s`: all recordings together. `verdicts`: how many students have each
    verdict; `concerns`: those who may be in danger, whose words no list quotes. `word_count` and `correction_count`: of
    those who were checked for mistakes. `read_count` of `text_word_count` words of the text were heard, over all
    readings.
    """

    student_count: int
    handed_in_count: int
    missing: tuple[str, ...]
    outsiders: tuple[str, ...]
    on_time_count: int
    late: tuple[str, ...]
    answered_count: int
    failures: tuple[StudentStats, ...]
    transcribed_count: int
    unfinished_count: int
    gone_count: int
    recording_s: float
    verdicts: Mapping[Verdict, int]
    concerns: tuple[StudentStats, ...]
    word_count: int
    correction_count: int
    read_count: int
    text_word_count: int
    mistakes: tuple[Mistake, ...]
    unclear_words: tuple[UnclearWord, ...]
    target_words: tuple[TargetWord, ...]
    chart: "BarChart | None"
    changed_at: float | None  # Unix seconds of the latest change of a job

    @property
    def corrections_per_100(self) -> float | None:
        """100 · correction_count / word_count."""
        return 100 * self.correction_count / self.word_count if self.word_count else None


def compute_class_stats(assignment: Assignment, students: Sequence[StudentStats]) -> ClassStats:
    roster = {student.name for student in assignment.students}
    handed_in = [each for each in students if each.state != MISSING]
    readings = [(each.name, each.reading) for each in students if each.reading]
    transcripts = ((each.name, each.transcript) for each in students if each.transcript and not each.needs_an_adult)
    return ClassStats(
        student_count=len(students),
        handed_in_count=len(handed_in),
        missing=_list_names(each for each in students if each.state == MISSING),
        outsiders=_list_names(each for each in students if roster and each.name not in roster),
        on_time_count=sum(each.on_time is True for each in handed_in),
        late=_list_names(each for each in handed_in if each.on_time is False),
        answered_count=sum(each.state == ANSWERED for each in handed_in),
        failures=tuple(each for each in handed_in if each.has_failed),
        transcribed_count=sum(each.word_count is not None for each in handed_in),
        unfinished_count=sum(each.state not in (ANSWERED, GONE) and not each.has_failed for each in handed_in),
        gone_count=sum(each.state == GONE for each in handed_in),
        recording_s=sum(each.recording_s or 0 for each in students),
        verdicts=count_verdicts(each.feedback for each in students),
        concerns=tuple(each for each in students if each.needs_an_adult),
        word_count=sum(each.word_count or 0 for each in students if each.correction_count is not None),
        correction_count=sum(each.correction_count or 0 for each in students),
        read_count=sum(reading.read_count for _, reading in readings),
        text_word_count=sum(reading.word_count for _, reading in readings),
        mistakes=tuple(count_mistakes((each.name, each.feedback) for each in students if each.feedback)),
        unclear_words=tuple(count_unclear_words(transcripts, readings)),
        target_words=tuple(_find_users(word, students) for word in assignment.words),
        chart=build_bar_chart(students),
        changed_at=max((each.job.updated_at for each in students if each.job), default=None),
    )


def _find_users(word: str, students: Sequence[StudentStats]) -> TargetWord:
    usages = [(each, each.used_words) for each in students if each.used_words is not None]
    users = _list_names(each for each, used_words in usages if word in used_words)
    return TargetWord(word, users, _list_names(each for each, used_words in usages if word not in used_words))


def _list_names(students: Iterable[StudentStats]) -> tuple[str, ...]:
    return tuple(each.name for each in students)


# The bar chart: a bar for each student, or in a large class for each range of values


@dataclass(frozen=True)
class Bar:
    """`share`: its length in [0, 1]. `label` is `name`, shortened to LABEL_WIDTH. `text` is the value."""

    name: str
    label: str
    share: float
    text: str


@dataclass(frozen=True)
class BarChart:
    """`title`, `axis` and `flawless_title` are keys of `strings`; `ticks` are shares of the axis, and the text there.

    `flawless_names`: the students who have no bar, since nothing was wrong.
    """

    title: str
    axis: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    flawless_names: tuple[str, ...] = ()
    flawless_title: str = ""


def build_bar_chart(students: Sequence[StudentStats]) -> BarChart | None:
    """With a text to read: the percentage of its words that was heard. Else: the corrections per 100 words.

    The students who need most help come first. None where nothing was said.
    """
    accuracies = [(each.name, 100 * (each.reading.accuracy or 0)) for each in students if each.reading]
    if accuracies:
        return _build_student_bars(sorted(accuracies, key=lambda each: each[1]), "read", best=100, longest=100)
    rates = [(each.name, each.corrections_per_100) for each in students]
    worst_first = sorted(((name, rate) for name, rate in rates if rate is not None), key=lambda each: -each[1])
    return _build_student_bars(worst_first, "corrections", best=0, longest=worst_first[0][1]) if worst_first else None


def _build_student_bars(values: Sequence[tuple[str, float]], kind: str, best: float, longest: float) -> BarChart:
    """`values` in the bars' order; students with the same value stay in the class's order."""
    flawless_names = tuple(name for name, value in values if value == best)
    if len(values) - len(flawless_names) > MAX_BARS:
        return _build_range_bars([value for _, value in values], kind, longest)
    end, ticks = _build_axis(longest)
    bar_values = [(name, value) for name, value in values if value != best]
    bars = tuple(Bar(name, shorten(name), value / end, f"{value:.1f}") for name, value in bar_values)
    return BarChart(f"chart_{kind}", f"axis_{kind}", bars, ticks, flawless_names, f"flawless_{kind}")


def _build_range_bars(values: Sequence[float], kind: str, longest: float) -> BarChart:
    """How many students there are in each range; a range's upper end belongs to the next one, except the last."""
    step = _round_step(longest, RANGE_COUNT)
    range_count = max(1, ceil(longest / step))
    counts = [0] * range_count
    for value in values:
        counts[min(floor(value / step), range_count - 1)] += 1
    end, ticks = _build_axis(max(counts), whole_numbers=True)
    names = [f"{step * n:g} – {step * (n + 1):g}" for n in range(range_count)]
    bars = tuple(Bar(name, name, count / end, str(count)) for name, count in zip(names, counts, strict=True))
    return BarChart(f"chart_{kind}_ranges", "axis_students", bars, ticks)


def _build_axis(longest: float, whole_numbers: bool = False) -> tuple[float, tuple[tuple[float, str], ...]]:
    """The value at the end of the axis, and its ticks."""
    step = max(_round_step(longest, MAX_TICKS), 1 if whole_numbers else 0)
    count = max(1, ceil(longest / step - 1e-9))
    return step * count, tuple((n / count, f"{step * n:g}") for n in range(count + 1))


def _round_step(longest: float, max_steps: int) -> float:
    """The smallest of …, 1, 2, 5, 10, 20, … for which `max_steps` steps reach `longest`."""
    if longest <= 0:
        return 1.0
    power = 10 ** floor(log10(longest / max_steps))
    return next(float(power * each) for each in (1, 2, 5, 10) if power * each * max_steps >= longest * (1 - 1e-9))


def shorten(name: str) -> str:
    """As much of a name as fits into LABEL_WIDTH; a Chinese character is as wide as two letters."""
    width, label = 0, ""
    for letter in name:
        width += 2 if east_asian_width(letter) in "WF" else 1
        if width > LABEL_WIDTH:
            return f"{label.rstrip()}…"
        label += letter
    return label
