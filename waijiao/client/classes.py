"""Classes that are kept: the methods of Client (ClassMethods) and their awaited twins of AsyncClient."""

from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack
from urllib.parse import quote

from pipeline.schemas.classes import ClassList, ClassProgress, ClassSummary, ClassView, Roster
from waijiao.client.base import AsyncBase, SyncBase
from waijiao.client.fields import drop_none
from waijiao.client.results import Recording
from waijiao.client.transport import Request, recording_opener, upload_name


class ClassEdits(TypedDict, total=False):
    """Changes to a class: new pupils, fields of those with these ids, the ids of those who leave."""

    name: str | None
    add: Sequence[Mapping[str, str]] | None
    change: Sequence[Mapping[str, str]] | None
    remove: Sequence[str] | None


class ClassMethods(SyncBase):
    """Classes, blocking."""

    def read_roster(self, roster: Recording, *, file: str | None = None) -> Roster:
        """The pupils of a class list, a CSV or XLSX file; nothing is stored."""
        return self._fetch(Roster, roster_request(roster, file))

    def create_class(self, name: str, pupils: Sequence[Mapping[str, str]]) -> ClassView:
        """Make a class; of each pupil a `name`, and if known `school_id`, `latin_name` and `chinese_name`."""
        return self._fetch(ClassView, create_request(name, pupils))

    def classes(self) -> list[ClassSummary]:
        """All classes, newest first."""
        return self._fetch(ClassList, Request("GET", "/v1/classes")).classes

    def school_class(self, id_: str) -> ClassView:
        """A class and its pupils."""
        return self._fetch(ClassView, Request("GET", class_path(id_)))

    def change_class(self, id_: str, /, **edits: Unpack[ClassEdits]) -> ClassView:
        """Change a class; what is not given stays. Assignments that are not due yet follow it."""
        return self._fetch(ClassView, change_request(id_, edits))

    def delete_class(self, id_: str) -> None:
        """Delete a class and its progress; assignments, and what was handed in, stay."""
        self._remove(class_path(id_))

    def class_progress(self, id_: str) -> ClassProgress:
        """What each pupil achieved over the latest assignments of the class."""
        return self._fetch(ClassProgress, Request("GET", class_path(id_, "/progress")))

    def export_class_progress(self, id_: str) -> bytes:
        """The progress as a CSV table: a line for each pupil and assignment."""
        return self._send(Request("GET", class_path(id_, "/progress.csv"))).content


class AsyncClassMethods(AsyncBase):
    """Classes, awaited."""

    async def read_roster(self, roster: Recording, *, file: str | None = None) -> Roster:
        """The pupils of a class list, a CSV or XLSX file; nothing is stored."""
        return await self._fetch(Roster, roster_request(roster, file))

    async def create_class(self, name: str, pupils: Sequence[Mapping[str, str]]) -> ClassView:
        """Make a class; of each pupil a `name`, and if known `school_id`, `latin_name` and `chinese_name`."""
        return await self._fetch(ClassView, create_request(name, pupils))

    async def classes(self) -> list[ClassSummary]:
        """All classes, newest first."""
        return (await self._fetch(ClassList, Request("GET", "/v1/classes"))).classes

    async def school_class(self, id_: str) -> ClassView:
        """A class and its pupils."""
        return await self._fetch(ClassView, Request("GET", class_path(id_)))

    async def change_class(self, id_: str, /, **edits: Unpack[ClassEdits]) -> ClassView:
        """Change a class; what is not given stays. Assignments that are not due yet follow it."""
        return await self._fetch(ClassView, change_request(id_, edits))

    async def delete_class(self, id_: str) -> None:
        """Delete a class and its progress; assignments, and what was handed in, stay."""
        await self._remove(class_path(id_))

    async def class_progress(self, id_: str) -> ClassProgress:
        """What each pupil achieved over the latest assignments of the class."""
        return await self._fetch(ClassProgress, Request("GET", class_path(id_, "/progress")))

    async def export_class_progress(self, id_: str) -> bytes:
        """The progress as a CSV table: a line for each pupil and assignment."""
        return (await self._send(Request("GET", class_path(id_, "/progress.csv")))).content


def class_path(id_: str, rest: str = "") -> str:
    return f"/v1/classes/{quote(id_, safe='')}{rest}"


def roster_request(roster: Recording, file: str | None) -> Request:
    name, opener = upload_name(roster, file), recording_opener(roster)
    return Request("POST", "/v1/rosters", recording=opener, part="file", file_name=name)


def create_request(name: str, pupils: Sequence[Mapping[str, str]]) -> Request:
    """Never repeated: each request makes another class."""
    return Request(
        "POST", "/v1/classes", json={"name": name, "pupils": [dict(each) for each in pupils]}, repeatable=False
    )


def change_request(id_: str, edits: ClassEdits) -> Request:
    """Never repeated: each request adds the new pupils once more."""
    return Request("PATCH", class_path(id_), json=drop_none(edits), repeatable=False)
