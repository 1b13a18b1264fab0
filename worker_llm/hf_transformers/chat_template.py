"""A chat as a model's tokens, in the format of the model's own template; special tokens that people type stay text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from jinja2 import TemplateError

from pipeline.errors import BadRequest, ConfigurationError
from worker_llm.engine import Message
from worker_llm.hf_transformers.detokenizer import keep_text

SPLIT_MARK = "\ue000"  # of Unicode's private use; the text on either side of it is tokenized on its own
PROBE_TEXT = "probe"


class ChatTemplate(Protocol):
    """How chats become a model's tokens, and its tokens text."""

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """The chat up to where the assistant continues. Raises BadRequest if the model rejects this order of roles."""

    def encode_text(self, text: str) -> list[int]:
        """The tokens of a message's text alone."""

    def decode(self, tokens: list[int]) -> str:
        """Without special tokens."""

    def create_postprocessor(self) -> Callable[[str, bool], str]:
        """For one answer: a function that maps each new piece of its text; True comes with the last piece."""


class JinjaChatTemplate:
    """The template of a transformers tokenizer. Raises ConfigurationError when that cannot be used."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        added_tokens = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        special = [
            re.escape(text) for text in sorted(added_tokens, key=len, reverse=True) if len(text) > 1 and text.strip()
        ]
        self.special_tokens = re.compile("|".join(special) or r"(?!)")
        try:
            self.render([Message("user", PROBE_TEXT)])
        except (TemplateError, TypeError) as error:
            raise ConfigurationError(f"WAIJIAO_LLM_MODEL: its chat template fails on a question: {error}") from error
        self.has_system_role = self._probe_system_role()

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """The chat up to where the assistant continues. Raises BadRequest if the template rejects their roles."""
        safe_messages = [replace(message, content=self._split_special_tokens(message.content)) for message in messages]
        try:
            return self._tokenize(
                self.render(safe_messages if self.has_system_role else merge_system_message(safe_messages))
            )
        except (TemplateError, TypeError) as error:
            raise BadRequest("The model does not accept messages in this order of roles.") from error

    def encode_text(self, text: str) -> list[int]:
        """The tokens of a message's text alone."""
        return self._tokenize(self._split_special_tokens(text))

    def decode(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def create_postprocessor(self) -> Callable[[str, bool], str]:
        return keep_text

    def render(self, messages: Sequence[Message]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            [asdict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # for templates that support it
        )
        return text

    def _split_special_tokens(self, text: str) -> str:
        """The text with a SPLIT_MARK in each special token that it spells out, so that it is not tokenized as one."""

        def insert_mark(match: re.Match[str]) -> str:
            return f"{match[0][0]}{SPLIT_MARK}{match[0][1:]}"

        while (split_text := self.special_tokens.sub(insert_mark, text)) != text:
            text = split_text
        return text

    def _tokenize(self, text: str) -> list[int]:
        pieces = [piece for piece in text.split(SPLIT_MARK) if piece]
        return [token for piece in pieces for token in self.tokenizer.encode(piece, add_special_tokens=False)]

    def _probe_system_role(self) -> bool:
        """Some templates reject a system message, some ignore it."""
        probe = f"{PROBE_TEXT}-system"
        try:
            return probe in self.render([Message("system", probe), Message("user", PROBE_TEXT)])
        except (TemplateError, TypeError):
            return False


def merge_system_message(messages: Sequence[Message]) -> list[Message]:
    """For models without a system role: its text is put at the beginning of the first user message."""
    system = [message.content for message in messages if message.role == "system"]
    other_messages = [message for message in messages if message.role != "system"]
    if not system:
        return other_messages
    first = other_messages.pop(0).content if other_messages and other_messages[0].role == "user" else ""
    return [Message("user", "\n\n".join(filter(None, [*system, first]))), *other_messages]
