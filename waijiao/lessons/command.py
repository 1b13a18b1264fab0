"""The `waijiao lesson` command: recordings of lessons to the teacher; transcripts and summaries into folders."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from pipeline.errors import WaijiaoError
from pipeline.schemas.lessons import LessonView
from waijiao.client import Client
from waijiao.client.base import FINAL_STATES
from waijiao.errors import Unreachable
from waijiao.lessons.bar import LessonBar
from waijiao.lessons.files import figures, save
from waijiao.plainly import FAILED, err, out_console, said_plainly, the_url

A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("recording", metavar="[FILE]...", nargs=-1, type=A_FILE)
@click.option("--id", "ids", metavar="ID", multiple=True, help="A lesson that was left before; may be repeated.")
@click.option("--title", help="What the lesson is called.  [default: the file's name]")
@click.option(
    "--learner", type=click.Choice(["left", "right"]), help="The learner's channel, where the others have another one."
)
@click.option("--class", "class_name", metavar="NAME", help="The class; classes take turns on a busy server.")
@click.option("--persona", help="Which teacher answers.")
@click.option("--language", help="What is spoken, as an ISO 639-1 code; detected for each turn when not given.")
@click.option("--hint", help="Words that may be heard, such as names or the lesson's vocabulary.")
@click.option("--voice", help="Voice of the summary.")
@click.option("--format", help="Of the spoken summary: wav, mp3, ogg, opus, flac, aac or pcm.  [default: wav]")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for what the lesson came to.")
@click.option("--later", is_flag=True, help="Leave them, print the lessons' ids, and end: --id waits for them.")
@click.option("--json", "as_json", is_flag=True, help="Print each lesson as a line of JSON when it has ended.")
@the_url
@said_plainly
def lesson(
    recording: tuple[Path, ...],
    ids: tuple[str, ...],
    out: Path | None,
    later: bool,
    as_json: bool,
    url: str | None,
    **fields: Any,
) -> None:
    """Have recordings of lessons listened to, of minutes or of hours; of videos, what is heard in them.

    Each is cut at its silences, turn by turn written down and corrected, and summed up. Of FILE the folder FILE-lesson,
    or --out, then has the transcript (txt, srt, vtt, json), the summary (txt and sound) and a page of both. Ctrl-C does
    not stop the lesson: --id takes it up again. Ends with status 1 when any of them fails.
    """
    if not recording and not ids:
        raise click.UsageError("Give at least one recording, or --id.")
    work = Work(out, later, as_json, many=len(recording) + len(ids) > 1)
    with Client(url) as client, LessonBar(err) as bar:
        given: list[Path | str] = [*recording, *ids]
        good = [work.of(client, bar, each, fields) for each in given]
    if not all(good):
        sys.exit(FAILED)


class Work:
    """What is done with each lesson. In the folder `out` each of `many` has one of its own."""

    def __init__(self, out: Path | None, later: bool, as_json: bool, many: bool) -> None:
        self.out, self.later, self.as_json, self.many = out, later, as_json, many
        self.named: Counter[str] = Counter()

    def of(self, client: Client, bar: LessonBar, given: Path | str, fields: dict[str, Any]) -> bool:
        """Whether it went well; one that fails stops no other."""
        name = given if isinstance(given, str) else given.name
        bar.begin(name)
        try:
            seen = client.lesson(given) if isinstance(given, str) else sent(client, bar, given, fields)
            bar.show(seen)
            if self.later:
                print(seen.model_dump_json(by_alias=True) if self.as_json else seen.id, flush=True)
                return True
            return self.ended(client, followed(client, bar, seen), self.folder(given))
        except Unreachable:
            raise
        except WaijiaoError as error:
            err.print(f"{name}: {error} ({error.code})", style="red", markup=False)
            return False

    def folder(self, given: Path | str) -> Path:
        """Where it is saved; of two recordings with the same name the second one gets a number."""
        own = f"{given if isinstance(given, str) else given.stem}-lesson"
        self.named[own] += 1
        if self.named[own] > 1:
            own = f"{own}-{self.named[own]}"
        return (self.out or Path()) / own if self.many or not self.out else self.out

    def ended(self, client: Client, lesson: LessonView, folder: Path) -> bool:
        """Save what there is of it, of a lesson that failed too, and tell."""
        heard = any(turn.text for turn in lesson.turns)
        if heard:
            save(client, lesson, folder)
        if self.as_json:
            print(lesson.model_dump_json(by_alias=True), flush=True)
        else:
            tell(lesson, folder if heard else None)
        return lesson.state == "succeeded"


def sent(client: Client, bar: LessonBar, path: Path, fields: dict[str, Any]) -> LessonView:
    with bar.sending(path) as file:
        return client.submit_lesson(file, file=path.name, **fields)


def followed(client: Client, bar: LessonBar, lesson: LessonView) -> LessonView:
    """The lesson as it ended."""
    changes = client.lesson_progress(lesson) if lesson.state not in FINAL_STATES else ()
    for seen in changes:
        bar.show(seen)
        lesson = seen
    return lesson


def tell(lesson: LessonView, folder: Path | None) -> None:
    """What the lesson came to in a few lines, and where the rest is."""
    if lesson.error:
        err.print(f"{lesson.state}: {lesson.error.detail} ({lesson.error.code})", style="red", markup=False)
    lines = {
        "lesson": f"{lesson.title or lesson.id}: {figures(lesson)}" if folder else "",
        "summary": lesson.summary.text,
        "practise": " · ".join(lesson.summary.practice),
        "saved": str(folder) if folder else "",
    }
    for name, words in lines.items():
        if words:
            out_console.print(f"{name + ':':<11}{words}", markup=False)
    for each in lesson.failed:
        out_console.print(f"{'failed:':<11}turn {each.number} ({each.code})", markup=False)
