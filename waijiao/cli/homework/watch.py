"""The `waijiao homework watch` command: hands in recordings that are put into a folder, until Ctrl-C."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from pipeline.errors import WaijiaoError
from waijiao.cli.console import handle_errors, print_error, stderr, stdout, url_option
from waijiao.cli.homework.recordings import Fingerprint, find_files
from waijiao.cli.homework.selection import SelectedAssignment, assignment_option, roster_option, select_assignment
from waijiao.cli.homework.submit import FULL_CODES, Result, Submitter, match_files
from waijiao.client import Client
from waijiao.client.concurrent import DEFAULT_AT_ONCE

POLL_S = 2.0  # seconds between two scans: a file that is the same in both is complete
CLIENT_PATIENCE_S = 5.0  # seconds until it is printed that no server answers
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass
class FolderWatcher:
    """Hands in the files of a folder that are new or changed since they were handed in.

    `fingerprints` are those of the last scan; `submitted_files` those of files when they were handed in;
    `reported_results` those of files with a result that was returned, and the result's code.
    """

    client: Client
    assignment: SelectedAssignment
    folder: Path
    is_set: bool = False
    fingerprints: dict[str, Fingerprint] = field(default_factory=dict)
    submitted_files: dict[str, Fingerprint] = field(default_factory=dict)
    reported_results: dict[str, tuple[Fingerprint, str]] = field(default_factory=dict)

    def scan(self) -> Iterator[Result]:
        """Hand in the files that are complete; the results that are not reported yet."""
        read_students = partial(self.assignment.students_before, self.client)
        with find_files([self.folder], self.assignment.paths, read_students) as files:
            complete = [each for each in files if self.fingerprints.get(each.name) == each.fingerprint]
            self.fingerprints = {each.name: each.fingerprint for each in files}
            if not self.is_set:
                self.assignment.set(self.client)
                self.is_set = True
            new = {each.name for each in complete if self.submitted_files.get(each.name) != each.fingerprint}
            if not new:
                return
            view = self.client.assignment(self.assignment.id)
            matched_files = match_files(complete, self.assignment.students(view))
            yield from (each for each in matched_files.refused if each.file in new and self._is_unreported(each))
            recordings = [(each, student) for each, student in matched_files.recordings if each.name in new]
            submitter = Submitter(self.client, view.id, view.submissions, patience_s=0)
            for result in submitter.submit_all(recordings, DEFAULT_AT_ONCE):
                if result.code not in FULL_CODES:
                    self.submitted_files[result.file] = self.fingerprints[result.file]
                if self._is_unreported(result):
                    yield result

    def _is_unreported(self, result: Result) -> bool:
        """Whether this result was not returned for the file as it is now; from now on it was."""
        current = self.fingerprints[result.file], result.code
        previous, self.reported_results[result.file] = self.reported_results.get(result.file), current
        return previous != current


@click.command()
@click.argument("folder", type=FOLDER)
@assignment_option
@roster_option
@url_option
@handle_errors
def watch(folder: Path, assignment: str, roster: Path | None, url: str | None) -> None:
    """Hand in the recordings that are put into a folder, until Ctrl-C.

    A recording is sent when it has stopped growing, and again only when it changes. Recordings are matched to students
    as by `waijiao homework submit`. While the server does not answer, the command waits for it.
    """
    with suppress(KeyboardInterrupt), Client(url, patience_s=CLIENT_PATIENCE_S) as client:
        watcher, is_away = FolderWatcher(client, select_assignment(assignment, roster), folder), False
        stderr.print(f"watching {folder}; Ctrl-C ends it", markup=False)
        while True:
            try:
                for result in watcher.scan():
                    print_result(result)
                if is_away:
                    stderr.print("the server answers again")
                is_away = False
            except WaijiaoError as error:
                if not error.retryable:
                    raise
                if not is_away:
                    print_error(f"{error} Trying again until it answers.")
                is_away = True
            time.sleep(POLL_S)


def print_result(result: Result) -> None:
    """Print one line about a file."""
    student = f" ({result.student})" if result.student else ""
    reason = f": {result.detail} ({result.code})" if result.code else ""
    style = "red" if reason else ""
    stdout.print(f"{result.file}{student}: {result.kind}{reason}", style=style, markup=False)
