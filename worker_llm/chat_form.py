"""A chat as a model reads it: in the form of the model's own template, in which what people say stays mere words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from jinja2 import TemplateError

from pipeline.errors import BadRequest, ConfigurationError
from worker_llm.engine import Message
from worker_llm.written import as_it_is

SEAM = "\ue000"  # of Unicode's private use; the text on either side of it is made tokens on its own
PROBE = "probe"


class Form(Protocol):
    """How chats become a model's tokens, and its tokens text."""

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        """The chat up to where the assistant goes on. Raises BadRequest when the model takes no such order of roles."""

    def words(self, text: str) -> list[int]:
        """The tokens of a message's words alone."""

    def decode(self, tokens: list[int]) -> str:
        """Without special tokens."""

    def finish(self) -> Callable[[str, bool], str]:
        """What one answer's text is made into, piece by piece; True comes with the last piece."""


class ChatForm:
    """`tokenizer` is one of transformers, with a chat template. Raises ConfigurationError when that cannot be used."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        added = {str(token) for token in tokenizer.added_tokens_decoder.values()}
        marks = [re.escape(mark) for mark in sorted(added, key=len, reverse=True) if len(mark) > 1 and mark.strip()]
        self.marks = re.compile("|".join(marks) or r"(?!)")
        try:
            self.render([Message("user", PROBE)])
        except (TemplateError, TypeError) as error:
            raise ConfigurationError(f"WAIJIAO_LLM_MODEL: its chat template fails on a question: {error}") from error
        self.takes_system = self.shows_system()

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        """The chat up to where the assistant goes on. Raises BadRequest when the template refuses the roles."""
        said = [replace(message, content=self.broken(message.content)) for message in messages]
        try:
            return self.read(self.render(said if self.takes_system else folded(said)))
        except (TemplateError, TypeError) as error:
            raise BadRequest("The model does not take messages in this order of roles.") from error

    def words(self, text: str) -> list[int]:
        """The tokens of a message's words alone."""
        return self.read(self.broken(text))

    def decode(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def finish(self) -> Callable[[str, bool], str]:
        return as_it_is

    def broken(self, text: str) -> str:
        """The text with a seam in each special token that it spells out, so that none is taken for one."""
        while (safer := self.marks.sub(lambda mark: f"{mark[0][0]}{SEAM}{mark[0][1:]}", text)) != text:
            text = safer
        return text

    def read(self, text: str) -> list[int]:
        pieces = [piece for piece in text.split(SEAM) if piece]
        return [token for piece in pieces for token in self.tokenizer.encode(piece, add_special_tokens=False)]

    def render(self, messages: Sequence[Message]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            [asdict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,  # of the templates that know it
        )
        return text

    def shows_system(self) -> bool:
        """Some templates refuse a system message, some pass over it."""
        try:
            return f"{PROBE}-system" in self.render([Message("system", f"{PROBE}-system"), Message("user", PROBE)])
        except (TemplateError, TypeError):
            return False


def folded(messages: Sequence[Message]) -> list[Message]:
    """What the system says stands before the first user's words."""
    system = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return rest
    first = rest.pop(0).content if rest and rest[0].role == "user" else ""
    return [Message("user", "\n\n".join(filter(None, [*system, first]))), *rest]
