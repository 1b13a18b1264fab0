"""Reads an assignment from a teacher's YAML file, and the class from the CSV file that it names."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, cast

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import BadRequest, BadRoster
from pipeline.homework import roster
from pipeline.homework.assignments import Student
from pipeline.text.nearest import suggest
from pipeline.timestamps import check_year, local_time
from waijiao.client.fields import AssignmentFields

MAX_ROSTER_BYTES = 1_000_000  # enough for a class of 2,000
MAX_YAML_BYTES = 300_000  # enough for an assignment with a class of 2,000
YAML_SUFFIXES = {".yaml", ".yml"}
ASSIGNMENT_ID = r"[a-z0-9][a-z0-9_-]{0,63}"
DUE_FORMAT = "a day and a time, such as 2026-12-01 20:00 or 2026-12-01T20:00:00+08:00"


class TextLoader(yaml.BaseLoader):
    """Makes only strings, lists and mappings: a student may be called No, and have the number 0012.

    Refuses a key that occurs twice in a mapping.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for name, count in Counter(str(key.value) for key, _ in node.value).items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} occurs twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parse_yaml(name: str, text: str) -> object:
    """What a YAML text contains; `name` is the file's, for messages. Raises BadRequest."""
    try:
        return cast(object, yaml.load(text, TextLoader))  # noqa: S506 - makes strings, lists and mappings only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", "")
        raise BadRequest(f"{name}{line} is not valid YAML: {reason}.") from None
    except RecursionError:
        raise BadRequest(f"{name} is not valid YAML: it is nested too deeply.") from None


def parse_due_time(text: object) -> object:
    """A time, in this machine's time zone if it names none.

    A day without a time is refused, since it is not clear when the day is over.
    """
    if not isinstance(text, str) or not re.search(r"\d[T ]\d", text):
        raise ValueError(DUE_FORMAT)
    try:
        due = local_time(text)
    except ValueError:
        raise ValueError(DUE_FORMAT) from None
    return check_year(due)


class StudentEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    id: str = ""


class AssignmentSchema(BaseModel):
    """The fields that a file may have. Whether lengths and names are accepted is the server's decision."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(None, pattern=f"^{ASSIGNMENT_ID}$", description="1 to 64 of a-z, 0-9, _ and -")
    title: str = Field(description="a line of text")
    instructions: str | None = Field(None, description="text")
    text: str | None = Field(None, description="text")
    words: list[str] | None = Field(None, description="a list of words")
    persona: str | None = Field(None, description="the name of a teacher")
    language: str | None = Field(None, description="a language such as en")
    level: str | None = Field(None, description="A1, A2, B1, B2, C1 or C2")
    class_name: str | None = Field(None, alias="class", description="a line of text")
    class_id: str | None = Field(None, description="the id of a class that is kept, as `waijiao class list` shows it")
    due: Annotated[datetime, BeforeValidator(parse_due_time)] | None = Field(None, description=DUE_FORMAT)
    retention_h: int | None = Field(None, description="a number of hours")
    hold: bool | None = Field(None, description="true or false")
    clearness: bool | None = Field(None, description="true or false")
    card: bool | None = Field(None, description="true or false")
    students: list[StudentEntry] | None = Field(None, description="a list of names, or of `name:` and `id:`")
    roster: str | None = Field(None, description="the name of a CSV or XLSX file in the folder of this file")
    voice: str | None = Field(None, description="the name of a voice")
    speed: float | None = Field(None, description="a number from 0.5 to 2")
    format: str | None = Field(None, description="the format of the answers, such as wav or mp3")
    webhook: str | None = Field(None, description="an https URL")

    @model_validator(mode="before")
    @classmethod
    def normalize(cls, fields: Any) -> Any:
        """Leave out empty fields; a student may be given as a name alone."""
        if not isinstance(fields, dict):
            return fields
        values = {name: value for name, value in fields.items() if value != ""}
        if isinstance(students := values.get("students"), list):
            values["students"] = [{"name": each} if isinstance(each, str) else each for each in students]
        if "class_name" in values and "class" not in values:
            values["class"] = values.pop("class_name")
        return values


@dataclass(frozen=True)
class AssignmentFile:
    """An assignment, and the files that describe it."""

    id: str
    fields: AssignmentFields
    paths: tuple[Path, ...]

    @property
    def students(self) -> list[Student]:
        return [Student(each["name"], each.get("id", "")) for each in self.fields.get("students") or ()]


def read_assignment(path: Path, roster: Path | None = None) -> AssignmentFile:
    """The assignment at `path`; its students are those of `roster` if that is given.

    Raises BadRequest or BadRoster, which name the file and the field.
    """
    content = read_yaml(path)
    fields = content.model_dump(exclude={"id", "roster"}, exclude_none=True)
    roster_path = roster or find_roster(path, content.roster)
    if roster_path and content.students and not roster:
        raise BadRequest(f"{path.name}: give `students` or `roster`, not both.", field="students")
    if content.class_id and (roster_path or content.students):
        raise BadRequest(f"{path.name}: give a list of students or `class_id`, not both.", field="class_id")
    if roster_path:
        if not roster_path.exists():
            raise BadRoster(f"{path.name}: there is no file {content.roster}, which `roster` names.", field="roster")
        fields["students"] = [{"name": each.name, "id": each.id} for each in read_roster_file(roster_path)]
    paths = (path, roster_path) if roster_path else (path,)
    return AssignmentFile(content.id or id_from_name(path), cast(AssignmentFields, fields), paths)


def read_assignment_id(path: Path) -> str:
    """The id of the assignment at `path`. Raises BadRequest."""
    return read_yaml(path).id or id_from_name(path)


def read_yaml(path: Path) -> AssignmentSchema:
    """The file's fields. Raises BadRequest, which names the first field that cannot be used."""
    if not path.exists():
        raise BadRequest(f"There is no assignment {path}.")
    with path.open("rb") as file:
        data = file.read(MAX_YAML_BYTES + 1)
    if len(data) > MAX_YAML_BYTES:
        raise BadRequest(f"{path.name} has more than {MAX_YAML_BYTES:,} bytes: is it an assignment?")
    try:
        fields = parse_yaml(path.name, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRequest(f"{path.name} is not in UTF-8. Save it in that encoding.") from None
    if not isinstance(fields, dict):
        raise BadRequest(f"{path.name} is not an assignment: it must have a `title:`, such as `title: My weekend`.")
    try:
        return AssignmentSchema.model_validate(fields)
    except ValidationError as error:
        raise explain(path, error) from None


def explain(path: Path, error: ValidationError) -> BadRequest:
    """The first error as a sentence about a field; an unknown field before others, as it may be a misspelt one."""
    descriptions = {field.alias or key: field.description for key, field in AssignmentSchema.model_fields.items()}
    locations = [each["loc"] for each in error.errors()]
    location = next((each for each in locations if each[0] not in descriptions), locations[0])
    name = str(location[0])
    if name not in descriptions:
        hint = suggest(name, descriptions)
        return BadRequest(f"{path.name}: `{name}` is unknown{hint}; known are {', '.join(descriptions)}.", field=name)
    position = "".join(f", {part + 1 if isinstance(part, int) else part}" for part in location[1:])
    return BadRequest(f"{path.name}: `{name}`{position} must be {descriptions[name]}.", field=name)


def find_roster(path: Path, roster: str | None) -> Path | None:
    """The CSV file that a YAML file names. It must be in the folder of that file or below, since the YAML file may
    come from anybody. Raises BadRequest.
    """
    if roster is None:
        return None
    folder = path.resolve().parent
    roster_path = (folder / roster).resolve()
    if not roster_path.is_relative_to(folder):
        description = AssignmentSchema.model_fields["roster"].description
        raise BadRequest(f"{path.name}: `roster` must be {description}.", field="roster")
    return roster_path


def read_roster_file(path: Path) -> tuple[Student, ...]:
    """The students in a teacher's CSV or XLSX file. Raises BadRoster, which names the file."""
    with path.open("rb") as file:
        data = file.read(MAX_ROSTER_BYTES + 1)
    if len(data) > MAX_ROSTER_BYTES:
        raise BadRoster(f"{path.name} has more than {MAX_ROSTER_BYTES:,} bytes: is it the list of a class?")
    try:
        return roster.read_roster(data)
    except BadRoster as error:
        raise BadRoster(f"{path.name}: {error.detail}") from None


def id_from_name(path: Path) -> str:
    """The file's name without its extension, with the characters that an id may have. Raises BadRequest."""
    ascii_name = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode().lower()
    if id_ := re.sub(r"[^a-z0-9_]+", "-", ascii_name).strip("-_")[:64]:
        return id_
    raise BadRequest(f"{path.name}: give it an `id`, such as hw3, since its name has no letter that an id may contain.")
