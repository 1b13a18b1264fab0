"""The report of a class as one HTML page that opens anywhere."""

from collections.abc import Sequence

from api.report.class_figures import class_figures
from api.report.marks import marked
from api.report.rendering import render
from api.report.results import Result
from pipeline.homework.assignments import Assignment
from pipeline.words.mistakes import UNCLEAR

SHOWN = 20  # mistakes, and unclear words, that the page has; a teacher reads no more of them


def class_report(assignment: Assignment, results: Sequence[Result], stems: Sequence[str] = ()) -> bytes:
    """`stems`: the names, in students/, of the students' own pages, where those lie beside it."""
    return render(
        "report_class.html",
        assignment=assignment,
        results=list(zip(results, stems or [""] * len(results), strict=True)),
        figures=class_figures(assignment, results),
        marked=marked,
        shown=SHOWN,
        threshold=UNCLEAR,
    )
