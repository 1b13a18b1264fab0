"""A student's best and last try to say the better sentence again, as the report and the data files have them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.reports.student_stats import StudentWork
from pipeline.jobs.job import Job
from pipeline.jobs.records import to_fields
from pipeline.practice.comparison import ComparedWord

TRIES_FOLDER = "tries"


@dataclass(frozen=True)
class KeptTry:
    """A try; `kind` is "best" or "last", `number` counts from 1, and `said_count` the words of the state `said`.

    `words` are compared with the first recording. `file`: the recording's name in the ZIP, "" where it is not kept.
    """

    kind: str
    job: Job
    number: int
    said_count: int
    words: Sequence[ComparedWord]
    file: str

    @property
    def better_words(self) -> list[str]:
        """The words that were heard, or clearer, and were not before."""
        return [each.read.word for each in self.words if each.change]

    def as_fields(self) -> dict[str, object]:
        """As JSON; `file` is as seen from the students' folder."""
        words = [{**to_fields(each.read), "change": each.change} for each in self.words]
        file = f"../{self.file}" if self.file else None
        return {"number": self.number, "words_said": self.said_count, "words": words, "file": file}


def list_kept_tries(work: StudentWork, stem: str) -> list[KeptTry]:
    """The best try and then the last one, which may be the same; none where nothing was said again.

    `stem`: what the student's files are called.
    """
    tries = work.tries
    if not (tries and tries.best and tries.last):
        return []
    best_file, last_file = (name_recording(work, stem, *each) for each in (("best", tries.best), ("last", tries.last)))
    return [
        KeptTry(kind, job, tries.number(job), tries.count_said(job), tries.compare_with_first(job), file)
        for kind, job, file in (
            ("best", tries.best, best_file),
            ("last", tries.last, best_file if tries.last.id == tries.best.id else last_file),
        )
    ]


def name_recording(work: StudentWork, stem: str, kind: str, job: Job) -> str:
    ending = work.recording_endings.get(job.id)
    return f"{TRIES_FOLDER}/{stem}-{kind}.{ending}" if ending else ""


def list_try_files(work: StudentWork, stem: str) -> Iterator[tuple[str, Job]]:
    """Each recording's file in the ZIP, once, and its job."""
    yield from {each.file: each.job for each in list_kept_tries(work, stem) if each.file}.items()
