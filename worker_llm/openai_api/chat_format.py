"""The body of a chat completions request, without fields that a server does not support; and estimates of tokens."""

import re
from collections.abc import Collection
from typing import Any

from worker_llm.engine import Prompt
from worker_llm.openai_api.stream import Usage

MAX_COMPLETION_TOKENS = "max_completion_tokens"  # what OpenAI's newer models call max_tokens
LENGTH_LIMIT_FIELDS = {"max_tokens", MAX_COMPLETION_TOKENS}
SPLIT_MARK = "\u200b"  # a zero-width space
# What delimits turns and texts in the formats of most models; a server takes it for that inside a message, too.
SPECIAL_TOKENS = re.compile(
    r"<[|｜][^<>]{1,60}[|｜]>|</?s>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|gMASK|CLS|SEP)\]"
    r"|<(?:start_of_turn|end_of_turn|bos|eos|pad|unk|sop|eop)>"
)
SERVER_DEFAULTS = {"top_p": 1.0, "stop": []}  # values that need not be sent


def build_chat_request(prompt: Prompt) -> dict[str, Any]:
    """A streamed chat without the model's name. A model that can think aloud is asked not to."""
    sampling = prompt.sampling
    return {
        "messages": to_json(prompt),
        "max_tokens": prompt.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        **({} if sampling.seed is None else {"seed": sampling.seed}),
        "stop": list(prompt.stop),
        "chat_template_kwargs": {"enable_thinking": False},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def to_json(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt.messages]


def split_special_tokens(text: str, special_tokens: re.Pattern[str]) -> str:
    """The text with a SPLIT_MARK after the first character of each special token, so that it is text to the model."""
    return special_tokens.sub(lambda match: f"{match[0][0]}{SPLIT_MARK}{match[0][1:]}", text)


def build_supported_request(prompt: Prompt, model: str, unsupported_fields: Collection[str]) -> dict[str, Any]:
    """The request without `unsupported_fields`; where max_tokens is one, the limit goes by its newer name."""
    messages = [{**each, "content": split_special_tokens(each["content"], SPECIAL_TOKENS)} for each in to_json(prompt)]
    body = {"model": model, **build_chat_request(prompt), "messages": messages}
    if "max_tokens" in unsupported_fields:
        body[MAX_COMPLETION_TOKENS] = prompt.max_tokens
    omitted_fields = {
        *unsupported_fields,
        *(name for name, default in SERVER_DEFAULTS.items() if body[name] == default),
    }
    return {name: value for name, value in body.items() if name not in omitted_fields}


def estimate_tokens(text: str) -> int:
    """How many tokens a text may have, rather too many than too few: the server's tokenizer is not known.

    A token has about 4 letters of English, and a Chinese character (3 bytes) is one token or two; digits, punctuation
    and anything else count one token each.
    """
    letters = sum(char.isascii() and (char.isalpha() or char == " ") for char in text)
    other_ascii = sum(char.isascii() for char in text) - letters
    non_ascii_bytes = len(text.encode()) - letters - other_ascii
    return -(-letters // 3) + other_ascii + -(-2 * non_ascii_bytes // 3)


def estimate_usage(prompt: Prompt, answer: str) -> Usage:
    """The token counts of a chat with a server that sends none."""
    prompt_tokens = sum(estimate_tokens(message.content) for message in prompt.messages)
    return Usage(prompt_tokens=prompt_tokens, completion_tokens=estimate_tokens(answer))
