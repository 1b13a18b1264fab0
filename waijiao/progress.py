"""Shows jobs on their way, and tells what came of them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from waijiao.asking import Job, Refused, Server

STEPS = {"queued": 0, "transcribing": 1, "thinking": 2, "speaking": 3}
AT_ONCE = 4  # recordings on their way at the same time; a session's order is the order of sending


def follow(
    server: Server,
    audio: Sequence[Path | None],
    fields: dict[str, str],
    places: Sequence[Path],
    console: Console,
) -> Iterator[tuple[Job, Path]]:
    """Send everything, watch it with a bar each, save the answers; the ended jobs in the order of `audio`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars, ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = []
        for each, place in zip(audio, places, strict=True):
            bar = bars.add_task(each.name if each else "text", total=4, state="sending")
            job = sent(server, each, fields)
            waiting.append((pool.submit(finish, server, job, place, bars, bar), place))
        ended = [(job.result(), place) for job, place in waiting]
    yield from ended


def sent(server: Server, audio: Path | None, fields: dict[str, str]) -> Job:
    """The accepted job; one that the server refused is a failed job, so that the others go on."""
    try:
        return server.submit(audio, fields)
    except Refused as error:
        return {"id": None, "state": "failed", "error": {"code": error.refusal, "detail": error.detail}}


def finish(server: Server, job: Job, place: Path, bars: Progress, bar: TaskID) -> Job:
    last = ""

    def report(seen: Job) -> None:
        nonlocal last
        bars.update(bar, completed=STEPS.get(seen["state"], 4), state=seen["state"])
        if seen["state"] != last and not bars.console.is_terminal:  # a log has no bars: a line for each change
            bars.console.print(f"{bars.tasks[bar].description}: {seen['state']}", markup=False)
        last = seen["state"]

    report(job)
    ended = server.wait(job, report)
    if ended["state"] == "succeeded":
        server.save(ended, place)
    return ended


def tell(job: Job, place: Path, console: Console) -> None:
    """What was heard, corrected and answered, and the seconds each stage took; or what went wrong."""
    if job["state"] != "succeeded":
        error = job["error"]
        console.print(f"{job['state']}: {error['detail']} ({error['code']})", style="red", markup=False)
        return
    feedback, heard = job["feedback"], job["transcript"]
    lines = {
        "heard": heard["text"] if heard else None,
        "typed": job["question"]["text"],
        "corrected": feedback["corrected"],
        "answer": job["answer"]["text"],
        "seconds": ", ".join(f"{stage} {seconds(timing)}" for stage, timing in job["timings"].items()),
        "saved": f"{place} ({job['answer']['duration_s']:.1f} s of {job['answer']['format']})",
    }
    for name, words in lines.items():
        if words:
            console.print(f"{name + ':':<11}{words}", markup=False)


def seconds(timing: dict[str, float]) -> str:
    return f"{timing['ran_s']:.2f} (waited {timing['waited_s']:.2f})"
