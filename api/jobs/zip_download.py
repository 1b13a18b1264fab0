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

from api import context
from api.auth import LEARNER, requires
from api.jobs.routes import session_index
from api.jobs.schemas import JobSelection
from api.openapi import answers
from pipeline.blob_store import FolderBlobs
from pipeline.errors import BadRequest, Erased, NothingFits, RateLimited, TooManyFit, UnknownJob
from pipeline.homework import filenames
from pipeline.jobs.job import Job
from pipeline.jobs.listing import newest_first
from pipeline.jobs.results import Answer
from pipeline.jobs.store import PREFIX
from pipeline.redis_connection import run_with_full_memory
from pipeline.text.characters import prevent_formula

MAX_JOBS = 2000  # jobs that one archive may have
ARCHIVES_PER_MINUTE = 10  # of one key: for each, all jobs of the tenant are read
FILE_ENTRY = "file"  # the metadata entry that names the uploaded recording
routes = Blueprint("zip_download", __name__)
CARDS_FOLDER = "cards"  # in which each lesson card has the name of its answer
TABLE_NAME = "answers.csv"
TABLE_COLUMNS = ("file", "state", "verdict", "heard", "said", "corrected", "answer", "error", "duration_s")
UTF8_MARK = "\ufeff".encode()  # tells spreadsheets that the table is UTF-8
CHUNK_BYTES = 1 << 18  # bytes in memory at once


@dataclass(frozen=True)
class Entry:
    """A job, and the name of its answer in the archive."""

    job_id: str
    file: str


@dataclass(frozen=True)
class EntryContent:
    """An entry's row of the table; its audio and its lesson card, if there are any, and when it was spoken.

    `spoken_at` is in Unix seconds.
    """

    cells: tuple[str, ...]
    audio: BinaryIO | None = None
    spoken_at: float = 0
    card: BinaryIO | None = None

    def files(self, name: str) -> list[tuple[str, BinaryIO]]:
        """The names and contents of the files of the entry `name`."""
        return [(path, file) for path, file in ((name, self.audio), (f"{CARDS_FOLDER}/{name}", self.card)) if file]


class ChunkBuffer:
    """A file that is only written to; its content is taken out chunk by chunk."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to do: writes are not delayed."""

    def take(self) -> Iterator[bytes]:
        chunks, self.chunks = self.chunks, []
        yield from chunks


def zip_pieces(entries: Iterable[Entry], load: Callable[[Entry], EntryContent]) -> Iterator[bytes]:
    """The archive's bytes: the files of each entry, loaded when its turn comes, then the table of all entries."""
    buffer = ChunkBuffer()
    with SpooledTemporaryFile(max_size=CHUNK_BYTES) as table, ZipFile(buffer, "w") as archive:  # type: ignore[call-overload]
        table.write(UTF8_MARK + csv_line(TABLE_COLUMNS))
        for entry in entries:
            content = load(entry)
            for name, audio in content.files(entry.file):
                with audio, archive.open(ZipInfo(name, zip_date(content.spoken_at)), "w") as file:
                    yield from copy_chunks(audio, file, buffer)
            table.write(csv_line(content.cells))
        table.seek(0)
        info = ZipInfo(TABLE_NAME, zip_date(time.time()))
        info.compress_type = ZIP_DEFLATED
        with archive.open(info, "w") as file:
            yield from copy_chunks(table, file, buffer)
    yield from buffer.take()


def zip_files(files: Iterable[tuple[str, float, bytes | BinaryIO]]) -> Iterator[bytes]:
    """The bytes of an archive of files, each given by its name, its time (Unix seconds) and its content."""
    buffer = ChunkBuffer()
    with ZipFile(buffer, "w") as archive_file:  # type: ignore[call-overload]
        for name, at, content in files:
            info = ZipInfo(name, zip_date(at))
            if isinstance(content, bytes):
                info.compress_type = ZIP_DEFLATED
                content = io.BytesIO(content)
            with content, archive_file.open(info, "w") as file:
                yield from copy_chunks(content, file, buffer)
    yield from buffer.take()


def copy_chunks(source: IO[bytes], file: IO[bytes], buffer: ChunkBuffer) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):
        file.write(chunk)
        yield from buffer.take()


def load_content(entry: Entry, read_job: Callable[[str], Job], blobs: FolderBlobs) -> EntryContent:
    """The job's row and its audio as they are now; an error's code where it is not kept any more."""
    try:
        job = read_job(entry.job_id)
    except (UnknownJob, Erased) as error:
        return EntryContent((entry.file, *("" for _ in TABLE_COLUMNS[1:-2]), error.code, ""))
    if job.answer is None:
        return EntryContent(table_row(entry.file, job, job.error["code"] if job.error else ""))
    try:
        audio = blobs.open(job.answer.blob)
        card = open_card(job.answer, blobs)
        return EntryContent(table_row(entry.file, job, ""), audio, job.ended_at or job.updated_at, card)
    except FileNotFoundError:
        return EntryContent(table_row(entry.file, job, Erased.code))


def open_card(answer: Answer, blobs: FolderBlobs) -> BinaryIO | None:
    """The answer's lesson card; None where it has none, or it is not kept any more."""
    try:
        return blobs.open(answer.card.blob) if answer.card else None
    except FileNotFoundError:
        return None


def table_row(file: str, job: Job, error: str) -> tuple[str, ...]:
    """The cells of TABLE_COLUMNS. Typed text is shown as heard, as it is to the teacher.

    `said` are the learner's own words, where they took the place of those that were heard.
    """
    feedback, answer, own_words = job.feedback, job.answer, job.request.said
    transcript = job.transcript.text if job.transcript else ""
    duration = f"{answer.duration_s:.2f}" if answer else ""
    return (
        file,
        job.state,
        feedback.verdict if feedback else "",
        feedback.heard if feedback and not own_words else transcript,
        own_words,
        feedback.corrected if feedback else "",
        answer.text if answer else "",
        error,
        duration,
    )


def csv_line(cells: Iterable[str]) -> bytes:
    """One line of a CSV file. Text that a spreadsheet would run as a formula gets an apostrophe in front."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(map(prevent_formula, cells))
    return text.getvalue().encode()


def zip_date(at: float) -> tuple[int, int, int, int, int, int]:
    """Unix seconds as the date of a ZIP entry, in UTC."""
    return time.gmtime(at)[:6]


@routes.get("/v1/answers.zip")
@requires(LEARNER)
@answers("answers", {200: "application/zip"}, NothingFits, TooManyFit, RateLimited)
def fetch(query: JobSelection) -> Response:
    """The answers of all jobs of a `session`, or with an entry of `metadata`, or both, oldest first.

    Each is named after its job's metadata `file`, else its session; its lesson card, if it has one, has that name in
    the folder `cards`. `answers.csv` is a table of all these jobs, failed
    ones too. A learner gets only its own.
    """
    if query.session is None and query.metadata is None:
        raise BadRequest("Select the answers by `session`, by `metadata`, or by both.")
    count_archive()
    caller, jobs, entries = context.caller(), context.jobs(), name_entries(select_jobs(query))
    read_job = partial(jobs.get, caller.tenant, owner=caller.owner)
    pieces = zip_pieces(entries, partial(load_content, read_job=read_job, blobs=context.blobs()))
    first = next(pieces)  # an error here becomes the response
    answer = Response(chain([first], pieces), mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="answers.zip"'
    return answer


COUNT_ARCHIVE = """
local count, left_ms = redis.call('INCR', KEYS[1]), redis.call('PTTL', KEYS[1])
if left_ms < 0 or left_ms > 60000 then redis.call('PEXPIRE', KEYS[1], 60000) left_ms = 60000 end
return count > tonumber(ARGV[1]) and left_ms or 0
"""


def count_archive() -> None:
    """Raises RateLimited when the caller's key has fetched as many archives as it may in a minute."""
    caller = context.caller()
    if not caller.key:  # none is needed: one user's own server
        return
    key = f"{PREFIX}archives:{caller.key}"
    left_ms = run_with_full_memory(context.jobs().redis, COUNT_ARCHIVE, (key,), ARCHIVES_PER_MINUTE)
    if left_ms:
        raise RateLimited("This key has fetched as many archives as it may in a minute.", left_ms / 1000)


@dataclass(frozen=True)
class SelectedJob:
    """What is needed of a job to name its answer; `seq` is its number in its session."""

    job_id: str
    seq: int
    name: str
    format: str

    @classmethod
    def from_job(cls, job: Job) -> Self:
        job_request = job.request
        file = filenames.stem(job_request.metadata.get(FILE_ENTRY, ""))
        return cls(job.id, job.seq, filenames.safe_name(file, job_request.session), job_request.format)


def select_jobs(query: JobSelection) -> list[SelectedJob]:
    """Every selected job, oldest first. NothingFits, TooManyFit."""
    caller = context.caller()
    selected_jobs = [
        SelectedJob.from_job(job)
        for _, job in newest_first(context.jobs().redis, session_index(query), None)
        if job and caller.sees(job) and query.matches(job.request.metadata)
    ]
    if not selected_jobs:
        raise NothingFits
    if len(selected_jobs) > MAX_JOBS:
        raise TooManyFit(f"{len(selected_jobs)} jobs match, but an archive holds at most {MAX_JOBS}. Select fewer.")
    return selected_jobs[::-1]


def name_entries(selected_jobs: Sequence[SelectedJob]) -> list[Entry]:
    names = filenames.make_unique([(job.name, job.seq) for job in selected_jobs])
    return [Entry(job.job_id, f"{name}.{job.format}") for job, name in zip(selected_jobs, names, strict=True)]
