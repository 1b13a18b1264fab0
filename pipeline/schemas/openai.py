"""The JSON of each model by itself, as in OpenAI's API."""

from typing import Literal

from pydantic import BaseModel

from pipeline.schemas.jobs import Gap, ResponseModel, Seconds, Segment


class ModelEntry(ResponseModel):
    """A model that answers here. When it was made is not known: `created` is 0."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(ResponseModel):
    object: Literal["list"]
    data: list[ModelEntry]


class TimedWord(ResponseModel):
    word: str
    start: Seconds
    end: Seconds


class TimedSegment(Segment):
    id: int


class Transcription(BaseModel):
    """With verbose_json all that was measured; else `text` alone. `language` is an ISO 639-1 code."""

    text: str
    task: Literal["transcribe"] | None = None
    language: str | None = None
    duration: Seconds | None = None
    segments: list[TimedSegment] | None = None
    words: list[TimedWord] | None = None
    gaps: list[Gap] | None = None


class ChatAnswer(ResponseModel):
    role: Literal["assistant"]
    content: str
    refusal: None


class ChatChoice(ResponseModel):
    index: Literal[0]
    message: ChatAnswer
    logprobs: None
    finish_reason: str


class ChatUsage(ResponseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(ResponseModel):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: ChatUsage
