"""The chat that the language model continues: the persona, then the session so far, then the new utterance.

The persona's part is the same text in every prompt, so that the engine's prefix cache serves it.
"""

import re
from collections.abc import Callable, Sequence

from pipeline.errors import ConfigurationError
from pipeline.jobs.results import Exchange, Feedback
from pipeline.personas import Persona
from pipeline.settings import Settings
from worker_llm.engine import Message, Prompt

TEMPLATE_TOKENS = 8  # tokens that the chat template may add to each message
MIN_UTTERANCE_TOKENS = 32  # tokens that there must be for the utterance

# Models delimit the turns of a chat with special tokens, such as <|im_start|> or [INST], and llama.cpp recognises them
# inside a message too. Speech has no brackets.
BRACKETS = re.compile(r"[<>\[\]{}|｜＜＞［］\x00-\x1f]+")

TokenCounter = Callable[[str], int]


def compose(
    persona: Persona, history: Sequence[Exchange], utterance: str, settings: Settings, count_tokens: TokenCounter
) -> Prompt:
    """At most `settings.prompt_tokens`: the oldest turns are left out first, then the end of the utterance.

    Raises ConfigurationError when the persona alone has too many tokens.
    """
    prefix = build_persona_messages(persona)
    budget = min(settings.prompt_tokens, settings.llm_context - settings.answer_tokens)
    budget -= _count_message_tokens(prefix, count_tokens)
    if budget < MIN_UTTERANCE_TOKENS + TEMPLATE_TOKENS:
        raise ConfigurationError(f"WAIJIAO_PROMPT_TOKENS is too small for the persona {persona.name}")
    last = Message("user", _truncate(sanitize(utterance), budget - TEMPLATE_TOKENS, count_tokens))
    budget -= _count_message_tokens([last], count_tokens)
    turns: list[Message] = []
    for exchange in reversed(history[-settings.history_turns :] if settings.history_turns else []):
        turn = _exchange_messages(exchange.learner, exchange.teacher)
        budget -= _count_message_tokens(turn, count_tokens)
        if budget < 0:
            break
        turns = turn + turns
    return Prompt((*prefix, *turns, last), settings.answer_tokens)


def build_persona_messages(persona: Persona) -> list[Message]:
    """The beginning of every prompt with this persona: its instructions and its examples."""
    examples = [_exchange_messages(example.learner, example.teacher) for example in persona.examples]
    return [Message("system", persona.prompt), *(message for example in examples for message in example)]


def as_exchange(feedback: Feedback) -> Exchange:
    """The turn as later prompts show it, in the format of the persona's examples."""
    return Exchange(feedback.heard, f'"{feedback.corrected}" {feedback.reply}')


def sanitize(text: str) -> str:
    """The text as one line that contains no special tokens of any model."""
    return " ".join(BRACKETS.sub(" ", text).split())


def _exchange_messages(learner: str, teacher: str) -> list[Message]:
    return [Message("user", sanitize(learner)), Message("assistant", sanitize(teacher))]


def _count_message_tokens(messages: Sequence[Message], count_tokens: TokenCounter) -> int:
    return count_tokens("\n".join(message.content for message in messages)) + TEMPLATE_TOKENS * len(messages)


def _truncate(text: str, max_tokens: int, count_tokens: TokenCounter) -> str:
    while (tokens := count_tokens(text)) > max_tokens:
        text = text[: len(text) * max_tokens // tokens]
    return text
