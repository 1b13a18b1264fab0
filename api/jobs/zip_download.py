"""A ZIP of spoken answers and a table of them, written piece by piece: none of its files is ever in memory whole."""

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context, file_names
from api.auth import LEARNER, requires
from api.jobs.routes import line_of
from api.jobs.schemas import Choosing
from api.openapi import answers
from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadRequest, Erased, NothingFits, TooManyFit, UnknownJob
from pipeline.jobs.job import Job
from pipeline.jobs.store import newest_first

MAX_JOBS = 2000  # jobs that one archive may have
FILE = "file"  # the entry of a job's metadata that names the recording it was asked with
routes = Blueprint("zip_download", __name__)
TABLE = "answers.csv"
COLUMNS = ("file", "state", "heard", "corrected", "answer", "error", "duration_s")
FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # what spreadsheets take for the beginning of a formula
MARK = "\ufeff".encode()  # tells spreadsheets that the table is UTF-8
CHUNK = 1 << 18  # bytes in memory at once


@dataclass(frozen=True)
class Entry:
    """A job, and the name of its answer in the archive."""

    job_id: str
    file: str


@dataclass(frozen=True)
class Found:
    """What there is of an entry: its row of the table; its audio, if any, and when that was spoken (Unix seconds)."""

    cells: tuple[str, ...]
    audio: BinaryIO | None = None
    spoken_at: float = 0


class ChunkBuffer:
    """A file that is only written to, and emptied meanwhile."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> Iterator[bytes]:
        sent, self.waiting = self.waiting, []
        yield from sent


def zip_pieces(entries: Iterable[Entry], look: Callable[[Entry], Found]) -> Iterator[bytes]:
    """The archive's bytes: each entry's audio as it is when its turn comes, then the table, which has every entry."""
    outbox = ChunkBuffer()
    with SpooledTemporaryFile(max_size=CHUNK) as table, ZipFile(outbox, "w") as archive:  # type: ignore[call-overload]
        table.write(MARK + line(COLUMNS))
        for entry in entries:
            found = look(entry)
            if found.audio:
                with found.audio, archive.open(ZipInfo(entry.file, date(found.spoken_at)), "w") as file:
                    yield from copied(found.audio, file, outbox)
            table.write(line(found.cells))
        table.seek(0)
        about = ZipInfo(TABLE, date(time.time()))
        about.compress_type = ZIP_DEFLATED
        with archive.open(about, "w") as file:
            yield from copied(table, file, outbox)
    yield from outbox.taken()


def archive(files: Iterable[tuple[str, float, bytes | BinaryIO]]) -> Iterator[bytes]:
    """The bytes of an archive of these files: each one's name, its time (Unix seconds), and its content."""
    outbox = ChunkBuffer()
    with ZipFile(outbox, "w") as written:  # type: ignore[call-overload]
        for name, at, content in files:
            about = ZipInfo(name, date(at))
            if isinstance(content, bytes):
                about.compress_type = ZIP_DEFLATED
                content = io.BytesIO(content)
            with content, written.open(about, "w") as file:
                yield from copied(content, file, outbox)
    yield from outbox.taken()


def copied(source: IO[bytes], file: IO[bytes], outbox: ChunkBuffer) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        file.write(chunk)
        yield from outbox.taken()


def look_up(entry: Entry, read: Callable[[str], Job], blobs: FolderBlobs) -> Found:
    """The job and its audio as they are now; an error's code in the place of what is not kept any more."""
    try:
        job = read(entry.job_id)
    except (UnknownJob, Erased) as error:
        return Found((entry.file, "", "", "", "", error.code, ""))
    if job.answer is None:
        return Found(row(entry.file, job, job.error["code"] if job.error else ""))
    try:
        return Found(row(entry.file, job, ""), blobs.open(job.answer.blob), job.ended_at or job.updated_at)
    except FileNotFoundError:
        return Found(row(entry.file, job, Erased.code))


def row(file: str, job: Job, error: str) -> tuple[str, ...]:
    """The cells of COLUMNS. What was typed counts as heard, as it does for the teacher."""
    said, answer = job.feedback, job.answer
    heard = said.heard if said else job.transcript.text if job.transcript else ""
    duration = f"{answer.duration_s:.2f}" if answer else ""
    return file, job.state, heard, said.corrected if said else "", answer.text if answer else "", error, duration


def line(cells: Iterable[str]) -> bytes:
    """One line of a CSV file; a learner's words are no formula, whatever they begin with."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells)
    return text.getvalue().encode()


def date(at: float) -> tuple[int, int, int, int, int, int]:
    """Unix seconds as a ZIP has them, in UTC."""
    return time.gmtime(at)[:6]


@routes.get("/v1/answers.zip")
@requires(LEARNER)
@answers("answers", {200: "application/zip"}, NothingFits, TooManyFit)
def fetch(query: Choosing) -> Response:
    """The answers of all jobs of a `session`, or with an entry of `metadata`, or both, oldest first.

    Each is named after its job's metadata `file`, else its session. `answers.csv` is a table of all these jobs, failed
    ones too. A learner gets only its own.
    """
    if query.session is None and query.metadata is None:
        raise BadRequest("Say whose answers are wanted, by `session`, or by `metadata`, or both.")
    caller, jobs, entries = context.caller(), context.jobs(), named(fitting(query))
    read = partial(jobs.get, caller.tenant, owner=caller.owner)
    pieces = zip_pieces(entries, partial(look_up, read=read, blobs=context.blobs()))
    first = next(pieces)  # what fails at once is answered as an error
    answer = Response(chain([first], pieces), mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="answers.zip"'
    return answer


@dataclass(frozen=True)
class JobFilter:
    """As much of a job as is needed to name its answer; `seq` is its place in its session."""

    job_id: str
    seq: int
    name: str
    format: str

    @classmethod
    def of(cls, job: Job) -> Self:
        job_request = job.request
        file = file_names.stem(job_request.metadata.get(FILE, ""))
        return cls(job.id, job.seq, file_names.safe(file, job_request.session), job_request.format)


def fitting(query: Choosing) -> list[JobFilter]:
    """Every job that fits, oldest first; NothingFits, TooManyFit."""
    caller = context.caller()
    fits = [
        JobFilter.of(job)
        for _, job in newest_first(context.jobs().redis, line_of(query), None)
        if job and caller.sees(job) and query.fits(job.request.metadata)
    ]
    if not fits:
        raise NothingFits
    if len(fits) > MAX_JOBS:
        raise TooManyFit(f"{len(fits)} jobs fit, and one archive has at most {MAX_JOBS}. Ask for fewer at a time.")
    return fits[::-1]


def named(fits: Sequence[JobFilter]) -> list[Entry]:
    names = file_names.distinct([(job.name, job.seq) for job in fits])
    return [Entry(job.job_id, f"{name}.{job.format}") for job, name in zip(fits, names, strict=True)]
