"""What clients may ask, as types: fields, queries and headers. A field's description says what it must be."""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, StringConstraints, WithJsonSchema, model_validator
from werkzeug.datastructures import FileStorage

from api.shapes import State, Task
from pipeline.magic import FORMATS
from pipeline.webhooks import EVENTS

SESSION = r"^[^\s/\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,63}$"
WAIT = re.compile(r"(?:^|[,;]\s*)wait=(\d{1,6})\s*(?:[,;]|$)", re.IGNORECASE)

Upload = Annotated[InstanceOf[FileStorage], WithJsonSchema({"type": "string", "format": "binary"})]
SessionName = Annotated[
    str, StringConstraints(pattern=SESSION), Field(description="1 to 64 characters without / or \\")
]
Label = Annotated[str, StringConstraints(max_length=512)]


class Asking(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class JobFields(Asking):
    """What may be said of a question."""

    text: str = Field("", description="typed words; they are added to what is heard, or answered alone")
    session: SessionName | None = Field(None, description="1 to 64 characters without / or \\")
    persona: str | None = Field(None, description="the name of a teacher")
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}$", description="an ISO 639 code such as en or zh")
    voice: str = Field("default", description="a voice of the speech model", max_length=64)
    speed: float = Field(1.0, ge=0.5, le=2, description="a number from 0.5 to 2; 1 is the voice's own pace")
    format: str = Field("wav", description=f"one of {', '.join(FORMATS)}", json_schema_extra={"enum": list(FORMATS)})
    lane: Literal["interactive", "bulk"] = Field(
        "interactive", description="interactive, or bulk, which waits while anything interactive does"
    )
    metadata: dict[Annotated[str, StringConstraints(max_length=64)], Label] = Field(
        default_factory=dict, max_length=16, description="an object of at most 16 strings; it is given back as it came"
    )
    webhook: str | None = Field(None, max_length=2000, description="an https URL that is told what becomes of the job")
    webhook_events: list[str] = Field(
        default_factory=list,
        description=f"a list of {', '.join(EVENTS)}; all that end a job when it is empty",
        json_schema_extra={"items": {"type": "string", "enum": list(EVENTS)}},
    )

    @model_validator(mode="before")
    @classmethod
    def empty_is_not_given(cls, fields: Any) -> Any:
        """A form sends every field it has, those left empty too."""
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value not in ("", None) and not unchosen(value)}


def unchosen(value: Any) -> bool:
    """A form's field for a file, for which nobody chose one."""
    return isinstance(value, FileStorage) and not value.filename


def with_words(schema: dict[str, Any]) -> None:
    """Without a recording there must be text; the type itself leaves that to the check that says so more kindly."""
    schema["required"] = ["text"]
    schema["properties"]["text"]["pattern"] = r"\S"


class JobText(JobFields):
    """A question without a recording."""

    model_config = ConfigDict(json_schema_extra=with_words)


class JobForm(JobFields):
    """A question as a form, with its recording, or text, or both."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["audio"]}, {"required": ["text"]}]})

    audio: Upload | None = Field(None, description="a file: wav, mp3, m4a, aac, ogg, opus, webm or flac")

    @model_validator(mode="before")
    @classmethod
    def read_what_a_form_spells(cls, fields: Any) -> Any:
        """Forms know strings only: an object comes as JSON, a list as words with commas between them."""
        spelt = dict(fields)
        if isinstance(events := spelt.get("webhook_events"), str):
            spelt["webhook_events"] = [event.strip() for event in events.split(",") if event.strip()]
        if isinstance(metadata := spelt.get("metadata"), str) and metadata:
            try:
                spelt["metadata"] = json.loads(metadata)
            except ValueError:
                spelt["metadata"] = None if metadata.isspace() else metadata  # the type says what it must be
        return spelt


class Submitting(BaseModel):
    """Headers of a request that asks for work."""

    idempotency_key: str | None = Field(
        None, alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$", description="1 to 255 visible ASCII characters"
    )
    prefer: str | None = Field(None, alias="Prefer", description="such as wait=10: seconds to wait for the end")

    @property
    def wait_s(self) -> int:
        """Seconds that the client would wait; other preferences are none of ours (RFC 7240)."""
        found = WAIT.search(self.prefer or "")
        return int(found[1]) if found else 0


class Looking(Asking):
    wait: float = Field(0, ge=0, le=3600, description="the number of seconds to wait for a change, at most 3600")


class Listing(Asking):
    session: SessionName | None = Field(None, description="1 to 64 characters without / or \\")
    owner: str | None = Field(None, pattern=r"^[0-9a-f]{1,32}$", description="the id of a learner's key")
    state: State | None = Field(None, description="a state of a job")
    task: Task | None = Field(None, description="teach, transcribe, chat or speak")
    dead: bool | None = Field(None, description="true or false: failed through no fault of its own, to be retried")
    limit: int = Field(20, ge=1, le=100, description="a number of jobs from 1 to 100")
    cursor: int | None = Field(None, ge=0, le=2**53, description="what `next` of the page before said")


class Owned(Asking):
    owner: str | None = Field(None, pattern=r"^[0-9a-f]{1,32}$", description="the id of a learner's key")


class Hearing(Asking):
    part: int | None = Field(None, ge=1, le=10_000, description="the number of a sentence, from 1")
