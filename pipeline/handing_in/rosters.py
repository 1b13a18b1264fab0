"""A teacher's list of a class, as spreadsheets save it: CSV with or without a header, in the encodings that are met."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from pipeline.errors import BadRoster
from pipeline.handing_in import charsets, roster_columns
from pipeline.handing_in.recording_names import JOINERS, hidden
from pipeline.handing_in.roster_columns import Columns
from pipeline.homework.assignments import Student

MOST = 2_000  # students of one class
LONGEST = 100  # characters of a name, and of an id
SEPARATORS = ",;\t"

Row = tuple[int, list[str]]  # number of the line, cells


def read(data: bytes | str) -> tuple[Student, ...]:
    """The students of a CSV file; BadRoster names the line that cannot be used. Blank lines are passed over."""
    text = data if isinstance(data, str) else decoded(data)
    rows = list(filled(text.removeprefix("\ufeff")))
    if not rows:
        raise BadRoster("The list is empty: it has to have one student per line.")
    columns = roster_columns.found([cells for _, cells in rows])
    lines = rows[columns.start :]
    students = [student(row, columns) for row in lines]
    if not 1 <= len(students) <= MOST:
        raise BadRoster(f"The list has {len(students):,} students: expected 1 to {MOST:,}.")
    refuse_doubles([number for number, _ in lines], students)
    return tuple(students)


def decoded(data: bytes) -> str:
    """UTF-8, UTF-16 that says so, or what Chinese Windows writes; anything else raises BadRoster."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and charsets.decodes(data, "utf-16"):
        return data.decode("utf-16")
    if charsets.decodes(data, "utf-8"):
        return data.decode()
    if charsets.is_gb18030(data):
        return data.decode("gb18030")
    raise BadRoster("The list is in an unknown encoding. Save it as “CSV UTF-8”.")


def filled(text: str) -> Iterator[Row]:
    """The rows that have anything in them, and not many more of them than a class may have students."""
    separator = max(SEPARATORS, key="\n".join(text.splitlines()[: roster_columns.FIRST]).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    count = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                count += 1
                yield reader.line_num, cells
            if count > MOST + roster_columns.FIRST:
                raise BadRoster(f"The list has more than {MOST:,} students.")
    except csv.Error as error:
        raise BadRoster(f"Line {reader.line_num} of the list is no CSV: {error}.") from None


def student(row: Row, columns: Columns) -> Student:
    number, cells = row
    names = [cell for at in columns.name if (cell := clean(number, cells, at))]
    chinese = all(letter >= "\u2e80" for letter in "".join(names))  # which has no space between 姓 and 名
    name = ("" if chinese else " ").join(names)
    if not name:
        raise BadRoster(f"Line {number} of the list has no name.")
    if len(name) > LONGEST:
        raise BadRoster(f"Line {number} of the list has a name of more than {LONGEST} characters.")
    return Student(name, "" if columns.id is None else clean(number, cells, columns.id).strip("=\"'"))  # Excel's ="007"


def clean(number: int, cells: Sequence[str], at: int) -> str:
    """A cell in NFC, with single spaces; "" where the row is too short."""
    cell = cells[at].strip() if at < len(cells) else ""
    if any(hidden(letter) and letter not in JOINERS for letter in cell):
        raise BadRoster(f"Line {number} of the list has characters that are not seen. Type it anew.")
    if len(cell) > LONGEST:
        raise BadRoster(f"Line {number} of the list has more than {LONGEST} characters in one cell.")
    return " ".join(unicodedata.normalize("NFC", cell).split())


def refuse_doubles(numbers: Iterable[int], students: Iterable[Student]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for number, each in zip(numbers, students, strict=True):
        for column, cell in (("name", each.name), ("id", each.id)):
            same = (column, unicodedata.normalize("NFKC", cell).casefold())
            if cell and (first := seen.setdefault(same, number)) != number:
                raise BadRoster(f"Line {number} of the list has the {column} of line {first}: tell the two apart.")
