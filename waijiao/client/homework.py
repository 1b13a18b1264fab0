"""Homework: the methods of Client (HomeworkMethods) and their awaited twins of AsyncClient (AsyncHomeworkMethods)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Literal, Unpack

from pipeline.schemas.homework import (
    Assignment,
    AssignmentList,
    AssignmentView,
    BulkResult,
    FilledSheet,
    SubmissionResult,
)
from pipeline.schemas.jobs import Job
from waijiao.client.base import AsyncBase, SyncBase
from waijiao.client.fields import (
    AssignmentFields,
    FeedbackChanges,
    FirstStage,
    Overrides,
    assignment_path,
    drop_none,
    job_path,
)
from waijiao.client.results import Recording
from waijiao.client.transport import LimitName, Request, recording_opener, upload_name

ExportTarget = Literal["folder", "moodle", "canvas"]


class HomeworkMethods(SyncBase):
    """Homework, blocking."""

    def put_assignment(self, id_: str, /, **fields: Unpack[AssignmentFields]) -> AssignmentView:
        """Create an assignment, or replace the one with this id; what students have handed in stays.

        `id_` has 1 to 64 of a-z, 0-9, _ and -; `due` is a time with its zone, or one as ISO 8601 text.
        """
        return self._fetch(AssignmentView, put_request(id_, fields))

    def assignment(self, id_: str) -> AssignmentView:
        """An assignment, the progress of the class, and what each student has handed in."""
        return self._fetch(AssignmentView, Request("GET", assignment_path(id_)))

    def assignments(self) -> list[Assignment]:
        """All assignments, newest first."""
        return self._fetch(AssignmentList, Request("GET", "/v1/assignments")).assignments

    def hand_in(
        self, id_: str, recording: Recording, student: str | None = None, *, file: str | None = None
    ) -> SubmissionResult:
        """Hand in a recording, or a ZIP of recordings. The same recording is not accepted twice, unless it failed.

        `file` is its file name, which a path has already; without `student`, the file name says whose it is.
        """
        return self._fetch(SubmissionResult, hand_in_request(id_, recording, student, file))

    def export(self, id_: str, to: str | PathLike[str], *, system: ExportTarget = "folder") -> Path:
        """Save the results of an assignment as a ZIP: the class's report, the gradebook, each student's files.

        For the `system` "moodle" or "canvas" it has the spoken answers alone, as that takes them for feedback files.
        """
        with new_file(Path(to)) as file:
            self._send(export_request(id_, system, file))
        return Path(to)

    def fill_sheet(self, id_: str, sheet: Recording, *, column: str = "") -> FilledSheet:
        """The grading sheet of Moodle or Canvas, a CSV file, with the text of each answer; `column` is its title."""
        return self._fetch(FilledSheet, sheet_request(id_, sheet, column))

    def report(self, id_: str) -> str:
        """The class's report as one page of HTML."""
        return self._send(Request("GET", f"{assignment_path(id_)}/report")).text

    def change_feedback(self, job: Job | str, **changes: Unpack[FeedbackChanges]) -> Job:
        """Change an answer that awaits review. Fields not given stay; without `spoken`, it follows the changes."""
        return self._fetch(Job, Request("PUT", f"{job_path(job)}/feedback", json=drop_none(changes)))

    def release(self, job: Job | str) -> Job:
        """Approve an answer that awaits review, so that it is spoken."""
        return self._fetch(Job, Request("POST", f"{job_path(job)}/release"))

    def release_all(self, id_: str) -> BulkResult:
        """Approve every answer of an assignment that awaits review."""
        return self._fetch(BulkResult, Request("POST", f"{assignment_path(id_)}/release"))

    def rerun(self, job: Job | str, from_: FirstStage, **overrides: Unpack[Overrides]) -> Job:
        """Run a job again, beginning with one of its stages, and return the job that replaces it."""
        return self._fetch(Job, rerun_request(job_path(job), from_, overrides))

    def rerun_all(self, id_: str, from_: FirstStage, **overrides: Unpack[Overrides]) -> BulkResult:
        """Run every job of an assignment again, beginning with one of its stages."""
        return self._fetch(BulkResult, rerun_request(assignment_path(id_), from_, overrides))

    def erase_assignment(self, id_: str) -> None:
        """Erase an assignment with every recording that was handed in for it, and every answer."""
        self._remove(assignment_path(id_))


class AsyncHomeworkMethods(AsyncBase):
    """Homework, awaited."""

    async def put_assignment(self, id_: str, /, **fields: Unpack[AssignmentFields]) -> AssignmentView:
        """Create an assignment, or replace the one with this id; what students have handed in stays.

        `id_` has 1 to 64 of a-z, 0-9, _ and -; `due` is a time with its zone, or one as ISO 8601 text.
        """
        return await self._fetch(AssignmentView, put_request(id_, fields))

    async def assignment(self, id_: str) -> AssignmentView:
        """An assignment, the progress of the class, and what each student has handed in."""
        return await self._fetch(AssignmentView, Request("GET", assignment_path(id_)))

    async def assignments(self) -> list[Assignment]:
        """All assignments, newest first."""
        return (await self._fetch(AssignmentList, Request("GET", "/v1/assignments"))).assignments

    async def hand_in(
        self, id_: str, recording: Recording, student: str | None = None, *, file: str | None = None
    ) -> SubmissionResult:
        """Hand in a recording, or a ZIP of recordings. The same recording is not accepted twice, unless it failed.

        `file` is its file name, which a path has already; without `student`, the file name says whose it is.
        """
        return await self._fetch(SubmissionResult, hand_in_request(id_, recording, student, file))

    async def export(self, id_: str, to: str | PathLike[str], *, system: ExportTarget = "folder") -> Path:
        """Save the results of an assignment as a ZIP: the class's report, the gradebook, each student's files.

        For the `system` "moodle" or "canvas" it has the spoken answers alone, as that takes them for feedback files.
        """
        with new_file(Path(to)) as file:
            await self._send(export_request(id_, system, file))
        return Path(to)

    async def fill_sheet(self, id_: str, sheet: Recording, *, column: str = "") -> FilledSheet:
        """The grading sheet of Moodle or Canvas, a CSV file, with the text of each answer; `column` is its title."""
        return await self._fetch(FilledSheet, sheet_request(id_, sheet, column))

    async def report(self, id_: str) -> str:
        """The class's report as one page of HTML."""
        return (await self._send(Request("GET", f"{assignment_path(id_)}/report"))).text

    async def change_feedback(self, job: Job | str, **changes: Unpack[FeedbackChanges]) -> Job:
        """Change an answer that awaits review. Fields not given stay; without `spoken`, it follows the changes."""
        return await self._fetch(Job, Request("PUT", f"{job_path(job)}/feedback", json=drop_none(changes)))

    async def release(self, job: Job | str) -> Job:
        """Approve an answer that awaits review, so that it is spoken."""
        return await self._fetch(Job, Request("POST", f"{job_path(job)}/release"))

    async def release_all(self, id_: str) -> BulkResult:
        """Approve every answer of an assignment that awaits review."""
        return await self._fetch(BulkResult, Request("POST", f"{assignment_path(id_)}/release"))

    async def rerun(self, job: Job | str, from_: FirstStage, **overrides: Unpack[Overrides]) -> Job:
        """Run a job again, beginning with one of its stages, and return the job that replaces it."""
        return await self._fetch(Job, rerun_request(job_path(job), from_, overrides))

    async def rerun_all(self, id_: str, from_: FirstStage, **overrides: Unpack[Overrides]) -> BulkResult:
        """Run every job of an assignment again, beginning with one of its stages."""
        return await self._fetch(BulkResult, rerun_request(assignment_path(id_), from_, overrides))

    async def erase_assignment(self, id_: str) -> None:
        """Erase an assignment with every recording that was handed in for it, and every answer."""
        await self._remove(assignment_path(id_))


def put_request(assignment_id: str, fields: AssignmentFields) -> Request:
    due = fields.get("due")
    iso_due = due if due is None or isinstance(due, str) else due.isoformat()
    return Request("PUT", assignment_path(assignment_id), json=drop_none({**fields, "due": iso_due}))


def hand_in_request(assignment_id: str, recording: Recording, student: str | None, file: str | None) -> Request:
    path = f"{assignment_path(assignment_id)}/submissions"
    form = {"student": student} if student else None
    file_name, opener = upload_name(recording, file), recording_opener(recording)
    limit: LimitName = "hand_in_mb" if file_name.lower().endswith(".zip") else "upload_mb"
    return Request("POST", path, form=form, recording=opener, part="file", file_name=file_name, limit=limit)


def export_request(assignment_id: str, system: ExportTarget, file: IO[bytes]) -> Request:
    return Request("GET", f"{assignment_path(assignment_id)}/export", {"for": system}, destination=file)


def sheet_request(assignment_id: str, sheet: Recording, column: str) -> Request:
    path, form = f"{assignment_path(assignment_id)}/sheet", {"column": column} if column else None
    opener = recording_opener(sheet)
    return Request("POST", path, form=form, recording=opener, part="file", file_name="sheet.csv")


def rerun_request(path: str, first_stage: FirstStage, overrides: Overrides) -> Request:
    """Never repeated: each request creates another version of the job."""
    return Request("POST", f"{path}/rerun", {"from": first_stage}, json=drop_none(overrides), repeatable=False)


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears at the path when it is complete, and not at all after an error."""
    partial_path = path.with_name(f".{path.name}.part")
    try:
        with partial_path.open("wb") as file:
            yield file
        os.replace(partial_path, path)
    finally:
        partial_path.unlink(missing_ok=True)
