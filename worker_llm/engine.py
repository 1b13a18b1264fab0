"""What a language model must do, and which ones there are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pipeline.engines import load_engine
from pipeline.errors import WaijiaoError
from pipeline.settings import Settings


@dataclass(frozen=True)
class Message:
    """One message of a chat. What learners said is never in the system role."""

    role: Literal["system", "user", "assistant"]
    content: str


def always() -> bool:
    return True


@dataclass(frozen=True)
class Prompt:
    """A chat to be continued by the assistant, in at most `max_tokens` tokens and one line, while it is `wanted`."""

    messages: tuple[Message, ...]
    max_tokens: int
    wanted: Callable[[], bool] = always


class LanguageModel(Protocol):
    """An engine: made once per process from a model's file, then asked again and again."""

    def __init__(self, model: Path, settings: Settings) -> None: ...

    def reply(self, prompts: Sequence[Prompt]) -> list[str | WaijiaoError]:
        """The answers in the order of the prompts; in the place of one that failed, why; Canceled when not wanted."""

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` has, without the few that the chat's form adds to each message."""

    def warm(self, prompt: Prompt) -> None:
        """Compute a prompt ahead, so that prompts with the same beginning are answered sooner."""


ENGINES = {"llama.cpp": "worker_llm.llama_cpp:LlamaCpp"}


def load(settings: Settings) -> LanguageModel:
    """The engine that the settings name, loaded; raises ConfigurationError if it cannot work here."""
    engine: LanguageModel = load_engine("llm", ENGINES, settings)
    return engine
