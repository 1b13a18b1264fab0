"""The `waijiao watch` command: jobs that were left before until they have ended, or the whole house as it works."""

import json
import time
from contextlib import suppress
from itertools import islice
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from pipeline.schemas.jobs import Job, Readiness
from waijiao.client import Client
from waijiao.plainly import out_console, said_plainly, the_url
from waijiao.reporting import Places, Report
from waijiao.status import models

NEWEST = 15  # jobs that are shown of the house
EVERY_S = 1.0  # seconds between two looks at the house
AT_ONCE = 16  # jobs that are waited for at the same time
COLORS = {"succeeded": "green", "failed": "red", "expired": "red", "canceled": "yellow"}


@click.command()
@click.argument("job_id", metavar="[ID]...", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), help="File for the answer; a folder for several.")
@click.option("--json", "as_json", is_flag=True, help="Print records as JSON: of each job when it has ended.")
@the_url
@said_plainly
def watch(job_id: tuple[str, ...], out: Path | None, as_json: bool, url: str | None) -> None:
    """Follow jobs that were left before until they have ended, or the whole house.

    `waijiao ask --later` prints the IDs; the answers are saved where --out says. Ends with status 1 when any of them
    failed. Without an ID: each model's workers, what waits for them, and the newest jobs, until Ctrl-C; where there is
    no terminal, once.
    """
    with Client(url) as client:
        if job_id:
            places = Places(job_id, out, suffix="") if out else None
            Report(job_id, places, as_json).of(lambda told: client.wait_all(job_id, AT_ONCE, on_change=told))
        elif as_json:
            print(as_one(*look(client)))
        else:
            live(client)


def live(client: Client) -> None:
    """The house until Ctrl-C, or once."""
    view = picture(*look(client))
    if not out_console.is_terminal:
        out_console.print(view)
        return
    with suppress(KeyboardInterrupt), Live(view, console=out_console, auto_refresh=False) as shown:
        while True:
            time.sleep(EVERY_S)
            shown.update(picture(*look(client)), refresh=True)


def look(client: Client) -> tuple[Readiness, list[Job]]:
    """The models, and the newest jobs."""
    return client.readiness(), list(islice(client.jobs(page=NEWEST), NEWEST))


def as_one(readiness: Readiness, jobs: list[Job]) -> str:
    newest = [job.model_dump(mode="json", by_alias=True) for job in jobs]
    return json.dumps({**readiness.model_dump(), "jobs": newest}, ensure_ascii=False)


def picture(readiness: Readiness, jobs: list[Job]) -> Group:
    narrow = (Column(name, no_wrap=True) for name in ("state", "seconds"))
    table = Table(Column("job", no_wrap=True), Column("left at", no_wrap=True), "session", *narrow, box=SIMPLE_HEAD)
    for job in jobs:
        state = Text(job.error.code if job.error else job.state, style=COLORS.get(job.state, ""))
        seconds = (job.updated_at - job.created_at).total_seconds() if job.state in COLORS else None
        session = "" if job.session == job.id else job.session
        left = f"{job.created_at.astimezone():%H:%M:%S}"
        table.add_row(job.id, left, Text(session), state, "" if seconds is None else f"{seconds:.1f}")
    return Group(models(readiness), table if jobs else "No job yet.")
