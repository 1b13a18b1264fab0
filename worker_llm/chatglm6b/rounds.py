"""A chat in the form that ChatGLM-6B was trained with, and the finish that its makers give to what it answers."""

import re
from collections.abc import Sequence

from pipeline.errors import BadRequest
from worker_llm.chat_form import folded
from worker_llm.chatglm6b.words import Words
from worker_llm.engine import Message

ROUND = "[Round {number}]\n问：{question}\n答：{answer}"


class Rounds:
    """Every text becomes tokens by which no mark is meant; [gMASK] and <sop> follow, with which the answer begins."""

    def __init__(self, words: Words, gmask: int, sop: int) -> None:
        self.reader, self.start = words, [gmask, sop]

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        """Raises BadRequest unless questions and answers take turns, a question being the last."""
        return self.reader.encode(written(folded(messages))) + self.start

    def words(self, text: str) -> list[int]:
        return self.reader.encode(text)

    def decode(self, tokens: list[int]) -> str:
        return self.reader.decode(tokens)

    def finish(self) -> "Finish":
        return Finish()


def written(messages: Sequence[Message]) -> str:
    """A first question stands alone; later ones after the rounds before them, which count from 0."""
    said = [message.content for message in messages]
    if [message.role for message in messages] != [("user", "assistant")[place % 2] for place in range(len(said) | 1)]:
        raise BadRequest("The model takes questions and answers in turns, beginning and ending with a question.")
    if len(said) == 1:
        return said[0]
    pairs = zip(said[::2], [*said[1::2], ""], strict=True)
    return "\n".join(
        ROUND.format(number=number, job_request=job_request, answer=answer)
        for number, (job_request, answer) in enumerate(pairs)
    )


TODAY, YEAR = "[[训练时间]]", "2023年"  # what the model was trained to say of its time, and what is made of it
HAN = "\u4e00-\u9fff"
WIDE = str.maketrans(",!:;?", "，！：；？")
BESIDE_HAN = re.compile(f"(?<=[{HAN}])[,!:;?]|[,!:;?](?=[{HAN}])")


class Finish:
    """Chinese marks beside Chinese letters, in a text that comes in pieces. What may still change is held back."""

    def __init__(self) -> None:
        self.before, self.held = "", ""  # the letter told last, and what is not told yet

    def __call__(self, piece: str, last: bool) -> str:
        """What is sure by now; all that is left with the `last` piece."""
        self.held = (self.held + piece).replace(TODAY, YEAR)
        text = BESIDE_HAN.sub(lambda mark: mark[0].translate(WIDE), self.before + self.held)[len(self.before) :]
        sure = len(text) if last else len(text) - doubtful(text)
        told, self.held = text[:sure], self.held[sure:]
        self.before = (self.before + told)[-1:]
        return told


def doubtful(text: str) -> int:
    """How many letters at its end may still change."""
    if text.endswith((",", "!", ":", ";", "?")):
        return 1
    return next((many for many in range(len(TODAY) - 1, 0, -1) if text.endswith(TODAY[:many])), 0)
