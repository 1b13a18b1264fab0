"""Which of a class's names and ids stand in a text, such as the name of a file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pipeline.handing_in.name_atoms import Atom, atoms, orders, torn
from pipeline.homework.assignments import Student

SURE = 4  # characters from which on an id says as much as a name: a 7 may be the student's, or the homework's
LOOKED_AT = 160  # characters of a text, so that a hostile one costs little: names of files have up to 255 bytes
UNACCENTED = 2  # added to the rank of what fits without its accents alone


@dataclass(frozen=True)
class Way:
    """A student as they may be written. `rank` 0 is to the letter; `sure`: it does not stand in a text by chance."""

    student: str
    rank: int
    sure: bool


@dataclass(frozen=True)
class Hit:
    """Where one stands: from atom `start` to before `end`."""

    start: int
    end: int
    way: Way


class Spellings:
    """Ways by the letters that they are written with."""

    def __init__(self) -> None:
        self.ways: dict[str, list[Way]] = defaultdict(list)
        self.lengths: set[int] = set()  # of the keys

    def add(self, texts: Iterable[str], way: Way) -> None:
        if key := "".join(texts):
            self.ways[key].append(way)
            self.lengths.add(len(key))

    def hits(self, texts: Sequence[str]) -> Iterator[Hit]:
        """Where they stand in a text that is given as its atoms; as long as that text, however many they are."""
        whole, starts = "".join(texts), [0, *accumulate(map(len, texts))]
        index = {start: at for at, start in enumerate(starts)}
        for at, start in enumerate(starts):
            for end in (start + length for length in self.lengths if start + length in index):
                for way in self.ways.get(whole[start:end], ()):
                    yield Hit(at, index[end], way)


class Names:
    """The names and ids of a class, with and without accents, the parts of a name in every order."""

    def __init__(self, students: Iterable[Student]) -> None:
        self.exact, self.plain = Spellings(), Spellings()
        for student in students:
            for turned, order in enumerate(orders(atoms(student.name))):
                self.add(student.name, order, int(turned > 0), True)
            number = atoms(student.id)
            self.add(student.name, number, 0, sum(len(atom.text) for atom in number) >= SURE)

    def add(self, student: str, written: Sequence[Atom], rank: int, sure: bool) -> None:
        self.exact.add((atom.text for atom in written), Way(student, rank, sure))
        self.plain.add((atom.plain for atom in written), Way(student, rank + UNACCENTED, sure))

    def search(self, text: str) -> list[Way]:
        """Who stands in it, without those who stand inside of what says more about the same place."""
        found = atoms(text[:LOOKED_AT])
        exact, plain = (atom.text for atom in found), (atom.plain for atom in found)
        hits = [*self.exact.hits(list(exact)), *self.plain.hits(list(plain))]
        return [hit.way for hit in outermost(hit for hit in hits if whole_words(found, hit))]


def whole_words(text: Sequence[Atom], hit: Hit) -> bool:
    return not (torn(text, hit.start, text[hit.start]) or torn(text, hit.end, text[hit.end - 1]))


def outermost(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Those that are in no longer one, as 王小 is in 王小明; of the same place those that fit best."""
    kept: Hit | None = None
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end, hit.way.rank)):
        same = kept and (hit.start, hit.end, hit.way.rank) == (kept.start, kept.end, kept.way.rank)
        if same or not kept or hit.end > kept.end:
            kept = hit
            yield hit
