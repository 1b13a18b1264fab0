"""An assignment out of a teacher's YAML file, and the class out of the CSV beside it."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import BadRequest, BadRoster
from pipeline.homework.assignments import Student
from pipeline.homework.roster import read_roster
from waijiao.fields import AssignmentFields
from waijiao.homework import plain_yaml

MOST_BYTES = 1_000_000  # of a class's list, which a class of 2,000 fits into
ENDINGS = {".yaml", ".yml"}
DUE = "a day and a time, such as 2026-12-01 20:00 or 2026-12-01T20:00:00+08:00"


def due_time(text: object) -> object:
    """In this machine's time zone where none is named. A day alone is refused: nobody knows when it is over."""
    if not isinstance(text, str) or not re.search(r"\d[T ]\d", text):
        raise ValueError(DUE)
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(DUE) from None


class Pupil(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    id: str = ""


class Written(BaseModel):
    """What a file may say. Lengths and names are for the server to judge, which knows them."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="1 to 64 of a-z, 0-9, _ and -")
    title: str = Field(description="a line of text")
    instructions: str | None = Field(None, description="text")
    text: str | None = Field(None, description="text")
    words: list[str] | None = Field(None, description="a list of words")
    persona: str | None = Field(None, description="the name of a teacher")
    language: str | None = Field(None, description="an ISO 639 code such as en")
    level: str | None = Field(None, description="A1, A2, B1, B2, C1 or C2")
    class_name: str | None = Field(None, alias="class", description="a line of text")
    due: Annotated[datetime, BeforeValidator(due_time)] | None = Field(None, description=DUE)
    retention_h: int | None = Field(None, description="a number of hours")
    hold: bool | None = Field(None, description="true or false")
    students: list[Pupil] | None = Field(None, description="a list of names, or of `name:` and `id:`")
    roster: str | None = Field(None, description="the name of a CSV file that lies beside this one")
    voice: str | None = Field(None, description="the name of a voice")
    speed: float | None = Field(None, description="a number from 0.5 to 2")
    format: str | None = Field(None, description="the format of the answers, such as wav or mp3")
    webhook: str | None = Field(None, description="an https URL")

    @model_validator(mode="before")
    @classmethod
    def what_is_left_empty_is_not_said(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        said = {name: value for name, value in fields.items() if value != ""}
        if isinstance(students := said.get("students"), list):
            said["students"] = [{"name": each} if isinstance(each, str) else each for each in students]
        if "class_name" in said and "class" not in said:
            said["class"] = said.pop("class_name")
        return said


@dataclass(frozen=True)
class Described:
    """An assignment, and the files that describe it."""

    id: str
    fields: AssignmentFields
    files: tuple[Path, ...]

    @property
    def students(self) -> list[Student]:
        return [Student(each["name"], each.get("id", "")) for each in self.fields.get("students") or ()]


def read(path: Path, roster: Path | None = None) -> Described:
    """The assignment at `path`, its students those of `roster` where one is given.

    Raises BadRequest or BadRoster, which name the file and the field.
    """
    written = checked(path, plain_yaml.read(path))
    fields = written.model_dump(exclude={"id", "roster"}, exclude_none=True)
    listed = roster or beside(path, written.roster)
    if listed and written.students and not roster:
        raise BadRequest(f"{path.name}: give `students` or `roster`, not both.", field="students")
    if listed:
        fields["students"] = [{"name": each.name, "id": each.id} for each in students(listed)]
    files = (path, listed) if listed else (path,)
    return Described(written.id or named_after(path), cast(AssignmentFields, fields), files)


def checked(path: Path, fields: object) -> Written:
    """The fields as types; BadRequest names the first one that cannot be used."""
    if not isinstance(fields, dict):
        raise BadRequest(f"{path.name} is no assignment: it has to begin with `title:` and its title.")
    try:
        return Written.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        described = {field.alias or key: field.description for key, field in Written.model_fields.items()}
        if name not in described:
            raise BadRequest(
                f"{path.name}: `{name}` is unknown; known are {', '.join(described)}.", field=name
            ) from None
        where = "".join(f", {part + 1 if isinstance(part, int) else part}" for part in first["loc"][1:])
        raise BadRequest(f"{path.name}: `{name}`{where} must be {described[name]}.", field=name) from None


def beside(path: Path, roster: str | None) -> Path | None:
    """The file that a YAML file names, which lies in its folder or below: a file may come from anybody."""
    if roster is None:
        return None
    folder = path.resolve().parent
    place = (folder / roster).resolve()
    if not place.is_relative_to(folder):
        raise BadRequest(f"{path.name}: `roster` must be {Written.model_fields['roster'].description}.", field="roster")
    return place


def students(roster: Path) -> tuple[Student, ...]:
    """Those of a teacher's CSV."""
    with roster.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadRoster(f"{roster.name} has more than {MOST_BYTES:,} bytes, and is no list of a class.")
    try:
        return read_roster(data)
    except BadRoster as error:
        raise BadRoster(f"{roster.name}: {error.detail}") from None


def id_of(text: str) -> str:
    """The id of an assignment that somebody named by it, or by its file."""
    path = Path(text)
    if path.suffix.lower() not in ENDINGS:
        return text
    return checked(path, plain_yaml.read(path)).id or named_after(path)


def named_after(path: Path) -> str:
    """The file's name without its ending, as far as an id may have it."""
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode().lower()
    if fitting := re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:64]:
        return fitting
    raise BadRequest(f"{path.name}: give it an `id`, such as hw3, since its name has no letter that an id may have.")
