"""What a class has to practise: the kinds of mistakes that its students have not mastered."""

from collections import defaultdict

from pipeline.homework.assignments import AssignmentWithJobs
from pipeline.learners.identity import student_learner
from pipeline.learners.ledger import KindRecord
from pipeline.learners.store import Ledgers
from pipeline.schemas import learners as schemas

MAX_KINDS = 10  # that are shown of a class


def show_class(class_work: AssignmentWithJobs, ledgers: Ledgers) -> schemas.ClassLedger:
    assignment = class_work.assignment
    names = [student.name for student in class_work.students]
    learners = [student_learner(assignment.group, each.name, each.pupil) for each in class_work.students]
    records: dict[str, list[tuple[str, KindRecord]]] = defaultdict(list)
    students = []
    for name, ledger in zip(names, ledgers.read_many(assignment.tenant, learners), strict=True):
        for record in ledger.recurring:
            records[record.kind].append((name, record))
        recurring = len(ledger.recurring)
        student = schemas.ClassStudent(
            student=name, learner=ledger.learner, recurring=recurring, mastered=len(ledger.kinds) - recurring
        )
        students.append(student)
    kinds = [
        schemas.ClassKind(kind=kind, count=sum(record.count for _, record in each), students=[name for name, _ in each])
        for kind, each in records.items()
    ]
    kinds.sort(key=lambda each: (-len(each.students), -each.count, each.kind))
    return schemas.ClassLedger(kinds=kinds[:MAX_KINDS], students=students)
