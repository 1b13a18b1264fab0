"""The `waijiao plan` command: when a class's homework will be done, and with how many workers it is in time."""

import io
import json
import sys
import wave
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import click

from pipeline.errors import ConfigurationError
from pipeline.schemas.status import Capacity
from pipeline.timestamps import check_year, local_time
from waijiao.cli.console import EXIT_FAILED, handle_errors, stdout, url_option
from waijiao.cli.planning.fit import WorkerCounts
from waijiao.cli.planning.plan_model import (
    CapacitySnapshot,
    Homework,
    find_cores,
    find_workers,
    forecast,
    take_snapshot,
)
from waijiao.cli.planning.plan_report import HomeworkPlan, print_plan
from waijiao.cli.status import STAGE_NAMES
from waijiao.client import Client

NOT_MEASURED = "Nothing was measured yet: have a few recordings answered (`waijiao ask`), or let --measure send some."
EXAMPLE_RECORDINGS = Path(__file__).resolve().parents[3] / "examples" / "recordings"
MEASURED_RECORDINGS = 8  # so many that earlier recordings count for a sixth: the figures are means of the latest jobs
MEASURING_LANE: Final = "bulk"  # so that they wait while anybody else wants an answer


class TimeOrDate(click.ParamType[datetime]):
    """A time with its offset from UTC; without one it is in this machine's time zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return parse_time(str(value), datetime.now().astimezone())
        except ValueError:
            self.fail(f"{value!r} is not a time: expected one such as 20:00, or 2026-12-01 20:00", param, ctx)


def parse_time(text: str, now: datetime) -> datetime:
    """A date and time in ISO 8601; or a time of day, such as 20:00: the next one after `now`. Raises ValueError."""
    try:
        clock = time.fromisoformat(text.strip()) if ":" in text[:5] else None
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None:
        return check_year(local_time(text.strip()))
    today = datetime.combine(now.date(), clock).astimezone()
    return today if today > now else datetime.combine(now.date() + timedelta(days=1), clock).astimezone()


@click.command()
@click.option("--students", type=click.IntRange(1, 1_000_000), required=True, help="How many recordings will come.")
@click.option("--minutes", type=click.FloatRange(0, 240, min_open=True), required=True, help="How long each will be.")
@click.option("--due", type=TimeOrDate(), required=True, help="When all must be answered: 20:00, or 2026-12-01 20:00.")
@click.option("--start", type=TimeOrDate(), help="When they come, all at once.  [default: now]")
@click.option("--workers", type=WorkerCounts(), default="", help="Workers, such as asr=2.  [default: those that run]")
@click.option("--cores", type=click.IntRange(1), help="Cores that the workers share.  [default: those of the server]")
@click.option("--measure", "run_measurement", is_flag=True, help="First send example recordings of that length.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@url_option
@handle_errors
def plan(
    students: int,
    minutes: float,
    due: datetime,
    start: datetime | None,
    workers: dict[str, int],
    cores: int | None,
    run_measurement: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """When a class's homework will be answered, from measured speeds, and how many workers would make it in time.

    \b
    waijiao plan --students 200 --minutes 1 --due 20:00
    waijiao plan --students 200 --minutes 1 --due 20:00 --workers asr=2,llm=2

    Asks a running server how fast its models were lately, and what waits. Ends with status 1 when it will not be in
    time. All workers are assumed to share the cores of one machine; --cores names another number of them.
    """
    with Client(url) as client:
        if run_measurement:
            measure(client, 60 * minutes)
        capacity = client.capacity()
    now = datetime.now().astimezone()
    arrival = max(start or now, now)
    homework = Homework(students, 60 * minutes, (arrival - now).total_seconds())
    homework_plan = plan_for_capacity(capacity, homework, (arrival, due), workers, cores)
    print(json.dumps(homework_plan.as_dict())) if as_json else print_plan(homework_plan, stdout)
    if not homework_plan.in_time:
        sys.exit(EXIT_FAILED)


def plan_for_capacity(
    capacity: Capacity,
    homework: Homework,
    start_and_due: tuple[datetime, datetime],
    workers: Mapping[str, int],
    cores: int | None,
) -> HomeworkPlan:
    """The plan for a server; `workers` and `cores` replace its own. Raises ClickException if it cannot be known."""
    snapshot = take_snapshot(capacity, cores or capacity.cores)
    if snapshot is None:
        raise click.ClickException(NOT_MEASURED)
    all_workers = {str(stage): model.ready for stage, model in capacity.models.items()} | dict(workers)
    for stage, count in all_workers.items():
        if not count:
            raise click.ClickException(f"No {STAGE_NAMES[stage]} worker is ready: see `waijiao status`.")
    return make_plan(snapshot, homework, start_and_due, all_workers)


def make_plan(
    snapshot: CapacitySnapshot,
    homework: Homework,
    start_and_due: tuple[datetime, datetime],
    workers: Mapping[str, int],
) -> HomeworkPlan:
    """The forecast with these workers, and with the fewest workers or cores that are in time."""
    start, due = start_and_due
    limit_s = (due - start).total_seconds()
    sufficient = find_workers(snapshot, homework, limit_s)
    cores = None if sufficient else find_cores(snapshot, homework, limit_s)
    current = forecast(snapshot, homework, workers)
    return HomeworkPlan(snapshot, homework, start, due, current, sufficient, cores)


def measure(client: Client, seconds: float) -> None:
    """Have example recordings of that length answered, all at once like a class, and erase them again.

    Raises the error of a recording that fails.
    """
    recordings = list(join_examples(seconds, MEASURED_RECORDINGS))
    for outcome in client.ask_all(recordings, MEASURED_RECORDINGS, lane=MEASURING_LANE, language="en"):
        if outcome.job:
            client.erase(outcome.job)
        if outcome.error:
            raise outcome.error


def join_examples(seconds: float, count: int, folder: Path = EXAMPLE_RECORDINGS) -> Iterator[bytes]:
    """`count` WAV files of that length: the example recordings one after another, each beginning with another one.

    Raises ConfigurationError when the examples are not there.
    """
    paths = sorted(folder.glob("*.wav"))
    if not paths:
        raise ConfigurationError(f"--measure needs the example recordings, which are not in {folder}.")
    for number in range(count):
        yield concatenate(islice(cycle(paths), number * len(paths) // count, None), seconds)


def concatenate(paths: Iterator[Path], seconds: float) -> bytes:
    """A WAV file of exactly that length, from as many files as it takes; they all have the same format."""
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        frames = 0
        for path in paths:
            with wave.open(str(path)) as source:
                if not frames:
                    output.setparams(source.getparams())
                missing = round(seconds * source.getframerate()) - frames
                frames += min(missing, source.getnframes())
                output.writeframes(source.readframes(missing))
            if missing <= source.getnframes():
                break
    return file.getvalue()
