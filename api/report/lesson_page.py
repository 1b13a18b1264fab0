"""A lesson as one HTML page that opens anywhere: its summary, its mistakes, and what was said, corrections marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.report.marks import Mark, marked
from api.report.rendering import render
from pipeline.errors import NoSpeech
from pipeline.jobs.job import Job
from pipeline.lessons import Figures, Turn, by_chapter
from pipeline.timestamps import elapsed
from pipeline.words.mistakes import UNCLEAR

SHOWN = 20  # mistakes, and unclear words, that the page has


@dataclass(frozen=True)
class Row:
    """A turn as the page has it: `who` speaks, "" where that is not known; what was said, or the code of its error."""

    number: int
    at: str
    who: str
    marks: Sequence[Mark]
    corrected: str
    error: str


def lesson_page(lesson: Job, turns: Sequence[Turn], figures: Figures, complete: bool) -> bytes:
    """`complete`: nothing will be added."""
    return render(
        "report_lesson.html",
        lesson=lesson,
        title=lesson.request.details.get("title", "") or lesson.id,
        length=elapsed(figures.seconds),
        figures=figures,
        corrections=sum(mistake.count for mistake in figures.mistakes),
        chapters=[(elapsed(chapter.start), chapter, rows(lesson, within)) for chapter, within in by_chapter(turns)],
        complete=complete,
        marked=marked,
        shown=SHOWN,
        threshold=UNCLEAR,
    )


def rows(lesson: Job, turns: Sequence[Turn]) -> list[Row]:
    """The turns but those in which nobody spoke."""
    found = [row(lesson, turn) for turn in turns]
    return [each for each in found if each.error != NoSpeech.code]


def row(lesson: Job, turn: Turn) -> Row:
    heard, feedback = turn.job.transcript, turn.job.feedback
    marks = marked(turn.text, feedback.edits if feedback else (), heard.words if heard else ())
    corrected = feedback.corrected if feedback and feedback.edits else ""
    error = str(turn.job.error["code"]) if turn.job.error else ""
    return Row(turn.number, elapsed(turn.start), who(lesson, turn), marks, corrected, error)


def who(lesson: Job, turn: Turn) -> str:
    """A key of the page's words; "" where the recording has no speakers apart."""
    if turn.speaker and lesson.request.details.get("learner"):
        return "speaker_learner" if turn.job.request.task == "turn" else "speaker_other"
    return f"speaker_{turn.speaker}" if turn.speaker else ""
