"""A student's homework and the teacher's answer as one HTML page, which plays the spoken answer that lies beside it."""

from api.report.handed import audio_name
from api.report.marks import marked, text_marked
from api.report.rendering import render
from api.report.results import Result
from pipeline.homework.assignments import Assignment


def student_page(assignment: Assignment, result: Result, stem: str) -> bytes:
    words = result.transcript.words if result.transcript else ()
    edits = result.feedback.edits if result.feedback else ()
    return render(
        "report_student.html",
        assignment=assignment,
        result=result,
        marks_of=marked(result.heard, edits, words),
        text=text_marked(assignment.text, result.reading) if result.reading else None,
        audio=audio_name(stem, result.job),
    )
