"""Whose each file is that was handed in: students are recognised by the names of the file and of its folders."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import AmbiguousStudent, DoubledStudent, UnknownStudent, WaijiaoError
from pipeline.handing_in.name_atoms import folded
from pipeline.handing_in.name_search import Names
from pipeline.handing_in.recording_names import NOBODY, shown, stem
from pipeline.handing_in.rosters import LONGEST
from pipeline.homework.assignments import Student

NAMED = 5  # at most so many of several are named in a sentence


@dataclass(frozen=True)
class Problem:
    """A file that is not taken, why, and whose it is as far as that is known."""

    file: str
    code: str
    detail: str
    student: str | None = None


@dataclass(frozen=True)
class Matching:
    """`found`: file -> student, no student twice; every other file is a problem. `missing`: students without a file."""

    found: Mapping[str, str]
    problems: Sequence[Problem]
    missing: Sequence[str]


def matched(files: Sequence[str], students: Sequence[Student]) -> Matching:
    """Whose each of `files` is, which are paths. Without `students` whoever hands in is called as the file is."""
    names = Names(students)
    owners = [owner(file, names) if students else own_name(file) for file in files]
    problems = [problem(file, who) for file, who in zip(files, owners, strict=True) if isinstance(who, WaijiaoError)]
    owned = [(file, who) for file, who in zip(files, owners, strict=True) if isinstance(who, str)]
    often = Counter(folded(who) for _, who in owned)
    found = {file: who for file, who in owned if often[folded(who)] == 1}
    doubled = [(file, who) for file, who in owned if often[folded(who)] > 1]
    problems += doubles(doubled)
    taken = set(found.values())
    return Matching(found, problems, [each.name for each in students if each.name not in taken])


def owner(file: str, names: Names) -> str | WaijiaoError:
    """The student of the class whom the file's name has, or else its folders', the nearest first."""
    *folders, _ = file.replace("\\", "/").split("/")
    searched = [names.search(part) for part in (stem(file), *reversed(folders))]
    for sure in (True, False):
        fit: set[str] = set()
        for ways in searched:
            here = {way.student for way in ways if way.sure is sure}
            fit = (fit & here) or fit or here  # what is further away decides between several
        if fit:
            return fit.pop() if len(fit) == 1 else AmbiguousStudent(f"It fits several students: {listed(sorted(fit))}.")
    return UnknownStudent()


def own_name(file: str) -> str | WaijiaoError:
    name = shown(stem(file))[:LONGEST].strip()
    return name if name.strip(". " + NOBODY) else UnknownStudent()


def problem(file: str, error: WaijiaoError, student: str | None = None) -> Problem:
    return Problem(file, error.code, error.detail, student)


def doubles(owned: Sequence[tuple[str, str]]) -> Iterable[Problem]:
    of: dict[str, list[str]] = {}
    for file, who in owned:
        of.setdefault(folded(who), []).append(file)
    for file, who in owned:
        yield problem(file, DoubledStudent(f"These are one student's: {listed(of[folded(who)])}. None is taken."), who)


def listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(f"“{name}”" for name in names[:NAMED]) + more
