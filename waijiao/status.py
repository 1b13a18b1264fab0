"""The `waijiao status` and `waijiao retry` commands: the house's health, and its dead jobs."""

import json
import sys

import click
from rich.table import Column, Table

from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job, Readiness
from waijiao.client import Client
from waijiao.errors import Unreachable
from waijiao.plainly import FAILED, err, out_console, said_plainly, the_url

STAGE_NAMES = {"asr": "speech to text", "llm": "language model", "tts": "text to speech"}


@click.command()
@click.option("--dead", is_flag=True, help="List the jobs that failed through no fault of their own.")
@the_url
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@said_plainly
def status(dead: bool, url: str | None, as_json: bool) -> None:
    """Queues, workers and models of a running server. Ends with status 1 when a model has no ready worker.

    With --dead: the jobs whose workers died, were too slow, ran out of memory or failed as often as a job may be
    tried, newest first. `waijiao retry ID` has one answered after all.
    """
    with Client(url) as client:
        if dead:
            show_dead(list(client.jobs(dead=True)), as_json)
            return
        found = client.readiness()
    print(found.model_dump_json()) if as_json else out_console.print(models(found))
    if not found.ready:
        sys.exit(FAILED)


def models(found: Readiness) -> Table:
    """Each model's workers, and what waits for them."""
    table = Table("queue", "model", "ready workers", "loading", "jobs waiting")
    for stage, model in found.models.items():
        table.add_row(stage, STAGE_NAMES[stage], str(model.ready), str(model.loading), str(model.waiting))
    return table


def show_dead(jobs: list[Job], as_json: bool) -> None:
    if as_json:
        print(json.dumps([job.model_dump(mode="json", by_alias=True) for job in jobs], ensure_ascii=False))
    elif not jobs:
        out_console.print("No job is dead.")
    else:
        columns = Column("id", no_wrap=True), Column("failed at", overflow="fold"), Column("why", overflow="fold")
        table = Table(*columns, "stage", "tries")  # an id or a code that is cut off is of no use
        for job in jobs:
            code, stage = (job.error.code, job.error.stage) if job.error else ("", None)
            tried = job.attempts.get(stage, 0) if stage else 0
            table.add_row(job.id, f"{job.updated_at:%Y-%m-%d %H:%M:%S}", code, stage, str(tried))
        out_console.print(table)


@click.command()
@click.argument("job_id", metavar="ID", nargs=-1, required=True)
@the_url
@said_plainly
def retry(job_id: tuple[str, ...], url: str | None) -> None:
    """Have dead jobs answered after all, each from the stage that failed; `waijiao status --dead` lists them."""
    refused = 0
    with Client(url) as client:
        for each in job_id:
            try:
                out_console.print(f"{each} is tried again as {client.retry(each).id}", markup=False)
            except Unreachable:
                raise
            except WaijiaoError as error:
                refused += 1
                err.print(f"{each}: {error}", style="red", markup=False)
    if refused:
        sys.exit(FAILED)
