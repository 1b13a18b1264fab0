"""How llama.cpp is asked to go on with a chat, and what it says: OpenAI's chat completions, streamed."""

from dataclasses import dataclass, field
from typing import Any

from worker_llm.engine import Prompt


def request(prompt: Prompt) -> dict[str, Any]:
    return {
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "max_tokens": prompt.max_tokens,
        "temperature": 0,
        "stop": ["\n"],  # a rambling model stops at its first line
        "cache_prompt": True,
        "chat_template_kwargs": {"enable_thinking": False},
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }


@dataclass
class Completion:
    """What llama.cpp said, piece by piece, each in the form of OpenAI's chat.completion.chunk."""

    pieces: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        deltas = (choice["delta"] for piece in self.pieces for choice in piece.get("choices", ()))
        return "".join(delta.get("content") or "" for delta in deltas)

    @property
    def usage(self) -> dict[str, Any]:
        """Counts of tokens; empty unless the answer is whole, since the last piece has them."""
        found: dict[str, Any] = self.pieces[-1].get("usage", {}) if self.pieces else {}
        return found

    @property
    def error(self) -> str:
        return next((str(piece["error"].get("message")) for piece in self.pieces if "error" in piece), "")
