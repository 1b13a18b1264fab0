"""Shows lessons on their way: how much is sent, then how many turns were heard; lines where there is no terminal."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.schemas.lessons import LessonView
from waijiao.client.base import FINAL_STATES


class LessonBar:
    """A bar for one lesson after the other; use it as a context."""

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn()
        self.progress = Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())
        self.said = ""

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, name: str) -> None:
        """The bar is that of another lesson from now on."""
        self.name, self.said = name, ""
        self.bar = self.progress.add_task(name, total=None, state="")

    def sending(self, path: Path) -> AbstractContextManager[BinaryIO]:
        """The file, open for reading; what is read of it is shown as sent."""
        self.progress.update(self.bar, total=path.stat().st_size, state="sending")
        return self.progress.open(path, "rb", task_id=self.bar)

    def show(self, lesson: LessonView) -> None:
        count = lesson.progress
        state = "waits" if lesson.state == "queued" else lesson.state
        total = max(count.turns, 1) if lesson.duration_s is not None else None  # not cut yet: nobody knows how many
        self.progress.update(self.bar, total=total, completed=count.done, state=f"{state}{going(lesson)}")
        if lesson.state in FINAL_STATES:
            self.progress.update(self.bar, total=1, completed=1)
            self.progress.stop_task(self.bar)
        said = f"{self.name}: {state}" + (f", {count.turns} turns" if lesson.state == "listening" else "")
        if said != self.said and not self.progress.console.is_terminal:
            self.progress.console.print(said, markup=False)
        self.said = said


def going(lesson: LessonView) -> str:
    """How many turns are done, and how long the rest will take, as far as anybody knows."""
    count = lesson.progress
    turns = f"{count.done} of {count.turns} turns" if count.turns else ""
    left = f"about {lasting(count.eta_seconds)} to go" if count.eta_seconds else ""
    return "".join(f", {each}" for each in (turns, left) if each)


def lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
