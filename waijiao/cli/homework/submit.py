"""The `waijiao homework submit` command: hands in the recordings of a class from a folder, a ZIP archive or files."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, cast

import click
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from pipeline.errors import NotAudio, WaijiaoError
from pipeline.homework.assignments import Student
from pipeline.homework.match_students import match_students
from pipeline.schemas.homework import AssignmentView, Submission, SubmissionResult
from pipeline.text.enumeration import join_some, quote_separators
from waijiao.cli.console import EXIT_FAILED, exit_with, handle_errors, stderr, stdout, url_option
from waijiao.cli.homework.recordings import FoundFile, find_files
from waijiao.cli.homework.selection import SelectedAssignment, assignment_option, roster_option, select_assignment
from waijiao.client import Client
from waijiao.client.concurrent import DEFAULT_AT_ONCE
from waijiao.errors import Unreachable

CLIENT_PATIENCE_S = 120.0  # seconds a server may be unreachable, such as while it is restarted
FULL_PATIENCE_S = 600.0  # seconds a server may be full
RETRY_S = 2.0  # seconds until a recording is sent again that the server had no capacity for
MAX_MISSING_NAMES = 20  # that are printed
# The server may have capacity again soon.
FULL_CODES = {"rate_limited", "server_full", "quota_full", "unavailable", "disk_full"}
RESUBMIT_STATES = {"failed", "expired", "canceled"}  # of jobs whose recording may be handed in again unchanged
Kind = Literal["sent", "unchanged", "refused"]
INPUT_PATH = click.Path(exists=True, path_type=Path)


@dataclass(frozen=True)
class Result:
    """What was done with a file; its student and job as far as they are known; why it was refused.

    The names of the fields are those of `--json`.
    """

    file: str
    kind: Kind
    student: str | None = None
    job: str | None = None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True)
class MatchedFiles:
    """The files of a class: the recordings with their students, and what is refused before anything is sent."""

    recordings: Sequence[tuple[FoundFile, str]]
    refused: Sequence[Result]


def match_files(files: Sequence[FoundFile], students: Sequence[Student]) -> MatchedFiles:
    """Find the student of each recording, by its path."""
    recordings = [each for each in files if each.opener]
    matching = match_students([each.path for each in recordings], students)
    problems = {each.file: each for each in matching.problems}
    refusals = [Result(each.name, "refused", None, None, each.code, each.detail) for each in files if not each.opener]
    for each in recordings:
        if problem := problems.get(each.path):
            refusals.append(Result(each.name, "refused", problem.student, None, problem.code, problem.detail))
    owners = matching.student_by_file
    return MatchedFiles([(each, owners[each.path]) for each in recordings if each.path in owners], refusals)


@dataclass
class Submitter:
    """Hands in recordings for the assignment `id_`, except those that are among its `submissions` already.

    With `dry_run` nothing is sent. A server that is full is retried for `patience_s` seconds.
    """

    client: Client
    id_: str
    submissions: Sequence[Submission]
    dry_run: bool = False
    patience_s: float = FULL_PATIENCE_S

    def submit_all(self, recordings: Sequence[tuple[FoundFile, str]], at_once: int) -> Iterator[Result]:
        """The result of each recording, in their order; one that is refused does not stop the others.

        Raises Unreachable; the recordings that were not sent then are sent when it is done again.
        """
        pool = ThreadPoolExecutor(at_once)
        try:
            yield from pool.map(lambda each: self.submit(*each), recordings)
        finally:
            pool.shutdown(cancel_futures=True)

    def submit(self, file: FoundFile, student: str) -> Result:
        try:
            if job := self._find_job(student, file.sha256()):
                return Result(file.name, "unchanged", student, job)
            return Result(file.name, "sent", student) if self.dry_run else self._send(file, student)
        except Unreachable:
            raise
        except (WaijiaoError, OSError) as error:
            code = error.code if isinstance(error, WaijiaoError) else "unreadable"
            return Result(file.name, "refused", student, None, code, str(error))

    def _find_job(self, student: str, sha256: str) -> str | None:
        """The job of exactly this recording, unless it failed."""
        same_recording = (each for each in self.submissions if (each.student, each.sha256) == (student, sha256))
        return next((each.job for each in same_recording if each.state not in RESUBMIT_STATES), None)

    def _send(self, file: FoundFile, student: str) -> Result:
        assert file.opener  # noqa: S101 - a file without one has no student
        deadline = time.monotonic() + self.patience_s
        while True:
            with file.opener() as stream:
                answer = self.client.hand_in(self.id_, cast(BinaryIO, stream), student, file=file.name)
            result = result_from_answer(answer, file.name)
            if result.code not in FULL_CODES or time.monotonic() > deadline:
                return result
            time.sleep(RETRY_S)


def result_from_answer(answer: SubmissionResult, file: str) -> Result:
    """The result of the one recording that was sent."""
    for recording in answer.accepted:
        return Result(file, "sent", recording.student, recording.job)
    for recording in answer.unchanged:
        return Result(file, "unchanged", recording.student, recording.job)
    for refusal in answer.refused:
        return Result(file, "refused", refusal.student, None, refusal.code, refusal.detail)
    return Result(file, "refused", None, None, NotAudio.code, NotAudio.meaning())


@click.command()
@click.argument("paths", metavar="FOLDER|ZIP|FILE...", nargs=-1, required=True, type=INPUT_PATH)
@assignment_option
@roster_option
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=DEFAULT_AT_ONCE, show_default=True, help="Uploads at a time."
)
@click.option("--dry-run", is_flag=True, help="Print each file's student and what would be sent; send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result of each file, as JSON lines.")
@url_option
@handle_errors
def submit(
    paths: tuple[Path, ...],
    assignment: str,
    roster: Path | None,
    at_once: int,
    dry_run: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Hand in a class's recordings.

    The assignment is set, or changed, to what its FILE says. The name of a recording or of its folder must
    contain its student's name, in any order and spelling, or id. Without a class, the file's name is taken as
    the student's. A recording that was handed in before is not sent again unless it failed, so the command can be
    repeated at any time. Ends with status 1 when a file was refused; the others are handed in. An assignment that
    is new is not set if every file is refused.
    """
    selected_assignment = select_assignment(assignment, roster)
    with Client(url, patience_s=CLIENT_PATIENCE_S) as client:
        read_students = partial(selected_assignment.students_before, client)
        with find_files(paths, selected_assignment.paths, read_students) as files:
            if not files:
                exit_with(EXIT_FAILED, f"There are no recordings in {', '.join(map(str, paths))}.")
            results = list(submit_files(client, selected_assignment, files, at_once, dry_run))
            view = selected_assignment.get(client)
            missing = find_missing_students(selected_assignment, view, results)
    if as_json:
        for each in results:
            print(json.dumps(asdict(each), ensure_ascii=False))
    else:
        print_results(results, missing, dry_run)
        if not dry_run and view is None:
            stdout.print(f"{selected_assignment.id} was not set, since nothing was handed in.", markup=False)
    if any(each.kind == "refused" for each in results):
        sys.exit(EXIT_FAILED)


def submit_files(
    client: Client, selected_assignment: SelectedAssignment, files: Sequence[FoundFile], at_once: int, dry_run: bool
) -> Iterator[Result]:
    """Set the assignment and hand in the files, with a progress bar; the result of each file.

    An assignment that is new is not set, or is erased again, if no file is accepted.
    """
    view = selected_assignment.get(client)
    is_new = view is None
    matched_files = match_files(files, selected_assignment.students_before(client))
    yield from matched_files.refused
    if not dry_run and (matched_files.recordings or not is_new):
        view = selected_assignment.set(client)
    submitter = Submitter(client, selected_assignment.id, view.submissions if view else (), dry_run)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    description = "checking; nothing is sent" if dry_run else "handing in"
    accepted_count = 0
    with Progress(*columns, console=stderr, redirect_stdout=False) as bars:
        results = submitter.submit_all(matched_files.recordings, at_once)
        for result in bars.track(results, total=len(matched_files.recordings), description=description):
            accepted_count += result.kind != "refused"
            yield result
    if is_new and not accepted_count:
        erase_if_empty(client, selected_assignment)


def erase_if_empty(client: Client, selected_assignment: SelectedAssignment) -> None:
    """Erase the assignment if it was set and nobody has handed in."""
    view = selected_assignment.get(client)
    if view and not view.submissions:
        client.erase_assignment(view.id)


def find_missing_students(
    selected_assignment: SelectedAssignment, view: AssignmentView | None, results: Sequence[Result]
) -> list[str]:
    """The students who have not handed in, neither now nor before."""
    submitted_now = {each.student for each in results if each.kind != "refused"}
    submitted_before = {each.student for each in view.submissions} if view else set()
    return [
        each.name for each in selected_assignment.students(view) if each.name not in submitted_now | submitted_before
    ]


def print_results(results: Sequence[Result], missing: Sequence[str], dry_run: bool) -> None:
    """Print why files were refused, the counts, and who is missing; in a dry run also each file's student."""
    if refusals := [each for each in results if each.kind == "refused"]:
        table = Table(Column("refused", overflow="fold"), "why", Column("", overflow="fold"), box=SIMPLE_HEAD)
        for each in refusals:
            table.add_row(Text(each.file), Text(each.code, "red"), Text(each.detail))
        stdout.print(table)
    if dry_run and len(refusals) < len(results):
        table = Table(Column("file", overflow="fold"), Column("student", overflow="fold"), "", box=SIMPLE_HEAD)
        for each in results:
            if each.kind != "refused":
                table.add_row(Text(each.file), Text(each.student or ""), "new" if each.kind == "sent" else "unchanged")
        stdout.print(table)
    counts = Counter(each.kind for each in results)
    sent_label = "to be sent" if dry_run else "sent"
    stdout.print(f"{sent_label}: {counts['sent']}, unchanged: {counts['unchanged']}, refused: {counts['refused']}")
    if dry_run:
        stdout.print("This was a dry run: nothing was sent.")
    if missing:
        stdout.print(f"missing: {join_some(quote_separators(missing), MAX_MISSING_NAMES)}", markup=False)
