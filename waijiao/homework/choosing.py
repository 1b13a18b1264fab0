"""Which assignment a command means: one that a file describes, or one that the server has."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pipeline.errors import BadRequest, UnknownAssignment, UnknownStudent
from pipeline.homework.assignments import Student
from pipeline.schemas.homework import AssignmentView, Submission
from waijiao.client import Client
from waijiao.homework.assignment_files import ENDINGS, Described, read

a_csv = click.Path(exists=True, dir_okay=False, path_type=Path)
from_which = click.option(
    "--assignment", "which", required=True, metavar="FILE|ID", help="The assignment's YAML file; or its id, once set."
)
with_roster = click.option("--roster", type=a_csv, help="The class as a CSV file: names, and ids if there are any.")
the_assignment = click.argument("which", metavar="ID|FILE")


@dataclass(frozen=True)
class Chosen:
    """An assignment by its `id`, and what its file says of it, if it was named by that."""

    id: str
    described: Described | None = None

    @property
    def files(self) -> Sequence[Path]:
        """Those that describe it: they may lie among the recordings."""
        return self.described.files if self.described else ()

    def set(self, client: Client) -> AssignmentView:
        """The assignment as the server has it, once it is what its file says."""
        if self.described is None:
            return client.assignment(self.id)
        try:
            return client.put_assignment(self.id, **self.described.fields)
        except BadRequest as error:
            raise BadRequest(f"{self.described.files[0].name}: {error.detail}", field=error.field) from None

    def seen(self, client: Client) -> AssignmentView | None:
        """The assignment as the server has it; None when it was never set."""
        try:
            return client.assignment(self.id)
        except UnknownAssignment:
            if self.described is None:
                raise
            return None

    def students(self, view: AssignmentView | None) -> Sequence[Student]:
        """The class: as the file says, or else as the server does."""
        if self.described:
            return self.described.students
        return [Student(each.name, each.id) for each in view.students] if view else ()


def chosen(which: str, roster: Path | None = None) -> Chosen:
    """The assignment that somebody named, by its id or its file."""
    if Path(which).suffix.lower() in ENDINGS:
        described = read(Path(which), roster)
        return Chosen(described.id, described)
    if roster:
        raise click.UsageError("--roster goes with an assignment's file, which it completes.")
    return Chosen(which)


def in_order(view: AssignmentView) -> list[Submission]:
    """What was handed in, in the order of the class."""
    order = {each.name: number for number, each in enumerate(view.students)}
    return sorted(view.submissions, key=lambda each: (order.get(each.student, len(order)), each.student))


def of_student(view: AssignmentView, name: str) -> Submission:
    """What the student handed in who is called so, or has this id. UnknownStudent."""
    by_id = {each.id: each.name for each in view.students if each.id}
    wanted = {name.casefold(), by_id.get(name, name).casefold()}
    for each in view.submissions:
        if each.student.casefold() in wanted:
            return each
    raise UnknownStudent(f"No student {name!r} has handed in {view.id}.")
