"""The types of requests: fields, queries and headers. A field's description completes the sentence 'it must be …'."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from werkzeug.datastructures import FileStorage

from api.json_text import parse_json
from pipeline.audio.formats import FORMATS
from pipeline.jobs.job import MAX_HINT_CHARS, Task
from pipeline.schemas.jobs import State
from pipeline.webhooks.validation import JOB_EVENTS

SESSION = r"^[^\s/\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,63}$"
SPEEDS = (0.5, 2)  # the slowest and the fastest voice, where 1 is its own pace
WAIT = re.compile(r"(?:^|[,;]\s*)wait=(\d{1,6})\s*(?:[,;]|$)", re.IGNORECASE)

Upload = Annotated[InstanceOf[FileStorage], WithJsonSchema({"type": "string", "format": "binary"})]
SessionName = Annotated[
    str, StringConstraints(pattern=SESSION), Field(description="1 to 64 characters without / or \\")
]
Label = Annotated[str, StringConstraints(max_length=512)]


def require_valid_unicode(text: str) -> str:
    """JSON can contain an unpaired surrogate, such as "\\ud83d", which no model and no store accepts."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it contains an unpaired surrogate") from None
    return text


Text = Annotated[str, AfterValidator(require_valid_unicode)]


def to_primary_language(tag: str) -> str:
    """The language of a BCP 47 tag: en of en-US, zh of zh-Hans-CN."""
    return re.split("[-_]", tag)[0].lower()


# A BCP 47 language tag; what follows the language is not used.
LANGUAGE_TAG = r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*"
Language = Annotated[str, StringConstraints(pattern=f"^{LANGUAGE_TAG}$"), AfterValidator(to_primary_language)]
LanguageOrNone = Annotated[str, StringConstraints(pattern=f"^({LANGUAGE_TAG})?$"), AfterValidator(to_primary_language)]


class RequestModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AnswerFields(RequestModel):
    """How a recording is transcribed and answered."""

    persona: str | None = Field(None, description="the name of a teacher")
    language: Language | None = Field(None, description="a language such as en or zh; of en-US, en is used")
    hint: str = Field(
        "",
        max_length=MAX_HINT_CHARS,
        description=f"at most {MAX_HINT_CHARS} characters that are likely to be said, "
        "such as names or a lesson's words",
    )
    voice: str = Field("default", description="a voice of the speech model", max_length=64)
    speed: float = Field(
        1.0, ge=SPEEDS[0], le=SPEEDS[1], description="a number from 0.5 to 2; 1 is the voice's normal pace"
    )
    format: str = Field("wav", description=f"one of {', '.join(FORMATS)}", json_schema_extra={"enum": list(FORMATS)})
    metadata: dict[Annotated[str, StringConstraints(max_length=64)], Label] = Field(
        default_factory=dict, max_length=16, description="an object of at most 16 strings, returned unchanged"
    )
    webhook: str | None = Field(None, max_length=2000, description="an https URL that is called when the job ends")
    webhook_events: list[str] = Field(
        default_factory=list,
        description=f"a list of {', '.join(JOB_EVENTS)}; empty: all events that end a job",
        json_schema_extra={"items": {"type": "string", "enum": list(JOB_EVENTS)}},
    )


class JobFields(AnswerFields):
    """The fields of a job, without its recording."""

    text: Text = Field("", description="typed text, which is added to the transcript, or answered alone")
    session: SessionName | None = Field(None, description="1 to 64 characters without / or \\")
    lane: Literal["interactive", "bulk"] = Field(
        "interactive", description="interactive or bulk; bulk jobs run after interactive ones"
    )
    card: bool = Field(False, description="true: make a lesson card with the answer, at GET /v1/jobs/{id}/card")


def require_text(schema: dict[str, Any]) -> None:
    """Without a recording there must be text. The parser checks it, with a clearer message than the type's."""
    schema["required"] = ["text"]
    schema["properties"]["text"]["pattern"] = r"\S"


class JobText(JobFields):
    """A job without a recording."""

    model_config = ConfigDict(json_schema_extra=require_text, strict=True)


class Form(RequestModel):
    """Fields that arrive as a form."""

    @model_validator(mode="before")
    @classmethod
    def parse_strings(cls, fields: Any) -> Any:
        """Forms also send empty fields, and only strings: an object as JSON, a list separated by commas."""
        values = {name: value for name, value in fields.items() if value != "" and not is_empty_file(value)}
        if isinstance(events := values.get("webhook_events"), str):
            values["webhook_events"] = [event.strip() for event in events.split(",") if event.strip()]
        if isinstance(metadata := values.get("metadata"), str):
            with suppress(ValueError):  # then the type says what it must be
                values["metadata"] = parse_json(metadata)
        return values


class JobForm(JobFields, Form):
    """A job as a form, with a recording, text, or both."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["audio"]}, {"required": ["text"]}]})

    audio: Upload | None = Field(
        None, description="a file: wav, mp3, m4a, aac, ogg, opus, webm, flac, aiff, caf or amr"
    )


class TryForm(RequestModel):
    """A try to say the better sentence of a job again."""

    audio: Upload = Field(description="a file: wav, mp3, m4a, aac, ogg, opus, webm, flac, aiff, caf or amr")


class SaidForm(RequestModel):
    """What the learner says was said."""

    model_config = ConfigDict(strict=True)

    said: Annotated[Text, StringConstraints(strip_whitespace=True, min_length=1)] = Field(
        description="the learner's own words, in place of those that were recognised", pattern=r"\S"
    )


def is_empty_file(value: Any) -> bool:
    """Whether this is a form's file field for which no file was chosen."""
    return isinstance(value, FileStorage) and not value.filename


class IdempotencyHeader(BaseModel):
    """The header of a request that may be repeated."""

    idempotency_key: str | None = Field(
        None, alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$", description="1 to 255 visible ASCII characters"
    )


class SubmitHeaders(IdempotencyHeader):
    """Headers of a request that submits a job and may wait for it."""

    prefer: str | None = Field(None, alias="Prefer", description="such as wait=10: seconds to wait for the end")

    @property
    def wait_s(self) -> int:
        """Seconds that the client is willing to wait; other preferences are ignored (RFC 7240)."""
        match = WAIT.search(self.prefer or "")
        return int(match[1]) if match else 0


class WaitQuery(RequestModel):
    wait: float = Field(0, ge=0, le=3600, description="the number of seconds to wait for a change, at most 3600")


class JobSelection(RequestModel):
    """Which jobs: those that match everything that is given."""

    session: SessionName | None = Field(None, description="1 to 64 characters without / or \\")
    owner: str | None = Field(None, pattern=r"^[0-9a-f]{1,32}$", description="the id of a learner's key")
    metadata: str | None = Field(
        None,
        pattern=r"^[^:]{1,64}:",
        max_length=64 + 1 + 512,
        description="name:value, an entry of the jobs' metadata; the name has 1 to 64 characters and no colon",
    )

    def matches(self, metadata: Mapping[str, str]) -> bool:
        if self.metadata is None:
            return True
        name, _, value = self.metadata.partition(":")
        return metadata.get(name) == value


class JobListQuery(JobSelection):
    state: State | None = Field(None, description="a state of a job")
    task: Task | None = Field(None, description="teach, transcribe, chat, speak, lesson, turn or read")
    lesson: str | None = Field(
        None, pattern=r"^[0-9a-f]{32}$", description="the id of a lesson, whose turns are listed"
    )
    assignment: str | None = Field(
        None, max_length=64, description="the id of an assignment that jobs were handed in for"
    )
    dead: bool | None = Field(
        None, description="true or false: whether the job failed for a reason that a retry may cure"
    )
    limit: int = Field(20, ge=1, le=100, description="a number of jobs from 1 to 100")
    cursor: int | None = Field(None, ge=0, le=2**53, description="the value of `next` of the page before")


class PracticeQuery(RequestModel):
    speed: float = Field(1.0, ge=SPEEDS[0], le=SPEEDS[1], description="a number from 0.5 to 2; 1 is the normal pace")
    words: str | None = Field(None, min_length=1, max_length=100, description="words of the sentence, as written in it")


class OwnerQuery(RequestModel):
    owner: str | None = Field(None, pattern=r"^[0-9a-f]{1,32}$", description="the id of a learner's key")


class AudioQuery(RequestModel):
    part: int | None = Field(None, ge=1, le=10_000, description="the number of a sentence, from 1")


# --- one model alone, as in OpenAI's API; fields that have no effect here are refused, never ignored

ModelName = Annotated[str, StringConstraints(max_length=256)]
StopText = Annotated[str, StringConstraints(min_length=1, max_length=256)]
MODEL = "an id of GET /v1/models, a name of OpenAI's that stands for it, or default"


class TranscriptionForm(RequestModel):
    """A recording to transcribe."""

    file: Upload = Field(description="a file: wav, mp3, m4a, aac, ogg, opus, webm, flac, aiff, caf or amr")
    model: ModelName = Field("default", description=f"{MODEL}; whisper-1 and gpt-4o-transcribe stand for ours")
    language: LanguageOrNone = Field("", description="a language such as en or en-US; else it is detected")
    prompt: str = Field(
        "", max_length=2000, description="at most 2000 characters that are likely to be said; the first 200 are used"
    )
    response_format: Literal["json", "text", "srt", "verbose_json", "vtt"] = Field(
        "json", description="json, text, srt, verbose_json or vtt"
    )
    temperature: float = Field(0, ge=0, le=0, description="0: the recogniser does not sample")
    timestamp_granularities: list[Literal["word", "segment"]] = Field(
        default_factory=list,
        alias="timestamp_granularities[]",
        description="word, segment or both, with verbose_json; segment when it is not given",
    )
    stream: bool = Field(False, description="false: transcripts are not streamed", json_schema_extra={"enum": [False]})

    @field_validator("timestamp_granularities", mode="before")
    @classmethod
    def wrap_in_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("stream")
    @classmethod
    def refuse_streaming(cls, value: bool) -> bool:
        if value:
            raise ValueError("transcripts are not streamed")
        return value


class TextPart(RequestModel):
    type: Literal["text"]
    text: Text


class ChatMessage(RequestModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]
    name: str | None = Field(None, description="a string, which has no effect")
    refusal: str | None = Field(None, description="a string or null, as in an answer that is sent back; no effect")

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(RequestModel):
    model_config = ConfigDict(strict=True)

    include_usage: bool | None = None


class TextFormat(RequestModel):
    type: Literal["text"]


class ChatRequest(RequestModel):
    """Messages for the language model to continue."""

    model_config = ConfigDict(strict=True)

    messages: list[ChatMessage] = Field(
        min_length=1,
        max_length=1000,
        description="a list of messages, each with a `role` (system or developer, user, assistant) "
        'and its `content`: a string, or a list of {"type": "text", "text": …}',
    )
    model: ModelName = Field("default", description=MODEL)
    max_tokens: int | None = Field(None, ge=1, le=1_000_000, description="a number of tokens that the answer may have")
    max_completion_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="a number of tokens; it counts before max_tokens"
    )
    temperature: float | None = Field(None, ge=0, le=2, description="a number from 0 to 2; 1 if not given")
    top_p: float | None = Field(None, ge=0, le=1, description="a number from 0 to 1; 1 if not given")
    seed: int | None = Field(
        None, ge=0, le=2**32 - 2, description="a number from 0 to 4294967294; the same seed gives the same answer"
    )
    stop: StopText | Annotated[list[StopText], Field(max_length=4)] | None = Field(
        None, description="a string, or a list of at most 4, before which the answer ends"
    )
    stream: bool | None = Field(None, description="true for server-sent events with the text as it comes")
    stream_options: StreamOptions | None = Field(None, description='{"include_usage": true}, with stream')
    user: str | None = Field(None, max_length=512, description="a string, which has no effect")
    n: int | None = Field(None, ge=1, le=1, description="1: there is one answer")
    frequency_penalty: float | None = Field(None, ge=0, le=0, description="0: there is none")
    presence_penalty: float | None = Field(None, ge=0, le=0, description="0: there is none")
    logprobs: Literal[False] | None = Field(None, description="false: they are not shown")
    response_format: TextFormat | None = Field(None, description='{"type": "text"}')


class SpeechRequest(RequestModel):
    """Text to speak."""

    model_config = ConfigDict(strict=True)

    input: str = Field(min_length=1, max_length=4096, description="1 to 4096 characters of text")
    model: ModelName = Field("default", description=f"{MODEL}; tts-1, tts-1-hd and gpt-4o-mini-tts stand for ours")
    voice: str = Field(
        "default", max_length=64, description="a voice of the speech model; OpenAI's names mean the default one"
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] | None = Field(
        None, description="mp3, which it is if not given, opus, aac, flac, wav or pcm (16 bits, 24 kHz)"
    )
    speed: float | None = Field(None, ge=0.5, le=2, description="a number from 0.5 to 2; 1 if not given")
    stream_format: Literal["audio"] | None = Field(None, description="audio: it comes as a file, not as events")
