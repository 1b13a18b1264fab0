"""`waijiao homework fetch`: the class's report, the gradebook, and each student's files, into a folder."""

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from pipeline.errors import BadArchive
from pipeline.homework.zip_import import ZipLimits, ZipMember, list_members
from pipeline.schemas.homework import AssignmentView
from waijiao.client import Client
from waijiao.homework.choosing import chosen, the_assignment
from waijiao.homework.status import EVERY_S
from waijiao.plainly import err, out_console, said_plainly, the_url

LIMITS = ZipLimits(files=10_000, entry_bytes=500_000_000, total_bytes=50_000_000_000)
REPORT = "report.html"


@click.command()
@the_assignment
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; the assignment's id by default.")
@click.option("--wait", is_flag=True, help="First wait until all that was handed in is answered, or held for you.")
@the_url
@said_plainly
def fetch(which: str, out: Path | None, wait: bool, url: str | None) -> None:
    """Fetch what was made of a class's homework, as it is now, into a folder.

    report.html is the class's report, gradebook.csv opens in a spreadsheet, and the folder students has a page with
    corrections, its facts as JSON, and the spoken answer of each. Fetched again, files are replaced.
    """
    id_ = chosen(which).id
    folder = out or Path(id_)
    with Client(url) as client:
        view = answered(client, id_) if wait else client.assignment(id_)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".fetching-") as place:
            count = unpack(client.export(id_, Path(place, "export.zip")), folder)
    out_console.print(f"{count} files in {folder}; open {folder / REPORT}", markup=False)
    now = view.progress
    if now.missing or now.held or now.working:
        out_console.print(f"missing: {len(now.missing)}, held for you: {now.held}, still working: {now.working}")


def answered(client: Client, id_: str) -> AssignmentView:
    """The assignment once nothing of it is being worked on."""
    while (view := client.assignment(id_)).progress.working:
        time.sleep(EVERY_S)
    return view


def unpack(archive: Path, folder: Path) -> int:
    """How many files of the archive are in the folder now. BadArchive for one that has no business in it."""
    count = 0
    with archive.open("rb") as file:
        for member in list_members(file, LIMITS):
            if not isinstance(member, ZipMember):
                raise BadArchive(f"The server's archive has a file that is not taken: {member.name} ({member.code}).")
            keep(member, folder, archive.with_name("unfinished"))
            count += 1
    return count


def keep(member: ZipMember, folder: Path, unfinished: Path) -> None:
    """Write a file where its name says, below the folder and nowhere else, whole or not at all."""
    place = folder / member.name
    if not place.resolve().is_relative_to(folder.resolve()):
        raise BadArchive(f"The server's archive has a file that lies elsewhere: {member.name}.")
    place.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as packed, unfinished.open("wb") as file:
        shutil.copyfileobj(packed, file)
    os.replace(unfinished, place)


@click.command()
@the_assignment
@click.option("--yes", is_flag=True, help="Do not ask.")
@the_url
@said_plainly
def erase(which: str, yes: bool, url: str | None) -> None:
    """Erase an assignment from the server, with all that was handed in for it, and every answer."""
    id_ = chosen(which).id
    with Client(url) as client:
        view = client.assignment(id_)
        question = f"Erase {id_} ({view.title}) and the homework of {view.progress.handed_in} students?"
        if yes or click.confirm(question, err=True):
            client.erase_assignment(id_)
            err.print(f"{id_} is erased.", markup=False)
