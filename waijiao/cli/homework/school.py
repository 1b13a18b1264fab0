"""Back into a school's system: what `waijiao homework fetch` saves for Moodle and Canvas."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import click

from pipeline.errors import BadSheet
from pipeline.homework.school.files import SYSTEM_TITLES, SYSTEMS, SchoolSystem
from pipeline.schemas.homework import FilledSheet
from pipeline.text.enumeration import join_some, pluralize, quote_separators
from waijiao.cli.console import stdout
from waijiao.client.homework import ExportTarget

MAX_NAMES = 20  # that are printed
NOT_INCLUDED_NAME = "not-included.txt"  # in the ZIP: whose answers are not in it, and why
UPLOAD_HINTS: dict[SchoolSystem, str] = {
    "moodle": "In Moodle: View all submissions, Upload multiple feedback files in a zip. Upload a grading worksheet "
    "first: Moodle passes over its comments once it has newer feedback.",
    "canvas": "In Canvas: Gradebook, the assignment's menu, Upload Submissions.",
}
CSV_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

system_option = click.option(
    "--for",
    "system",
    type=click.Choice(["folder", *SYSTEMS]),
    default="folder",
    show_default=True,
    help="A folder to look at, or a ZIP that the school's system takes.",
)
sheet_option = click.option(
    "--sheet", type=CSV_FILE, help="Moodle's grading worksheet or the gradebook of Canvas: saved with the answers."
)
column_option = click.option(
    "--column", default="", metavar="TITLE", help="The sheet's column for the answers, if it has another title."
)


def save_feedback(archive: Path, system: SchoolSystem) -> None:
    """Say what is in the ZIP, what is not and why, and where to upload it."""
    with ZipFile(archive) as file:
        names = file.namelist()
        reasons = file.read(NOT_INCLUDED_NAME).decode("utf-8-sig").splitlines() if NOT_INCLUDED_NAME in names else []
    count = len(names) - bool(reasons)
    stdout.print(f"{pluralize(count, 'answer')} in {archive}. {UPLOAD_HINTS[system]}", markup=False)
    for line in reasons:
        stdout.print(line, markup=False)


def save_sheet(sheet: FilledSheet, target: ExportTarget, path: Path, folder: Path) -> None:
    """Save the sheet next to the answers, not in the place of the school's. Raises BadSheet for another system's."""
    if target not in ("folder", sheet.system):
        raise BadSheet(f"{path.name} is a sheet of {SYSTEM_TITLES[sheet.system]}: fetch it with --for {sheet.system}.")
    copy = folder / f"{path.stem}-filled{path.suffix}"
    partial_path = copy.with_name(f".{copy.name}.part")
    partial_path.write_bytes(base64.b64decode(sheet.content))
    os.replace(partial_path, copy)
    stdout.print(f"{pluralize(len(sheet.entered), 'answer')} entered in {copy}", markup=False)
    print_names("had something in their cell already, which stays", sheet.occupied)
    print_names("not found in the sheet for certain", sheet.not_found)


def print_names(what: str, names: Sequence[str]) -> None:
    if names:
        stdout.print(f"{what}: {join_some(quote_separators(names), MAX_NAMES)}", markup=False)
