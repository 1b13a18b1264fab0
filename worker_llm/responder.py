"""From claimed jobs to results: a teacher's feedback, a lesson's summary, or a chat's completion as it is generated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline.errors import WaijiaoError
from pipeline.jobs.job import Job
from pipeline.jobs.results import Completion, Feedback
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import FAST, connect
from pipeline.settings import Settings
from pipeline.worker.leases import StillWanted
from pipeline.worker.partial_results import PartialResultPublisher, publishing
from worker_llm.engine import Message, Prompt, SamplingParams, load
from worker_llm.grammar.corrector import load_checker
from worker_llm.tutor.lesson_summary import LessonSummarizer
from worker_llm.tutor.teacher import Teacher

CHAT_TEMPERATURE, CHAT_TOP_P = 1.0, 1.0  # defaults of OpenAI's API


@dataclass(frozen=True)
class ModelCall:
    """What the model is asked for a job, and the job's result made of its completion."""

    prompt: Prompt
    make_result: Callable[[Completion], Feedback | Completion]


class Responder:
    """The work of the stage `llm`, with the language model of this worker, warmed up with the default persona."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs = Jobs(connect(settings, FAST), settings)
        self.model = load(settings)
        checker = load_checker(settings)
        self.teacher = Teacher(settings, self.model.count_tokens, checker, getattr(checker, "rank", None))
        self.lesson_summarizer = LessonSummarizer(settings)
        self.teacher.warm()
        self.model.warm(self.teacher.build_warmup_prompt())

    def respond(self, batch: list[Job], still_wanted: StillWanted) -> list[Feedback | Completion | WaijiaoError]:
        """For each job its result, or the error that prevented it; one call of the model answers all prompts."""
        with publishing(self.jobs, "llm") as publisher:
            requests = [self.prepare(job, publisher, partial(still_wanted, job)) for job in batch]
            prompts = [request.prompt for request in requests if isinstance(request, ModelCall)]
            completions = iter(self.model.reply(prompts) if prompts else [])
        return [
            make_result(request, next(completions)) if isinstance(request, ModelCall) else request
            for request in requests
        ]

    def prepare(
        self, job: Job, publisher: PartialResultPublisher, still_wanted: Callable[[], bool]
    ) -> ModelCall | Feedback | WaijiaoError:
        """What to ask for the job, or its result if no model is needed. Only a chat's text is published as it comes."""
        if job.request.task == "chat":
            prompt = build_chat_prompt(job, self.settings)
            on_text = partial(publisher.text, job)
            return ModelCall(replace(prompt, still_wanted=still_wanted, on_text=on_text), lambda completion: completion)
        try:
            request = self.choose_tutor(job).prepare(job)
        except WaijiaoError as error:
            return error
        if isinstance(request, Feedback):
            return request
        make_feedback = request.make_feedback
        prompt = replace(request.prompt, still_wanted=still_wanted)
        return ModelCall(prompt, lambda completion: make_feedback(completion.text))

    def choose_tutor(self, job: Job) -> Teacher | LessonSummarizer:
        return self.lesson_summarizer if job.request.task == "lesson" else self.teacher


def make_result(call: ModelCall, completion: Completion | WaijiaoError) -> Feedback | Completion | WaijiaoError:
    return completion if isinstance(completion, WaijiaoError) else call.make_result(completion)


def build_chat_prompt(job: Job, settings: Settings) -> Prompt:
    """The chat of the job's details, passed to the model unchanged.

    `max_tokens` may be more than the context has room for: the engine ends the answer there.
    """
    options = job.request.details
    return Prompt(
        messages=tuple(Message(each["role"], each["content"]) for each in options["messages"]),
        max_tokens=_get_option(options, "max_tokens", settings.chat_tokens),
        stop=tuple(_get_option(options, "stop", ())),
        sampling=SamplingParams(
            temperature=_get_option(options, "temperature", CHAT_TEMPERATURE),
            top_p=_get_option(options, "top_p", CHAT_TOP_P),
            seed=options.get("seed"),
        ),
    )


def _get_option(options: Mapping[str, Any], name: str, default: Any) -> Any:
    """The option of this name; null means the default."""
    value = options.get(name)
    return default if value is None else value
