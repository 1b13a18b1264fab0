"""Which of a class's names and ids stand in a text, such as the name of a file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.assignments import Student
from pipeline.name_atoms import Atom, atoms, orders, torn

SURE = 4  # characters from which on an id says as much as a name: a 7 may be the student's, or the homework's
UNACCENTED = 2  # added to the rank of what fits without its accents alone


@dataclass(frozen=True)
class Hit:
    """Where a student stands: from atom `start` to before `end`. `rank` 0 is to the letter; `sure`: not by chance."""

    student: str
    start: int
    end: int
    rank: int
    sure: bool

    def beats(self, other: "Hit") -> bool:
        """Whether it says more about the same place, as 王小明 does than 王小."""
        inside = self.start <= other.start and other.end <= self.end
        longer = self.end - self.start > other.end - other.start
        return self.student != other.student and inside and (longer or self.rank < other.rank)


class Names:
    """The names and ids of a class, each in every way that it may be written."""

    def __init__(self, students: Iterable[Student]) -> None:
        self.ways: dict[str, list[tuple[str, int, bool]]] = defaultdict(list)  # key -> student, rank, sure
        self.plain_ways: dict[str, list[tuple[str, int, bool]]] = defaultdict(list)
        for student in students:
            for turned, order in enumerate(orders(atoms(student.name))):
                self.add(student.name, order, int(turned > 0), True)
            number = atoms(student.id)
            self.add(student.name, number, 0, sum(len(atom.text) for atom in number) >= SURE)
        self.longest = max(map(len, [*self.ways, *self.plain_ways]), default=0)

    def add(self, student: str, way: Sequence[Atom], rank: int, sure: bool) -> None:
        if way:
            self.ways["".join(atom.text for atom in way)].append((student, rank, sure))
            self.plain_ways["".join(atom.plain for atom in way)].append((student, rank + UNACCENTED, sure))

    def search(self, text: str) -> list[Hit]:
        """Who stands in it, without those who stand inside of what says more."""
        hits = list(self.hits(atoms(text)))
        return [hit for hit in hits if not any(other.beats(hit) for other in hits)]

    def hits(self, text: Sequence[Atom]) -> Iterator[Hit]:
        for start, first in enumerate(text):
            if torn(text, start, first):
                continue
            key = plain_key = ""
            for at, atom in enumerate(text[start:], start):
                key, plain_key = key + atom.text, plain_key + atom.plain
                if min(len(key), len(plain_key)) > self.longest:
                    break
                if not torn(text, at + 1, atom):
                    for student, rank, sure in (*self.ways.get(key, ()), *self.plain_ways.get(plain_key, ())):
                        yield Hit(student, start, at + 1, rank, sure)
