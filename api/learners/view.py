"""A ledger as clients see it, with the addresses of the sounds that are still kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from api import context
from api.learners.access import find_name, load_jobs
from pipeline.jobs.job import Job
from pipeline.jobs.results import Part
from pipeline.learners.fluency import FIGURES, MIN_READINGS, FluentReading, summarize_fluency
from pipeline.learners.identity import learner_kind
from pipeline.learners.ledger import MASTERED_DAYS, Example, KindRecord, Ledger, WordClip, WordRecord
from pipeline.schemas import learners as schemas
from pipeline.text.statistics import normalize_words
from pipeline.timestamps import to_utc


def show_ledger(ledger: Ledger) -> schemas.Ledger:
    jobs = load_jobs(list_jobs(ledger))
    return schemas.Ledger(
        learner=ledger.learner,
        kind=learner_kind(ledger.learner) or "session",
        name=find_name(ledger),
        mastered_days=MASTERED_DAYS,
        kinds=[show_kind(record, jobs) for record in ledger.kinds],
        words=[show_word(record, ledger.learner, jobs) for record in ledger.words],
        fluency=show_fluency(ledger.readings) if ledger.readings else None,
    )


def list_jobs(ledger: Ledger) -> list[str]:
    """The ids of the jobs whose sounds belong to the ledger."""
    examples = [example.job for record in ledger.kinds for example in record.examples]
    return [*examples, *(record.latest.job for record in ledger.words)]


def show_fluency(readings: Sequence[FluentReading]) -> schemas.LedgerFluency:
    figures = {name: summarize_fluency(readings, name) for name in FIGURES}
    return schemas.LedgerFluency(
        needed=MIN_READINGS,
        readings=[
            schemas.FluencyReading(
                job=each.job, read_at=to_utc(each.at), **{name: each.figure(name).value for name in FIGURES}
            )
            for each in readings
        ],
        figures={name: schemas.FluencyFigure.model_validate(figure) for name, figure in figures.items()},
    )


def show_progress(record: KindRecord | WordRecord) -> dict[str, Any]:
    """What kinds and words have in common."""
    return {
        "count": record.count,
        "first_seen": to_utc(record.first_seen),
        "last_seen": to_utc(record.last_seen),
        "right_days": record.right_days,
        "mastered": record.is_mastered,
    }


def show_kind(record: KindRecord, jobs: Mapping[str, Job]) -> schemas.LedgerKind:
    return schemas.LedgerKind(
        **show_progress(record),
        kind=record.kind,
        can_be_mastered=record.can_be_mastered,
        examples=[show_example(example, jobs) for example in record.examples],
    )


def show_example(example: Example, jobs: Mapping[str, Job]) -> schemas.LedgerExample:
    note = example.note
    numbered_part = find_spoken(example, jobs)
    audio = context.address(f"/v1/jobs/{example.job}/audio?part={numbered_part[0]}") if numbered_part else None
    return schemas.LedgerExample(
        heard=note.heard,
        better=note.better,
        before=note.before,
        after=note.after,
        explanations=dict(note.explanations),
        said_at=to_utc(example.at),
        job=example.job,
        audio=audio,
    )


def find_spoken(example: Example, jobs: Mapping[str, Job]) -> tuple[int, Part] | None:
    """The sentence of the answer that is the better sentence, and its number from 1; None where it is not kept."""
    job = jobs.get(example.job)
    parts = job.answer.parts if job and job.answer else ()
    better = normalize_words(example.note.better)
    return next(((n, part) for n, part in enumerate(parts, 1) if normalize_words(part.text) == better), None)


def show_word(record: WordRecord, learner: str, jobs: Mapping[str, Job]) -> schemas.LedgerWord:
    note = record.latest.note
    return schemas.LedgerWord(
        **show_progress(record),
        word=record.word,
        weakest=note.weakest,
        job=record.latest.job,
        clip=clip_address(record.latest, learner) if find_recording(record.latest, jobs) else None,
        clip_s=round(max(0.0, note.end - note.start), 2),
    )


def clip_address(clip: WordClip, learner: str) -> str:
    return context.address(f"/v1/learners/{quote(learner)}/clip?job={clip.job}&number={clip.number}")


def find_recording(clip: WordClip, jobs: Mapping[str, Job]) -> str:
    """The blob of the recording that has the word; "" where it is not kept."""
    job = jobs.get(clip.job)
    recording = job.request.recording if job else ""
    return recording if job and recording in job.blobs(context.settings().keep_recordings) else ""
