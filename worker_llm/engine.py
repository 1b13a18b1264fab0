"""What a language model engine must do, and which engines there are."""

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
    """One message of a chat. Learners' words never have the system role."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class SamplingParams:
    """How each token is chosen: the likeliest at `temperature` 0; otherwise drawn from the `top_p` nucleus.

    The same `seed` draws the same tokens again.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


def _always_wanted() -> bool:
    return True


def _ignore_text(piece: str) -> None:
    return


@dataclass(frozen=True)
class Prompt:
    """A chat that the assistant is to continue, for as long as `still_wanted()` is true.

    The answer ends after `max_tokens` tokens, where the context ends, or before one of the `stop` texts. `on_text` is
    called with each piece of it as soon as that piece is final.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    stop: tuple[str, ...] = ("\n",)  # a rambling model stops at its first line
    sampling: SamplingParams = SamplingParams()
    still_wanted: Callable[[], bool] = _always_wanted
    on_text: Callable[[str], None] = _ignore_text


class LanguageModel(Protocol):
    """An engine: created once per process from a model's file, then called again and again."""

    def __init__(self, model: Path, settings: Settings) -> None: ...

    def reply(self, prompts: Sequence[Prompt]) -> list[Completion | WaijiaoError]:
        """The completions in the order of the prompts; in place of one that failed, its error.

        Canceled when the answer is no longer wanted, PromptTooLong when the context has no room for an answer.
        """

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` has, without the few that the chat template adds to each message."""

    def warm(self, prompt: Prompt) -> None:
        """Compute a prompt ahead, so that prompts with the same beginning are answered sooner."""


ENGINES = {  # name -> module:class
    "llama.cpp": "worker_llm.llama_cpp:LlamaCpp",
    "openai": "worker_llm.openai_api.engine:OpenAICompatible",
    "transformers": "worker_llm.hf_transformers.engine:Transformers",
}


def load(settings: Settings) -> LanguageModel:
    """The engine that the settings name, loaded. Raises ConfigurationError if it cannot work on this machine."""
    engine: LanguageModel = load_engine("llm", ENGINES, settings)
    return engine
