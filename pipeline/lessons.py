"""A lesson put together again from its turns: who said what when, and the chapters that it falls into.

Each turn is a job of its own, which may have failed; the lesson's figures are in lesson_figures.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from pipeline.jobs import PREFIX
from pipeline.record import Job

AT_ONCE = 200  # records read at once, so that a lesson of hours does not keep Redis from others
CHAPTER_S = 300  # seconds that a chapter lasts, about
EARLY, LATE = 0.5, 1.5  # of CHAPTER_S: the longest pause between them ends a chapter
TITLE_WORDS = 8
TITLE_CHARS = 60  # characters of a title; Chinese has no spaces to count words by


@dataclass(frozen=True)
class Turn:
    """One turn of a lesson: its number, counted from 1, its place in seconds from the lesson's start, and its job."""

    number: int
    start: float
    end: float
    speaker: str
    job: Job

    @property
    def text(self) -> str:
        """What was heard; "" while nothing was, or when it was not recognised."""
        return self.job.transcript.text if self.job.transcript else ""


@dataclass(frozen=True)
class Chapter:
    """A stretch of a lesson, in seconds from its start; the title is what was said first in it."""

    title: str
    start: float
    end: float


def children(redis: "Redis", lesson: Job) -> list[Job]:
    """The jobs of the lesson's turns, in the order in which they were said, without those no longer kept."""
    line = f"{PREFIX}children:{lesson.question.tenant}/{lesson.question.turns_of}"
    names = cast(list[str], redis.zrange(line, 0, -1))
    found: list[Job] = []
    for first in range(0, len(names), AT_ONCE):
        with redis.pipeline(transaction=False) as reading:
            for name in names[first : first + AT_ONCE]:
                reading.hgetall(f"{PREFIX}job:{name}")
            found += [Job.from_record(record) for record in reading.execute() if "road" in record]
    return found


def turns(jobs: Iterable[Job]) -> list[Turn]:
    """The turns of these jobs, as their details have them, by number."""
    found = []
    for job in jobs:
        at = job.question.details
        found.append(Turn(int(at["number"]), float(at["start"]), float(at["end"]), str(at["speaker"]), job))
    return sorted(found, key=lambda turn: turn.number)


def chapters(turns: Sequence[Turn]) -> list[Chapter]:
    """A new chapter begins after the longest pause that there is about CHAPTER_S after the last one began.

    The last chapter is shorter, or a little longer, than the others. None where there are no turns.
    """
    found, rest = [], list(turns)
    while rest:
        size = _chapter(rest)
        found.append(Chapter(_title(rest[:size]), rest[0].start, max(turn.end for turn in rest[:size])))
        rest = rest[size:]
    return found


def by_chapter(turns: Sequence[Turn]) -> list[tuple[Chapter, list[Turn]]]:
    """The chapters, and the turns that begin in each."""
    found, rest = [], list(turns)
    for chapter in chapters(turns):
        within = [turn for turn in rest if turn.start <= chapter.end]
        found.append((chapter, within))
        rest = rest[len(within) :]
    return found


def _chapter(rest: Sequence[Turn]) -> int:
    """How many of the turns make up the first chapter."""
    begun, ended = rest[0].start, rest[0].end
    if max(turn.end for turn in rest) - begun <= LATE * CHAPTER_S:
        return len(rest)
    pauses: dict[int, float] = {}
    for number, turn in enumerate(rest[1:], 1):
        if ended - begun > LATE * CHAPTER_S and pauses:
            break
        if ended - begun >= EARLY * CHAPTER_S:
            pauses[number] = turn.start - ended
        ended = max(ended, turn.end)
    return max(pauses, key=lambda number: pauses[number], default=len(rest))


def _title(turns: Sequence[Turn]) -> str:
    """The first words of the first turn in which any were heard; "" where none were."""
    text = next((turn.text for turn in turns if turn.text), "")
    words = text.split()
    title = " ".join(words[:TITLE_WORDS])
    short = title[:TITLE_CHARS].rstrip()
    return f"{short} …" if short and (len(words) > TITLE_WORDS or short != title) else short
