"""A lesson as clients see it; pipeline/schemas/lessons.py has the same as types."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from api import context
from pipeline.errors import NoSpeech, UnknownJob, UnknownLesson
from pipeline.jobs.job import PARTS, Job
from pipeline.lessons import Count, Figures, Turn, chapters, children, counts, eta_s, figures, tag, turns
from pipeline.timestamps import iso
from pipeline.words.mistakes import Mistake, UnclearWord


@dataclass(frozen=True)
class LessonSnapshot:
    """A lesson's job, and a tag that is another one whenever it or one of its turns has changed."""

    lesson: Job
    tag: str

    @property
    def ended(self) -> bool:
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
    return LessonSnapshot(lesson, tag(context.jobs().redis, lesson))


def turns_of(lesson: Job) -> list[Turn]:
    """Its turns that are kept, by number; one that was tried again counts as it went then."""
    found = children(context.jobs().redis, lesson)
    return turns(job for job in found if job.retried_as is None)


def show_in_list(lessons: Sequence[Job]) -> list[dict[str, Any]]:
    """Lessons as many."""
    return [head(lesson, count) for lesson, count in zip(lessons, counts(context.jobs().redis, lessons), strict=True)]


def show(lesson: Job) -> dict[str, Any]:
    """All that is known of the lesson so far."""
    said = turns_of(lesson)
    total = max(len(lesson.segments.turns) if lesson.segments else 0, len(said))
    done = total - sum(turn.job.ended_at is None for turn in said)
    found = figures(lesson.segments.duration_s if lesson.segments else 0.0, said)
    shown = head(lesson, Count(total, done))
    shown["progress"] |= {"failed": len(found.failed), "eta_seconds": to_go(lesson, said)}
    return {
        **shown,
        "speakers": speakers(said),
        "chapters": [asdict(chapter) for chapter in chapters(said)],
        "summary": summary(lesson, found),
        "failed": [asdict(each) for each in found.failed],
        "turns": [show_turn(turn) for turn in said],
    }


def head(lesson: Job, count: Count) -> dict[str, Any]:
    job_request, place = lesson.request, f"/v1/lessons/{lesson.id}"
    links = {"self": place, "transcript": f"{place}/transcript", "report": f"{place}/report"}
    return {
        "id": lesson.id,
        "state": lesson.state,
        "title": job_request.details.get("title", ""),
        "file": job_request.details.get("file", ""),
        "class_name": job_request.group,
        "persona": job_request.persona,
        "learner": job_request.details.get("learner", ""),
        "owner": job_request.owner or None,
        "created_at": iso(lesson.created_at),
        "updated_at": iso(lesson.updated_at),
        "deadline_at": iso(lesson.deadline_at),
        "duration_s": lesson.segments.duration_s if lesson.segments else None,
        "progress": asdict(count),
        "error": lesson.error,
        "metadata": dict(job_request.metadata),
        "links": {**links, "job": f"/v1/jobs/{lesson.id}", **({"audio": audio(lesson)} if lesson.answer else {})},
    }


def audio(lesson: Job) -> str:
    return f"/v1/jobs/{lesson.id}/audio"


def to_go(lesson: Job, said: Sequence[Turn]) -> float | None:
    """Seconds until the lesson has ended; None when it has, and while nobody knows."""
    if lesson.ended_at is not None:
        return None
    forecast = context.forecast()
    seconds = eta_s(said, forecast.house()) if lesson.stage == PARTS else forecast.of(lesson).eta_s
    return None if seconds is None else round(seconds, 1)


def is_learner(turn: Turn) -> bool:
    return turn.job.request.task == "turn"


def speakers(said: Iterable[Turn]) -> list[dict[str, Any]]:
    """Everybody who speaks, the one who spoke first at first."""
    found: dict[str, dict[str, Any]] = {}
    for turn in said:
        fresh = {"speaker": turn.speaker, "learner": is_learner(turn), "turns": 0, "seconds": 0.0}
        one = found.setdefault(turn.speaker, fresh)
        one["turns"] += 1
        one["seconds"] = round(one["seconds"] + turn.end - turn.start, 3)
    return list(found.values())


def summary(lesson: Job, found: Figures) -> dict[str, Any]:
    return {
        "text": lesson.feedback.spoken if lesson.feedback else None,
        "audio": audio(lesson) if lesson.answer else None,
        "duration_s": lesson.answer.duration_s if lesson.answer else None,
        "words": found.words,
        "silent": found.silent,
        "mistakes": [show_mistake(each) for each in found.mistakes],
        "unclear": [show_unclear(each) for each in found.unclear],
        "practice": list(found.practice),
    }


def show_mistake(mistake: Mistake) -> dict[str, Any]:
    examples = [
        {
            "turn": int(each.who),
            "heard": each.heard,
            "corrected": each.corrected,
            "edits": [edit.as_dict() for edit in each.edits],
        }
        for each in mistake.examples
    ]
    turns_ = [int(who) for who in mistake.who]
    return {"from": mistake.before, "to": mistake.after, "count": mistake.count, "turns": turns_, "examples": examples}


def show_unclear(word: UnclearWord) -> dict[str, Any]:
    named = {name: getattr(word, name) for name in ("word", "unclear", "said", "probability")}
    return {**named, "turns": [int(who) for who in word.who]}


def show_turn(turn: Turn) -> dict[str, Any]:
    job = turn.job
    return {
        "number": turn.number,
        "start": turn.start,
        "end": turn.end,
        "speaker": turn.speaker,
        "learner": is_learner(turn),
        "job": job.id,
        "state": job.state,
        "text": turn.text,
        "feedback": job.feedback and job.feedback.as_dict(),
        "error": job.error,
    }


def is_silent(turn: Turn) -> bool:
    """Whether nobody spoke in it, which is no failure."""
    return turn.job.error is not None and turn.job.error["code"] == NoSpeech.code
