"""What `waijiao plan` says: a table of what each model has to do, and in a sentence whether it is in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from pipeline.jobs.job import MODEL_STAGES
from waijiao.planning.reckoning import CORES, Foreseen, Homework, House
from waijiao.status import STAGE_NAMES

DAY_S, HOUR_S, MINUTE_S = 86_400, 3600, 60


@dataclass(frozen=True)
class Plan:
    """Homework that comes at `start` and is `due`, and what becomes of it with the workers that were named.

    What `would` be in time with the fewest workers; None when no number is, on these cores. Then some number would be
    on so many `cores`; None when the time is too short for any.
    """

    house: House
    homework: Homework
    start: datetime
    due: datetime
    as_it_is: Foreseen
    would: Foreseen | None
    cores: int | None

    @property
    def in_time(self) -> bool:
        return self.done(self.as_it_is) <= self.due

    def done(self, foreseen: Foreseen) -> datetime:
        return self.start + timedelta(seconds=foreseen.took_s)

    def as_dict(self) -> dict[str, Any]:
        """For programs: times in ISO 8601, everything else in seconds and numbers."""
        return {
            "in_time": self.in_time,
            "start": said_to_programs(self.start),
            "due": said_to_programs(self.due),
            "heard_s": round(self.house.heard_s, 1),
            "cores": self.house.cores,
            **self._dict_of(self.as_it_is),
            "would": self._dict_of(self.would) if self.would else None,
            "cores_needed": self.cores,
        }

    def _dict_of(self, foreseen: Foreseen) -> dict[str, Any]:
        parts = {
            part: {"each_s": round(foreseen.each_s[part], 3), "busy_s": round(foreseen.busy_s[part], 1)}
            for part in foreseen.busy_s
        }
        return {
            "done": said_to_programs(self.done(foreseen)),
            "took_s": round(foreseen.took_s, 1),
            "bottleneck": foreseen.bottleneck,
            "workers": dict(foreseen.workers),
            "parts": parts,
        }


def report(plan: Plan, console: Console) -> None:
    console.print(table(plan))
    console.print(sentence(plan), markup=False)
    if unlike(plan.homework.seconds, plan.house.heard_s):
        heard = duration(plan.house.heard_s)
        console.print(
            f"The recordings that were measured last {heard} on average: --measure would know more.", markup=False
        )


def table(plan: Plan) -> Table:
    """A line for each model, and one for the cores that they share."""
    right = [Column(name, justify="right") for name in ("workers", "each takes", "ahead", "busy for", "would do")]
    shown = Table("", *right, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for stage in MODEL_STAGES:
        would = str(plan.would.workers[stage]) if plan.would else "-"
        ahead = f"{plan.house.models[stage].ahead:.0f}"
        shown.add_row(STAGE_NAMES[stage], str(plan.as_it_is.workers[stage]), *times(plan, stage, ahead), would)
    if plan.as_it_is.busy_s[CORES]:
        cores = str(plan.cores) if plan.cores else "-" if plan.would is None else ""
        shown.add_row(f"all, on {counted(plan.house.cores, 'core')}", "", *times(plan, CORES, ""), cores)
    return shown


def times(plan: Plan, part: str, ahead: str) -> tuple[str, str, str]:
    return f"{plan.as_it_is.each_s[part]:.1f} s", ahead, duration(plan.as_it_is.busy_s[part])


def sentence(plan: Plan) -> str:
    """When it will be done, whether that is in time, what it waits for, and what would be in time."""
    found = plan.as_it_is
    spare_s = (plan.due - plan.done(found)).total_seconds()
    judged = f"{duration(spare_s)} before" if plan.in_time else f"{duration(-spare_s)} after"
    done = (
        f"{counted(plan.homework.recordings, 'recording')} of {duration(plan.homework.seconds)} will be done at "
        f"{clock(plan.done(found), plan.start)}, in {duration(found.took_s)}: {judged} {clock(plan.due, plan.start)}."
    )
    slowest = f"{'The cores are' if found.bottleneck == CORES else f'{STAGE_NAMES[found.bottleneck].capitalize()} is'}"
    return " ".join(filter(None, (done, f"{slowest} the bottleneck.", "" if plan.in_time else instead(plan))))


def instead(plan: Plan) -> str:
    """What would be in time, when it is not as it is."""
    if plan.would:
        return f"With {spelt(plan.would.workers)} it would be at {clock(plan.done(plan.would), plan.start)}."
    cores = counted(plan.house.cores, "core")
    more = f"; with {plan.cores} cores some would" if plan.cores else ", nor on any others"
    return f"No number of workers would make it on {cores}{more}."


def spelt(workers: Mapping[str, int]) -> str:
    """As --workers takes them."""
    return ",".join(f"{stage}={count}" for stage, count in workers.items())


def duration(seconds: float) -> str:
    """As a person says it, to two units."""
    whole = round(seconds)
    if whole < 10:
        return f"{seconds:.1f} s"
    parts = []
    for unit, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min"), (1, "s")):
        number, whole = divmod(whole, unit)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts[:2])


def counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def clock(when: datetime, today: datetime) -> str:
    """The time of the day; with its date when that is not the same as of `today`."""
    return f"{when:%H:%M}" if when.date() == today.date() else f"{when:%Y-%m-%d %H:%M}"


def said_to_programs(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def unlike(seconds: float, heard_s: float) -> bool:
    """Whether recordings of these lengths differ so much that one says little of the other."""
    return not 0.5 <= seconds / heard_s <= 2
