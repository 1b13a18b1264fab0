"""How a chat is gone on with in the form of OpenAI's chat completions, streamed; and what llama.cpp says then."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.jobs.results import Completion
from worker_llm.engine import Prompt


def request(prompt: Prompt) -> dict[str, Any]:
    """What llama.cpp is asked."""
    return {**standard(prompt), "cache_prompt": True, "return_progress": True}


def standard(prompt: Prompt) -> dict[str, Any]:
    """What any server with OpenAI's API is asked, and that a model that can think aloud does not."""
    sampling = prompt.sampling
    return {
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "max_tokens": prompt.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        **({} if sampling.seed is None else {"seed": sampling.seed}),
        "stop": list(prompt.stop),
        "chat_template_kwargs": {"enable_thinking": False},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def text(piece: dict[str, Any]) -> str:
    """What a piece, in the form of OpenAI's chat.completion.chunk, adds to the answer."""
    return "".join(choice["delta"].get("content") or "" for choice in piece.get("choices", ()))


@dataclass
class Streamed:
    """What llama.cpp said, piece by piece."""

    pieces: list[dict[str, Any]] = field(default_factory=list)

    @property
    def usage(self) -> dict[str, Any]:
        """Counts of tokens; empty unless the answer is whole, since the last piece has them."""
        found: dict[str, Any] = self.pieces[-1].get("usage", {}) if self.pieces else {}
        return found

    @property
    def error(self) -> dict[str, Any] | None:
        return next((piece["error"] for piece in self.pieces if "error" in piece), None)

    @property
    def completion(self) -> Completion:
        """The whole answer."""
        choices = [choice for piece in self.pieces for choice in piece.get("choices", ())]
        return Completion(
            text="".join(map(text, self.pieces)),
            finish_reason=next(choice["finish_reason"] for choice in choices if choice["finish_reason"]),
            prompt_tokens=self.usage["prompt_tokens"],
            completion_tokens=self.usage["completion_tokens"],
        )
