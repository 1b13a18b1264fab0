"""Classes as clients see them."""

from pipeline.classes.school_class import Pupil
from pipeline.classes.store import StoredClass
from pipeline.learners.identity import student_learner
from pipeline.schemas import classes as schemas
from pipeline.timestamps import to_utc


def show_roster(pupil: Pupil) -> schemas.RosterPupil:
    return schemas.RosterPupil(
        name=pupil.name,
        label=pupil.label,
        school_id=pupil.school_id,
        latin_name=pupil.latin_name,
        chinese_name=pupil.chinese_name,
    )


def show_pupil(pupil: Pupil) -> schemas.Pupil:
    return schemas.Pupil(
        **show_roster(pupil).model_dump(),
        id=pupil.id,
        number=pupil.number,
        learner=student_learner("", pupil.label, pupil.id),
    )


def show_summary(stored: StoredClass) -> schemas.ClassSummary:
    school_class = stored.school_class
    return schemas.ClassSummary(
        id=school_class.id,
        name=school_class.name,
        pupil_count=len(school_class.pupils),
        created_at=to_utc(stored.created_at),
    )


def show_class(stored: StoredClass) -> schemas.ClassView:
    pupils = [show_pupil(pupil) for pupil in stored.school_class.pupils]
    return schemas.ClassView(**show_summary(stored).model_dump(), pupils=pupils)
