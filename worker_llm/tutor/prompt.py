"""The chat that the language model continues: the persona, then the session so far, then the new utterance.

The persona's part is the same text in every prompt, so that the engine's prefix cache serves it. The session's part
begins with the same turn for as long as it can, for the same reason.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.errors import ConfigurationError
from pipeline.jobs.results import Exchange, Feedback
from pipeline.personas import Persona
from pipeline.settings import Settings
from worker_llm.engine import Message, Prompt

TEMPLATE_TOKENS = 8  # tokens that the chat template may add to each message
MIN_UTTERANCE_TOKENS = 32  # tokens that there must be for the utterance
MIN_KEPT_TURNS = 2  # turns that are left when older ones are dropped

# Models delimit the turns of a chat with special tokens, such as <|im_start|> or [INST], and llama.cpp recognises them
# inside a message too. Speech has no brackets.
BRACKETS = re.compile(r"[<>\[\]{}|｜＜＞［］\x00-\x1f]+")

TokenCounter = Callable[[str], int]


@dataclass(frozen=True)
class PreparedTurn:
    """What the language model is asked about a turn or a lesson, and the feedback to be made of its reply."""

    prompt: Prompt
    make_feedback: Callable[[str], Feedback]


def compose(
    persona: Persona, history: Sequence[Exchange], utterance: str, settings: Settings, count_tokens: TokenCounter
) -> Prompt:
    """At most `settings.prompt_tokens`: the oldest turns are dropped first, then the end of the utterance.

    Raises ConfigurationError when the persona alone has too many tokens.
    """
    prefix = build_persona_messages(persona)
    budget = min(settings.prompt_tokens, settings.llm_context - settings.answer_tokens)
    budget -= _count_message_tokens(prefix, count_tokens)
    if budget < MIN_UTTERANCE_TOKENS + TEMPLATE_TOKENS:
        raise ConfigurationError(f"WAIJIAO_PROMPT_TOKENS is too small for the persona {persona.name}")
    last = Message("user", _truncate(sanitize(utterance), budget - TEMPLATE_TOKENS, count_tokens))
    budget -= _count_message_tokens([last], count_tokens)
    first = _find_first_that_fits(history, budget, settings.history_turns, count_tokens)
    turns = [_exchange_messages(each.learner, each.teacher) for each in _drop_old_turns(history, first)]
    return Prompt((*prefix, *(message for turn in turns for message in turn), last), settings.answer_tokens)


def _find_first_that_fits(history: Sequence[Exchange], budget: int, max_turns: int, count_tokens: TokenCounter) -> int:
    """The index of the oldest exchange that fits, with all after it, into `budget` tokens and `max_turns` turns."""
    first = len(history)
    while first > max(0, len(history) - max_turns):
        exchange = history[first - 1]
        budget -= _count_message_tokens(_exchange_messages(exchange.learner, exchange.teacher), count_tokens)
        if budget < 0:
            break
        first -= 1
    return first


def _drop_old_turns(history: Sequence[Exchange], first: int) -> Sequence[Exchange]:
    """The history from exchange `first` or a later one on, so that it begins with the same one for many turns.

    If it always began with the oldest one that fits, every turn would drop one, and the engine would compute all others
    again. So it begins where the turn's number is a multiple of the highest power of two, but keeps MIN_KEPT_TURNS if
    they fit: of at most ten turns, eight are dropped at once, and none in the seven turns before and after.
    """
    if first in (0, len(history)):
        return history[first:]
    starts = range(first, max(first, len(history) - MIN_KEPT_TURNS) + 1)
    return history[max(starts, key=lambda start: _count_changed_bits(history[start - 1], history[start])) :]


def _count_changed_bits(previous: Exchange, exchange: Exchange) -> int:
    """How many of the number's lowest bits may have changed: k + 1 where it reaches or passes a multiple of 2^k."""
    return (previous.number ^ exchange.number).bit_length()


def build_persona_messages(persona: Persona) -> list[Message]:
    """The beginning of every prompt with this persona: its instructions and its examples."""
    examples = [_exchange_messages(example.learner, example.teacher) for example in persona.examples]
    return [Message("system", persona.prompt), *(message for example in examples for message in example)]


def as_exchange(feedback: Feedback, number: int) -> Exchange:
    """Turn `number` of a session as later prompts show it, in the format of the persona's examples."""
    return Exchange(feedback.heard, f'"{feedback.corrected}" {feedback.reply}', number)


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
