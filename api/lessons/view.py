"""A lesson as clients see it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from api import context
from api.jobs.view import show_error, show_feedback
from pipeline.errors import NoSpeech, UnknownJob, UnknownLesson
from pipeline.jobs.job import PARTS, Job
from pipeline.jobs.records import to_fields
from pipeline.lessons import (
    LessonFigures,
    Turn,
    build_turns,
    compute_figures,
    count_turns,
    eta_s,
    read_turn_jobs,
    split_into_chapters,
    version_tag,
)
from pipeline.schemas import jobs as job_schemas
from pipeline.schemas import lessons as schemas
from pipeline.text.statistics import Mistake, UnclearWord
from pipeline.timestamps import to_utc


@dataclass(frozen=True)
class LessonSnapshot:
    """A lesson's job, and a tag that changes whenever the lesson or one of its turns does."""

    lesson: Job
    tag: str

    @property
    def has_ended(self) -> bool:
        return self.lesson.ended_at is not None


def lesson_of(lesson_id: str) -> Job:
    """The lesson's job, if the caller may see it; UnknownLesson, Erased."""
    try:
        job = context.job(lesson_id)
    except UnknownJob:
        raise UnknownLesson from None
    if job.request.task != "lesson":
        raise UnknownLesson
    return job


def load_snapshot(lesson_id: str) -> LessonSnapshot:
    lesson = lesson_of(lesson_id)
    return LessonSnapshot(lesson, version_tag(context.jobs().redis, lesson))


def turns_of(lesson: Job) -> list[Turn]:
    """Its turns by number; of a turn that was retried, only the latest version."""
    turn_jobs = read_turn_jobs(context.jobs().redis, lesson)
    return build_turns(job for job in turn_jobs if job.retried_as is None)


def show_in_list(lessons: Sequence[Job]) -> list[schemas.LessonListEntry]:
    """Lessons in a list, each with its progress only."""
    totals = count_turns(context.jobs().redis, lessons)
    return [
        schemas.LessonListEntry(**heading(lesson), progress=schemas.LessonCount.model_validate(count))
        for lesson, count in zip(lessons, totals, strict=True)
    ]


def show(lesson: Job) -> schemas.LessonView:
    """All that is known of the lesson so far."""
    lesson_turns = turns_of(lesson)
    total = max(len(lesson.segments.turns) if lesson.segments else 0, len(lesson_turns))
    ended_count = total - sum(turn.job.ended_at is None for turn in lesson_turns)
    figures = compute_figures(lesson.segments.duration_s if lesson.segments else 0.0, lesson_turns)
    return schemas.LessonView(
        **heading(lesson),
        progress=schemas.LessonProgress(
            turns=total, done=ended_count, failed=len(figures.failed), eta_seconds=remaining_s(lesson, lesson_turns)
        ),
        speakers=show_speakers(lesson_turns),
        chapters=[schemas.LessonChapter.model_validate(chapter) for chapter in split_into_chapters(lesson_turns)],
        summary=show_summary(lesson, figures),
        failed=[schemas.LessonFailedTurn.model_validate(each) for each in figures.failed],
        turns=[show_turn(turn) for turn in lesson_turns],
    )


def heading(lesson: Job) -> dict[str, Any]:
    """The fields that a lesson has both in a list and by itself, without its progress."""
    request, url = lesson.request, context.address(f"/v1/lessons/{lesson.id}")
    links = {"self": url, "transcript": f"{url}/transcript", "report": f"{url}/report", "job": job_url(lesson)}
    return {
        "id": lesson.id,
        "state": lesson.state.value,
        "title": request.details.get("title", ""),
        "file": request.details.get("file", ""),
        "class_name": request.group,
        "persona": request.persona,
        "learner": request.details.get("learner", ""),
        "owner": request.owner or None,
        "created_at": to_utc(lesson.created_at),
        "updated_at": to_utc(lesson.updated_at),
        "deadline_at": to_utc(lesson.deadline_at),
        "duration_s": lesson.segments.duration_s if lesson.segments else None,
        "error": show_error(lesson),
        "metadata": dict(request.metadata),
        "links": {**links, "audio": audio_url(lesson)} if lesson.answer else links,
    }


def job_url(lesson: Job) -> str:
    return context.address(f"/v1/jobs/{lesson.id}")


def audio_url(lesson: Job) -> str:
    return f"{job_url(lesson)}/audio"


def remaining_s(lesson: Job, lesson_turns: Sequence[Turn]) -> float | None:
    """Seconds until the lesson has ended; None when it has, and while there is no estimate."""
    if lesson.ended_at is not None:
        return None
    estimator = context.estimator()
    seconds = (
        eta_s(lesson_turns, estimator.stage_loads()) if lesson.stage == PARTS else estimator.estimate(lesson).eta_s
    )
    return None if seconds is None else round(seconds, 1)


def is_learner(turn: Turn) -> bool:
    return turn.job.request.task == "turn"


def show_speakers(lesson_turns: Iterable[Turn]) -> list[schemas.LessonSpeaker]:
    """Every speaker, in the order in which they first spoke."""
    speakers: dict[str, schemas.LessonSpeaker] = {}
    for turn in lesson_turns:
        new = schemas.LessonSpeaker(speaker=turn.speaker, learner=is_learner(turn), turns=0, seconds=0.0)
        speaker = speakers.setdefault(turn.speaker, new)
        speaker.turns += 1
        speaker.seconds = round(speaker.seconds + turn.end - turn.start, 3)
    return list(speakers.values())


def show_summary(lesson: Job, figures: LessonFigures) -> schemas.LessonSummary:
    return schemas.LessonSummary(
        text=lesson.feedback.spoken if lesson.feedback else None,
        audio=audio_url(lesson) if lesson.answer else None,
        duration_s=lesson.answer.duration_s if lesson.answer else None,
        needs_an_adult=list(figures.needs_an_adult),
        verdicts=dict(figures.verdicts),
        words=figures.words,
        checked_words=figures.checked_words,
        corrections_per_100=figures.corrections_per_100,
        silent=figures.silent,
        mistakes=[show_mistake(each) for each in figures.mistakes],
        unclear=[show_unclear_word(each) for each in figures.unclear],
        practice=list(figures.practice),
    )


def show_mistake(mistake: Mistake) -> schemas.LessonMistake:
    examples = [
        schemas.LessonExample(
            turn=int(example.source),
            heard=example.original,
            corrected=example.corrected,
            edits=[job_schemas.Edit.model_validate(to_fields(edit)) for edit in example.edits],
        )
        for example in mistake.examples
    ]
    return schemas.LessonMistake(
        **{"from": mistake.before},
        to=mistake.after,
        kind=mistake.kind,
        explanations=dict(mistake.explanations),
        count=mistake.count,
        turns=[int(turn) for turn in mistake.sources],
        examples=examples,
    )


def show_unclear_word(word: UnclearWord) -> schemas.LessonUnclearWord:
    return schemas.LessonUnclearWord(
        word=word.word,
        unclear=word.unclear_count,
        said=word.spoken_count,
        probability=word.probability,
        turns=[int(turn) for turn in word.sources],
    )


def show_turn(turn: Turn) -> schemas.LessonTurn:
    job = turn.job
    return schemas.LessonTurn(
        number=turn.number,
        start=turn.start,
        end=turn.end,
        speaker=turn.speaker,
        learner=is_learner(turn),
        job=job.id,
        state=job.state.value,
        text=turn.text,
        feedback=show_feedback(job),
        error=show_error(job),
    )


def is_silent(turn: Turn) -> bool:
    """Whether nobody spoke in it, which does not count as a failure."""
    return turn.job.error is not None and turn.job.error["code"] == NoSpeech.code
