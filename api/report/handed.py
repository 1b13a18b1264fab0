"""One line of a class: a student and what was handed in; under which names files about it lie."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.file_names import distinct, safe
from pipeline.homework.assignments import Student
from pipeline.jobs.job import Job


@dataclass(frozen=True)
class Handed:
    """The `job` that counts, handed in at `handed_in_at` (Unix seconds).

    Neither: nothing was handed in. Only the time: what was handed in is not kept any more.
    """

    student: Student
    job: Job | None
    handed_in_at: float | None


def stems(rows: Sequence[Handed]) -> list[str]:
    """The name, without an ending, of each student's files: safe everywhere, and no two the same."""
    wanted = [(safe(row.student.name, row.student.id), number) for number, row in enumerate(rows, 1)]
    return list(distinct(wanted))


def audio_names(rows: Sequence[Handed]) -> list[tuple[str, Job]]:
    """The jobs that were answered, and the name that the student's page and the gradebook have for each answer."""
    pairs = zip(stems(rows), rows, strict=True)
    return [(f"students/{audio_name(stem, row.job)}", row.job) for stem, row in pairs if row.job and row.job.answer]


def audio_name(stem: str, job: Job | None) -> str:
    """The file of the spoken answer, beside the student's page; "" without one."""
    return f"{stem}.{job.answer.format}" if job and job.answer else ""
