"""What an OpenAI-compatible server is asked, without what it does not know; and how many tokens that may be."""

from collections.abc import Collection
from typing import Any

from worker_llm.completion import standard
from worker_llm.engine import Prompt
from worker_llm.openai_stream import Usage

RENAMED = "max_completion_tokens"  # what OpenAI's newer models want in the place of max_tokens
BOUNDS = {"max_tokens", RENAMED}
USUAL = {"top_p": 1.0, "stop": []}  # what a server does that is not told


def asked(prompt: Prompt, model: str, without: Collection[str]) -> dict[str, Any]:
    """The request; max_tokens goes by its other name where the server does not take it."""
    fields = {"model": model, **standard(prompt)}
    if "max_tokens" in without:
        fields[RENAMED] = prompt.max_tokens
    left_out = {*without, *(name for name, usual in USUAL.items() if fields[name] == usual)}
    return {name: value for name, value in fields.items() if name not in left_out}


def estimate(text: str) -> int:
    """How many tokens a text may have, rather too many than too few: there is no telling which tokenizer is used.

    A token has about 4 letters of English, and a Chinese character (3 bytes) is one token or two; whatever else there
    is, digits and marks, is counted one by one.
    """
    plain = sum(char.isascii() and (char.isalpha() or char == " ") for char in text)
    other = sum(char.isascii() for char in text) - plain
    foreign = len(text.encode()) - plain - other
    return -(-plain // 3) + other + -(-2 * foreign // 3)


def estimated(prompt: Prompt, answer: str) -> Usage:
    """The counts of a chat with a server that does not count."""
    read = sum(estimate(message.content) for message in prompt.messages)
    return Usage(prompt_tokens=read, completion_tokens=estimate(answer))
