"""The JSON that the API answers with about classes, as types."""

from typing import Literal

from pipeline.schemas.jobs import Id, ResponseModel, State, Timestamp, Verdict


class RosterPupil(ResponseModel):
    """A pupil of a class list. `label`: the name as it will be shown, with a number where others have the same."""

    name: str
    label: str
    school_id: str
    latin_name: str
    chinese_name: str


class Roster(ResponseModel):
    """The pupils of a class list that was read; nothing of it is stored."""

    pupils: list[RosterPupil]


class Pupil(RosterPupil):
    """A pupil of a class. `id` stays, whatever else changes; `learner`: whose ledger and data are the pupil's.

    `number`: tells pupils with one name apart, 0 where none is needed.
    """

    id: str
    number: int
    learner: str


class ClassSummary(ResponseModel):
    """A class, and how many pupils it has."""

    id: str
    name: str
    pupil_count: int
    created_at: Timestamp


class ClassList(ResponseModel):
    """All classes, newest first."""

    classes: list[ClassSummary]


class ClassAssignment(ResponseModel):
    """An assignment of a class; `kept`: whether it is still stored. `reads_aloud`: it has a text to read."""

    id: str
    title: str
    due: Timestamp | None
    set_at: Timestamp
    reads_aloud: bool
    kept: bool


class ClassView(ClassSummary):
    """A class with its pupils."""

    pupils: list[Pupil]


class PupilWork(ResponseModel):
    """What a pupil handed in for an assignment.

    `state`: of the job, `missing`, or `gone` where only the figures are kept. `on_time`: handed in by the due time,
    null without one. `words` that were said and `corrections` are counted where the verdict is `correct` or
    `corrected`, and null elsewhere, as they are where a text was read aloud: of that, `clear_words` were clear and
    `unclear_words` are worth listening to again, both null where it was not measured.
    """

    assignment: str
    state: State | Literal["missing", "gone"]
    job: Id | None
    handed_in_at: Timestamp | None
    on_time: bool | None
    verdict: Verdict | None
    words: int | None
    corrections: int | None
    corrections_per_100: float | None
    clear_words: int | None
    unclear_words: int | None


class PupilProgress(ResponseModel):
    """What a pupil achieved over all assignments that are shown.

    `asked`: assignments that were set to the pupil; `on_time` of `with_due` that were handed in and have a due time.
    `corrections_per_100`: corrections per 100 words of all that was checked; `not_understood` and `not_heard_well`:
    recordings that are in no rate. `clear_percent`: of the measured words that were read aloud, those that were clear.
    `went`: kinds of mistakes that are mastered; `stayed`: those made on two days or more, and not mastered; `once`: all
    others.
    """

    pupil: Pupil
    asked: int
    handed_in: int
    with_due: int
    on_time: int
    checked: int
    words: int
    corrections: int
    corrections_per_100: float | None
    not_understood: int
    not_heard_well: int
    clear_words: int
    unclear_words: int
    clear_percent: float | None
    went: list[str]
    stayed: list[str]
    once: list[str]
    work: list[PupilWork]


class ClassProgress(ResponseModel):
    """The progress of a class over its latest assignments, the oldest first."""

    id: str
    name: str
    assignments: list[ClassAssignment]
    pupils: list[PupilProgress]
