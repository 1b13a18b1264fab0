"""A class and its pupils, and how a list of pupils changes: each keeps an id and, where names repeat, a number."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from pipeline.errors import BadRoster, BadStudentIds, UnknownPupil
from pipeline.homework.assignments import MAX_STUDENTS, Student
from pipeline.homework.match_students import fold_case
from pipeline.homework.student_ids import find_changed_id

ID_BYTES = 10  # of a class and of a pupil: nobody guesses one


@dataclass(frozen=True)
class Pupil:
    """One of a class. `id` never changes; `name` as the list has it; `school_id`: the school's, "" without one.

    `number`: tells pupils with one name apart, 0 where it is not needed. `latin_name` and `chinese_name`: other ways in
    which the name may be written.
    """

    name: str
    school_id: str = ""
    latin_name: str = ""
    chinese_name: str = ""
    id: str = ""
    number: int = 0

    @property
    def label(self) -> str:
        """The name as it is shown, unique within the class: 李明 (2)."""
        return f"{self.name} ({self.number})" if self.number else self.name

    @property
    def student(self) -> Student:
        """The pupil as a student of an assignment."""
        names = tuple(dict.fromkeys(filter(None, (self.name, self.latin_name, self.chinese_name))))
        return Student(self.label, self.school_id, self.id, names)


@dataclass(frozen=True)
class SchoolClass:
    """A class of a tenant. Its `id` cannot be guessed."""

    id: str
    tenant: str
    name: str
    pupils: tuple[Pupil, ...] = ()

    @property
    def path(self) -> str:
        """Its name in Redis keys."""
        return f"{self.tenant}/{self.id}"

    @property
    def students(self) -> tuple[Student, ...]:
        return tuple(pupil.student for pupil in self.pupils)


@dataclass(frozen=True)
class ClassChanges:
    """What becomes of a class: `add` pupils; `change` fields of those with these ids; `remove` those with these ids."""

    name: str | None = None
    add: tuple[Pupil, ...] = ()
    change: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    remove: tuple[str, ...] = ()


def make_class(tenant: str, name: str, pupils: Sequence[Pupil]) -> SchoolClass:
    """A new class. Raises BadRoster."""
    return apply_changes(SchoolClass(new_id(), tenant, name), ClassChanges(add=tuple(pupils)))


def new_id() -> str:
    return secrets.token_hex(ID_BYTES)


def apply_changes(school_class: SchoolClass, changes: ClassChanges) -> SchoolClass:
    """The class as it is afterwards. Raises UnknownPupil, and BadRoster if it has too many pupils or an id twice."""
    pupils = {pupil.id: pupil for pupil in school_class.pupils}
    for pupil_id in (*changes.remove, *changes.change):
        if pupil_id not in pupils:
            raise UnknownPupil(f"The class has no pupil with the id {pupil_id[:64]!r}.")
    for pupil_id, fields in changes.change.items():
        pupils[pupil_id] = change_pupil(pupils[pupil_id], fields)
    remaining = [pupil for pupil in pupils.values() if pupil.id not in changes.remove]
    new = [replace(pupil, id=new_id(), number=0) for pupil in changes.add]
    check_pupils([*remaining, *new])
    name = school_class.name if changes.name is None else changes.name
    return replace(school_class, name=name, pupils=tuple(tell_apart([*remaining, *new])))


def change_pupil(pupil: Pupil, fields: Mapping[str, str]) -> Pupil:
    """The pupil with these fields; the number belongs to the name."""
    new_pupil = replace(pupil, **fields)  # type: ignore[arg-type]
    return new_pupil if fold_case(new_pupil.name) == fold_case(pupil.name) else replace(new_pupil, number=0)


def check_pupils(pupils: Sequence[Pupil]) -> None:
    """Raises BadRoster if they are too many or none, or if two have one id of the school's; BadStudentIds."""
    if not pupils:
        raise BadRoster("A class has at least one pupil.")
    if (index := find_changed_id([pupil.school_id for pupil in pupils])) is not None:
        raise BadStudentIds(
            f"{pupils[index].name} has the id {pupils[index].school_id}, which a spreadsheet made of another one. "
            "Format the column of the ids as Text, enter them again, and send them."
        )
    if len(pupils) > MAX_STUDENTS:
        raise BadRoster(f"The class would have {len(pupils):,} pupils: at most {MAX_STUDENTS:,} are possible.")
    owners: dict[str, Pupil] = {}
    for pupil in pupils:
        owner = owners.setdefault(fold_case(pupil.school_id), pupil)
        if pupil.school_id and owner is not pupil:
            raise BadRoster(
                f"{owner.name} and {pupil.name} have the same school id, {pupil.school_id}; make them different."
            )


def tell_apart(pupils: Sequence[Pupil]) -> Iterator[Pupil]:
    """The pupils, of whom no two have the same label: those who share a name get numbers, and keep those they have.

    A number that one of them has, or a lower one, is not given again.
    """
    name_counts = Counter(fold_case(pupil.name) for pupil in pupils)
    labels = {fold_case(pupil.label) for pupil in pupils if pupil.number}
    last_numbers: dict[str, int] = defaultdict(int)
    for pupil in pupils:
        name = fold_case(pupil.name)
        last_numbers[name] = max(last_numbers[name], pupil.number)
    for pupil in pupils:
        name = fold_case(pupil.name)
        if not pupil.number and (name_counts[name] > 1 or name in labels):
            numbers = count(last_numbers[name] + 1)
            labels_by_number = ((number, fold_case(f"{pupil.name} ({number})")) for number in numbers)
            last_numbers[name] = next(
                n for n, label in labels_by_number if label not in labels and label not in name_counts
            )
            pupil = replace(pupil, number=last_numbers[name])
            labels.add(fold_case(pupil.label))
        yield pupil
