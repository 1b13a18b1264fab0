"""The types of requests about lessons."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.jobs.schemas import AnswerFields, Form, RequestModel, Text, Upload
from pipeline.schemas.jobs import State

Name = Annotated[Text, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class LessonForm(AnswerFields, Form):
    """A lesson's recording. The inherited fields apply to its spoken summary."""

    model_config = ConfigDict(json_schema_extra={"required": ["audio"]})

    audio: Upload = Field(
        description="a file: wav, mp3, m4a, aac, ogg, opus, webm, flac, aiff, caf or amr, "
        "or a video as mp4, mov, webm or mkv"
    )
    title: Name = Field("", description="at most 200 characters; else the file's name")
    learner: Literal["", "left", "right"] = Field(
        "", description="left or right: the channel of the learner, whose turns are corrected; empty: all turns are"
    )
    class_name: Annotated[Name, StringConstraints(max_length=100)] = Field(
        "", description="at most 100 characters; classes take turns when the server is busy"
    )
    retention_h: int | None = Field(None, ge=1, le=87_600, description="hours it is kept after its end")


class LessonListQuery(RequestModel):
    state: State | None = Field(None, description="a state of a lesson")
    class_name: str | None = Field(None, max_length=100, description="the name of a class")
    limit: int = Field(20, ge=1, le=100, description="a number of lessons from 1 to 100")
    cursor: int | None = Field(None, ge=0, le=2**53, description="the value of `next` of the page before")


class TranscriptQuery(RequestModel):
    format: Literal["txt", "srt", "vtt", "json"] = Field("txt", description="txt, srt, vtt or json")
