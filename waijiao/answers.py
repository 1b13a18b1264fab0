"""What the client gives back: a spoken answer, and what became of one of many recordings."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from pipeline.errors import WaijiaoError, coded
from pipeline.schemas.jobs import Job
from waijiao.errors import Refused

Recording = str | PathLike[str] | bytes | BinaryIO  # a path, or what lies there; a binary file is read from its start
T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Answer:
    """The teacher's spoken answer: `audio` is a file in the format that was asked for, `job` the whole record."""

    job: Job
    audio: bytes

    def __repr__(self) -> str:
        return f"Answer({self.job.id})"  # tracebacks and logs need not know what was said

    @property
    def heard(self) -> str | None:
        """What was heard in the recording; None when there was none."""
        return self.job.transcript.text if self.job.transcript else None

    @property
    def corrected(self) -> str | None:
        """The learner's sentence put right."""
        return self.job.feedback.corrected if self.job.feedback else None

    @property
    def text(self) -> str:
        """What the answer says."""
        return self.job.answer.text if self.job.answer else ""

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the audio to a file; where it lies now."""
        place = Path(path)
        place.write_bytes(self.audio)
        return place


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one of many, which was `given`: its `answer`, or the `error` that it failed with."""

    given: T
    answer: Answer | None = None
    error: WaijiaoError | OSError | None = None  # OSError: the recording itself could not be read

    @property
    def job(self) -> Job | None:
        """The job as it ended; None when none was accepted."""
        if self.answer:
            return self.answer.job
        return self.error.job if isinstance(self.error, WaijiaoError) else None


def failure(job: Job) -> WaijiaoError | None:
    """The error that the job ended with, as the class of its code."""
    return None if job.error is None else of_code(job.error.code, job.error.detail, job.error.retryable, job=job)


def of_code(code: str, detail: str, retryable: bool, retry_after_s: float = 0, job: Job | None = None) -> WaijiaoError:
    """An error of the class that has this code; a Refused with it, when this client is older than the code."""
    known = coded(code)
    error = (Refused if known is WaijiaoError else known)(detail, retry_after_s)
    error.code, error.retryable, error.job = code, retryable, job
    return error
