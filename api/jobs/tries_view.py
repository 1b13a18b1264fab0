"""The tries of a job as clients see them: each of them for the learner, the best and the last for the teacher."""

from collections.abc import Iterable, Iterator

from api import context
from api.jobs.view import show_error
from pipeline.jobs.job import Job
from pipeline.practice.comparison import ComparedWord, ReadText, compare_words
from pipeline.practice.praise import praise
from pipeline.practice.sentence import PracticeSentence
from pipeline.practice.tries import JobTries
from pipeline.schemas import jobs as job_schemas
from pipeline.schemas import practice as schemas
from pipeline.timestamps import to_utc


def show_tries(sentence: PracticeSentence, job_tries: JobTries) -> schemas.Tries:
    best, last = job_tries.best, job_tries.last
    return schemas.Tries(
        practice=job_schemas.Practice.model_validate(sentence),
        left=job_tries.left,
        best=best.id if best else None,
        last=last.id if last else None,
        tries=list(show_each(job_tries)),
    )


def show_each(job_tries: JobTries) -> Iterator[schemas.Try]:
    """Each try, compared with what was said before: in the first recording, or in the try before it."""
    before, is_first = job_tries.first, True
    for number, job in enumerate(job_tries.jobs, 1):
        now = job_tries.read_texts.get(job.id)
        is_given_up = job_tries.gives_up(job) and not context.settings().keep_recordings
        view = show_try(number, job, before, now, is_first)
        yield view if is_given_up else view.model_copy(update={"recording": recording_address(job)})
        if now:
            before, is_first = now, False


def show_try(number: int, job: Job, before: ReadText | None, now: ReadText | None, is_first: bool) -> schemas.Try:
    """A try as it was recognised, without its recording."""
    words = compare_words(before, now) if now else []
    return schemas.Try(
        number=number,
        job=job.id,
        state=job.state.value,
        error=show_error(job),
        created_at=to_utc(job.created_at),
        duration_s=job.transcript.duration_s if job.transcript else None,
        heard=job.transcript.text if job.transcript else None,
        measured=now is not None and now.is_measured,
        compared_with=None if not now or before is None else "recording" if is_first else "try",
        words=show_words(words),
        praise=dict(praise(words)) if now else {},
        recording=None,
    )


def show_words(words: Iterable[ComparedWord]) -> list[schemas.TriedWord]:
    return [
        schemas.TriedWord(
            word=each.read.word,
            state=each.read.state,
            change=each.change,
            start=each.read.start,
            end=each.read.end,
            weakest=each.read.weakest,
        )
        for each in words
    ]


def recording_address(job: Job) -> str | None:
    """Where the recording of a job can be heard; None where it is not kept."""
    is_kept = context.blobs().exists(job.request.recording)
    return context.address(f"/v1/jobs/{job.id}/recording") if is_kept else None


def summarize_tries(job_tries: JobTries) -> schemas.TriesSummary | None:
    """What a teacher sees of a student's tries; None without any that was heard."""
    best, last = job_tries.best, job_tries.last
    if not (best and last):
        return None
    return schemas.TriesSummary(
        sentence=job_tries.text,
        sentence_words=job_tries.word_count,
        count=len(job_tries.heard),
        best=show_kept_try(job_tries, best),
        last=show_kept_try(job_tries, last),
    )


def show_kept_try(job_tries: JobTries, job: Job) -> schemas.KeptTry:
    return schemas.KeptTry(
        number=job_tries.number(job),
        job=job.id,
        measured=job_tries.read_texts[job.id].is_measured,
        words=show_words(job_tries.compare_with_first(job)),
        words_said=job_tries.count_said(job),
        heard=job.transcript.text if job.transcript else "",
        recording=recording_address(job),
    )
