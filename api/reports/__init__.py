"""What a class handed in, as files for its teacher: a report, a gradebook, and a page and a JSON file of each student.

Pure functions of an assignment and its students' jobs. The caller adds the spoken answers, from the blob store.
"""

from collections.abc import Iterator, Sequence

from api.jobs.zip_download import CARDS_FOLDER
from api.reports.data_files import render_gradebook, render_student_json
from api.reports.kept_tries import list_kept_tries, list_try_files
from api.reports.pages import render_class_report, render_student_page
from api.reports.student_stats import StudentWork, compute_student_stats
from pipeline.homework.assignments import Assignment
from pipeline.homework.filenames import make_unique, safe_name
from pipeline.jobs.job import Job

__all__ = ["StudentWork", "list_answers", "list_cards", "list_tries", "render_report", "render_report_files"]


def render_report_files(assignment: Assignment, class_work: Sequence[StudentWork]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file.

    `class_work` has every student in the report's order, also those who handed nothing in. The files are report.html,
    gradebook.csv, and students/NAME.html and students/NAME.json of everybody whose homework is still stored. All HTML
    works by itself, without a network or JavaScript.
    """
    students = [compute_student_stats(assignment, work) for work in class_work]
    stems = make_file_stems(class_work)
    answer_files = [name_answer_file(stem, work.job) for stem, work in zip(stems, class_work, strict=True)]
    yield "report.html", render_class_report(assignment, students, stems)
    yield "gradebook.csv", render_gradebook(students, answer_files)
    for stats, stem, answer in zip(students, stems, answer_files, strict=True):
        if stats.job:
            card_file = f"../{name_card_file(answer)}" if has_card(stats.job) else ""
            tries = list_kept_tries(stats.work, stem)
            yield f"students/{stem}.html", render_student_page(assignment, stats, answer, card_file, tries)
            yield f"students/{stem}.json", render_student_json(assignment, stats, answer, tries)


def render_report(assignment: Assignment, class_work: Sequence[StudentWork], with_links: bool = True) -> bytes:
    """report.html alone. `with_links`: names link to the students' pages, which lie next to it, in students/."""
    students = [compute_student_stats(assignment, work) for work in class_work]
    return render_class_report(assignment, students, make_file_stems(class_work) if with_links else ())


def list_answers(class_work: Sequence[StudentWork]) -> list[tuple[str, Job]]:
    """Each spoken answer's file, as the student's page and the gradebook name it, and its job."""
    jobs = [(stem, work.job) for stem, work in zip(make_file_stems(class_work), class_work, strict=True)]
    return [(f"students/{name_answer_file(stem, job)}", job) for stem, job in jobs if job and job.answer]


def list_cards(class_work: Sequence[StudentWork]) -> list[tuple[str, Job]]:
    """Each lesson card's file, named as the spoken answer is, in a folder of its own; and its job."""
    answers = list_answers(class_work)
    return [(name_card_file(name.removeprefix("students/")), job) for name, job in answers if has_card(job)]


def list_tries(class_work: Sequence[StudentWork]) -> list[tuple[str, Job]]:
    """The kept recordings of the best and the last tries, named as the students' pages name them, and their jobs."""
    stems = make_file_stems(class_work)
    return [each for work, stem in zip(class_work, stems, strict=True) for each in list_try_files(work, stem)]


def has_card(job: Job) -> bool:
    return job.answer is not None and job.answer.card is not None


def name_card_file(answer_file: str) -> str:
    return f"{CARDS_FOLDER}/{answer_file}"


def make_file_stems(class_work: Sequence[StudentWork]) -> list[str]:
    """The name, without an ending, of each student's files: valid on every file system, and unique."""
    names = (safe_name(work.student.name, work.student.id) for work in class_work)
    return list(make_unique([(name, number) for number, name in enumerate(names, 1)]))


def name_answer_file(stem: str, job: Job | None) -> str:
    """The file of the spoken answer, next to the student's page; "" without one."""
    return f"{stem}.{job.answer.format}" if job and job.answer else ""
