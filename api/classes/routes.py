"""/v1/classes: make, list, read, change and delete classes; /v1/rosters: read a class list before."""

import re

from flask import Blueprint
from werkzeug.wrappers import Response

from api import context
from api.auth import TEACHER, requires
from api.classes.schemas import ClassEdits, NewClass, PupilChange, PupilFields, RosterForm
from api.classes.view import show_class, show_roster, show_summary
from api.openapi import answers, respond
from pipeline.classes.assignments import update_assignments
from pipeline.classes.school_class import ClassChanges, Pupil, make_class, tell_apart
from pipeline.classes.store import Classes
from pipeline.errors import (
    BadRequest,
    BadRoster,
    BadStudentIds,
    ClassChanged,
    TooLarge,
    UnknownClass,
    UnknownPupil,
)
from pipeline.homework.assignments import Student
from pipeline.homework.roster import read_roster
from pipeline.homework.spreadsheet import MAX_FILE_BYTES
from pipeline.schemas import classes as schemas

routes = Blueprint("classes", __name__)
HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")  # Chinese characters
ROSTER_ERRORS = (BadRoster, BadStudentIds)


def store() -> Classes:
    return Classes(context.jobs())


@routes.post("/v1/rosters")
@requires(TEACHER)
@answers("classes", {200: schemas.Roster}, *ROSTER_ERRORS, TooLarge)
def read_list(form: RosterForm) -> Response:
    """Read a class list, CSV, XLSX or pasted text, and show its pupils. Nothing is stored.

    Several may have one name: their labels tell them apart.
    """
    if (form.file is None) == (form.text is None):
        raise BadRequest("Send the class list as `file`, or as `text`.", field="file")
    data: bytes | str = form.text or ""
    if form.file is not None:
        data = form.file.stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise TooLarge(f"A class list has at most {MAX_FILE_BYTES:,} bytes.")
    pupils = tell_apart([read_pupil(each) for each in read_roster(data, same_names=True)])
    return respond(schemas.Roster(pupils=[show_roster(pupil) for pupil in pupils]))


def read_pupil(student: Student) -> Pupil:
    """A pupil as a class list names it; other names by their script."""
    others = student.names[1:]
    chinese = next((name for name in others if HAN.search(name)), "")
    return Pupil(student.name, student.id, next((name for name in others if name != chinese), ""), chinese)


@routes.post("/v1/classes")
@requires(TEACHER)
@answers("classes", {201: schemas.ClassView}, *ROSTER_ERRORS)
def create(json: NewClass) -> Response:
    """Make a class."""
    school_class = make_class(context.caller().tenant, json.name, [new_pupil(each) for each in json.pupils])
    store().create(school_class)
    answer = respond(show_class(store().get(school_class.tenant, school_class.id)), 201)
    answer.headers["Location"] = context.address(f"/v1/classes/{school_class.id}")
    return answer


def new_pupil(fields: PupilFields) -> Pupil:
    return Pupil(**fields.model_dump())


@routes.get("/v1/classes")
@requires(TEACHER)
@answers("classes", {200: schemas.ClassList})
def browse() -> Response:
    """All classes, newest first."""
    classes = [show_summary(each) for each in store().all(context.caller().tenant)]
    return respond(schemas.ClassList(classes=classes))


@routes.get("/v1/classes/<class_id>")
@requires(TEACHER)
@answers("classes", {200: schemas.ClassView}, UnknownClass)
def read(class_id: str) -> Response:
    """The class and its pupils."""
    return respond(show_class(store().get(context.caller().tenant, class_id)))


@routes.patch("/v1/classes/<class_id>")
@requires(TEACHER)
@answers("classes", {200: schemas.ClassView}, UnknownClass, UnknownPupil, *ROSTER_ERRORS, ClassChanged)
def change(class_id: str, json: ClassEdits) -> Response:
    """Change the class: its name, new pupils, names and ids of pupils, pupils who leave it.

    Assignments that are not due yet take the new list. Nothing that was handed in is lost: also of pupils who leave,
    all is kept as long as their assignments say; erase the learner to erase it.
    """
    changes = ClassChanges(
        json.name, tuple(map(new_pupil, json.add)), dict(map(changed_fields, json.change)), tuple(json.remove)
    )
    tenant = context.caller().tenant
    store().change(tenant, class_id, changes)
    update_assignments(store(), tenant, class_id)
    return respond(show_class(store().get(tenant, class_id)))


def changed_fields(change: PupilChange) -> tuple[str, dict[str, str]]:
    """The pupil's id, and the fields that change."""
    return change.id, change.model_dump(exclude={"id"}, exclude_none=True)


@routes.delete("/v1/classes/<class_id>")
@requires(TEACHER)
@answers("classes", {204: None}, UnknownClass)
def erase(class_id: str) -> Response:
    """Delete the class and its progress. Assignments and what was handed in stay; erase the learners to erase that."""
    store().erase(context.caller().tenant, class_id)
    return Response(status=204)
