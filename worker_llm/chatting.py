"""A chat that asks the model by itself: its messages go to the model as they are, and nothing is made of its answer."""

from collections.abc import Mapping
from typing import Any

from pipeline.jobs.job import Job
from pipeline.settings import Settings
from worker_llm.engine import Message, Prompt, Sampling

TEMPERATURE, TOP_P = 1.0, 1.0  # of a chat that names none, as in OpenAI's API


def prompt(job: Job, limits: Settings) -> Prompt:
    """What the job's details ask for; the context, which may end the answer earlier, is the engine's to know."""
    asked = job.request.details
    return Prompt(
        messages=tuple(Message(each["role"], each["content"]) for each in asked["messages"]),
        max_tokens=given(asked, "max_tokens", limits.chat_tokens),
        stop=tuple(given(asked, "stop", ())),
        sampling=Sampling(given(asked, "temperature", TEMPERATURE), given(asked, "top_p", TOP_P), asked.get("seed")),
    )


def given(asked: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    """What is asked for by this name; null is as good as nothing."""
    value = asked.get(name)
    return otherwise if value is None else value
