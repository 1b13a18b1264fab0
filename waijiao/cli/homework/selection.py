"""Which assignment a command is about: one that a file describes, or one that the server has; and its students."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.errors import BadRequest, UnknownAssignment, UnknownStudent
from pipeline.homework.assignments import Student
from pipeline.schemas.classes import Pupil
from pipeline.schemas.homework import AssignmentView, Submission
from waijiao.cli.homework.assignment_file import ASSIGNMENT_ID, YAML_SUFFIXES, AssignmentFile, read_assignment
from waijiao.client import Client

CSV_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
assignment_option = click.option(
    "--assignment",
    "assignment",
    required=True,
    metavar="FILE|ID",
    help="The assignment's YAML file; or its id, once set.",
)
roster_option = click.option(
    "--roster", type=CSV_FILE, help="The class as a CSV or XLSX file: names, and ids if there are any."
)
assignment_argument = click.argument("assignment", metavar="ID|FILE")


@dataclass(frozen=True)
class SelectedAssignment:
    """An assignment's id, and its file if the user named it by that."""

    id: str
    file: AssignmentFile | None = None

    @property
    def paths(self) -> Sequence[Path]:
        """The files that describe it, which may be in the folder of the recordings."""
        return self.file.paths if self.file else ()

    def set(self, client: Client) -> AssignmentView:
        """The assignment as the server has it, after it was set to what its file says. Raises BadRequest."""
        if self.file is None:
            return client.assignment(self.id)
        try:
            return client.put_assignment(self.id, **self.file.fields)
        except BadRequest as error:
            raise BadRequest(f"{self.file.paths[0].name}: {error.detail}", field=error.field) from None

    def get(self, client: Client) -> AssignmentView | None:
        """The assignment as the server has it; None if its file was not set yet. Raises UnknownAssignment."""
        try:
            return client.assignment(self.id)
        except UnknownAssignment:
            if self.file is None:
                raise
            return None

    def students_before(self, client: Client) -> Sequence[Student]:
        """The class as it is known before the assignment is set: the server is only asked where the file lacks it."""
        if self.class_id:
            return [read_pupil(pupil) for pupil in client.school_class(self.class_id).pupils]
        return self.students(None if self.file else self.get(client))

    def students(self, view: AssignmentView | None) -> Sequence[Student]:
        """The class, from the file or else from the server."""
        if self.file and not self.class_id:
            return self.file.students
        return [Student(each.name, each.id, each.pupil, tuple(each.names)) for each in view.students] if view else ()

    @property
    def class_id(self) -> str:
        """The class that the file names, which the server has."""
        return (self.file and self.file.fields.get("class_id")) or ""


def read_pupil(pupil: Pupil) -> Student:
    """A pupil of a class as a student of its assignments."""
    names = tuple(filter(None, (pupil.name, pupil.latin_name, pupil.chinese_name)))
    return Student(pupil.label, pupil.school_id, pupil.id, names)


def select_assignment(name: str, roster: Path | None = None) -> SelectedAssignment:
    """The assignment with this id, or in this YAML file. Raises BadRequest, BadRoster or UsageError."""
    if Path(name).suffix.lower() in YAML_SUFFIXES:
        file = read_assignment(Path(name), roster)
        return SelectedAssignment(file.id, file)
    if not re.fullmatch(ASSIGNMENT_ID, name):
        raise BadRequest(f"{name} is not an assignment: name a YAML file (.yaml or .yml), or an id such as hw1.")
    if roster:
        raise click.UsageError("--roster replaces the class of an assignment's file: name the file, not the id.")
    return SelectedAssignment(name)


def sort_by_class(view: AssignmentView) -> list[Submission]:
    """The submissions, in the order of the class."""
    order = {each.name: number for number, each in enumerate(view.students)}
    return sorted(view.submissions, key=lambda each: (order.get(each.student, len(order)), each.student))


def find_submission(view: AssignmentView, student: str) -> Submission:
    """The submission of the student with this name or id. Raises UnknownStudent."""
    names_by_id = {each.id: each.name for each in view.students if each.id}
    names = {student.casefold(), names_by_id.get(student, student).casefold()}
    for each in view.submissions:
        if each.student.casefold() in names:
            return each
    raise UnknownStudent(f"No student {student!r} has handed in {view.id}.")
