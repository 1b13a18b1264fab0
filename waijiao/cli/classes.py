"""The `waijiao class` commands: classes that are kept, from one assignment to the next."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table
from rich.text import Text

from pipeline.errors import UnknownPupil
from pipeline.schemas.classes import ClassProgress, ClassView, Pupil, PupilProgress, RosterPupil
from pipeline.text.enumeration import pluralize
from waijiao.cli.console import handle_errors, stdout, url_option
from waijiao.cli.learner import describe_receipt
from waijiao.client import Client

ROSTER_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
ROSTER_HELP = "The class list: CSV or XLSX, with a column “name” or “姓名” and, if there are any, one of ids."
class_argument = click.argument("class_id", metavar="CLASS")
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group("class")
def school_class() -> None:
    """Classes that are kept: their pupils, and what these achieve over all assignments.

    CLASS is a class's id; `waijiao class list` shows them. An assignment takes the pupils of a class with
    `class_id: CLASS` in its file. PUPIL is the name as it is shown, the school's id, or the pupil's own id.
    """


@school_class.command()
@click.argument("name")
@click.option("--roster", type=ROSTER_FILE, help=ROSTER_HELP)
@click.option("--pupil", "names", multiple=True, metavar="NAME", help="A pupil's name; may be repeated.")
@json_option
@url_option
@handle_errors
def create(name: str, roster: Path | None, names: Sequence[str], as_json: bool, url: str | None) -> None:
    """Make the class NAME, from a class list or of named pupils.

    \b
    waijiao class create 7B --roster class-7b.xlsx
    waijiao class create 7C --pupil "Anna Li" --pupil 王小明
    """
    if not roster and not names:
        raise click.UsageError("Name the pupils: --roster FILE, or --pupil NAME.")
    with Client(url) as client:
        view = client.create_class(name, [*read_pupils(client, roster), *({"name": each} for each in names)])
    print(view.model_dump_json()) if as_json else print_class(view)


def read_pupils(client: Client, roster: Path | None) -> list[Mapping[str, str]]:
    """The pupils of a class list, as they are sent; none without a file."""
    return [pupil_fields(each) for each in client.read_roster(roster).pupils] if roster else []


def pupil_fields(pupil: RosterPupil) -> dict[str, str]:
    fields = pupil.model_dump(include={"name", "school_id", "latin_name", "chinese_name"})
    return {name: value for name, value in fields.items() if value}


@school_class.command("list")
@json_option
@url_option
@handle_errors
def list_classes(as_json: bool, url: str | None) -> None:
    """List all classes, newest first."""
    with Client(url) as client:
        classes = client.classes()
    if as_json:
        for each in classes:
            print(each.model_dump_json())
        return
    table = Table(Column("id", no_wrap=True), "name", "pupils", "since", box=SIMPLE_HEAD)
    for each in classes:
        table.add_row(each.id, Text(each.name), str(each.pupil_count), f"{each.created_at.astimezone():%Y-%m-%d}")
    stdout.print(table if classes else "No classes yet.")


@school_class.command()
@class_argument
@json_option
@url_option
@handle_errors
def show(class_id: str, as_json: bool, url: str | None) -> None:
    """Print a class and its pupils."""
    with Client(url) as client:
        view = client.school_class(class_id)
    print(view.model_dump_json()) if as_json else print_class(view)


def print_class(view: ClassView) -> None:
    stdout.print(f"{view.name}: {pluralize(view.pupil_count, 'pupil')}, id {view.id}", markup=False)
    table = Table("pupil", "school id", "other names", Column("id", no_wrap=True), box=SIMPLE_HEAD)
    for pupil in view.pupils:
        others = ", ".join(filter(None, (pupil.latin_name, pupil.chinese_name)))
        table.add_row(Text(pupil.label), Text(pupil.school_id), Text(others), pupil.id)
    stdout.print(table)


@school_class.command()
@class_argument
@click.option("--name", help="Another name of the class.")
@click.option("--roster", type=ROSTER_FILE, help="Add the pupils of this class list who are not in the class yet.")
@click.option("--add", "new_names", multiple=True, metavar="NAME", help="Add a pupil; may be repeated.")
@click.option("--rename", "renamed", multiple=True, nargs=2, metavar="PUPIL NAME", help="Give a pupil another name.")
@click.option("--school-id", "ids", multiple=True, nargs=2, metavar="PUPIL ID", help="Give a pupil another id.")
@click.option("--remove", "removed", multiple=True, metavar="PUPIL", help="Take a pupil out; what is stored stays.")
@click.option("--erase", "to_erase", multiple=True, metavar="PUPIL", help="Erase a pupil, with everything of theirs.")
@click.option("--yes", is_flag=True, help="Do not ask before erasing.")
@json_option
@url_option
@handle_errors
def edit(
    class_id: str,
    name: str | None,
    roster: Path | None,
    new_names: Sequence[str],
    renamed: Sequence[tuple[str, str]],
    ids: Sequence[tuple[str, str]],
    removed: Sequence[str],
    to_erase: Sequence[str],
    yes: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Change a class. Nothing that was handed in is lost, unless a pupil is erased.

    \b
    waijiao class edit CLASS --rename "Anna Li" "Anna Wu" --remove 王小明
    waijiao class edit CLASS --roster class-7b.xlsx
    """
    with Client(url) as client:
        view = client.school_class(class_id)
        gone = [find_pupil(view, each) for each in to_erase]
        new_pupils = [*new_ones(view, read_pupils(client, roster)), *({"name": each} for each in new_names)]
        edits = {
            "name": name,
            "add": new_pupils or None,
            "change": merge_changes(view, renamed, ids) or None,
            "remove": [find_pupil(view, each).id for each in removed] or None,
        }
        if gone and not yes:
            labels = ", ".join(pupil.label for pupil in gone)
            click.confirm(f"Erase everything that is stored of {labels}?", abort=True)
        if any(value is not None for value in edits.values()):
            view = client.change_class(class_id, **edits)  # type: ignore[arg-type]
        for pupil in gone:
            receipt = client.erase_learner(pupil.learner)
            stdout.print(f"{pupil.label}: {describe_receipt(receipt)}", markup=False, style=None)
        view = client.school_class(class_id)
    print(view.model_dump_json()) if as_json else print_class(view)


def find_pupil(view: ClassView, name: str) -> Pupil:
    """The pupil with this label, school id or id. Raises UnknownPupil; a name that several have is none of theirs."""
    pupils = [
        each for each in view.pupils if name.casefold() in (each.label.casefold(), each.school_id.casefold(), each.id)
    ]
    if len(pupils) == 1:
        return pupils[0]
    twins = [each.label for each in view.pupils if each.name.casefold() == name.casefold()]
    detail = (
        f"{name} may be {' or '.join(twins)}: name one of them so." if twins else f"{view.name} has no pupil {name}."
    )
    raise UnknownPupil(detail)


def new_ones(view: ClassView, candidates: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Those of a class list who are not in the class: by the school's id, or by the name where there is no id."""
    ids = {pupil.school_id.casefold() for pupil in view.pupils if pupil.school_id}
    names = {pupil.name.casefold() for pupil in view.pupils}
    return [
        each
        for each in candidates
        if (each["school_id"].casefold() not in ids if "school_id" in each else each["name"].casefold() not in names)
    ]


def merge_changes(
    view: ClassView, renamed: Sequence[tuple[str, str]], ids: Sequence[tuple[str, str]]
) -> list[dict[str, str]]:
    changes: dict[str, dict[str, str]] = {}
    for field, pairs in (("name", renamed), ("school_id", ids)):
        for pupil, value in pairs:
            id_ = find_pupil(view, pupil).id
            changes.setdefault(id_, {"id": id_})[field] = value
    return list(changes.values())


@school_class.command()
@class_argument
@click.option("--erase-pupils", is_flag=True, help="Erase everything of its pupils first, and print the receipts.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@url_option
@handle_errors
def delete(class_id: str, erase_pupils: bool, yes: bool, url: str | None) -> None:
    """Delete a class and its progress. Assignments, and what was handed in, stay unless pupils are erased."""
    with Client(url) as client:
        view = client.school_class(class_id)
        what = "and everything that is stored of its pupils" if erase_pupils else "and its progress"
        if not yes:
            click.confirm(f"Delete {view.name} with {pluralize(view.pupil_count, 'pupil')}, {what}?", abort=True)
        for pupil in view.pupils if erase_pupils else ():
            stdout.print(f"{pupil.label}: {describe_receipt(client.erase_learner(pupil.learner))}", markup=False)
        client.delete_class(class_id)
    stdout.print(f"deleted: {view.name}", markup=False)


@school_class.command()
@class_argument
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Save it as a CSV file: a line for each assignment."
)
@json_option
@url_option
@handle_errors
def progress(class_id: str, out: Path | None, as_json: bool, url: str | None) -> None:
    """Print what each pupil achieved over the latest assignments; docs/homework.md explains each number."""
    with Client(url) as client:
        if out:
            out.write_bytes(table := client.export_class_progress(class_id))
            lines = sum(1 for _ in csv.reader(io.StringIO(table.decode("utf-8-sig"), newline=""))) - 1
            stdout.print(f"saved: {out}, {pluralize(lines, 'line')}", markup=False)
            return
        view = client.class_progress(class_id)
    print(view.model_dump_json()) if as_json else print_progress(view)


def print_progress(view: ClassProgress) -> None:
    stdout.print(f"{view.name}: {pluralize(len(view.assignments), 'assignment')}", markup=False)
    columns = ("pupil", "handed in", "on time", "corrections/100", "not understood", "clear", "went", "stayed")
    table = Table(*columns, box=SIMPLE_HEAD)
    for each in view.pupils:
        table.add_row(*map(Text, progress_cells(each)))
    stdout.print(table)


def progress_cells(each: PupilProgress) -> tuple[str, ...]:
    return (
        each.pupil.label,
        f"{each.handed_in} of {each.asked}",
        f"{each.on_time} of {each.with_due}" if each.with_due else "",
        "" if each.corrections_per_100 is None else f"{each.corrections_per_100:.1f}",
        str(each.not_understood + each.not_heard_well or ""),
        "" if each.clear_percent is None else f"{each.clear_percent:.0f} %",
        ", ".join(each.went),
        ", ".join(each.stayed),
    )
