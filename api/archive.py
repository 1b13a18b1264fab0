"""/v1/answers.zip: the spoken answers of many jobs in one file, with a table of what was heard and answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Self

from flask import Blueprint
from werkzeug.wrappers import Response

from api import file_names, here, zipped
from api.asking import Choosing
from api.jobs import line_of
from api.spec import answers
from api.zipped import Entry
from pipeline.errors import BadRequest, NothingFits, TooManyFit
from pipeline.listing import newest_first
from pipeline.record import Job

MOST = 2000  # jobs that one archive may have
FILE = "file"  # the entry of a job's metadata that names the recording it was asked with

routes = Blueprint("archive", __name__)


@routes.get("/v1/answers.zip")
@answers("answers", {200: "application/zip"}, NothingFits, TooManyFit)
def fetch(query: Choosing) -> Response:
    """The answers of all jobs of a `session`, or with an entry of `metadata`, or both, oldest first.

    Each is named after its job's metadata `file`, else its session. `answers.csv` is a table of all these jobs, failed
    ones too. A learner gets only its own.
    """
    if query.session is None and query.metadata is None:
        raise BadRequest("Say whose answers are wanted, by `session`, or by `metadata`, or both.")
    caller, jobs, entries = here.caller(), here.jobs(), named(fitting(query))
    read = partial(jobs.get, caller.tenant, owner=caller.owner)
    pieces = zipped.pieces(entries, partial(zipped.look_up, read=read, blobs=here.blobs()))
    first = next(pieces)  # what fails at once is answered as an error
    answer = Response(chain([first], pieces), mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="answers.zip"'
    return answer


@dataclass(frozen=True)
class Fitting:
    """As much of a job as is needed to name its answer; `seq` is its place in its session."""

    job_id: str
    seq: int
    name: str
    format: str

    @classmethod
    def of(cls, job: Job) -> Self:
        question = job.question
        file = file_names.stem(question.metadata.get(FILE, ""))
        return cls(job.id, job.seq, file_names.safe(file, question.session), question.format)


def fitting(query: Choosing) -> list[Fitting]:
    """Every job that fits, oldest first; NothingFits, TooManyFit."""
    caller = here.caller()
    fits = [
        Fitting.of(job)
        for _, job in newest_first(here.jobs().redis, line_of(query), None)
        if job and caller.sees(job) and query.fits(job.question.metadata)
    ]
    if not fits:
        raise NothingFits
    if len(fits) > MOST:
        raise TooManyFit(f"{len(fits)} jobs fit, and one archive has at most {MOST}. Ask for fewer at a time.")
    return fits[::-1]


def named(fits: Sequence[Fitting]) -> list[Entry]:
    names = file_names.distinct([(job.name, job.seq) for job in fits])
    return [Entry(job.job_id, f"{name}.{job.format}") for job, name in zip(fits, names, strict=True)]
