"""The `waijiao lesson` command: sends recordings of lessons, saves their transcripts and summaries into folders."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Literal, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.errors import WaijiaoError
from pipeline.schemas.lessons import LessonMistake, LessonView
from pipeline.text.enumeration import pluralize
from pipeline.timestamps import format_elapsed
from waijiao.cli.console import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    handle_errors,
    print_error,
    stderr,
    stdout,
    url_option,
)
from waijiao.cli.verdicts import VERDICT_LABELS
from waijiao.client import Client
from waijiao.client.base import FINAL_STATES
from waijiao.client.fields import LessonFields, TranscriptFormat
from waijiao.errors import Unreachable

INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MAX_SUMMARY_ITEMS = 20  # mistakes, and unclear words, in summary.txt
TRANSCRIPT_FORMATS: tuple[TranscriptFormat, ...] = ("txt", "srt", "vtt", "json")


@click.command()
@click.argument("recordings", metavar="[FILE]...", nargs=-1, type=INPUT_FILE)
@click.option("--id", "ids", metavar="ID", multiple=True, help="A lesson that was sent before; may be repeated.")
@click.option("--title", help="What the lesson is called.  [default: the file's name]")
@click.option(
    "--learner", type=click.Choice(["left", "right"]), help="The learner's channel, if the others are on another one."
)
@click.option("--class", "class_name", metavar="NAME", help="The class; classes take turns on a busy server.")
@click.option("--persona", help="Which teacher answers.")
@click.option("--language", help="The language, as an ISO 639-1 code; detected for each turn if not given.")
@click.option("--hint", help="Words that may occur in it, such as names or the lesson's vocabulary.")
@click.option("--voice", help="Voice of the summary.")
@click.option(
    "--format", "format_", help="Of the spoken summary: wav, mp3, ogg, opus, flac, aac or pcm.  [default: wav]"
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the transcript and summary.")
@click.option("--later", is_flag=True, help="Send them, print the lessons' ids, and end: --id waits for them.")
@click.option("--json", "as_json", is_flag=True, help="Print each lesson as a line of JSON when it has ended.")
@url_option
@handle_errors
def lesson(
    recordings: tuple[Path, ...],
    ids: tuple[str, ...],
    title: str | None,
    learner: Literal["left", "right"] | None,
    class_name: str | None,
    persona: str | None,
    language: str | None,
    hint: str | None,
    voice: str | None,
    format_: str | None,
    out: Path | None,
    later: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Have recordings of lessons transcribed and corrected, of minutes or of hours; videos, too.

    Each is split into turns at its silences; each turn is transcribed and corrected, and the lesson is summarised. The
    transcript (txt, srt, vtt, json), the summary (text and audio) and a page with both are saved in the folder
    FILE-lesson, or --out. Ctrl-C does not stop the lesson: --id waits for it again. Ends with status 1 when any of
    them fails.
    """
    if not recordings and not ids:
        raise click.UsageError("Give at least one recording, or --id.")
    fields: LessonFields = {
        "title": title,
        "learner": learner,
        "class_name": class_name,
        "persona": persona,
        "language": language,
        "hint": hint,
        "voice": voice,
        "format": format_,
    }
    lessons: list[Path | str] = [*recordings, *ids]
    with Client(url) as client, LessonProgress(stderr) as progress:
        output = LessonOutput(client, out, as_json, is_single=len(lessons) == 1)
        successes = [follow_lesson(client, progress, output, each, fields, later) for each in lessons]
    if not all(successes):
        sys.exit(EXIT_FAILED)


class LessonProgress:
    """A progress bar for each lesson, for the upload and then for its turns; lines where there is no terminal.

    Use it as a context.
    """

    def __init__(self, console: Console) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn()
        self.progress = Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())
        self.last_line = ""

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def add_lesson(self, name: str) -> None:
        """Start a new bar; uploads and updates are shown there from now on."""
        self.name, self.last_line = name, ""
        self.bar = self.progress.add_task(name, total=None, state="")

    def hide(self) -> None:
        """Remove the bar: a lesson that is not accepted makes no progress."""
        self.progress.update(self.bar, visible=False)

    def open_upload(self, path: Path) -> AbstractContextManager[BinaryIO]:
        """The file, open for reading; the bytes that are read are shown as sent."""
        self.progress.update(self.bar, total=path.stat().st_size, state="sending")
        return self.progress.open(path, "rb", task_id=self.bar)

    def update(self, lesson: LessonView) -> None:
        """Show the lesson's state, and how many of its turns are done."""
        counts = lesson.progress
        state = lesson.state
        total = max(counts.turns, 1) if lesson.duration_s is not None else None  # before it is split, it is unknown
        self.progress.update(self.bar, total=total, completed=counts.done, state=f"{state}{describe_progress(lesson)}")
        if lesson.state in FINAL_STATES:
            self.progress.update(self.bar, total=1, completed=1)
            self.progress.stop_task(self.bar)
        line = f"{self.name}: {state}" + (f", {pluralize(counts.turns, 'turn')}" if state == "listening" else "")
        if line != self.last_line and not self.progress.console.is_terminal:
            self.progress.console.print(line, markup=False)
        self.last_line = line


def describe_progress(lesson: LessonView) -> str:
    """How many turns are done, and how long the rest will take, as far as it is known."""
    counts = lesson.progress
    turns = f"{counts.done} of {pluralize(counts.turns, 'turn')}" if counts.turns else ""
    remaining = f"about {format_remaining(counts.eta_seconds)} to go" if counts.eta_seconds else ""
    return "".join(f", {each}" for each in (turns, remaining) if each)


def format_remaining(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class LessonOutput:
    """Prints and saves lessons that have ended: a single one in the folder `out`, several each in a folder of its own
    inside of it.
    """

    def __init__(self, client: Client, out: Path | None, as_json: bool, is_single: bool) -> None:
        self.client = client
        self.out = out
        self.as_json = as_json
        self.is_single = is_single
        self.used_names: Counter[str] = Counter()

    def print_accepted(self, lesson: LessonView) -> None:
        print(lesson.model_dump_json(by_alias=True) if self.as_json else lesson.id, flush=True)

    def finish(self, lesson: LessonView, stem: str) -> None:
        """Save what there is, also of a lesson that failed, and print a summary. `stem`: the recording's name."""
        folder = self.folder(stem)
        has_transcript = any(turn.text for turn in lesson.turns)
        if has_transcript:
            save_lesson(self.client, lesson, folder)
        if self.as_json:
            print(lesson.model_dump_json(by_alias=True), flush=True)
        else:
            print_lesson(lesson, folder if has_transcript else None)

    def folder(self, stem: str) -> Path:
        """Where to save the lesson; of two recordings with the same name the second one gets a number."""
        name = f"{stem}-lesson"
        self.used_names[name] += 1
        if self.used_names[name] > 1:
            name = f"{name}-{self.used_names[name]}"
        return self.out if self.out and self.is_single else (self.out or Path()) / name


def follow_lesson(
    client: Client,
    progress: LessonProgress,
    output: LessonOutput,
    source: Path | str,
    fields: LessonFields,
    later: bool,
) -> bool:
    """Send a recording, or take the lesson with this id, and wait for it unless `later`; returns whether it succeeded.

    A lesson that fails does not stop the others. Raises Unreachable.
    """
    name = source if isinstance(source, str) else source.name
    progress.add_lesson(name)
    lesson: LessonView | None = None
    try:
        if isinstance(source, str):
            lesson = client.lesson(source)
        else:
            with progress.open_upload(source) as file:
                lesson = client.submit_lesson(file, file=source.name, **fields)
        progress.update(lesson)
        if later:
            output.print_accepted(lesson)
            return True
        changes = client.lesson_progress(lesson) if lesson.state not in FINAL_STATES else ()
        for lesson in changes:
            progress.update(lesson)
        output.finish(lesson, source if isinstance(source, str) else source.stem)
    except KeyboardInterrupt:
        progress.hide()
        if lesson:
            stderr.print(f"Interrupted. The server goes on; to wait again: waijiao lesson --id {lesson.id}")
        sys.exit(EXIT_INTERRUPTED)
    except WaijiaoError as error:
        progress.hide()
        if isinstance(error, Unreachable):
            raise
        print_error(f"{name}: {error} ({error.code})")
        return False
    return lesson.state == "succeeded"


def print_lesson(lesson: LessonView, folder: Path | None) -> None:
    """Print the lesson's summary in a few lines, and the folder where the rest is."""
    if lesson.error:
        print_error(f"{lesson.state}: {lesson.error.detail} ({lesson.error.code})")
    lines = {
        "concern": format_concerns(lesson),
        "lesson": f"{lesson.title or lesson.id}: {format_figures(lesson)}" if folder else "",
        "verdicts": format_verdicts(lesson) if folder else "",
        "summary": lesson.summary.text,
        "practise": " · ".join(lesson.summary.practice),
        "saved": str(folder) if folder else "",
    }
    for label, text in lines.items():
        if text:
            stdout.print(f"{label + ':':<11}{text}", markup=False)
    for turn in lesson.failed:
        stdout.print(f"{'failed:':<11}turn {turn.number} ({turn.code})", markup=False)


def save_lesson(client: Client, lesson: LessonView, folder: Path) -> None:
    """Write transcript.txt, .srt, .vtt and .json, report.html, summary.txt, and the spoken summary if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    for format_ in TRANSCRIPT_FORMATS:
        text = client.lesson_transcript(lesson, format_)
        folder.joinpath(f"transcript.{format_}").write_text(text, encoding="utf-8", newline="")
    folder.joinpath("report.html").write_text(client.lesson_report(lesson), encoding="utf-8", newline="")
    folder.joinpath("summary.txt").write_text("\n".join(summary_lines(lesson)) + "\n", encoding="utf-8")
    if lesson.summary.audio:
        job = client.job(lesson.id)
        extension = job.answer.format if job.answer else "wav"
        folder.joinpath(f"summary.{extension}").write_bytes(client.lesson_summary(lesson))


def summary_lines(lesson: LessonView) -> Iterator[str]:
    """The lines of summary.txt."""
    summary = lesson.summary
    yield from filter(None, (format_concerns(lesson), lesson.title, summary.text))
    yield f"\n{format_figures(lesson)}"
    yield from filter(None, (format_verdicts(lesson),))
    if summary.mistakes:
        yield "\nMistakes"
        yield from map(format_mistake, summary.mistakes[:MAX_SUMMARY_ITEMS])
    if summary.unclear:
        yield "\nHard to understand"
        yield from (
            f"- {each.word}: {each.unclear} of {pluralize(each.said, 'time')}"
            for each in summary.unclear[:MAX_SUMMARY_ITEMS]
        )
    if summary.practice:
        yield "\nTo practise"
        yield from (f"- {each}" for each in summary.practice)
    if lesson.failed:
        yield "\nTurns that failed"
        yield from (
            f"- {each.number}, from {format_elapsed(each.start)} to {format_elapsed(each.end)}: {each.code}"
            for each in lesson.failed
        )


def format_figures(lesson: LessonView) -> str:
    """The lesson in numbers."""
    counts = lesson.progress
    corrections = sum(mistake.count for mistake in lesson.summary.mistakes)
    words = f"{pluralize(lesson.summary.words, 'word')} of the learner's"
    per_100 = lesson.summary.corrections_per_100
    rate = "" if per_100 is None else f" ({per_100:.1f} per 100 checked words)"
    numbers = f"{pluralize(counts.turns, 'turn')}, {words}, {pluralize(corrections, 'correction')}{rate}"
    failures = f", {counts.failed} failed" if counts.failed else ""
    return f"{format_elapsed(lesson.duration_s or 0)}, {numbers}{failures}"


def format_verdicts(lesson: LessonView) -> str:
    """How many of the learner's turns have each verdict; "" where none has one."""
    verdicts = lesson.summary.verdicts.items()
    return ", ".join(f"{VERDICT_LABELS[verdict].lower()}: {count}" for verdict, count in verdicts if count)


def format_concerns(lesson: LessonView) -> str:
    """The turns in which the learner may be in danger; "" where there are none."""
    starts = {turn.number: format_elapsed(turn.start) for turn in lesson.turns}
    turns = [f"turn {number} at {starts.get(number, '?')}" for number in lesson.summary.needs_an_adult]
    return f"{VERDICT_LABELS['needs_an_adult']}: {', '.join(turns)}" if turns else ""


def format_mistake(mistake: LessonMistake) -> str:
    """One mistake, why it is one, and the first sentence in which it was made."""
    if not mistake.to:
        advice = f'leave out "{mistake.from_}"'
    elif mistake.from_:
        advice = f'say "{mistake.to}" instead of "{mistake.from_}"'
    else:
        advice = f'add "{mistake.to}"'
    example = f" – {mistake.examples[0].corrected}" if mistake.examples else ""
    kind = f" ({mistake.kind})" if mistake.kind else ""
    reason = f": {mistake.explanations['en']}" if mistake.explanations.get("en") else ""
    return f"- {mistake.count} x {advice}{kind}{reason}{example}"
