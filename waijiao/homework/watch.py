"""`waijiao homework watch`: what is put into a folder is handed in, until Ctrl-C."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

from pipeline.errors import WaijiaoError
from waijiao.client import Client
from waijiao.client.concurrent import DEFAULT_AT_ONCE
from waijiao.homework.choosing import Chosen, chosen, from_which, with_roster
from waijiao.homework.handing_in import FULL, HandingIn, Result, sorted_out
from waijiao.homework.recordings import Stamp, gathered
from waijiao.plainly import err, out_console, said_plainly, the_url

EVERY_S = 2.0  # seconds between two looks: a file that is the same in both has stopped growing
PATIENCE_S = 5.0  # seconds until it is told that no server answers
a_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass
class Watching:
    """What is known of a folder: each file as it was at the last look, when it was handed in, and when told of."""

    client: Client
    assignment: Chosen
    folder: Path
    is_set: bool = False
    seen: dict[str, Stamp] = field(default_factory=dict)
    done: dict[str, Stamp] = field(default_factory=dict)
    told: dict[str, tuple[Stamp, str]] = field(default_factory=dict)

    def look(self) -> Iterator[Result]:
        """What became of each file that is new, or another one than before."""
        with gathered([self.folder], self.assignment.files) as found:
            settled = [each for each in found if self.seen.get(each.name) == each.stamp]
            self.seen = {each.name: each.stamp for each in found}
            if not self.is_set:
                self.assignment.set(self.client)
                self.is_set = True
            new = [each for each in settled if self.done.get(each.name) != each.stamp]
            if not new:
                return
            view = self.client.assignment(self.assignment.id)
            files = sorted_out(settled, self.assignment.students(view))
            fresh = {each.name for each in new}
            owned = [(each, student) for each, student in files.owned if each.name in fresh]
            yield from (each for each in files.refused if each.file in fresh and self.is_news(each))
            for result in HandingIn(self.client, view.id, view.submissions, patience_s=0).all(owned, DEFAULT_AT_ONCE):
                if result.code not in FULL:
                    self.done[result.file] = self.seen[result.file]
                if self.is_news(result):
                    yield result

    def is_news(self, result: Result) -> bool:
        now = self.seen[result.file], result.code
        before, self.told[result.file] = self.told.get(result.file), now
        return before != now


@click.command()
@click.argument("folder", type=a_folder)
@from_which
@with_roster
@the_url
@said_plainly
def watch(folder: Path, which: str, roster: Path | None, url: str | None) -> None:
    """Hand in what is put into a folder, until Ctrl-C.

    A recording is sent when it has stopped growing; one that was sent, only when it becomes another one. Whose it is,
    is told as by `waijiao homework submit`. A server that does not answer is waited for.
    """
    with suppress(KeyboardInterrupt), Client(url, patience_s=PATIENCE_S) as client:
        watching, away = Watching(client, chosen(which, roster), folder), False
        err.print(f"watching {folder}; Ctrl-C ends it", markup=False)
        while True:
            try:
                for result in watching.look():
                    tell(result)
                if away:
                    err.print("the server answers again")
                away = False
            except WaijiaoError as error:
                if not error.retryable:
                    raise
                if not away:
                    err.print(f"{error} It is tried again until it answers.", style="red", markup=False)
                away = True
            time.sleep(EVERY_S)


def tell(result: Result) -> None:
    """One line of a file."""
    whose = f" ({result.student})" if result.student else ""
    why = f": {result.detail} ({result.code})" if result.code else ""
    out_console.print(f"{result.file}{whose}: {result.kind}{why}", style="red" if why else "", markup=False)
