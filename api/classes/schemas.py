"""The types of requests about classes."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from api.homework.schemas import Name
from api.jobs.schemas import RequestModel, Text, Upload
from pipeline.homework.assignments import MAX_CELL_CHARS, MAX_STUDENTS

OtherName = Annotated[Text, StringConstraints(max_length=MAX_CELL_CHARS, pattern=r"^[^\x00-\x1f\x7f]*$")]
PupilId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{20}$")]
MAX_ROSTER_CHARS = 1_000_000


class PupilFields(RequestModel):
    """A pupil of the class."""

    name: Name = Field(description="1 to 100 characters")
    school_id: OtherName = Field("", description="the school's id of the pupil, such as a number")
    latin_name: OtherName = Field("", description="the name in Latin letters, as in file names")
    chinese_name: OtherName = Field("", description="the name in Chinese characters")


class PupilChange(RequestModel):
    """What changes of a pupil; fields that are not given stay."""

    id: PupilId = Field(description="the id of a pupil, 20 hexadecimal digits")
    name: Name | None = Field(None, description="1 to 100 characters")
    school_id: OtherName | None = Field(None, description="the school's id of the pupil, such as a number")
    latin_name: OtherName | None = Field(None, description="the name in Latin letters, as in file names")
    chinese_name: OtherName | None = Field(None, description="the name in Chinese characters")


class NewClass(RequestModel):
    """A class and its pupils."""

    model_config = ConfigDict(strict=True)

    name: Name = Field(description="1 to 100 characters")
    pupils: list[PupilFields] = Field(
        min_length=1, max_length=MAX_STUDENTS, description='a list of 1 to 2000 pupils, such as {"name": "Anna"}'
    )


class ClassEdits(RequestModel):
    """Changes to a class; what is not given stays."""

    model_config = ConfigDict(strict=True)

    name: Name | None = Field(None, description="1 to 100 characters")
    add: list[PupilFields] = Field(default_factory=list, max_length=MAX_STUDENTS, description="a list of new pupils")
    change: list[PupilChange] = Field(
        default_factory=list, max_length=MAX_STUDENTS, description="a list of pupils with their `id` and new fields"
    )
    remove: list[PupilId] = Field(
        default_factory=list, max_length=MAX_STUDENTS, description="a list of ids of pupils, 20 hexadecimal digits each"
    )


class RosterForm(RequestModel):
    """A class list, as a file or as text."""

    file: Upload | None = Field(None, description="a class list as CSV or XLSX")
    text: Annotated[Text, StringConstraints(max_length=MAX_ROSTER_CHARS)] | None = Field(
        None, description="a class list as text, such as one copied from a spreadsheet"
    )
