"""The report of a class as one HTML page that opens anywhere."""

from collections.abc import Sequence

from api.report.class_figures import class_figures
from api.report.handed import Handed, stems
from api.report.marks import marked
from api.report.rendering import render
from api.report.results import results
from pipeline.assignments import Assignment
from pipeline.mistakes import UNCLEAR

SHOWN = 20  # mistakes, and unclear words, that the page has; a teacher reads no more of them


def class_page(assignment: Assignment, rows: Sequence[Handed], linked: bool = True) -> bytes:
    """`linked`: the students' own pages lie beside it, in students/."""
    counted = results(assignment, rows)
    return render(
        "report_class.html",
        assignment=assignment,
        results=list(zip(counted, stems(rows), strict=True)),
        figures=class_figures(assignment, counted),
        marked=marked,
        linked=linked,
        shown=SHOWN,
        threshold=UNCLEAR,
    )
