"""What the client returns: a spoken answer, and the outcome of one recording of many."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from pipeline.errors import NoCard, WaijiaoError, error_class
from pipeline.schemas.jobs import Job, StudyPlan, Verdict
from waijiao.errors import Refused

Recording = str | PathLike[str] | bytes | BinaryIO  # a path, the bytes themselves, or a file open for reading bytes
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, repr=False)
class Answer:
    """The teacher's spoken answer: `audio` is a file in the requested format, `job` the whole record.

    `card` is the lesson card, a file in the same format; None where none was asked for, or `job.card.missing` says why.
    """

    job: Job
    audio: bytes
    card: bytes | None = None

    def __repr__(self) -> str:
        return f"Answer({self.job.id})"  # the learner's words stay out of tracebacks and logs

    @property
    def heard(self) -> str | None:
        """The transcript of the recording; None when the job had no recording."""
        return self.job.transcript.text if self.job.transcript else None

    @property
    def verdict(self) -> Verdict | None:
        """What the teacher can say of the sentence: only `correct` and `corrected` ones were checked."""
        return self.job.feedback.verdict if self.job.feedback else None

    @property
    def corrected(self) -> str | None:
        """The learner's sentence without its mistakes."""
        return self.job.feedback.corrected if self.job.feedback else None

    @property
    def plan(self) -> StudyPlan | None:
        """The study plan that the learner asked for; None in other turns."""
        return self.job.plan

    @property
    def text(self) -> str:
        """The text of the spoken answer."""
        return self.job.answer.text if self.job.answer else ""

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the audio to a file and return its path."""
        target = Path(path)
        target.write_bytes(self.audio)
        return target

    def save_card(self, path: str | PathLike[str]) -> Path:
        """Write the lesson card to a file and return its path. Raises NoCard where there is none."""
        if self.card is None:
            raise NoCard
        target = Path(path)
        target.write_bytes(self.card)
        return target


@dataclass(frozen=True)
class Outcome(Generic[ItemT]):
    """The result for one of many items: the `item` itself, and its `answer` or the `error` it failed with."""

    item: ItemT
    answer: Answer | None = None
    error: WaijiaoError | OSError | None = None  # OSError: the recording itself could not be read

    @property
    def job(self) -> Job | None:
        """The job in its final state; None when no job was accepted."""
        if self.answer:
            return self.answer.job
        return self.error.job if isinstance(self.error, WaijiaoError) else None


def job_error(job: Job) -> WaijiaoError | None:
    """The error that the job ended with, as an instance of the class of its code; None when it did not fail."""
    return None if job.error is None else make_error(job.error.code, job.error.detail, job.error.retryable, job=job)


def make_error(
    code: str, detail: str, retryable: bool, retry_after_s: float = 0, job: Job | None = None
) -> WaijiaoError:
    """An instance of the error class that has this code; Refused when the code is newer than this client."""
    known_class = error_class(code)
    error = (Refused if known_class is WaijiaoError else known_class)(detail, retry_after_s)
    error.code, error.retryable, error.job = code, retryable, job
    return error
