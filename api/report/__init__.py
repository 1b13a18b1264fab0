"""What a class handed in, as files for its teacher: a report, a gradebook, and a page and its facts for each student.

Pure functions of an assignment and its students' jobs; the spoken answers are put beside them by whoever has the blobs.
"""

from collections.abc import Iterator, Sequence

from api.report.class_report import class_report
from api.report.gradebook import gradebook
from api.report.handed import Handed, audio_names, stems
from api.report.results import results
from api.report.student_facts import student_facts
from api.report.student_page import student_page
from pipeline.homework.assignments import Assignment

__all__ = ["Handed", "audio_names", "class_page", "files"]


def files(assignment: Assignment, rows: Sequence[Handed]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file. `rows` has every student, those who handed nothing in too, in the report's order.

    report.html, gradebook.csv, and for everybody who handed something in that is still kept students/NAME.html and
    students/NAME.json; all HTML works by itself, without a network or JavaScript.
    """
    counted, names = results(assignment, rows), stems(rows)
    yield "report.html", class_report(assignment, counted, names)
    yield "gradebook.csv", gradebook(counted, names)
    for result, stem in zip(counted, names, strict=True):
        if result.job:
            yield f"students/{stem}.html", student_page(assignment, result, stem)
            yield f"students/{stem}.json", student_facts(assignment, result, stem)


def class_page(assignment: Assignment, rows: Sequence[Handed], linked: bool = True) -> bytes:
    """The class's report alone; `linked`: the students' pages lie beside it, in students/."""
    return class_report(assignment, results(assignment, rows), stems(rows) if linked else ())
