"""What can be asked of a server about homework: calls like those of calls.py, which client.py runs in both ways."""

import os
from os import PathLike
from pathlib import Path
from typing import Unpack

from pipeline.schemas.homework import Assignment, AssignmentList, AssignmentView, Done, HandedIn
from pipeline.schemas.jobs import Job
from waijiao.answers import Recording
from waijiao.calls import Calls
from waijiao.fields import AssignmentFields, From, Otherwise, Reviewed, place, quoted
from waijiao.request import FILE_NAME, Call, Request, opener


def put_assignment(calls: Calls, id_: str, /, **fields: Unpack[AssignmentFields]) -> Call[AssignmentView]:
    """Set homework under this name, in the place of what had it before; what was handed in stays.

    `id_` has 1 to 64 of a-z, 0-9, _ and -; `due` is a time with its zone, or as ISO 8601 spells one.
    """
    due = fields.get("due")
    said = {**fields, "due": due if due is None or isinstance(due, str) else due.isoformat()}
    given = {name: value for name, value in said.items() if value is not None}
    return (yield from calls.shape(AssignmentView, Request("PUT", room(id_), json=given)))


def assignment(calls: Calls, id_: str) -> Call[AssignmentView]:
    """An assignment, how far the class is, and what each student handed in."""
    return (yield from calls.shape(AssignmentView, Request("GET", room(id_))))


def assignments(calls: Calls) -> Call[list[Assignment]]:
    """All assignments, newest first."""
    return (yield from calls.shape(AssignmentList, Request("GET", "/v1/assignments"))).assignments


def hand_in(
    calls: Calls, id_: str, recording: Recording, student: str | None = None, *, file: str | None = None
) -> Call[HandedIn]:
    """Hand in a recording, or a ZIP of them. What was handed in before is not taken twice, unless it has failed.

    `file` is what it is called, which a path says by itself; whose it is, its name says where `student` does not.
    """
    called = file or (Path(recording).name if isinstance(recording, (str, PathLike)) else FILE_NAME)
    form = {"student": student} if student else None
    path = f"{room(id_)}/submissions"
    upload = Request("POST", path, form=form, recording=opener(recording), part="file", file_name=called)
    return (yield from calls.shape(HandedIn, upload))


def export(calls: Calls, id_: str, to: str | PathLike[str]) -> Call[Path]:
    """Save what was made of an assignment as a ZIP: the class's report, the gradebook, each student's files."""
    place = Path(to)
    unfinished = place.with_name(f".{place.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield from calls.exchange.sure(Request("GET", f"{room(id_)}/export", into=file))
        os.replace(unfinished, place)
    finally:
        unfinished.unlink(missing_ok=True)
    return place


def report(calls: Calls, id_: str) -> Call[str]:
    """The class's report as one page of HTML."""
    return (yield from calls.exchange.sure(Request("GET", f"{room(id_)}/report"))).text


def change_feedback(calls: Calls, job: Job | str, **changes: Unpack[Reviewed]) -> Call[Job]:
    """Change an answer that is held. What is not given stays; without `spoken`, what is spoken follows the changes."""
    given = {name: value for name, value in changes.items() if value is not None}
    return (yield from calls.shape(Job, Request("PUT", f"{place(job)}/feedback", json=given)))


def release(calls: Calls, job: Job | str) -> Call[Job]:
    """Have an answer spoken that is held for its teacher."""
    return (yield from calls.shape(Job, Request("POST", f"{place(job)}/release")))


def release_all(calls: Calls, id_: str) -> Call[Done]:
    """Have every answer of an assignment spoken that is held."""
    return (yield from calls.shape(Done, Request("POST", f"{room(id_)}/release")))


def rerun(calls: Calls, job: Job | str, from_: From, **otherwise: Unpack[Otherwise]) -> Call[Job]:
    """Answer a job anew from one of its stages; the job that stands in its place."""
    return (yield from calls.shape(Job, again(f"{place(job)}/rerun", from_, otherwise)))


def rerun_all(calls: Calls, id_: str, from_: From, **otherwise: Unpack[Otherwise]) -> Call[Done]:
    """Answer anew whatever was handed in for an assignment."""
    return (yield from calls.shape(Done, again(f"{room(id_)}/rerun", from_, otherwise)))


def erase_assignment(calls: Calls, id_: str) -> Call[None]:
    """Erase an assignment with all that was ever handed in for it, and every answer."""
    yield from calls.exchange.sure(Request("DELETE", room(id_), repeatable=False))


def again(path: str, from_: From, otherwise: Otherwise) -> Request:
    """Not sent twice: each makes another version of the job."""
    given = {name: value for name, value in otherwise.items() if value is not None}
    return Request("POST", path, {"from": from_}, json=given, repeatable=False)


def room(id_: str) -> str:
    return f"/v1/assignments/{quoted(id_)}"
