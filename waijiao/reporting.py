"""What becomes of answers: they are saved, and told of or printed; a failure ends the command with status 1."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.errors import WaijiaoError
from pipeline.schemas.jobs import Job, Timing
from waijiao.client import Answer, Outcome
from waijiao.client.concurrent import OnItemChange
from waijiao.errors import Unreachable
from waijiao.plainly import FAILED, err, out_console
from waijiao.progress import Bars


@dataclass(frozen=True)
class Places:
    """Where answers are written: one in the file `out`, several in the folder `out`, each by its name."""

    names: Sequence[str]
    out: Path | None
    alone: str = "answer"  # the name of one that is given no place
    suffix: str = "-answer"  # of names that are those of other files

    def save(self, number: int, answer: Answer) -> Path:
        """Write the answer of the name with this number; where it lies now."""
        format_ = answer.job.answer.format if answer.job.answer else ""
        if len(self.names) == 1 and not (self.out and self.out.is_dir()):
            place = self.out or Path(f"{self.alone}.{format_}")
        else:
            place = (self.out or Path()) / f"{self.distinct(number)}{self.suffix}.{format_}"
        place.parent.mkdir(parents=True, exist_ok=True)
        return answer.save(place)

    def distinct(self, number: int) -> str:
        """Two recordings of different folders may have the same name: the second gets a number."""
        name = self.names[number]
        before = Counter(self.names[:number])[name]
        return f"{name}-{before + 1}" if before else name


@dataclass(frozen=True)
class Report:
    """Shows jobs on their way by their names; saves each answer; tells of each outcome, or prints it as JSON."""

    names: Sequence[str]
    places: Places | None = None
    as_json: bool = False
    bars: Console = err

    def of(self, begin: Callable[[OnItemChange], Generator[Outcome[Any], None, None]]) -> None:
        """What `begin` gives, which is told whom to tell of changes. JSON is printed at once, words when all ended."""
        with Bars(self.names, self.bars) as bars, closing(begin(bars.show)) as outcomes:
            kept = [self.keep(number, outcome) for number, outcome in enumerate(outcomes)]
        for outcome, place in kept:
            if not self.as_json:
                tell(outcome, place, out_console)
        if any(outcome.error for outcome, _ in kept):
            sys.exit(FAILED)

    def keep(self, number: int, outcome: Outcome[Any]) -> tuple[Outcome[Any], Path | None]:
        """The outcome without its audio, and where that is saved."""
        if isinstance(outcome.error, Unreachable):
            raise outcome.error
        if self.as_json:
            print(record(outcome), flush=True)
        if outcome.answer is None:
            return outcome, None
        place = self.places.save(number, outcome.answer) if self.places else None
        return replace(outcome, answer=replace(outcome.answer, audio=b"")), place


def record(outcome: Outcome[Any]) -> str:
    """The job as JSON; of a question that was refused, its error in the same form."""
    if outcome.job:
        return shown(outcome.job)
    error = outcome.error
    code = error.code if isinstance(error, WaijiaoError) else "unreadable"
    return json.dumps(
        {"id": None, "state": "failed", "error": {"code": code, "detail": str(error)}}, ensure_ascii=False
    )


def shown(job: Job) -> str:
    return job.model_dump_json(by_alias=True)


def tell(outcome: Outcome[object], place: Path | None, console: Console) -> None:
    """What was heard, corrected and answered, and the seconds each stage took; or what went wrong."""
    if outcome.answer:
        for name, words in lines(outcome.answer, place).items():
            if words:
                console.print(f"{name + ':':<11}{words}", markup=False)
        return
    state = outcome.job.state if outcome.job else "failed"
    code = f" ({outcome.error.code})" if isinstance(outcome.error, WaijiaoError) else ""
    console.print(f"{state}: {outcome.error}{code}", style="red", markup=False)


def lines(answer: Answer, place: Path | None) -> dict[str, str | None]:
    """What is told of an answer, each in a line of its own."""
    job = answer.job
    sound = f"{job.answer.duration_s:.1f} s of {job.answer.format}" if job.answer else ""
    return {
        "heard": answer.heard,
        "typed": job.question.text,
        "corrected": answer.corrected,
        "answer": answer.text,
        "seconds": ", ".join(f"{stage} {seconds(timing)}" for stage, timing in job.timings.items()),
        "saved": f"{place} ({sound})" if place else None,
    }


def seconds(timing: Timing) -> str:
    return f"{timing.ran_s or 0:.2f} (waited {timing.waited_s or 0:.2f})"
