"""Assignments of a class follow its list of pupils until they are due."""

import time
from dataclasses import replace

from pipeline.classes.school_class import SchoolClass
from pipeline.classes.store import Classes
from pipeline.errors import ClassChanged
from pipeline.homework.assignments import Assignments

MAX_PASSES = 20  # while others change the class


def update_assignments(classes: Classes, tenant: str, class_id: str) -> None:
    """Give the class's assignments that are not due yet its present name and pupils.

    Whoever changes the class, or sets an assignment for it, calls this afterwards: the last one sees the last list.
    Raises UnknownClass; ClassChanged when it changes all the time.
    """
    for _ in range(MAX_PASSES):
        school_class = classes.get(tenant, class_id).school_class
        update_to(school_class, Assignments(classes.jobs))
        if classes.get(tenant, class_id).school_class == school_class:
            return
    raise ClassChanged


def update_to(school_class: SchoolClass, assignments: Assignments) -> None:
    for each in assignments.all(school_class.tenant):
        if each.class_id == school_class.id and (each.due is None or each.due > time.time()):
            new_assignment = replace(each, students=school_class.students, class_name=school_class.name)
            if new_assignment != each:
                assignments.put(new_assignment, replace=True)
