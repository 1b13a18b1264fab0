"""Who the learner of a job is: one rule for conversations, homework, and a PC at home where nobody has a key."""

import hashlib
from typing import Literal

from pipeline.jobs.job import JobRequest

STUDENT, KEY, SESSION = "student-", "key-", "session-"  # how a learner's id begins
DIGEST_CHARS = 20  # of a student's id, which must not name the student in addresses and logs

LearnerKind = Literal["student", "key", "session"]


def find_learner(request: JobRequest) -> str:
    """The id of the learner who speaks in this job; "" where that cannot be told.

    In homework it is the student; else whoever has the learner's key; else whoever speaks in the session, if the client
    named one. A lesson has many speakers, and a model that is called alone has no learner.
    """
    if request.task != "teach":
        return ""
    if request.assignment:
        return student_learner(request.group or request.assignment, request.student, request.pupil)
    if request.owner:
        return f"{KEY}{request.owner}"
    return "" if request.session == request.id else f"{SESSION}{request.session}"


def student_learner(group: str, student: str, pupil: str = "") -> str:
    """The id of a student: of a `pupil` of a class that is kept, in all assignments and with any name.

    Else that of a name in a class, or in one assignment where that names no class: students with one name in two
    classes are two learners. Their names cannot be read from their ids.
    """
    if pupil:
        return f"{STUDENT}{pupil}"
    digest = hashlib.sha256(f"{group}\0{student}".encode()).hexdigest()
    return f"{STUDENT}{digest[:DIGEST_CHARS]}"


def learner_kind(learner: str) -> LearnerKind | None:
    """What kind of learner an id names; None where it is no such id."""
    kinds: dict[str, LearnerKind] = {STUDENT: "student", KEY: "key", SESSION: "session"}
    return next((kind for start, kind in kinds.items() if learner.removeprefix(start) not in ("", learner)), None)
