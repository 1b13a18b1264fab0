"""The types of requests about assignments."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from api.jobs.schemas import SPEEDS, LanguageOrNone, RequestModel, Text, Upload
from pipeline.audio.formats import FORMATS
from pipeline.homework.assignments import LEVELS, MAX_STUDENTS
from pipeline.jobs.job import ModelStage
from pipeline.timestamps import check_year

ASSIGNMENT_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
Name = Annotated[Text, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
LongText = Annotated[Text, StringConstraints(max_length=4000)]


def require_string(due: Any) -> Any:
    """Accept only strings: JSON has no type for times."""
    if isinstance(due, str):
        return due
    raise ValueError("it is not a string")


Due = Annotated[AwareDatetime, BeforeValidator(require_string, json_schema_input_type=str), AfterValidator(check_year)]


class StudentFields(RequestModel):
    """A student of the class."""

    name: Name = Field(description="1 to 100 characters")
    id: str = Field("", max_length=100, description="the school's id of the student, such as a number")


class AssignmentFields(RequestModel):
    """The fields of an assignment."""

    model_config = ConfigDict(strict=True)

    title: Annotated[Name, StringConstraints(max_length=200)] = Field(description="1 to 200 characters")
    instructions: LongText = Field("", description="what is to be done, in at most 4000 characters")
    text: LongText = Field("", description="what is to be read aloud, in at most 4000 characters; empty: speak freely")
    words: list[Annotated[Name, StringConstraints(max_length=60)]] = Field(
        default_factory=list, max_length=50, description="at most 50 words that are to be used"
    )
    persona: str | None = Field(None, description="the name of a teacher")
    language: LanguageOrNone = Field("", description="a language such as en; of en-US, en is used")
    level: Literal[LEVELS] = Field("", description=f"one of {', '.join(filter(None, LEVELS))}")  # type: ignore[valid-type]
    class_name: Annotated[Text, StringConstraints(max_length=100)] = Field(
        "", description="at most 100 characters; classes take turns when the server is busy"
    )
    class_id: str = Field(
        "",
        max_length=64,
        description="the id of a class that is kept, whose pupils are the students; then leave out `students`",
    )
    due: Due | None = Field(
        None,
        strict=False,
        description="when it is due, between the years 2000 and 2200, such as 2026-12-01T20:00:00+08:00",
    )
    retention_h: int | None = Field(None, ge=1, le=87_600, description="hours it is kept after it was answered")
    hold: bool = Field(False, description="true: answers wait for the teacher's review before they are spoken")
    clearness: bool = Field(
        False,
        description=(
            "true: measure how clearly each word of `text` is said, and show which ones are worth listening to again; "
            "measured with Mandarin speakers from 13 years on, and little is known of younger ones and other languages"
        ),
    )
    card: bool = Field(True, description="false: no lesson card is made with each answer")
    students: list[StudentFields] = Field(
        default_factory=list, max_length=MAX_STUDENTS, description="the students who are to hand in; empty: anybody may"
    )
    voice: str = Field("default", description="a voice of the speech model", max_length=64)
    speed: float = Field(1.0, ge=SPEEDS[0], le=SPEEDS[1], description="a number from 0.5 to 2")
    format: str = Field("wav", description=f"one of {', '.join(FORMATS)}", json_schema_extra={"enum": list(FORMATS)})
    webhook: str = Field(
        "", max_length=2000, description="an https URL that is called when all submissions are answered"
    )


class NewAssignment(AssignmentFields):
    """The fields of an assignment, and its id."""

    id: str | None = Field(
        None, pattern=ASSIGNMENT_ID, description="1 to 64 of a-z, 0-9, _ and -; made when it is not given"
    )


class HandInForm(RequestModel):
    """Recordings that are handed in: any number of parts `file`, each a recording or a ZIP of them."""

    file: list[Upload] = Field(description="a recording, or a ZIP of recordings; it may come any number of times")
    student: Name | None = Field(None, description="the student, where the file's name does not name them")

    @field_validator("file", mode="before")
    @classmethod
    def wrap_in_list(cls, files: Any) -> Any:
        return files if isinstance(files, list) else [files]


class ExportQuery(RequestModel):
    """What the ZIP is for: a folder on a computer, or feedback that a school's system takes."""

    for_: Literal["folder", "moodle", "canvas"] = Field("folder", alias="for", description="folder, moodle or canvas")


class SheetForm(RequestModel):
    """A grading sheet of a school's system that is to be filled in."""

    file: Upload = Field(description="Moodle's grading worksheet, or the gradebook of Canvas, as CSV")
    column: Annotated[Text, StringConstraints(max_length=200)] = Field(
        "", description="the title of the column for the answers, in at most 200 characters"
    )


class ReviewForm(RequestModel):
    """A teacher's changes to an answer that is held; what is not given stays."""

    model_config = ConfigDict(strict=True)

    corrected: LongText | None = Field(None, description="what should have been said, in at most 4000 characters")
    explanation: LongText | None = Field(None, description="why, in at most 4000 characters")
    reply: LongText | None = Field(None, description="what is answered, in at most 4000 characters")
    spoken: Annotated[LongText, StringConstraints(min_length=1)] | None = Field(
        None, description="all that is spoken, in 1 to 4000 characters"
    )


class RerunQuery(RequestModel):
    """The stage from which a job is done again."""

    from_: ModelStage = Field(alias="from", description="asr, llm or tts: the first stage done again")


class RerunForm(RequestModel):
    """What to change; fields that are not given stay."""

    model_config = ConfigDict(strict=True)

    persona: str | None = Field(None, description="the name of a teacher")
    voice: str | None = Field(None, description="a voice of the speech model", max_length=64)
    speed: float | None = Field(None, ge=SPEEDS[0], le=SPEEDS[1], description="a number from 0.5 to 2")
    transcript: LongText | None = Field(None, description="what was really said, in at most 4000 characters")


def to_seconds(due: datetime | None) -> float | None:
    return None if due is None else due.timestamp()
