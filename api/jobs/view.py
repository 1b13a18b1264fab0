"""A job as clients see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from api import context
from pipeline.jobs.eta import Estimate
from pipeline.jobs.job import Job, State
from pipeline.jobs.plans import PlanDay
from pipeline.jobs.records import to_fields
from pipeline.jobs.rerun import why_not_mended
from pipeline.jobs.results import Part
from pipeline.learners.identity import find_learner
from pipeline.practice.sentence import PracticeSentence, find_sentence
from pipeline.schemas import jobs as schemas
from pipeline.timestamps import to_utc

UNKNOWN = Estimate(None, None)  # for jobs in lists, where an estimate for each would cost too much


@dataclass(frozen=True)
class JobSnapshot:
    """A job with the sentences of its answer that are spoken already. `tag` changes whenever either does."""

    job: Job
    parts: Sequence[Part]

    @property
    def tag(self) -> str:
        return f"{self.job.version}-{len(self.parts)}"

    @property
    def has_ended(self) -> bool:
        return self.job.ended_at is not None

    def show(self) -> schemas.Job:
        return show(self.job, self.parts, context.estimator().estimate(self.job))


def load_snapshot(job_id: str) -> JobSnapshot:
    """The job as it is now, if the caller may see it. UnknownJob, Erased."""
    job = context.job(job_id)
    return JobSnapshot(job, spoken_parts(job))


def spoken_parts(job: Job) -> Sequence[Part]:
    """The sentences of the answer that are spoken already, in their order."""
    if job.answer:
        return job.answer.parts
    if job.stage != "tts" or job.ended_at is not None:
        return ()
    return [Part(**entry["part"]) for _, entry in context.jobs().partial_results(job)]


def show_in_list(job: Job) -> schemas.Job:
    """The job as one of many, without an estimate."""
    return show(job, job.answer.parts if job.answer else (), UNKNOWN)


def show(job: Job, parts: Sequence[Part], estimate: Estimate) -> schemas.Job:
    request, url = job.request, context.address(f"/v1/jobs/{job.id}")
    sentence = find_sentence(job)
    return schemas.Job(
        id=job.id,
        state=job.state.value,
        task=request.task,
        lane=request.lane,
        session=request.session,
        owner=request.owner or None,
        learner=find_learner(request) or None,
        seq=job.seq,
        persona=request.persona,
        created_at=to_utc(job.created_at),
        updated_at=to_utc(job.updated_at),
        deadline_at=to_utc(job.deadline_at),
        attempts=dict(job.attempts),
        queue_position=estimate.queue_position,
        eta_seconds=None if estimate.eta_s is None else round(estimate.eta_s, 1),
        question=schemas.Question(
            text=request.text or None,
            said=request.said or None,
            to_read=request.details.get("text") or None if request.assignment else None,
            duration_s=job.transcript.duration_s if job.transcript else None,
        ),
        transcript=schemas.Transcript.model_validate(job.transcript) if job.transcript else None,
        feedback=show_feedback(job),
        completion=schemas.Completion.model_validate(job.completion) if job.completion else None,
        parts=[show_part(job, number, part) for number, part in enumerate(parts, 1)],
        answer=show_answer(job, url),
        card=show_card(job, url),
        timings={stage: schemas.Timing.model_validate(timing) for stage, timing in job.timings.items()},
        outcome=job.outcome,
        error=show_error(job),
        metadata=dict(request.metadata),
        retry_of=job.retry_of,
        retried_as=job.retried_as,
        rerun_of=job.rerun_of,
        rerun_as=job.rerun_as,
        assignment=request.assignment or None,
        student=request.student or None,
        lesson=request.lesson or None,
        practice=schemas.Practice.model_validate(sentence) if sentence else None,
        plan=show_plan(job),
        practised=request.practised or None,
        links=links(job, url, sentence),
    )


def show_feedback(job: Job) -> schemas.Feedback | None:
    """Without the plan, which stands in the job's own field."""
    if job.feedback is None:
        return None
    fields = to_fields(job.feedback)
    del fields["plan"]
    return schemas.Feedback.model_validate(fields)


def show_plan(job: Job) -> schemas.StudyPlan | None:
    """The study plan, if the learner asked for one."""
    plan = job.feedback.plan if job.feedback else None
    if plan is None:
        return None
    return schemas.StudyPlan(
        days=[show_plan_day(day) for day in plan.days],
        minutes=plan.minutes,
        summary=dict(plan.summary),
        asked_in=plan.asked_in,
        basis=plan.basis,
    )


def show_plan_day(day: PlanDay) -> schemas.PlanDay:
    return schemas.PlanDay(
        number=day.number,
        activity=day.activity,
        minutes=day.minutes,
        task=dict(day.task),
        kind=day.kind or None,
        words=list(day.words),
        example=schemas.PlanExample(heard=day.heard, better=day.better) if day.better else None,
        prompt=day.prompt or None,
        revises=day.revised or None,
    )


def show_answer(job: Job, url: str) -> schemas.Answer | None:
    answer = job.answer
    if not answer:
        return None
    return schemas.Answer(
        text=answer.text,
        audio=f"{url}/audio",
        duration_s=answer.duration_s,
        format=answer.format,
        sha256=answer.sha256,
    )


def show_card(job: Job, url: str) -> schemas.LessonCard | None:
    """The lesson card, or why there is none; None where none was asked for, or until the answer is spoken."""
    answer = job.answer
    if not answer or not (answer.card or answer.no_card):
        return None
    card = answer.card
    return schemas.LessonCard(
        audio=f"{url}/card" if card else None,
        duration_s=card.duration_s if card else None,
        format=answer.format if card else None,
        sha256=card.sha256 if card else None,
        chapters=[schemas.CardChapter.model_validate(chapter) for chapter in card.chapters] if card else [],
        missing=answer.no_card or None,
    )


def show_error(job: Job) -> schemas.JobError | None:
    """Why the job ended without an answer."""
    return schemas.JobError.model_validate(job.error) if job.error else None


def show_part(job: Job, number: int, part: Part) -> schemas.Part:
    audio = context.address(f"/v1/jobs/{job.id}/audio?part={number}")
    return schemas.Part(number=number, text=part.text, audio=audio, duration_s=part.duration_s)


def links(job: Job, url: str, sentence: PracticeSentence | None) -> dict[str, str]:
    """The addresses for everything that can be done with the job in its present state."""
    urls = {"self": url, "events": f"{url}/events"}
    if sentence:
        urls["tries"] = f"{url}/tries"
    if not why_not_mended(job):
        urls["said"] = f"{url}/said"
    if job.state == State.HELD:
        urls |= {"release": f"{url}/release", "feedback": f"{url}/feedback"}
    if job.ended_at is None:
        return {**urls, "cancel": f"{url}/cancel"}
    if job.dead:
        return {**urls, "retry": f"{url}/retry"}
    if job.answer and job.answer.card:
        urls["card"] = f"{url}/card"
    return {**urls, "audio": f"{url}/audio"} if job.answer else urls
