"""Shows jobs while they run, saves their answers, and prints the result of each as text or JSON."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job, PlanDay, StudyPlan, Timing
from pipeline.text.enumeration import pluralize
from pipeline.timestamps import format_intervals
from waijiao.cli.console import EXIT_FAILED, EXIT_INTERRUPTED, stderr, stdout
from waijiao.cli.verdicts import describe_edits, describe_verdict
from waijiao.client.base import FINAL_STATES
from waijiao.client.concurrent import OnItemChange
from waijiao.client.results import Answer, Outcome
from waijiao.errors import Unreachable

STEP_BY_STATE = {"queued": 0, "transcribing": 1, "thinking": 2, "speaking": 3}
FULL_BAR_STEPS = 4  # of a bar that is full
MAX_BARS = 10  # bars that stay on the screen; with more jobs than that, only those that are running are shown


class JobProgress:
    """A progress bar for each job; a line for each change where there is no terminal. Use it as a context."""

    def __init__(self, names: Sequence[str], console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn()
        self.progress = Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())
        self.keep_all = len(names) <= MAX_BARS
        self.names = names
        self.states = ["" for _ in names]
        self.running_ids: dict[int, str] = {}  # of jobs that are accepted and have not ended, by number
        self.bars = [self._add_bar(name) for name in names]
        self.total = None if self.keep_all else self.progress.add_task("ended", total=len(names), state="")

    def _add_bar(self, name: str) -> TaskID:
        return self.progress.add_task(name, start=False, total=FULL_BAR_STEPS, state="sending", visible=self.keep_all)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        for bar, state in zip(self.bars, self.states, strict=True):
            if not state:  # it was refused: a bar would look like progress
                self.progress.update(bar, visible=False)
        self.progress.stop()

    def update(self, number: int, job: Job) -> None:
        """Show the new state of the job whose name is `names[number]`."""
        bar, has_ended = self.bars[number], job.state in FINAL_STATES
        if not self.states[number]:
            self.progress.start_task(bar)
        if has_ended:
            self.running_ids.pop(number, None)
        else:
            self.running_ids[number] = job.id
        step = STEP_BY_STATE.get(job.state, FULL_BAR_STEPS)
        self.progress.update(bar, completed=step, state=describe_state(job), visible=self.keep_all or not has_ended)
        if job.state == self.states[number]:
            return
        self.states[number] = job.state
        if not self.progress.console.is_terminal:
            self.progress.console.print(f"{self.names[number]}: {job.state}", markup=False)
        if has_ended and self.total is not None:
            self.progress.advance(self.total)


@dataclass(frozen=True)
class AnswerFiles:
    """Where answers are saved: a single one in the file `out`, several in the folder `out`, each under its name."""

    names: Sequence[str]
    out: Path | None
    default_stem: str = "answer"  # of a single answer, if `out` is not given
    suffix: str = "-answer"  # is added to names that are those of the recordings

    def save(self, number: int, answer: Answer) -> Path:
        """Write the answer to the job whose name is `names[number]`; returns the path."""
        format_ = answer.job.answer.format if answer.job.answer else ""
        if len(self.names) == 1 and not (self.out and self.out.is_dir()):
            path = self.out or Path(f"{self.default_stem}.{format_}")
        else:
            path = (self.out or Path()) / f"{self.unique_name(number)}{self.suffix}.{format_}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if answer.card is not None:
            answer.save_card(card_path(path))
        return answer.save(path)

    def unique_name(self, number: int) -> str:
        """Recordings in different folders may have the same name: the second one gets a number."""
        name = self.names[number]
        earlier = Counter(self.names[:number])[name]
        return f"{name}-{earlier + 1}" if earlier else name


@dataclass(frozen=True)
class JobReport:
    """Follows jobs until they have ended: shows their progress, saves their answers, prints their outcomes.

    Without `files` no answer is saved. Progress goes to `console`, outcomes to stdout. `jobs_go_on`: the server goes
    on with the jobs when the command is interrupted.
    """

    names: Sequence[str]
    files: AnswerFiles | None = None
    as_json: bool = False
    console: Console = stderr
    jobs_go_on: bool = True

    def follow(self, start: Callable[[OnItemChange], Generator[Outcome[Any], None, None]]) -> None:
        """Report the outcomes that `start` yields; it is called with a function to call at each change of a job.

        JSON is printed when a job ends, text when all have ended. Ends the command with status 1 if a job failed, and
        with 130 at Ctrl-C, after naming the jobs that go on.
        """
        progress = JobProgress(self.names, self.console)
        try:
            with progress, closing(start(progress.update)) as outcomes:
                saved_outcomes = [self._save(number, outcome) for number, outcome in enumerate(outcomes)]
        except KeyboardInterrupt:
            if self.jobs_go_on and progress.running_ids:
                ids = " ".join(progress.running_ids.values())
                stderr.print(f"Interrupted. The server goes on with these jobs; to wait again: waijiao watch {ids}")
            sys.exit(EXIT_INTERRUPTED)
        if not self.as_json:
            for outcome, path in saved_outcomes:
                print_outcome(outcome, path, stdout)
        if any(outcome.error for outcome, _ in saved_outcomes):
            sys.exit(EXIT_FAILED)

    def _save(self, number: int, outcome: Outcome[Any]) -> tuple[Outcome[Any], Path | None]:
        """The outcome without its audio, which would fill the memory, and the path where the audio was saved."""
        if isinstance(outcome.error, Unreachable):
            raise outcome.error
        if self.as_json:
            print(outcome_as_json(outcome), flush=True)
        if outcome.answer is None:
            return outcome, None
        path = self.files.save(number, outcome.answer) if self.files else None
        return replace(outcome, answer=replace(outcome.answer, audio=b"", card=None)), path


def card_path(path: Path) -> Path:
    """Where the lesson card of an answer is saved: next to the answer, whose path is given."""
    return path.with_name(f"{path.stem}-card{path.suffix}")


def describe_card(job: Job, path: Path | None) -> str:
    """Where the lesson card was saved, or why there is none; "" where none was asked for."""
    if job.card is None:
        return ""
    if job.card.missing:
        return f"none ({job.card.missing})"
    length = f"{job.card.duration_s:.1f} s, {pluralize(len(job.card.chapters), 'chapter')}"
    return f"{card_path(path)} ({length})" if path else length


def describe_plan(plan: StudyPlan | None) -> list[str]:
    """A line for each day of a study plan, in the language of the request."""
    return [describe_day(day, plan.asked_in) for day in plan.days] if plan else []


def describe_day(day: PlanDay, language: str) -> str:
    """Such as `day 1, 10 minutes: Say what you did yesterday. (I go home. → I went home.) Tell me …`"""
    example = f"({day.example.heard} → {day.example.better})" if day.example else ""
    task = " ".join(filter(None, (day.task[language], example, day.prompt)))
    return f"day {day.number}, {pluralize(day.minutes, 'minute')}: {task}"


def describe_state(job: Job) -> str:
    """The job's state, its position in the queue, and the time it will take, as far as they are known."""
    position = f"number {job.queue_position} in line" if job.queue_position else ""
    remaining = f"about {job.eta_seconds:.0f} s to go" if job.eta_seconds else ""
    return ", ".join(filter(None, (job.state, position, remaining)))


def job_as_json(job: Job) -> str:
    return job.model_dump_json(by_alias=True)


def outcome_as_json(outcome: Outcome[Any]) -> str:
    """The job; for a request that was refused, its error in the same form."""
    if outcome.job:
        return job_as_json(outcome.job)
    error = outcome.error
    code = error.code if isinstance(error, WaijiaoError) else "unreadable"
    record = {"id": None, "state": "failed", "error": {"code": code, "detail": str(error)}}
    return json.dumps(record, ensure_ascii=False)


def print_outcome(outcome: Outcome[object], path: Path | None, console: Console) -> None:
    """Print what was heard, the verdict, the corrections, the answer and the seconds of each stage; or the error."""
    if outcome.answer:
        for label, text in answer_lines(outcome.answer, path):
            if text:
                console.print(f"{label + ':':<11}{text}", markup=False)
        return
    state = outcome.job.state if outcome.job else "failed"
    code = f" ({outcome.error.code})" if isinstance(outcome.error, WaijiaoError) else ""
    console.print(f"{state}: {outcome.error}{code}", style="red", markup=False)


def answer_lines(answer: Answer, path: Path | None) -> list[tuple[str, str | None]]:
    """The lines that are printed for an answer, each a label and a text; none for a label without a text."""
    job, feedback = answer.job, answer.job.feedback
    audio = f"{job.answer.duration_s:.1f} s of {job.answer.format}" if job.answer else ""
    return [
        ("heard", answer.heard),
        ("gaps", format_intervals(job.transcript.gaps) if job.transcript else None),
        ("typed", job.question.text),
        ("said", job.question.said),
        ("verdict", describe_verdict(feedback) if feedback else None),
        ("corrected", answer.corrected if feedback and feedback.verdict != "needs_an_adult" else None),
        *(("edit", line) for line in (describe_edits(feedback) if feedback else [])),
        ("answer", answer.text),
        *(("plan", line) for line in describe_plan(answer.plan)),
        ("seconds", ", ".join(f"{stage} {format_timing(timing)}" for stage, timing in job.timings.items())),
        ("saved", f"{path} ({audio})" if path else None),
        ("card", describe_card(job, path)),
    ]


def format_timing(timing: Timing) -> str:
    return f"{timing.ran_s or 0:.2f} (waited {timing.waited_s or 0:.2f})"
