"""From what was heard to the teacher's feedback: the session so far, the persona's prompt, the checked answer."""

from dataclasses import replace
from functools import partial

from pipeline import personas
from pipeline.errors import WaijiaoError
from pipeline.leases import wanted
from pipeline.personas import Persona
from pipeline.record import Job
from pipeline.sessions import turns
from pipeline.settings import Settings
from pipeline.store import connect
from pipeline.turns import Exchange, Feedback
from worker_llm.engine import Prompt, load
from worker_llm.feedback import understand
from worker_llm.prompt import as_exchange, compose
from worker_llm.starting_over import confirmation, wants_to_start_over


class Teacher:
    """Holds the loaded language model of this worker, warmed with the default persona."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.redis = connect(settings)
        self.model = load(settings)
        persona = self.persona(settings.persona)
        self.model.warm(compose(persona, [], "Hello.", settings, self.model.count_tokens))

    def teach(self, batch: list[Job]) -> list[Feedback | WaijiaoError]:
        """Feedback, or why there is none, for each job; a wish to start over is confirmed without the model."""
        asking = [job for job in batch if not self.starts_over(job)]
        replies = iter(self.model.reply([self.prompt(job) for job in asking]) if asking else [])
        return [
            self.feedback(job, next(replies))
            if job in asking
            else confirmation(self.persona(job.question.persona), said(job))
            for job in batch
        ]

    def starts_over(self, job: Job) -> bool:
        persona = self.persona(job.question.persona)
        return any(wants_to_start_over(text, persona) for text in (job.question.text, heard(job), said(job)))

    def prompt(self, job: Job) -> Prompt:
        question = job.question
        persona = self.persona(question.persona)
        history = self.history(question.tenant, question.session, job.seq)
        prompt = compose(persona, history, said(job), self.settings, self.model.count_tokens)
        return replace(prompt, wanted=partial(wanted, job))

    def history(self, tenant: str, session: str, before: int) -> list[Exchange]:
        """The session's earlier turns that were answered, oldest first; failed ones may stand between them."""
        earlier = turns(self.redis, tenant, session, before, most=3 * self.settings.history_turns)
        return [as_exchange(job.feedback) for job in earlier if job.feedback and not job.feedback.reset]

    def feedback(self, job: Job, reply: str | WaijiaoError) -> Feedback | WaijiaoError:
        if isinstance(reply, WaijiaoError):
            return reply
        return understand(said(job), reply, self.persona(job.question.persona))

    def persona(self, name: str) -> Persona:
        return personas.load(name, self.settings.personas)


def heard(job: Job) -> str:
    return job.transcript.text if job.transcript else ""


def said(job: Job) -> str:
    """What was heard, with the typed text after it."""
    return f"{heard(job)} {job.question.text}".strip()
