"""`waijiao homework submit`: a folder, a ZIP or files become what a class has handed in."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from waijiao.client import Client
from waijiao.client.concurrent import DEFAULT_AT_ONCE
from waijiao.homework.choosing import Chosen, chosen, from_which, with_roster
from waijiao.homework.handing_in import HandingIn, Result, sorted_out
from waijiao.homework.recordings import Found, gathered
from waijiao.plainly import FAILED, err, out_console, said_plainly, the_url

PATIENCE_S = 120.0  # seconds that a server may be away, such as while it is restarted
SHOWN = 20  # names that are missing
there = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("places", metavar="FOLDER|ZIP|FILE...", nargs=-1, required=True, type=there)
@from_which
@with_roster
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=DEFAULT_AT_ONCE, show_default=True, help="Files on their way."
)
@click.option("--dry-run", "dry", is_flag=True, help="Say whose each file is and what would be sent; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each file, as JSON lines.")
@the_url
@said_plainly
def submit(which: str, roster: Path | None, url: str | None, as_json: bool, **how: Any) -> None:
    """Hand in a class's recordings.

    The assignment is set, or changed, as its FILE says. Whose a recording is, its name or its folder's says: the
    student's name, in any order and spelling, or id. Without a class, whoever hands in is called as the file is. What
    was handed in before is not sent again unless it failed, so that the same command may be given at any time. Ends
    with status 1 when a file was refused; that stops no other.
    """
    assignment = chosen(which, roster)
    with Client(url, patience_s=PATIENCE_S) as client, gathered(how["places"], assignment.files) as found:
        results = list(handed_in(client, assignment, found, how))
        missing = missing_of(client, assignment, results)
    if as_json:
        for each in results:
            print(json.dumps(asdict(each), ensure_ascii=False))
    else:
        tell(results, missing, how["dry"])
    if any(each.kind == "refused" for each in results):
        sys.exit(FAILED)


def handed_in(client: Client, assignment: Chosen, found: Sequence[Found], how: dict[str, Any]) -> Iterator[Result]:
    """What became of each file."""
    view = assignment.seen(client) if how["dry"] else assignment.set(client)
    files = sorted_out(found, assignment.students(view))
    yield from files.refused
    handing = HandingIn(client, assignment.id, view.submissions if view else (), how["dry"])
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=err, redirect_stdout=False) as bars:
        yield from bars.track(
            handing.all(files.owned, how["at_once"]), total=len(files.owned), description="handing in"
        )


def missing_of(client: Client, assignment: Chosen, results: Sequence[Result]) -> list[str]:
    """Who has handed in neither now nor before."""
    view = assignment.seen(client)
    now = {each.student for each in results if each.kind != "refused"}
    before = {each.student for each in view.submissions} if view else set()
    return [each.name for each in assignment.students(view) if each.name not in now | before]


def tell(results: Sequence[Result], missing: Sequence[str], dry: bool) -> None:
    """How many of each kind; each that was refused, and why; who is missing. In a dry run, whose each file is."""
    if refused := [each for each in results if each.kind == "refused"]:
        table = Table(Column("refused", overflow="fold"), "why", Column("", overflow="fold"), box=SIMPLE_HEAD)
        for each in refused:
            table.add_row(Text(each.file), Text(each.code, "red"), Text(each.detail))
        out_console.print(table)
    if dry:
        table = Table(Column("file", overflow="fold"), Column("student", overflow="fold"), "", box=SIMPLE_HEAD)
        for each in results:
            if each.kind != "refused":
                table.add_row(Text(each.file), Text(each.student or ""), "new" if each.kind == "sent" else "unchanged")
        out_console.print(table)
    counts = Counter(each.kind for each in results)
    sent = "to be sent" if dry else "sent"
    out_console.print(f"{sent}: {counts['sent']}, unchanged: {counts['unchanged']}, refused: {counts['refused']}")
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        out_console.print(f"missing: {', '.join(missing[:SHOWN])}{more}", markup=False)
