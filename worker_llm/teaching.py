"""From what was heard to the teacher's feedback: the session so far, the persona's prompt, the checked answer."""

from collections.abc import Callable

from pipeline import personas
from pipeline.jobs.job import Job
from pipeline.jobs.results import Exchange, Feedback
from pipeline.jobs.store import turns
from pipeline.personas import Persona
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from worker_llm import read_aloud
from worker_llm.engine import Prompt
from worker_llm.feedback import understand
from worker_llm.homework import Homework
from worker_llm.prompt import as_exchange, compose
from worker_llm.read_aloud import ReadAloud
from worker_llm.starting_over import confirmation, wants_to_start_over


class Teacher:
    """Knows what to ask a language model whose tokens `count` counts, and what to make of its answer."""

    def __init__(self, settings: Settings, count: Callable[[str], int]) -> None:
        self.settings, self.count = settings, count
        self.redis = connect(settings)

    def greeting(self) -> Prompt:
        """A prompt that begins as most will."""
        return compose(self.persona(self.settings.persona), [], "Hello.", self.settings, self.count)

    def asked(self, job: Job) -> Prompt | Feedback:
        """What the model is asked; what needs no model is answered without it."""
        persona, homework = self.persona(job.request.persona), Homework.of(job)
        if homework.text:
            return self.about_reading(ReadAloud(said(job), homework.text), persona)
        if starts_over(job, persona):
            return confirmation(persona, said(job))
        if is_untaught(job, persona):
            return Feedback(said(job), corrected=said(job), reply="", spoken="")
        earlier = [*homework.told(persona), *self.history(job)]
        return compose(persona, earlier, said(job), self.settings, self.count)

    def about_reading(self, reading: ReadAloud, persona: Persona) -> Prompt | Feedback:
        if reading.is_another:
            return read_aloud.another(reading)
        return compose(persona, [], read_aloud.asked_about(reading.text), self.settings, self.count)

    def history(self, job: Job) -> list[Exchange]:
        """The session's earlier turns that were answered, oldest first; failed ones may stand between them."""
        job_request, most = job.request, 3 * self.settings.history_turns
        earlier = turns(self.redis, job_request.tenant, job_request.conversation, job.seq, most)
        return [as_exchange(each.feedback) for each in earlier if each.feedback and not each.feedback.reset]

    def feedback(self, job: Job, reply: str) -> Feedback:
        persona, homework = self.persona(job.request.persona), Homework.of(job)
        if homework.text:
            return read_aloud.understand(ReadAloud(said(job), homework.text), reply, persona)
        return understand(said(job), reply, persona, homework.words_used(said(job)))

    def persona(self, name: str) -> Persona:
        return personas.load(name, self.settings.personas)


def starts_over(job: Job, persona: Persona) -> bool:
    """Whether the learner wants that; in homework, and in a lesson's turn, there is nothing to start over."""
    if job.request.assignment or job.request.lesson:
        return False
    return any(wants_to_start_over(text, persona) for text in (job.request.text, heard(job), said(job)))


def is_untaught(job: Job, persona: Persona) -> bool:
    """Whether a lesson's turn is in another language than the one taught: such as what is not understood, explained."""
    if job.request.task != "turn" or job.transcript is None:
        return False
    return job.transcript.language != persona.languages[0]


def heard(job: Job) -> str:
    return job.transcript.text if job.transcript else ""


def said(job: Job) -> str:
    """What was heard, with the typed text after it."""
    return f"{heard(job)} {job.request.text}".strip()
