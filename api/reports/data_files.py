"""The class's results as data: a gradebook for spreadsheets, and a JSON file for each student."""

import json
from collections.abc import Sequence
from datetime import datetime

from api.jobs.zip_download import UTF8_MARK, csv_line
from api.reports.kept_tries import KeptTry, list_kept_tries
from api.reports.student_stats import StudentStats
from pipeline.homework.assignments import Assignment
from pipeline.jobs.records import to_fields
from pipeline.learners.fluency import FIGURES
from pipeline.text.characters import remove_invisible

GRADEBOOK_COLUMNS = (
    "student",
    "id",
    "state",
    "handed_in_at",
    "on_time",
    "verdict",
    "recording_s",
    "words",
    "corrections",
    "words_per_minute",
    "text_words",
    "text_words_read",
    "text_words_left_out",
    "words_added",
    "words_to_hear_again",
    *FIGURES,
    "target_words_used",
    "heard",
    "said",
    "corrected",
    "kinds",
    "tries",
    "sentence_words",
    "best_try_words_said",
    "last_try_words_said",
    "best_try_better_words",
    "answer",
    "error",
    "file",
)


def render_gradebook(students: Sequence[StudentStats], answer_files: Sequence[str]) -> bytes:
    """UTF-8 with a byte order mark, lines ended by CR LF; a cell is empty where nothing is known.

    `said` are the student's own words where they took the place of those that were `heard`. `words` counts what was
    said or else heard; `words_per_minute` = words / (recording_s / 60); `kinds` are those of the mistakes;
    `text_words_read` counts those of the `text_words` that were heard in the right place, `text_words_left_out` those
    in whose place nothing was heard, and `words_added` what was heard besides; all these and `corrections` are counted
    where the `verdict` is correct or corrected. `words_to_hear_again` are those of the text that were not clear;
    `sounds_per_s`, `words_per_s`, `pauses_per_word`, `longest_pause_s` tell how fluently it was read, and are no mark;
    `target_words_used` are those that were said. `tries` counts how often the better sentence was said again; of its
    `sentence_words`, `best_try_words_said` were recognised in the best try, `last_try_words_said` in the last one, and
    `best_try_better_words` are those that were heard or clearer in the best one, and not before. `file` is the spoken
    answer, of `answer_files`, which has "" where there is none. The state of a student who handed nothing in is
    "missing"; `on_time` is "yes" or "no".
    """
    rows = [_build_gradebook_row(stats, file) for stats, file in zip(students, answer_files, strict=True)]
    lines = (csv_line(remove_invisible(cell, "\n") for cell in row) for row in rows)
    return UTF8_MARK + csv_line(GRADEBOOK_COLUMNS) + b"".join(lines)


def _build_gradebook_row(stats: StudentStats, answer_file: str) -> tuple[str, ...]:
    student, reading = stats.work.student, stats.reading
    return (
        student.name,
        student.id,
        stats.state,
        format_local_iso(stats.work.handed_in_at) or "",
        {True: "yes", False: "no", None: ""}[stats.on_time],
        stats.verdict or "",
        _format_number(stats.recording_s, 2),
        _format_number(stats.word_count),
        _format_number(stats.correction_count),
        _format_number(stats.words_per_minute, 1),
        _format_number(reading.word_count if reading else None),
        _format_number(reading.read_count if reading else None),
        _format_number(len(reading.left_out_words) if reading else None),
        _format_number(len(reading.added_words) if reading else None),
        "; ".join(each.word for each in stats.words_to_hear_again),
        *(_format_number(stats.fluency[name].value if stats.fluency else None, 2) for name in FIGURES),
        "; ".join(stats.used_words or ()),
        stats.heard,
        stats.own_words,
        stats.feedback.corrected if stats.feedback else "",
        "; ".join(edit.kind for edit in stats.feedback.edits if edit.kind) if stats.feedback else "",
        *_build_try_cells(stats),
        stats.answer_text,
        stats.error_code,
        answer_file and f"students/{answer_file}",
    )


def _build_try_cells(stats: StudentStats) -> tuple[str, ...]:
    """The five cells about tries; empty where nothing was said again."""
    kept_tries = list_kept_tries(stats.work, "")
    if not (stats.tries and kept_tries):
        return 5 * ("",)
    counts = (len(stats.tries.heard), stats.tries.word_count, *(each.said_count for each in kept_tries))
    return (*map(_format_number, counts), "; ".join(kept_tries[0].better_words))


def _format_number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def render_student_json(
    assignment: Assignment, stats: StudentStats, answer_file: str, tries: Sequence[KeptTry] = ()
) -> bytes:
    """UTF-8. Lengths in seconds, times in ISO 8601 with offset, probabilities in [0, 1]; null where there is nothing.

        {"assignment": {"id", "title", "instructions", "text", "words": […], "due"},
         "student": {"name", "id"}, "job_id", "state", "handed_in_at", "on_time", "verdict",
         "recording_s", "words_said", "corrections", "words_per_minute",
         "text_words", "text_words_read", "text_words_missed": […], "text_words_left_out": […], "words_added": […],
         "target_words_used": […],
         "reading": {"words": [{"word", "state", "start", "end", "weakest"}],
                     "fluency": {"sounds_per_s": {"value", "low", "high"}, "words_per_s", "pauses_per_word",
                                 "longest_pause_s"}},
         "language", "heard", "said", "words": [{"word", "start", "end", "probability"}], "gaps": [{"start", "end"}],
         "unclear": [{"word", "probability"}],
         "corrected", "edits": [{"from", "to", "at": [first, after the last], "kind", "explanations": {"en", "zh"}}],
         "explanation", "reply",
         "tries": {"count", "sentence", "sentence_words",
                   "best": {"number", "words_said", "words": [{"word", "state", "change", …}], "file"}, "last"},
         "answer": {"text", "file", "duration_s"}, "error": {"code", "stage", "detail", "retryable"}}

    An edit's places count the words of `said`, or where that is null of `heard`: a Chinese character, or a run of
    anything else between spaces. `corrections`, `words_added` and the `text_words` are null where the verdict is
    neither correct nor corrected. `file` lies next to this one; it is null, as `duration_s` is, until the answer is
    spoken.
    """
    student, reading, job = stats.work.student, stats.reading, stats.job
    transcript, feedback = stats.transcript, stats.feedback
    answer, error = (job.answer, job.error) if job else (None, None)
    fields = {
        "assignment": {
            "id": assignment.id,
            "title": assignment.title,
            "instructions": assignment.instructions,
            "text": assignment.text,
            "words": assignment.words,
            "due": format_local_iso(assignment.due),
        },
        "student": {"name": student.name, "id": student.id},
        "job_id": job and job.id,
        "state": stats.state,
        "handed_in_at": format_local_iso(stats.work.handed_in_at),
        "on_time": stats.on_time,
        "verdict": stats.verdict,
        "recording_s": stats.recording_s,
        "words_said": stats.word_count,
        "corrections": stats.correction_count,
        "words_per_minute": stats.words_per_minute,
        "text_words": reading and reading.word_count,
        "text_words_read": reading and reading.read_count,
        "text_words_missed": reading and reading.missed_words,
        "text_words_left_out": reading and reading.left_out_words,
        "words_added": reading and reading.added_words,
        "target_words_used": stats.used_words,
        "reading": to_fields(transcript)["reading"] if transcript else None,
        "language": transcript and transcript.language,
        "heard": stats.heard or None,
        "said": stats.own_words or None,
        "words": to_fields(transcript)["words"] if transcript else [],
        "gaps": to_fields(transcript)["gaps"] if transcript else [],
        "unclear": [{"word": word, "probability": probability} for word, probability in stats.unclear_words],
        "corrected": feedback and feedback.corrected,
        "edits": [to_fields(edit) for edit in feedback.edits] if feedback else [],
        "explanation": feedback and feedback.explanation,
        "reply": feedback and feedback.reply,
        "tries": {
            "count": len(stats.tries.heard),
            "sentence": stats.tries.text,
            "sentence_words": stats.tries.word_count,
            **{each.kind: each.as_fields() for each in tries},
        }
        if stats.tries
        else None,
        "answer": {
            "text": stats.answer_text,
            "file": answer_file or None,
            "duration_s": answer and answer.duration_s,
        }
        if stats.answer_text
        else None,
        "error": error and dict(error),
    }
    return json.dumps(fields, ensure_ascii=False, indent=1).encode(errors="replace")


def format_local_iso(seconds: float | None) -> str | None:
    """Unix seconds as ISO 8601 by the server's clock, with its offset, such as 2026-12-01T19:58:03+08:00."""
    return None if seconds is None else datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
