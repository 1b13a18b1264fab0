"""Match the files that a class hands in to its students, by the names of the files and of their folders.

Names and texts are split into tokens. All forms in which a student may be written (the name with its parts in every
order, the id, both with and without accents) are indexed by the letters of their tokens; a text is searched for every
run of its tokens that is such a form. What is not certain is reported and never guessed.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, permutations

from pipeline.errors import AmbiguousStudent, DoubledStudent, UnknownStudent, WaijiaoError
from pipeline.homework.assignments import MAX_CELL_CHARS, Student
from pipeline.homework.filenames import UNNAMED, display_name, stem
from pipeline.homework.school.files import SchoolFile, parse_school_file
from pipeline.text.enumeration import join_some

MAX_QUOTED_NAMES = 5  # in one sentence; of more, the rest are counted
MIN_DISTINCTIVE_ID_CHARS = 4  # an id this long says as much as a name: a 7 may be the student's, or the homework's
MAX_SEARCHED_CHARS = 160  # of a text, so that a hostile one costs little: names of files have up to 255 bytes
MAX_NAME_PARTS = 5  # of a name of which some are compared with another one
MAX_PERMUTED_PARTS = 4  # of a name that may stand in any order
COPY_MARK = re.compile(
    r"(?<=\S)\s*[(（]\d{1,3}[)）]$"
)  # a system's, of a file that has the name of another: no seat number
UNACCENTED_RANK = 2  # added to the rank of a form that matches only without its accents
LETTERS_WITHOUT_DECOMPOSITION = str.maketrans("đøł", "dol")  # Unicode does not split them into letter and accent


@dataclass(frozen=True)
class FileProblem:
    """A file that is refused, the reason, and its student if known."""

    file: str
    code: str
    detail: str
    student: str | None = None


@dataclass(frozen=True)
class MatchResult:
    """`student_by_file` has no student twice; every other file has a problem. `missing`: students without a file."""

    student_by_file: Mapping[str, str]
    problems: Sequence[FileProblem]
    missing: Sequence[str]


def match_students(files: Sequence[str], students: Sequence[Student]) -> MatchResult:
    """Find the student of each of `files`, which are paths. Without `students`, a student is named as the file is."""
    index = NameIndex(students)
    owners = [find_owner(file, index) if students else name_from_file(file) for file in files]
    problems = [file_problem(file, each) for file, each in zip(files, owners, strict=True) if not isinstance(each, str)]
    matched_files = [(file, each) for file, each in zip(files, owners, strict=True) if isinstance(each, str)]
    counts = Counter(fold_case(student) for _, student in matched_files)
    student_by_file = {file: student for file, student in matched_files if counts[fold_case(student)] == 1}
    problems += duplicate_problems([each for each in matched_files if counts[fold_case(each[1])] > 1])
    with_file = set(student_by_file.values())
    return MatchResult(student_by_file, problems, [each.name for each in students if each.name not in with_file])


def find_owner(file: str, index: "NameIndex") -> str | WaijiaoError:
    """The student named in the file's name, or else in those of its folders, the nearest first; or what is wrong.

    Where Moodle or Canvas has named the file, what it says of the student counts before all else. Short ids, which
    may stand there by chance, count only where no distinctive form is found.
    """
    school_file = parse_school_file(file)
    if school_file and (owner := find_owner_in_school(school_file, index)):
        return owner
    *folders, _ = file.replace("\\", "/").split("/")
    forms_by_part = [index.search(part) for part in (COPY_MARK.sub("", stem(file)), *reversed(folders))]
    for distinctive in (True, False):
        candidates: set[str] = set()
        for forms in forms_by_part:
            part_students = name_students(forms, distinctive)
            # A part that is farther away only decides between several candidates.
            candidates = (candidates & part_students) or candidates or part_students
        if len(candidates) == 1:
            return candidates.pop()
        if candidates:
            return AmbiguousStudent(f"It fits several students: {quote_names(sorted(candidates))}.")
    return UnknownStudent()


def name_students(forms: Sequence["NameForm"], distinctive: bool) -> set[str]:
    """The students whom these forms name. Of several with one name, an id decides that says as much as a name."""
    students = {form.student for form in forms if form.distinctive is distinctive}
    with_id = {form.student for form in forms if form.is_id and form.distinctive is distinctive}
    return with_id if len(with_id) == 1 and with_id < students and share_name(forms, students) else students


def share_name(forms: Sequence["NameForm"], students: set[str]) -> bool:
    """Whether one name in the text is that of all these students."""
    owners: dict[str, set[str]] = defaultdict(set)
    for form in forms:
        if not form.is_id:
            owners[form.letters].add(form.student)
    return any(students <= each for each in owners.values())


def find_owner_in_school(file: SchoolFile, index: "NameIndex") -> str | None:
    """The student with the number or the name that a school's system gives; None if they disagree, or fit nobody.

    The number may be another student's seat or id by chance, so it counts only together with the name. A class list
    may have more than the system's name, to tell two students apart: Anna Li (7B).
    """
    by_name = {form.student for form in index.search(file.student) if form.distinctive}
    by_number = index.names_by_id.get(file.number, ())
    if not by_number:
        return by_name.pop() if len(by_name) == 1 else None
    agreeing = [student for student in by_number if student in by_name or has_name(student, file.student)]
    return agreeing[0] if len(agreeing) == 1 else None


def has_name(student: str, name: str) -> bool:
    """Whether some parts of a student's name are `name`, in any order, with or without accents."""
    letters = "".join(token.unaccented_text for token in tokenize(name))
    parts = name_parts(tokenize(student))[:MAX_NAME_PARTS]
    orders = (order for count in range(1, len(parts) + 1) for order in permutations(parts, count))
    return any("".join(token.unaccented_text for part in order for token in part) == letters for order in orders)


def name_from_file(file: str) -> str | WaijiaoError:
    """A name for the student: that of the file, or with its number the one that a school's system gives."""
    if school_file := parse_school_file(file):
        end = f" ({school_file.number[: MAX_CELL_CHARS // 2]})"
        return (display_name(school_file.student)[: MAX_CELL_CHARS - len(end)].strip() + end).strip()
    name = display_name(stem(file))[:MAX_CELL_CHARS].strip()
    return name if name.strip(". " + UNNAMED) else UnknownStudent()


def file_problem(file: str, error: WaijiaoError, student: str | None = None) -> FileProblem:
    return FileProblem(file, error.code, error.detail, student)


def duplicate_problems(matched_files: Sequence[tuple[str, str]]) -> Iterator[FileProblem]:
    """A problem for each of these files, of whose students each has several."""
    files_by_student: dict[str, list[str]] = defaultdict(list)
    for file, student in matched_files:
        files_by_student[fold_case(student)].append(file)
    for file, student in matched_files:
        files = quote_names(files_by_student[fold_case(student)])
        yield file_problem(file, DoubledStudent(f"These are one student's: {files}. None is taken."), student)


def quote_names(names: Sequence[str]) -> str:
    return join_some([f"“{name}”" for name in names], MAX_QUOTED_NAMES)


@dataclass(frozen=True)
class NameForm:
    """One way in which a student may be written.

    `rank`: 0 for the exact name, higher for forms that differ more from it. `distinctive`: too long to stand in a text
    by chance. `letters`: those of its tokens. `is_id`: it is the school's id.
    """

    student: str
    rank: int
    distinctive: bool
    letters: str = ""
    is_id: bool = False


@dataclass(frozen=True)
class Match:
    """A form that was found in a text: it reaches from token `start` to before token `end`."""

    start: int
    end: int
    form: NameForm


class NameIndex:
    """The names and ids of a class in all their forms."""

    def __init__(self, students: Iterable[Student]) -> None:
        self.exact_forms, self.loose_forms = FormIndex(), FormIndex()
        self.names_by_id: dict[str, list[str]] = defaultdict(list)
        for student in students:
            self.names_by_id[student.id].append(student.name)
            for name in student.names or (student.name,):
                for number, tokens in enumerate(part_orders(tokenize(name))):
                    self.add(tokens, NameForm(student.name, rank=min(number, 1), distinctive=True))
            id_tokens = tokenize(student.id)
            id_chars = sum(len(token.text) for token in id_tokens)
            has_many = id_chars >= MIN_DISTINCTIVE_ID_CHARS
            self.add(id_tokens, NameForm(student.name, rank=0, distinctive=has_many, is_id=True))

    def add(self, tokens: Sequence["NameToken"], form: NameForm) -> None:
        exact_letters = "".join(token.text for token in tokens)
        self.exact_forms.add(exact_letters, replace(form, letters=exact_letters))
        letters = "".join(token.unaccented_text for token in tokens)
        self.loose_forms.add(letters, replace(form, rank=form.rank + UNACCENTED_RANK, letters=letters))

    def search(self, text: str) -> list[NameForm]:
        """The forms that `text` contains, without those inside a longer one."""
        tokens = tokenize(text[:MAX_SEARCHED_CHARS])
        exact_matches = self.exact_forms.find([token.text for token in tokens])
        loose_matches = self.loose_forms.find([token.unaccented_text for token in tokens])
        matches = [match for match in (*exact_matches, *loose_matches) if not splits_word(tokens, match)]
        return [match.form for match in drop_nested(matches)]


class FormIndex:
    """Forms by the letters that they are written with."""

    def __init__(self) -> None:
        self.forms: dict[str, list[NameForm]] = defaultdict(list)
        self.lengths: set[int] = set()  # of the keys of `forms`

    def add(self, letters: str, form: NameForm) -> None:
        if letters:
            self.forms[letters].append(form)
            self.lengths.add(len(letters))

    def find(self, tokens: Sequence[str]) -> Iterator[Match]:
        """All matches in the text of these tokens. Its time does not grow with the number of forms, only of lengths."""
        text, offsets = "".join(tokens), [0, *accumulate(map(len, tokens))]
        index_of_offset = {offset: index for index, offset in enumerate(offsets)}
        for start, offset in enumerate(offsets):
            for end_offset in (offset + length for length in self.lengths if offset + length in index_of_offset):
                for form in self.forms.get(text[offset:end_offset], ()):
                    yield Match(start, index_of_offset[end_offset], form)


def splits_word(tokens: Sequence["NameToken"], match: Match) -> bool:
    """Whether the match begins or ends with digits that belong to a longer word, as the 12 of hw12 does."""

    def splits_at(boundary: int, inner: NameToken) -> bool:
        if not 0 < boundary < len(tokens) or tokens[boundary].is_separate:
            return False
        return inner.kind == "digits" and "wide" not in (tokens[boundary - 1].kind, tokens[boundary].kind)

    return splits_at(match.start, tokens[match.start]) or splits_at(match.end, tokens[match.end - 1])


def drop_nested(matches: Iterable[Match]) -> Iterator[Match]:
    """Without those inside a longer one, as 王小 is in 王小明; of several at the same tokens, those of least rank."""
    last: Match | None = None
    for match in sorted(matches, key=lambda match: (match.start, -match.end, match.form.rank)):
        is_tie = last and (match.start, match.end, match.form.rank) == (last.start, last.end, last.form.rank)
        if is_tie or not last or match.end > last.end:
            last = match
            yield match


@dataclass(frozen=True)
class NameToken:
    """A piece that no search splits: letters, digits, or one "wide" character (Han, kana or Hangul, without spaces).

    `kind`: "letters", "digits" or "wide". `text` has neither case nor width; `unaccented_text` is the same without
    accents, which filenames often lose. `is_separate`: a space or a sign stands before it.
    """

    kind: str
    text: str
    unaccented_text: str
    is_separate: bool


def tokenize(text: str) -> list[NameToken]:
    """The tokens of a text; letters are split where camelCase has them split."""
    tokens: list[NameToken] = []
    run, run_kind, is_separate = "", "", True
    for character in [*unicodedata.normalize("NFKC", text), " "]:
        kind = character_kind(character, run_kind)
        if run and (kind != run_kind or starts_token(run[-1], character)):
            tokens.append(NameToken(run_kind, fold_case(run), remove_accents(run), is_separate))
            run, is_separate = "", False
        if kind:
            run += character
        else:
            is_separate = True
        run_kind = kind
    return tokens


def character_kind(character: str, previous_kind: str) -> str:
    """ "letters", "digits", "wide", or "" for a character outside every token."""
    if unicodedata.category(character).startswith("M"):
        return previous_kind  # an accent goes with the letter before it
    if character.isdigit():
        return "digits"
    if not character.isalpha():
        return ""
    return "wide" if unicodedata.east_asian_width(character) in "WF" else "letters"


def starts_token(previous: str, character: str) -> bool:
    """Whether `character` starts another token of the same kind."""
    is_camel_case = previous.islower() and character.isupper()
    return is_camel_case or (unicodedata.east_asian_width(character) in "WF" and character.isalpha())


def fold_case(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())


def remove_accents(text: str) -> str:
    decomposition = unicodedata.normalize("NFKD", fold_case(text))
    letters = "".join(each for each in decomposition if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFKC", letters).translate(LETTERS_WITHOUT_DECOMPOSITION)


def part_orders(name: Sequence[NameToken]) -> Iterator[list[NameToken]]:
    """The name as it is written, then its parts in every order; of many parts, only the last or the first moves."""
    parts = name_parts(name)
    rotations = (tuple(parts), (*parts[-1:], *parts[:-1]), (*parts[1:], *parts[:1]))
    for order in permutations(parts) if len(parts) <= MAX_PERMUTED_PARTS else rotations:
        yield [token for part in order for token in part]


def name_parts(name: Sequence[NameToken]) -> list[list[NameToken]]:
    """Such as Wang and Xiaoming; a name that is written in two scripts has two."""
    parts: list[list[NameToken]] = []
    for token in name:
        if not parts or token.is_separate or (token.kind == "wide") is not (parts[-1][-1].kind == "wide"):
            parts.append([])
        parts[-1].append(token)
    return parts
