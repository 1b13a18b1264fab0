"""`waijiao homework status` and `list`: how far a class is, live."""

import sys
import time
from contextlib import suppress
from datetime import datetime

import click
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from pipeline.schemas.homework import AssignmentView, Progress, Submission
from waijiao.client import Client
from waijiao.homework.choosing import chosen, the_assignment
from waijiao.plainly import FAILED, out_console, said_plainly, the_url

EVERY_S = 1.0  # seconds between two looks
MARKS = {"succeeded": ("✓", "green"), "held": ("‖", "cyan"), "missing": ("–", "yellow")}
MARKS |= dict.fromkeys(("failed", "expired", "canceled"), ("✗", "red"))
GOING = ("…", "")  # the mark of all others
BAR = 40  # characters of the progress bar


@click.command()
@the_assignment
@click.option("--wait", is_flag=True, help="Where there is no terminal, too: show it when it is complete.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, as GET /v1/assignments/ID has it.")
@the_url
@said_plainly
def status(which: str, wait: bool, as_json: bool, url: str | None) -> None:
    """Show how far a class is: live until everybody's homework is answered, or Ctrl-C.

    Where there is no terminal, once. Ends with status 1 when something failed.
    """
    id_ = chosen(which).id
    with Client(url) as client:
        view = client.assignment(id_)
        if out_console.is_terminal and not as_json:
            view = live(client, view)
        while wait and not view.progress.complete:
            time.sleep(EVERY_S)
            view = client.assignment(id_)
    print(view.model_dump_json()) if as_json else out_console.print(picture(view))
    if view.progress.failed:
        sys.exit(FAILED)


def live(client: Client, view: AssignmentView) -> AssignmentView:
    """The class until it is complete, or Ctrl-C; as it was seen last."""
    screen = Live(picture(view, urgent=True), console=out_console, auto_refresh=False, transient=True)
    with suppress(KeyboardInterrupt), screen:
        while not view.progress.complete:
            time.sleep(EVERY_S)
            view = client.assignment(view.id)
            screen.update(picture(view, urgent=True), refresh=True)
    return view


def picture(view: AssignmentView, urgent: bool = False) -> Group:
    """A line for each student; with `urgent` those who are answered come last, as a screen may be too short."""
    table = Table(Column(""), Column("student", overflow="fold"), "state", "handed in", Column("file", overflow="fold"))
    table.box = SIMPLE_HEAD
    rows: list[Submission | str] = [*view.submissions, *view.progress.missing]
    order = {each.name: number for number, each in enumerate(view.students)}
    rows.sort(key=lambda row: order.get(row if isinstance(row, str) else row.student, len(order)))
    if urgent:
        rows.sort(key=lambda row: isinstance(row, Submission) and row.state == "succeeded")
    for row in rows:
        table.add_row(*cells(row))
    head = Table.grid(padding=(0, 1))
    head.add_row(bar(view.progress), summary(view))
    return Group(Text(view.title, "bold"), head, table)


def cells(row: Submission | str) -> tuple[Text, ...]:
    """Of what a student handed in, or of one who did not."""
    if isinstance(row, str):
        return Text(*MARKS["missing"]), Text(row), Text("missing", "yellow"), Text(""), Text("")
    mark, color = MARKS.get(row.state, GOING)
    state = f"{row.state}: {row.error.code}" if row.error else row.state
    return Text(mark, color), Text(row.student), Text(state, color), Text(clock(row.handed_in_at)), Text(row.file)


def bar(progress: Progress) -> ProgressBar:
    return ProgressBar(total=max(1, progress.students), completed=progress.succeeded + progress.failed, width=BAR)


def summary(view: AssignmentView) -> Text:
    """The class in numbers, and the time to go."""
    now = view.progress
    numbers = {
        "answered": f"{now.succeeded} of {now.students}",
        "failed": now.failed,
        "held for you": now.held,
        "working": now.working,
        "missing": len(now.missing),
    }
    said = [f"{name}: {number}" for name, number in numbers.items() if number]
    going = f"about {now.eta_seconds:.0f} s to go" if now.eta_seconds else ""
    due = f"due {view.due.astimezone():%Y-%m-%d %H:%M}" if view.due else ""
    return Text(", ".join(filter(None, (*said, "complete" if now.complete else going, due))))


def clock(moment: datetime) -> str:
    return f"{moment.astimezone():%m-%d %H:%M:%S}"


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON lines.")
@the_url
@said_plainly
def show(as_json: bool, url: str | None) -> None:
    """List all assignments, newest first."""
    with Client(url) as client:
        found = client.assignments()
    if as_json:
        for each in found:
            print(each.model_dump_json())
        return
    table = Table(Column("id", no_wrap=True), "title", "class", "due", "students", box=SIMPLE_HEAD)
    for each in found:
        due = f"{each.due.astimezone():%Y-%m-%d %H:%M}" if each.due else ""
        table.add_row(each.id, Text(each.title), Text(each.class_name), due, str(len(each.students) or ""))
    out_console.print(table if found else "No assignment was set yet.")
