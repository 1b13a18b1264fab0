"""HTML pages that open anywhere, without a network or JavaScript: of a class, of a student, of a lesson."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from api.reports.class_stats import compute_class_stats
from api.reports.highlight import Span, highlight_corrections, highlight_missed
from api.reports.kept_tries import KeptTry
from api.reports.strings import STRINGS
from api.reports.student_stats import StudentStats
from pipeline.errors import NoSpeech
from pipeline.homework.assignments import Assignment
from pipeline.jobs.job import Job
from pipeline.jobs.results import Edit, Feedback
from pipeline.lessons import LessonFigures, Turn, group_by_chapter
from pipeline.text.characters import remove_invisible
from pipeline.text.statistics import CLEAR_PROBABILITY
from pipeline.timestamps import format_elapsed, format_intervals

MAX_ROWS = 20  # mistakes, and unclear words, that a page has; a teacher would not read more of them


def render_class_report(assignment: Assignment, students: Sequence[StudentStats], stems: Sequence[str] = ()) -> bytes:
    """`stems`: the names, in students/, of the students' own pages, where those lie next to it."""
    return render(
        "reports/class.html",
        assignment=assignment,
        students=list(zip(students, stems or [""] * len(students), strict=True)),
        stats=compute_class_stats(assignment, students),
    )


def render_student_page(
    assignment: Assignment, stats: StudentStats, answer_file: str, card_file: str = "", tries: Sequence[KeptTry] = ()
) -> bytes:
    """A student's homework, the teacher's answer, and how the better sentence was said again.

    `answer_file` is the spoken answer, and `card_file` the lesson card, as seen from the page; "" where there is none.
    """
    edits = shown_edits(stats.feedback)
    words = stats.transcript.words if stats.transcript else ()
    is_reading = stats.reading is not None
    return render(
        "reports/student.html",
        assignment=assignment,
        stats=stats,
        edits=edits,
        heard_spans=highlight_corrections(stats.heard, () if stats.own_words else edits, words, is_reading),
        own_spans=highlight_corrections(stats.own_words, edits, is_reading=is_reading),
        text_spans=highlight_missed(assignment.text, stats.reading) if stats.reading else None,
        gaps=format_intervals(stats.transcript.gaps) if stats.transcript else "",
        answer_file=answer_file,
        card_file=card_file,
        tries=tries,
    )


def shown_edits(feedback: Feedback | None) -> Sequence[Edit]:
    """The corrections of a turn; none where the learner may be in danger, which is no time for grammar."""
    return feedback.edits if feedback and feedback.verdict != "needs_an_adult" else ()


@dataclass(frozen=True)
class LessonRow:
    """A turn on the page: its speaker (a key of `strings`, "" if not known), and its text or its error's code.

    `verdict`: "" where the turn is not a learner's, or not answered yet. `gaps` are the times, from the lesson's start,
    at which nothing could be understood.
    """

    number: int
    start: str
    speaker: str
    spans: Sequence[Span]
    gaps: str
    verdict: str
    edits: Sequence[Edit]
    error_code: str


def render_lesson_report(lesson: Job, turns: Sequence[Turn], figures: LessonFigures, complete: bool) -> bytes:
    """A lesson's summary, its mistakes, and what was said, corrections marked. `complete`: nothing will follow."""
    return render(
        "reports/lesson.html",
        lesson=lesson,
        title=lesson.request.details.get("title", "") or lesson.id,
        length=format_elapsed(figures.seconds),
        figures=figures,
        chapters=[
            (format_elapsed(chapter.start), chapter, _build_lesson_rows(lesson, chapter_turns))
            for chapter, chapter_turns in group_by_chapter(turns)
        ],
        complete=complete,
    )


def _build_lesson_rows(lesson: Job, turns: Sequence[Turn]) -> list[LessonRow]:
    """Without the turns in which nobody spoke."""
    rows = [_build_lesson_row(lesson, turn) for turn in turns]
    return [row for row in rows if row.error_code != NoSpeech.code]


def _build_lesson_row(lesson: Job, turn: Turn) -> LessonRow:
    transcript, feedback = turn.job.transcript, turn.job.feedback
    edits = shown_edits(feedback)
    spans = highlight_corrections(turn.text, edits, transcript.words if transcript else ())
    error_code = str(turn.job.error["code"]) if turn.job.error else ""
    return LessonRow(
        turn.number,
        format_elapsed(turn.start),
        _find_speaker_key(lesson, turn),
        spans,
        format_intervals(transcript.gaps, turn.start) if transcript else "",
        feedback.verdict if feedback else "",
        edits,
        error_code,
    )


def _find_speaker_key(lesson: Job, turn: Turn) -> str:
    """A key of `strings`; "" where the recording does not tell the speakers apart."""
    if turn.speaker and lesson.request.details.get("learner"):
        return "speaker_learner" if turn.job.request.task == "turn" else "speaker_other"
    return f"speaker_{turn.speaker}" if turn.speaker else ""


def render(template: str, **context: Any) -> bytes:
    return create_environment().get_template(template).render(context).encode()


@lru_cache
def create_environment() -> Environment:
    pages = Environment(
        loader=PackageLoader("api"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_remove_invisible,
    )
    pages.filters |= {
        "t": translate,
        "in_both_languages": join_languages,
        "local_time": format_local_time,
        "percent": format_percent,
    }
    pages.globals |= {
        "highlight_corrections": highlight_corrections,
        "max_rows": MAX_ROWS,
        "clear_probability": CLEAR_PROBABILITY,
    }
    return pages


BOTH_LANGUAGES = Markup('{}<span class="dot"> · </span><span lang="zh">{}</span>')


def translate(key: str) -> Markup:
    """A string in both languages."""
    return BOTH_LANGUAGES.format(*STRINGS[key])


def join_languages(texts: Mapping[str, str]) -> Markup:
    """A text that comes with the record, in both languages, or in the one that there is."""
    english, chinese = (remove_invisible(texts.get(language, ""), "\n") for language in ("en", "zh"))
    if english and chinese:
        return BOTH_LANGUAGES.format(english, chinese)
    return Markup('<span lang="zh">{}</span>').format(chinese) if chinese else Markup("{}").format(english)


def format_local_time(seconds: float) -> str:
    """Unix seconds in the server's time zone, such as 2026-12-01 19:58 (UTC+08:00)."""
    text = datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "minutes")
    return f"{text[:16]} (UTC{text[16:]})"


def format_percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _remove_invisible(value: Any) -> Any:
    """Clean each value that a template shows, except Markup, which the templates wrote or escaped themselves."""
    return remove_invisible(value, "\n") if isinstance(value, str) and not isinstance(value, Markup) else value
