"""The commands `waijiao status`, `retry` and `watch`: the server's workers and queues, failed jobs, jobs that run."""

import json
import sys
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

from pipeline.errors import KeyMissing, WaijiaoError
from pipeline.schemas.jobs import Job
from pipeline.schemas.status import Readiness, Storage
from waijiao.cli.console import EXIT_FAILED, handle_errors, print_error, stdout, url_option
from waijiao.cli.job_report import AnswerFiles, JobReport
from waijiao.client import Client
from waijiao.errors import Unreachable

STAGE_NAMES = {"asr": "speech to text", "llm": "language model", "tts": "text to speech"}
MAX_RECENT_JOBS = 15  # newest jobs that `waijiao watch` shows
REFRESH_S = 1.0  # seconds between two requests of `waijiao watch`
MAX_CONCURRENT_JOBS = 16  # jobs that `waijiao watch ID…` waits for at the same time
COLOR_BY_STATE = {"succeeded": "green", "failed": "red", "expired": "red", "canceled": "yellow"}


@click.command()
@click.option("--dead", is_flag=True, help="List the jobs that failed through no fault of their own.")
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@handle_errors
def status(dead: bool, url: str | None, as_json: bool) -> None:
    """Queues, workers and models of a running server.

    Ends with status 1 when a model has no ready worker, when the disk is full or Redis refuses to write (an
    administrator is told), or when the server refuses the key WAIJIAO_KEY.

    With --dead: the jobs whose workers died, were too slow, ran out of memory or failed as often as a job may be
    tried, newest first. `waijiao retry ID` tries one again.
    """
    with Client(url) as client:
        if dead:
            print_dead_jobs(list(client.jobs(dead=True)), as_json)
            return
        readiness = client.readiness()
        if as_json:
            print(readiness.model_dump_json())
        else:
            stdout.print(models_table(readiness))
            if readiness.redis:
                stdout.print(f"The records are kept by {readiness.redis}.")
            if readiness.storage:
                print_storage(readiness.storage)
        if not readiness.ready or refuses_work(readiness.storage):
            sys.exit(EXIT_FAILED)
        check_key(client)


def print_storage(storage: Storage) -> None:
    """The free space, and what to do about a disk that is full or nearly full, or a Redis that refuses to write."""
    free = f"{storage.free_bytes / 1e9:.1f} GB"
    stdout.print(f"Disk of {storage.folder}: {free} free.", markup=False, highlight=False, soft_wrap=True)
    for advice in storage.advice:
        stdout.print(advice, style="red" if refuses_work(storage) else "yellow", markup=False, soft_wrap=True)


def refuses_work(storage: Storage | None) -> bool:
    """Whether new work is refused since it cannot be stored."""
    return storage is not None and (storage.disk == "full" or storage.redis_refuses is not None)


def check_key(client: Client) -> None:
    """Raises KeyUnknown if this server needs keys and refuses ours; whether it is ready, it says to anybody."""
    with suppress(KeyMissing):
        next(client.jobs(page=1), None)


def models_table(readiness: Readiness) -> Table:
    """Each model's workers, and the number of jobs that wait for it."""
    table = Table("queue", "model", "ready workers", "loading", "jobs waiting")
    for stage, model in readiness.models.items():
        table.add_row(stage, STAGE_NAMES[stage], str(model.ready), str(model.loading), str(model.waiting))
    return table


def print_dead_jobs(jobs: list[Job], as_json: bool) -> None:
    if as_json:
        print(json.dumps([job.model_dump(mode="json", by_alias=True) for job in jobs], ensure_ascii=False))
    elif not jobs:
        stdout.print("No failed jobs to retry.")
    else:
        columns = Column("id", no_wrap=True), Column("failed at", overflow="fold"), Column("why", overflow="fold")
        table = Table(*columns, "stage", "tries")  # an id or a code that is truncated would be of no use
        for job in jobs:
            code, stage = (job.error.code, job.error.stage) if job.error else ("", None)
            attempts = job.attempts.get(stage, 0) if stage else 0
            table.add_row(job.id, f"{job.updated_at:%Y-%m-%d %H:%M:%S}", code, stage, str(attempts))
        stdout.print(table)


@click.command()
@click.argument("job_ids", metavar="ID...", nargs=-1, required=True)
@url_option
@handle_errors
def retry(job_ids: tuple[str, ...], url: str | None) -> None:
    """Try failed jobs again, each from the stage that failed; `waijiao status --dead` lists them."""
    has_failed = False
    with Client(url) as client:
        for job_id in job_ids:
            try:
                stdout.print(f"{job_id}: retrying as {client.retry(job_id).id}", markup=False)
            except Unreachable:
                raise
            except WaijiaoError as error:
                has_failed = True
                print_error(f"{job_id}: {error}")
    if has_failed:
        sys.exit(EXIT_FAILED)


@click.command()
@click.argument("job_ids", metavar="[ID]...", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path), help="File for the answer; a folder for several.")
@click.option("--json", "as_json", is_flag=True, help="Print records as JSON: that of each job when it has ended.")
@url_option
@handle_errors
def watch(job_ids: tuple[str, ...], out: Path | None, as_json: bool, url: str | None) -> None:
    """Wait for jobs that were sent before, or watch the whole server.

    `waijiao ask --later` prints the IDs; the answers are saved where --out says. Ends with status 1 when any of them
    failed. Without an ID: each model's workers, the jobs that wait for them, and the newest jobs, until Ctrl-C; where
    there is no terminal, once.
    """
    with Client(url) as client:
        if job_ids:
            files = AnswerFiles(job_ids, out, suffix="") if out else None
            report = JobReport(job_ids, files, as_json)
            report.follow(lambda on_change: client.wait_all(job_ids, MAX_CONCURRENT_JOBS, on_change=on_change))
        elif as_json:
            readiness, jobs = fetch_overview(client)
            newest = [job.model_dump(mode="json", by_alias=True) for job in jobs]
            print(json.dumps({**readiness.model_dump(), "jobs": newest}, ensure_ascii=False))
        else:
            show_overview(client)


def fetch_overview(client: Client) -> tuple[Readiness, list[Job]]:
    """The models' workers and queues, and the newest jobs."""
    return client.readiness(), list(islice(client.jobs(page=MAX_RECENT_JOBS), MAX_RECENT_JOBS))


def show_overview(client: Client) -> None:
    """Show the overview until Ctrl-C; once where there is no terminal."""
    view = render_overview(*fetch_overview(client))
    if not stdout.is_terminal:
        stdout.print(view)
        return
    with suppress(KeyboardInterrupt), Live(view, console=stdout, auto_refresh=False) as screen:
        while True:
            time.sleep(REFRESH_S)
            screen.update(render_overview(*fetch_overview(client)), refresh=True)


def render_overview(readiness: Readiness, jobs: list[Job]) -> Group:
    narrow_columns = (Column(name, no_wrap=True) for name in ("state", "seconds"))
    table = Table(
        Column("job", no_wrap=True), Column("sent at", no_wrap=True), "session", *narrow_columns, box=SIMPLE_HEAD
    )
    for job in jobs:
        state = Text(job.error.code if job.error else job.state, style=COLOR_BY_STATE.get(job.state, ""))
        seconds = (job.updated_at - job.created_at).total_seconds() if job.state in COLOR_BY_STATE else None
        session = "" if job.session == job.id else job.session
        sent_at = f"{job.created_at.astimezone():%H:%M:%S}"
        table.add_row(job.id, sent_at, Text(session), state, "" if seconds is None else f"{seconds:.1f}")
    return Group(models_table(readiness), table if jobs else "No jobs yet.")
