"""The commands `waijiao homework fetch` and `erase`: saves a class's report and answers, or erases everything."""

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from pipeline.errors import BadArchive
from pipeline.homework.zip_import import ZipLimits, ZipMember, list_members
from pipeline.schemas.homework import AssignmentView
from pipeline.text.enumeration import pluralize
from waijiao.cli.console import handle_errors, stderr, stdout, url_option
from waijiao.cli.homework.school import column_option, save_feedback, save_sheet, sheet_option, system_option
from waijiao.cli.homework.selection import assignment_argument, select_assignment
from waijiao.cli.homework.status import REFRESH_S
from waijiao.client import Client
from waijiao.client.homework import ExportTarget

ARCHIVE_LIMITS = ZipLimits(files=10_000, entry_bytes=500_000_000, total_bytes=50_000_000_000)
REPORT_NAME = "report.html"


@click.command()
@assignment_argument
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder.  [default: the assignment's id]")
@click.option("--wait", is_flag=True, help="First wait until all submissions are answered, or await your review.")
@system_option
@sheet_option
@column_option
@url_option
@handle_errors
def fetch(
    assignment: str,
    out: Path | None,
    wait: bool,
    system: ExportTarget,
    sheet: Path | None,
    column: str,
    url: str | None,
) -> None:
    """Fetch the answers to a class's homework, as they are now, into a folder.

    report.html is the class's report, gradebook.csv opens in a spreadsheet, and the folder students has a page with
    corrections, the same as JSON, and the spoken answer of each student. Files of an earlier fetch are replaced.

    For moodle or canvas a ZIP is saved instead, with the spoken answers under the names that came in, which the system
    takes as feedback. With --sheet, its grading sheet is filled in as well: a copy of it, in the folder.
    """
    id_ = select_assignment(assignment).id
    folder = out or Path(id_)
    with Client(url) as client:
        view = wait_for_answers(client, id_) if wait else client.assignment(id_)
        folder.mkdir(parents=True, exist_ok=True)
        if sheet:
            save_sheet(client.fill_sheet(id_, sheet, column=column), system, sheet, folder)
        if system == "folder":
            save_folder(client, id_, folder)
        else:
            save_feedback(client.export(id_, folder / f"{id_}-{system}.zip", system=system), system)
    progress = view.progress
    if progress.missing or progress.held or progress.working:
        counts = f"missing: {len(progress.missing)}, awaiting review: {progress.held}, working: {progress.working}"
        stdout.print(counts)


def save_folder(client: Client, id_: str, folder: Path) -> None:
    with TemporaryDirectory(dir=folder, prefix=".fetching-") as temporary:
        count = unpack(client.export(id_, Path(temporary, "export.zip")), folder)
    stdout.print(f"{pluralize(count, 'file')} in {folder}; open {folder / REPORT_NAME}", markup=False)


def wait_for_answers(client: Client, id_: str) -> AssignmentView:
    """The assignment, once none of its submissions is being processed."""
    while (view := client.assignment(id_)).progress.working:
        time.sleep(REFRESH_S)
    return view


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a ZIP archive into the folder; returns the number of its files. Raises BadArchive for an unsafe file."""
    count = 0
    with archive.open("rb") as file:
        for member in list_members(file, ARCHIVE_LIMITS):
            if not isinstance(member, ZipMember):
                raise BadArchive(
                    f"The server's archive has a file that is not accepted: {member.name} ({member.code})."
                )
            unpack_member(member, folder, archive.with_name("unfinished"))
            count += 1
    return count


def unpack_member(member: ZipMember, folder: Path, temporary: Path) -> None:
    """Write one file at its name inside of the folder, all of it or nothing. Raises BadArchive."""
    path = folder / member.name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadArchive(f"The server's archive has a file outside of its folder: {member.name}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as stream, temporary.open("wb") as file:
        shutil.copyfileobj(stream, file)
    os.replace(temporary, path)


@click.command()
@assignment_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@url_option
@handle_errors
def erase(assignment: str, yes: bool, url: str | None) -> None:
    """Erase an assignment from the server, with all its submissions and every answer."""
    id_ = select_assignment(assignment).id
    with Client(url) as client:
        view = client.assignment(id_)
        question = f"Erase {id_} ({view.title}) and the homework of {pluralize(view.progress.handed_in, 'student')}?"
        if yes or click.confirm(question, err=True):
            client.erase_assignment(id_)
            stderr.print(f"{id_} is erased.", markup=False)
