"""From jobs to what the language model makes of them: a teacher's feedback, a lesson's summary, a chat as it comes."""

from dataclasses import replace
from functools import partial

from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Completion, Feedback
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from pipeline.worker.partial_results import PartialResultPublisher, publishing
from pipeline.worker.task import still_wanted
from worker_llm import chatting
from worker_llm.engine import Prompt, load
from worker_llm.summing_up import SummingUp
from worker_llm.teaching import Teacher


class Answerer:
    """Holds the loaded language model of this worker, warmed with the default persona."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs = Jobs(connect(settings, FAST), settings)
        self.model = load(settings)
        self.teacher, self.summing_up = Teacher(settings, self.model.count_tokens), SummingUp(settings)
        self.model.warm(self.teacher.greeting())

    def answer(self, batch: list[Job]) -> list[Feedback | Completion | WaijiaoError]:
        """The result, or why there is none, for each job; one call of the model answers them all."""
        with publishing(self.jobs, "llm") as told:
            asked = [self.asked(job, told) for job in batch]
            prompts = [each for each in asked if isinstance(each, Prompt)]
            replies = iter(self.model.reply(prompts) if prompts else [])
        return [
            self.result(job, next(replies)) if isinstance(each, Prompt) else each
            for job, each in zip(batch, asked, strict=True)
        ]

    def asked(self, job: Job, told: PartialResultPublisher) -> Prompt | Feedback | WaijiaoError:
        """What the model is asked for the job, if it is needed; only a chat's words are shown before they are whole."""
        if job.request.task == "chat":
            chat = chatting.prompt(job, self.settings)
            return replace(chat, wanted=partial(still_wanted, job), tell=partial(told.text, job))
        try:
            asked = self.teacher_of(job).asked(job)
        except WaijiaoError as error:
            return error
        return replace(asked, wanted=partial(still_wanted, job)) if isinstance(asked, Prompt) else asked

    def result(self, job: Job, reply: Completion | WaijiaoError) -> Feedback | Completion | WaijiaoError:
        if isinstance(reply, WaijiaoError) or job.request.task == "chat":
            return reply
        return self.teacher_of(job).feedback(job, reply.text)

    def teacher_of(self, job: Job) -> Teacher | SummingUp:
        return self.summing_up if job.request.task == "lesson" else self.teacher
