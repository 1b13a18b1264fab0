"""The gradebook: a table of the class that opens in a spreadsheet."""

from collections.abc import Sequence

from api.jobs.zip_download import UTF8_MARK, csv_line
from api.report.handed import audio_name
from api.report.rendering import visible
from api.report.results import Result
from api.report.times import iso

COLUMNS = (
    "student",
    "id",
    "state",
    "handed_in_at",
    "on_time",
    "recording_s",
    "words",
    "corrections",
    "words_per_minute",
    "text_words",
    "text_words_read",
    "target_words_used",
    "heard",
    "corrected",
    "answer",
    "error",
    "file",
)


def gradebook(results: Sequence[Result], stems: Sequence[str]) -> bytes:
    """UTF-8 with a byte order mark, lines ended by CR LF; a cell is empty where there is nothing to tell.

    `words` are those heard, `words_per_minute` = words / (recording_s / 60), `text_words_read` of `text_words` those of
    the text that were heard in their place, `target_words_used` the words said, `file` the spoken answer. Whoever
    handed nothing in is "missing"; `on_time` is "yes" or "no".
    """
    lines = zip(results, stems, strict=True)
    return (
        UTF8_MARK + csv_line(COLUMNS) + b"".join(csv_line(map(visible, cells(result, stem))) for result, stem in lines)
    )


def cells(result: Result, stem: str) -> tuple[str, ...]:
    student, reading, audio = result.handed.student, result.reading, audio_name(stem, result.job)
    return (
        student.name,
        student.id,
        result.state,
        iso(result.handed.handed_in_at) or "",
        {True: "yes", False: "no", None: ""}[result.on_time],
        number(result.recording_s, 2),
        number(result.words),
        number(result.corrections),
        number(result.words_per_minute, 1),
        number(reading.words if reading else None),
        number(reading.read if reading else None),
        "; ".join(result.used or ()),
        result.heard,
        result.feedback.corrected if result.feedback else "",
        result.answer,
        result.error,
        audio and f"students/{audio}",
    )


def number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"
