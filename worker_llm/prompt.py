"""The chat that the language model continues: the persona, then the session so far, then what was just heard.

The persona's part is the same text in every prompt, so that the engine's cache serves it.
"""

import re
from collections.abc import Callable, Sequence

from pipeline.errors import ConfigurationError
from pipeline.jobs.results import Exchange, Feedback
from pipeline.personas import Persona
from pipeline.settings import Settings
from worker_llm.engine import Message, Prompt

FORM_TOKENS = 8  # tokens that the chat's form may add to each message
LEAST_TOKENS = 32  # tokens there must be for what was heard

# Models mark the turns of a chat with special tokens, such as <|im_start|> or [INST], and llama.cpp takes
# them as such inside a message too. Speech has no brackets.
BRACKETS = re.compile(r"[<>\[\]{}|｜＜＞［］\x00-\x1f]+")

Count = Callable[[str], int]


def compose(persona: Persona, history: Sequence[Exchange], learner: str, limits: Settings, count: Count) -> Prompt:
    """At most `limits.prompt_tokens`: the oldest turns are left out first, then the end of what was heard.

    Raises ConfigurationError when the persona alone has too many tokens.
    """
    first = opening(persona)
    room = min(limits.prompt_tokens, limits.llm_context - limits.answer_tokens) - _cost(first, count)
    if room < LEAST_TOKENS + FORM_TOKENS:
        raise ConfigurationError(f"WAIJIAO_PROMPT_TOKENS is too small for the persona {persona.name}")
    heard = Message("user", _cut(as_data(learner), room - FORM_TOKENS, count))
    room -= _cost([heard], count)
    turns: list[Message] = []
    for exchange in reversed(history[-limits.history_turns :] if limits.history_turns else []):
        turn = _turn(exchange.learner, exchange.teacher)
        room -= _cost(turn, count)
        if room < 0:
            break
        turns = turn + turns
    return Prompt((*first, *turns, heard), limits.answer_tokens)


def opening(persona: Persona) -> list[Message]:
    """The beginning of every prompt of this persona."""
    turns = [_turn(example.learner, example.teacher) for example in persona.examples]
    return [Message("system", persona.prompt), *(message for turn in turns for message in turn)]


def as_exchange(feedback: Feedback) -> Exchange:
    """The turn as the model will see it later, in the form of the persona's examples."""
    return Exchange(feedback.heard, f'"{feedback.corrected}" {feedback.reply}')


def as_data(text: str) -> str:
    """The words as one line in which no model finds the mark of a turn."""
    return " ".join(BRACKETS.sub(" ", text).split())


def _turn(learner: str, teacher: str) -> list[Message]:
    return [Message("user", as_data(learner)), Message("assistant", as_data(teacher))]


def _cost(messages: Sequence[Message], count: Count) -> int:
    return count("\n".join(message.content for message in messages)) + FORM_TOKENS * len(messages)


def _cut(text: str, room: int, count: Count) -> str:
    while (tokens := count(text)) > room:
        text = text[: len(text) * room // tokens]
    return text
