"""The `waijiao plan` command: when a class's homework will be done, and with how many workers in time."""

import json
import sys
from datetime import datetime
from typing import Any

import click

from pipeline.schemas.jobs import Capacity
from waijiao.client import Client
from waijiao.fit import Workers
from waijiao.plainly import FAILED, out_console, said_plainly, the_url
from waijiao.planning.measuring import measure
from waijiao.planning.moments import Moment
from waijiao.planning.reckoning import Homework, House, cores_needed, enough, foresee, measured
from waijiao.planning.report import Plan, report
from waijiao.status import STAGE_NAMES

NOT_MEASURED = "Nothing was measured yet: have a few recordings answered (`waijiao ask`), or let --measure send some."


@click.command()
@click.option("--students", type=click.IntRange(1, 1_000_000), required=True, help="How many recordings will come.")
@click.option("--minutes", type=click.FloatRange(0, 240, min_open=True), required=True, help="How long each will be.")
@click.option("--due", type=Moment(), required=True, help="When all must be answered: 20:00, or 2026-12-01 20:00.")
@click.option("--start", type=Moment(), help="When they come, all at once.  [default: now]")
@click.option("--workers", type=Workers(), default="", help="Workers to plan with, such as asr=2.  [default: as it is]")
@click.option("--cores", type=click.IntRange(1), help="Cores that the workers share.  [default: those of the server]")
@click.option("--measure", "measuring", is_flag=True, help="Send joined examples of that length first, and measure.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@the_url
@said_plainly
def plan(measuring: bool, as_json: bool, url: str | None, **asked: Any) -> None:
    """When a class's homework will be answered, from measured speeds, and how many workers would make it in time.

    \b
    waijiao plan --students 200 --minutes 1 --due 20:00
    waijiao plan --students 200 --minutes 1 --due 20:00 --workers asr=2,llm=2

    Asks a running server how fast its models are of late, and what waits. Ends with status 1 when it will not be in
    time. All workers are taken to share the cores of one machine; with --cores, any other number.
    """
    with Client(url) as client:
        if measuring:
            measure(client, 60 * asked["minutes"])
        found = client.capacity()
    chosen = planned(found, asked)
    print(json.dumps(chosen.as_dict())) if as_json else report(chosen, out_console)
    if not chosen.in_time:
        sys.exit(FAILED)


def planned(found: Capacity, asked: dict[str, Any]) -> Plan:
    """What was asked, and what comes of it. Ends the command when nobody can know."""
    house = measured(found, asked["cores"] or found.cores)
    if house is None:
        raise click.ClickException(NOT_MEASURED)
    workers = {str(stage): model.ready for stage, model in found.models.items()} | asked["workers"]
    for stage, count in workers.items():
        if not count:
            raise click.ClickException(f"No worker of {STAGE_NAMES[stage]} is ready: see `waijiao status`.")
    now = datetime.now().astimezone()
    start = max(asked["start"] or now, now)
    homework = Homework(asked["students"], 60 * asked["minutes"], (start - now).total_seconds())
    return made(house, homework, workers, (start, asked["due"]))


def made(house: House, homework: Homework, workers: dict[str, int], times: tuple[datetime, datetime]) -> Plan:
    """The plan for homework that comes and is due at these `times`."""
    start, due = times
    within_s = (due - start).total_seconds()
    as_it_is = foresee(house, homework, workers)
    would = enough(house, homework, within_s)
    cores = None if would else cores_needed(house, homework, within_s)
    return Plan(house, homework, start, due, as_it_is, would, cores)
