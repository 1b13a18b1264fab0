"""What a language model must do, and which ones there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pipeline.errors import WaijiaoError
from pipeline.jobs.results import Completion
from pipeline.settings import Settings
from pipeline.worker.engine_loader import load_engine


@dataclass(frozen=True)
class Message:
    """One message of a chat. What learners said is never in the system role."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How each token is chosen: the likeliest at `temperature` 0; else at random among those that make up `top_p`.

    The same `seed` chooses the same again.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


def always() -> bool:
    return True


def silently(piece: str) -> None:
    return


@dataclass(frozen=True)
class Prompt:
    """A chat to be continued by the assistant while it is `wanted`; `tell` is called with each piece as it comes.

    The answer ends after `max_tokens` tokens, where the context ends, or before one of `stop`.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    stop: tuple[str, ...] = ("\n",)  # a rambling model stops at its first line
    sampling: Sampling = Sampling()
    wanted: Callable[[], bool] = always
    tell: Callable[[str], None] = silently


class LanguageModel(Protocol):
    """An engine: made once per process from a model's file, then asked again and again."""

    def __init__(self, model: Path, settings: Settings) -> None: ...

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        """The answers in the order of the prompts; in the place of one that failed, why.

        Canceled when it is not wanted any more, PromptTooLong when it leaves no room in the context for an answer.
        """

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` has, without the few that the chat's form adds to each message."""

    def warm(self, prompt: Prompt) -> None:
        """Compute a prompt ahead, so that prompts with the same beginning are answered sooner."""


ENGINES = {  # name -> module:class
    "llama.cpp": "worker_llm.llama_cpp:LlamaCpp",
    "openai": "worker_llm.openai:OpenAICompatible",
    "transformers": "worker_llm.transformers:Transformers",
}


def load(settings: Settings) -> LanguageModel:
    """The engine that the settings name, loaded; raises ConfigurationError if it cannot work here."""
    engine: LanguageModel = load_engine("llm", ENGINES, settings)
    return engine
