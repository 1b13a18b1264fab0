"""What may be said of a lesson, and asked of it, as types."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from api.asking import AnswerFields, Asking, Form, Upload, Words
from pipeline.shapes import State

Name = Annotated[Words, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class LessonForm(AnswerFields, Form):
    """A lesson's recording. The other fields say of its spoken summary what they say of an answer."""

    model_config = ConfigDict(json_schema_extra={"required": ["audio"]})

    audio: Upload = Field(
        description="a file: wav, mp3, m4a, aac, ogg, opus, webm or flac, or a video as mp4, mov, webm or mkv"
    )
    title: Name = Field("", description="at most 200 characters; the file's name when it is not given")
    learner: Literal["", "left", "right"] = Field(
        "", description="left or right: the channel of the learner, whose turns are answered; empty: all are"
    )
    class_name: Annotated[Name, StringConstraints(max_length=100)] = Field(
        "", description="at most 100 characters; classes take turns when the server is busy"
    )
    retention_h: int | None = Field(None, ge=1, le=87_600, description="hours it is kept after its end")


class LessonListing(Asking):
    state: State | None = Field(None, description="a state of a lesson")
    class_name: str | None = Field(None, max_length=100, description="the name of a class")
    limit: int = Field(20, ge=1, le=100, description="a number of lessons from 1 to 100")
    cursor: int | None = Field(None, ge=0, le=2**53, description="what `next` of the page before said")


class Writing(Asking):
    format: Literal["txt", "srt", "vtt", "json"] = Field("txt", description="txt, srt, vtt or json")
