"""What `waijiao plan` prints: a table of each model's load, and a summary that says whether homework is in time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from pipeline.jobs.job import MODEL_STAGES
from pipeline.text.enumeration import pluralize
from waijiao.cli.planning.plan_model import CORES, CapacitySnapshot, Forecast, Homework
from waijiao.cli.status import STAGE_NAMES

UNITS_S = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class HomeworkPlan:
    """Homework that arrives at `start` and is `due`; the forecast with the workers that were named.

    `sufficient`: the forecast with the fewest workers that are in time; None if no number is, on these cores.
    `cores`: then the fewest cores on which some number is; None if the time is too short for any.
    """

    snapshot: CapacitySnapshot
    homework: Homework
    start: datetime
    due: datetime
    current: Forecast
    sufficient: Forecast | None
    cores: int | None

    @property
    def in_time(self) -> bool:
        return self.done_at(self.current) <= self.due

    def done_at(self, forecast: Forecast) -> datetime:
        return self.start + timedelta(seconds=forecast.total_s)

    def as_dict(self) -> dict[str, Any]:
        """For programs: times in ISO 8601, everything else in seconds and numbers."""
        return {
            "in_time": self.in_time,
            "start": self.start.isoformat(timespec="seconds"),
            "due": self.due.isoformat(timespec="seconds"),
            "heard_s": round(self.snapshot.recording_s, 1),
            "cores": self.snapshot.cores,
            **self._forecast_as_dict(self.current),
            "would": self._forecast_as_dict(self.sufficient) if self.sufficient else None,
            "cores_needed": self.cores,
        }

    def _forecast_as_dict(self, forecast: Forecast) -> dict[str, Any]:
        parts = {
            part: {"each_s": round(forecast.each_s[part], 3), "busy_s": round(forecast.busy_s[part], 1)}
            for part in forecast.busy_s
        }
        return {
            "done": self.done_at(forecast).isoformat(timespec="seconds"),
            "took_s": round(forecast.total_s, 1),
            "bottleneck": forecast.bottleneck,
            "workers": dict(forecast.workers),
            "parts": parts,
        }


def print_plan(plan: HomeworkPlan, console: Console) -> None:
    console.print(plan_table(plan))
    console.print(summarize(plan), markup=False)
    measured_s = plan.snapshot.recording_s
    if not 0.5 <= plan.homework.seconds / measured_s <= 2:
        console.print(
            f"The speeds were measured on recordings of {format_duration(measured_s)} on average: "
            "--measure would give a better forecast.",
            markup=False,
        )


def plan_table(plan: HomeworkPlan) -> Table:
    """A row for each model, and one for the cores that they share."""
    right = [Column(name, justify="right") for name in ("workers", "each takes", "ahead", "busy for", "needed")]
    table = Table("", *right, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for stage in MODEL_STAGES:
        needed_count = str(plan.sufficient.workers[stage]) if plan.sufficient else "-"
        ahead = f"{plan.snapshot.models[stage].ahead:.0f}"
        workers = str(plan.current.workers[stage])
        table.add_row(STAGE_NAMES[stage], workers, *load_cells(plan.current, stage, ahead), needed_count)
    if plan.current.busy_s[CORES]:
        needed_count = str(plan.cores) if plan.cores else "-" if plan.sufficient is None else ""
        name = f"all, on {pluralize(plan.snapshot.cores, 'core')}"
        table.add_row(name, "", *load_cells(plan.current, CORES, ""), needed_count)
    return table


def load_cells(forecast: Forecast, part: str, ahead: str) -> tuple[str, str, str]:
    return f"{forecast.each_s[part]:.1f} s", ahead, format_duration(forecast.busy_s[part])


def summarize(plan: HomeworkPlan) -> str:
    """When it will be done, whether that is in time, what the bottleneck is, and what would be in time."""
    current = plan.current
    done_at = plan.done_at(current)
    margin_s = (plan.due - done_at).total_seconds()
    margin = f"{format_duration(margin_s)} before" if plan.in_time else f"{format_duration(-margin_s)} after"
    forecast_sentence = (
        f"{pluralize(plan.homework.recordings, 'recording')} of {format_duration(plan.homework.seconds)} will be done "
        f"at {format_time(done_at, plan.start)}, in {format_duration(current.total_s)}: "
        f"{margin} {format_time(plan.due, plan.start)}."
    )
    bottleneck = (
        "The cores are" if current.bottleneck == CORES else f"{STAGE_NAMES[current.bottleneck].capitalize()} is"
    )
    sentences = [forecast_sentence, f"{bottleneck} the bottleneck."]
    if not plan.in_time:
        sentences.append(suggest_capacity(plan))
    return " ".join(sentences)


def suggest_capacity(plan: HomeworkPlan) -> str:
    """The workers or cores that would be in time."""
    if plan.sufficient:
        workers = format_workers(plan.sufficient.workers)
        return f"With {workers} it would be at {format_time(plan.done_at(plan.sufficient), plan.start)}."
    cores = pluralize(plan.snapshot.cores, "core")
    if plan.cores:
        return f"No number of workers is in time on {cores}; with {plan.cores} cores some would be."
    return f"No number of workers is in time, on {cores} or on more."


def format_workers(workers: Mapping[str, int]) -> str:
    """Numbers of workers as --workers takes them."""
    return ",".join(f"{stage}={count}" for stage, count in workers.items())


def format_duration(seconds: float) -> str:
    """A duration in its two largest units, such as 1 h 2 min; below ten seconds with a decimal."""
    remaining_s = round(seconds)
    if remaining_s < 10:
        return f"{seconds:.1f} s"
    parts = []
    for unit, name in UNITS_S:
        number, remaining_s = divmod(remaining_s, unit)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts[:2])


def format_time(time: datetime, today: datetime) -> str:
    """The time of day; with its date if that is another one than that of `today`."""
    return f"{time:%H:%M}" if time.date() == today.date() else f"{time:%Y-%m-%d %H:%M}"
