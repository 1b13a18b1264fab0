"""Shows jobs on their way: a bar for each, or lines where there is no terminal."""

import sys
from collections.abc import Sequence
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipeline.schemas.jobs import Job
from waijiao.client.base import FINAL_STATES

STEPS = {"queued": 0, "transcribing": 1, "thinking": 2, "speaking": 3}
ROWS = 10  # bars that are shown for good; of more than that, only those whose jobs are on their way


class Bars:
    """A bar for each job; where there is no terminal, a line for each change. `show` is told which one changed."""

    def __init__(self, names: Sequence[str], console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn()
        self.progress = Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())
        self.few = len(names) <= ROWS
        self.names = names
        self.states = ["" for _ in names]
        self.bars = [self.bar(name) for name in names]
        self.ended = None if self.few else self.progress.add_task("ended", total=len(names), state="")

    def bar(self, name: str) -> TaskID:
        return self.progress.add_task(name, start=False, total=4, state="sending", visible=self.few)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def show(self, number: int, job: Job) -> None:
        """The job of the bar with this number has changed."""
        bar, over = self.bars[number], job.state in FINAL_STATES
        if not self.states[number]:
            self.progress.start_task(bar)
        self.progress.update(bar, completed=STEPS.get(job.state, 4), state=going(job), visible=self.few or not over)
        if job.state == self.states[number]:
            return
        self.states[number] = job.state
        if not self.progress.console.is_terminal:
            self.progress.console.print(f"{self.names[number]}: {job.state}", markup=False)
        if over and self.ended is not None:
            self.progress.advance(self.ended)


def going(job: Job) -> str:
    """The job's state; its place among those that wait, and how long it will take, as far as anybody knows."""
    place = f"number {job.queue_position} in line" if job.queue_position else ""
    left = f"about {job.eta_seconds:.0f} s to go" if job.eta_seconds else ""
    return ", ".join(filter(None, (job.state, place, left)))
