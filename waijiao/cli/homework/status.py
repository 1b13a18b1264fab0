"""The commands `waijiao homework status` and `list`: how far a class is, live."""

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
from waijiao.cli.console import EXIT_FAILED, handle_errors, stdout, url_option
from waijiao.cli.homework.selection import assignment_argument, select_assignment
from waijiao.cli.verdicts import VERDICT_LABELS
from waijiao.client import Client

REFRESH_S = 1.0  # seconds between two requests
CORRECT_MARK = "✓"  # of an answer to what had nothing to correct, and of no other
MARK_BY_STATE = {"succeeded": ("●", "green"), "held": ("‖", "cyan"), "missing": ("–", "yellow")}  # and their colors
MARK_BY_STATE |= dict.fromkeys(("failed", "expired", "canceled"), ("✗", "red"))
RUNNING_MARK = ("•", "")  # of all other states
VERDICT_COLORS = {"correct": "green", "needs_an_adult": "bold blue"}
BAR_WIDTH = 40  # characters of the progress bar


@click.command()
@assignment_argument
@click.option("--wait", is_flag=True, help="Wait until it is complete, also where there is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, as GET /v1/assignments/ID has it.")
@url_option
@handle_errors
def status(assignment: str, wait: bool, as_json: bool, url: str | None) -> None:
    """Show how far a class is: live until everybody's homework is answered, or Ctrl-C.

    Where there is no terminal, once. Ends with status 1 when something failed.
    """
    id_ = select_assignment(assignment).id
    with Client(url) as client:
        view = client.assignment(id_)
        if stdout.is_terminal and not as_json:
            view = show_live(client, view)
        while wait and not view.progress.complete:
            time.sleep(REFRESH_S)
            view = client.assignment(id_)
    print(view.model_dump_json()) if as_json else stdout.print(render(view))
    if view.progress.failed:
        sys.exit(EXIT_FAILED)


def show_live(client: Client, view: AssignmentView) -> AssignmentView:
    """Show the class until it is complete, or Ctrl-C; returns its last state."""
    screen = Live(render(view, answered_last=True), console=stdout, auto_refresh=False, transient=True)
    with suppress(KeyboardInterrupt), screen:
        while not view.progress.complete:
            time.sleep(REFRESH_S)
            view = client.assignment(view.id)
            screen.update(render(view, answered_last=True), refresh=True)
    return view


def render(view: AssignmentView, answered_last: bool = False) -> Group:
    """A row for each student; with `answered_last` those still to be answered come first, as a screen may be small."""
    narrow_columns = (Column(name, no_wrap=True) for name in ("state", "verdict", "handed in"))
    mark, student, file = Column("", min_width=1), Column("student", overflow="fold"), Column("file", overflow="fold")
    table = Table(mark, student, *narrow_columns, file, box=SIMPLE_HEAD)
    rows: list[Submission | str] = [*view.submissions, *view.progress.missing]
    order = {each.name: number for number, each in enumerate(view.students)}
    rows.sort(key=lambda row: order.get(row if isinstance(row, str) else row.student, len(order)))
    if answered_last:
        rows.sort(key=lambda row: isinstance(row, Submission) and row.state == "succeeded")
    for row in rows:
        table.add_row(*render_row(row))
    bar = Table.grid()  # a bar alone would not end its line
    processed_count = view.progress.succeeded + view.progress.failed
    bar.add_row(ProgressBar(total=max(1, view.progress.students), completed=processed_count, width=BAR_WIDTH))
    concerns = [describe_concerns(view.progress)] if view.progress.needs_an_adult else []
    return Group(Text(view.title, "bold"), *concerns, bar, *summarize(view), table)


def render_row(row: Submission | str) -> tuple[Text, ...]:
    """The cells for a submission, or for the name of a student who has not handed in."""
    if isinstance(row, str):
        return Text(*MARK_BY_STATE["missing"]), Text(row), Text("missing", "yellow"), Text(""), Text(""), Text("")
    mark, color = MARK_BY_STATE.get(row.state, RUNNING_MARK)
    state = f"{row.state}: {row.error.code}" if row.error else row.state
    if row.verdict == "correct" and row.state == "succeeded":
        mark = CORRECT_MARK
    verdict = Text(
        VERDICT_LABELS[row.verdict].lower() if row.verdict else "", VERDICT_COLORS.get(row.verdict or "", "")
    )
    handed_in = f"{row.handed_in_at.astimezone():%m-%d %H:%M}"
    return Text(mark, color), Text(row.student), Text(state, color), verdict, Text(handed_in), Text(row.file)


def describe_concerns(progress: Progress) -> Text:
    """Who may be in danger."""
    return Text(f"{VERDICT_LABELS['needs_an_adult']}: {', '.join(progress.needs_an_adult)}", "bold blue")


def summarize(view: AssignmentView) -> list[Text]:
    """The class in numbers, the remaining time, and when the homework is due; then how many have each verdict."""
    progress = view.progress
    counts = {
        "answered": f"{progress.succeeded} of {progress.students}",
        "failed": progress.failed,
        "awaiting review": progress.held,
        "working": progress.working,
        "missing": len(progress.missing),
    }
    parts = [f"{name}: {count}" for name, count in counts.items() if count]
    parts += ["complete" if progress.complete else describe_remaining_time(progress)]
    parts += [f"due {format_due(view.due)}" if view.due else ""]
    verdicts = [f"{VERDICT_LABELS[verdict].lower()}: {n}" for verdict, n in progress.verdicts.items() if n]
    return [Text(", ".join(filter(None, line))) for line in (parts, verdicts) if line]


def describe_remaining_time(progress: Progress) -> str:
    return f"about {progress.eta_seconds:.0f} s to go" if progress.eta_seconds else ""


def format_due(due: datetime) -> str:
    return f"{due.astimezone():%Y-%m-%d %H:%M}"


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON lines.")
@url_option
@handle_errors
def list_assignments(as_json: bool, url: str | None) -> None:
    """List all assignments, newest first."""
    with Client(url) as client:
        assignments = client.assignments()
    if as_json:
        for each in assignments:
            print(each.model_dump_json())
        return
    table = Table(Column("id", no_wrap=True), "title", "class", "due", "students", box=SIMPLE_HEAD)
    for each in assignments:
        due_text = format_due(each.due) if each.due else ""
        table.add_row(each.id, Text(each.title), Text(each.class_name), due_text, str(len(each.students) or ""))
    stdout.print(table if assignments else "No assignments yet.")
