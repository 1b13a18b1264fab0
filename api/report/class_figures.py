"""What can be counted of a whole class."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.report.plot import Plot, plot
from api.report.results import ANSWERED, GONE, MISSING, Result
from pipeline.homework.assignments import Assignment
from pipeline.words.mistakes import Mistake, UnclearWord, common, unclear


@dataclass(frozen=True)
class TargetWord:
    """A word that was to be used: `users` said it, `others` were heard and did not."""

    word: str
    users: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class ClassFigures:
    """A class's figures; students are named in its order. `handed_in` counts what is no longer kept (`gone`) as well.

    `unknown`: handed in, but not among the assignment's students. `on_time` and `late`: of those handed in, where there
    is a due time. `heard`: of whom words are known. `working`: neither answered nor ended, those who wait for the
    teacher too. `recorded_s`: all recordings together. `words` and `corrections`: of whom the teacher answered in
    words. `read` of `to_read` words of the text were heard, over all who were heard.
    """

    students: int
    handed_in: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    on_time: int
    late: tuple[str, ...]
    answered: int
    failed: tuple[Result, ...]
    heard: int
    working: int
    gone: int
    recorded_s: float
    words: int
    corrections: int
    read: int
    to_read: int
    mistakes: tuple[Mistake, ...]
    unclear: tuple[UnclearWord, ...]
    target_words: tuple[TargetWord, ...]
    plot: Plot | None
    changed_at: float | None  # Unix seconds of the latest change of a job

    @property
    def corrections_per_100(self) -> float | None:
        """100 · corrections / words."""
        return 100 * self.corrections / self.words if self.words else None


def class_figures(assignment: Assignment, results: Sequence[Result]) -> ClassFigures:
    roster = {student.name for student in assignment.students}
    given = [each for each in results if each.state != MISSING]
    readings = [each.reading for each in results if each.reading]
    return ClassFigures(
        students=len(results),
        handed_in=len(given),
        missing=_names(each for each in results if each.state == MISSING),
        unknown=_names(each for each in results if roster and each.name not in roster),
        on_time=sum(each.on_time is True for each in given),
        late=_names(each for each in given if each.on_time is False),
        answered=sum(each.state == ANSWERED for each in given),
        failed=tuple(each for each in given if each.failed),
        heard=sum(each.words is not None for each in given),
        working=sum(each.state not in (ANSWERED, GONE) and not each.failed for each in given),
        gone=sum(each.state == GONE for each in given),
        recorded_s=sum(each.recording_s or 0 for each in results),
        words=sum(each.words or 0 for each in results if each.corrections is not None),
        corrections=sum(each.corrections or 0 for each in results),
        read=sum(reading.read for reading in readings),
        to_read=sum(reading.words for reading in readings),
        mistakes=tuple(common((each.name, each.feedback) for each in results if each.feedback)),
        unclear=_unclear(results),
        target_words=tuple(_target(word, results) for word in assignment.words),
        plot=plot(results),
        changed_at=max((each.job.updated_at for each in results if each.job), default=None),
    )


def _unclear(results: Sequence[Result]) -> tuple[UnclearWord, ...]:
    heard = ((each.name, each.transcript) for each in results if each.transcript)
    return tuple(unclear(heard, ((each.name, each.reading) for each in results if each.reading)))


def _target(word: str, results: Sequence[Result]) -> TargetWord:
    heard = [each for each in results if each.used is not None]
    users = _names(each for each in heard if word in (each.used or ()))
    return TargetWord(word, users, _names(each for each in heard if word not in (each.used or ())))


def _names(results: Iterable[Result]) -> tuple[str, ...]:
    return tuple(each.name for each in results)
