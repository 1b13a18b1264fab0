"""Read a teacher's class list as spreadsheets save it: XLSX, or CSV with or without a header, in common encodings."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pipeline.errors import BadRoster, BadStudentIds
from pipeline.homework.assignments import MAX_CELL_CHARS, MAX_STUDENTS, Student
from pipeline.homework.encodings import choose_chinese_encoding, is_unreadable
from pipeline.homework.spreadsheet import is_spreadsheet, read_spreadsheet
from pipeline.homework.student_ids import find_changed_id, find_shortened_id
from pipeline.text.characters import can_decode, is_invisible

DELIMITERS = ",;\t"
FULL_WIDTH_DELIMITERS = str.maketrans("，；", ",;")
HEADER_ROWS = 5  # rows within which the header stands; above it some write the name of the class

# Titles of columns without case, spaces and punctuation; the first of them that a list has counts.
NAME_TITLES = (
    "name",
    "studentname",
    "fullname",
    "student",
    "displayname",
    "姓名",
    "学生姓名",
    "學生姓名",
    "名字",
    "学生",
    "學生",
)
GIVEN_NAME_TITLES = ("firstname", "givenname", "forename", "名")
FAMILY_NAME_TITLES = ("lastname", "surname", "familyname", "姓", "姓氏")
ID_TITLES = (
    "studentid",
    "studentnumber",
    "studentno",
    "idnumber",
    "学号",
    "學號",
    "学生编号",
    "id",
    "编号",
    "number",
    "no",
    "序号",
)
OTHER_NAME_TITLES = (
    "englishname",
    "latinname",
    "pinyin",
    "英文名",
    "英文姓名",
    "拼音",
    "chinesename",
    "中文名",
    "中文姓名",
)
CANVAS_TITLES = ("sisuserid", "sisloginid")  # of the gradebook that Canvas exports
CANVAS_ROWS = ("", "points possible", "student, test", "test student")  # its rows that are no students

Row = tuple[int, list[str]]  # number of the line, cells


def read_roster(data: bytes | str, same_names: bool = False) -> tuple[Student, ...]:
    """The students of a CSV or XLSX file, or of pasted text; blank lines are skipped.

    With `same_names` several may have one name. Raises BadRoster, which names the unusable line, and BadStudentIds if a
    spreadsheet changed the ids.
    """
    rows = read_any_rows(data)
    if not rows:
        raise BadRoster("The list is empty: it has to have one student per line.")
    columns = find_columns([cells for _, cells in rows])
    student_rows = [row for row in rows[columns.first_row :] if not is_canvas_row(row, columns)]
    students = [read_student(row, columns) for row in student_rows]
    if not 1 <= len(students) <= MAX_STUDENTS:
        raise BadRoster(f"The list has {len(students):,} students: expected 1 to {MAX_STUDENTS:,}.")
    if columns.id is not None:
        refuse_bad_ids(student_rows, columns, [student.id for student in students])
    refuse_duplicates([line for line, _ in student_rows], students, same_names)
    return tuple(students)


def read_any_rows(data: bytes | str) -> list[Row]:
    if isinstance(data, bytes) and is_spreadsheet(data):
        return read_spreadsheet(data)
    text = data if isinstance(data, str) else decode(data)
    return read_rows_with_any_delimiter(text.removeprefix("\ufeff"))


def decode(data: bytes) -> str:
    """Decode UTF-8, UTF-16 with a byte order mark, GB18030 or Big5 (Chinese Windows). Anything else raises BadRoster.

    What is not UTF-8 has to have the titles of a class list, or Chinese names.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) and can_decode(data, "utf-16"):
        return data.decode("utf-16")
    if can_decode(data, "utf-8"):
        return data.decode()
    if encoding := choose_chinese_encoding(data, has_chinese_title):
        return data.decode(encoding)
    raise BadRoster("The list is in an unknown encoding. Save it as “CSV UTF-8”.")


def has_chinese_title(text: str) -> bool:
    """Whether its first rows have a title such as 姓名."""
    cells = re.split(r"[,;\t，；\r\n]", "\n".join(text.splitlines()[:HEADER_ROWS]))
    known_titles = {title for title in (*NAME_TITLES, *ID_TITLES) if not title.isascii()}
    return any(normalize_title(cell) in known_titles for cell in cells)


def read_rows_with_any_delimiter(text: str) -> list[Row]:
    """The rows; full-width commas and semicolons separate cells where only then all rows have equally many."""
    rows = list(read_rows(text))
    if not has_equal_columns(rows):
        with suppress(BadRoster):
            plain_rows = list(read_rows(text.translate(FULL_WIDTH_DELIMITERS)))
            return plain_rows if has_equal_columns(plain_rows) else rows
    return rows


def has_equal_columns(rows: Iterable[Row]) -> bool:
    counts = {len(cells) for _, cells in rows}
    return len(counts) == 1 and counts != {1}


def read_rows(text: str) -> Iterator[Row]:
    """The rows that are not blank. Raises BadRoster soon after there are more than a class may have students."""
    delimiter = max(DELIMITERS, key="\n".join(text.splitlines()[:HEADER_ROWS]).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    count = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                count += 1
                yield reader.line_num, cells
            if count > MAX_STUDENTS + HEADER_ROWS:
                raise BadRoster(f"The list has more than {MAX_STUDENTS:,} students.")
    except csv.Error as error:
        raise BadRoster(f"Line {reader.line_num} of the list is not valid CSV: {error}.") from None


@dataclass(frozen=True)
class Columns:
    """The index of each column with a part of the name, of the one with the id, and of the first student's row.

    `other_names`: the columns with the same name in another script.
    """

    name: tuple[int, ...]
    id: int | None
    first_row: int
    is_canvas: bool = False
    other_names: tuple[int, ...] = ()


def find_columns(rows: Sequence[Sequence[str]]) -> Columns:
    """The columns of a list without blank rows: from its header, or else from its cells. Raises BadRoster."""
    header_rows = [[normalize_title(cell) for cell in row] for row in rows[:HEADER_ROWS]]
    for index, titles in enumerate(header_rows):
        if any(title in (*NAME_TITLES, *GIVEN_NAME_TITLES, *FAMILY_NAME_TITLES) for title in titles):
            return columns_from_titles(titles, index + 1)
    if any(title in ID_TITLES for title in header_rows[0]):
        raise BadRoster("No column of the list is titled “name” or “姓名”.")
    return columns_from_cells(rows)


def columns_from_titles(titles: Sequence[str], first_row: int) -> Columns:
    def index_of(column_titles: Sequence[str]) -> int | None:
        return next((titles.index(title) for title in column_titles if title in titles), None)

    full_name, id_ = index_of(NAME_TITLES), index_of(ID_TITLES)
    other_names = tuple(index for index, title in enumerate(titles) if title in OTHER_NAME_TITLES)
    if full_name is not None:
        return Columns((full_name,), id_, first_row, any(title in titles for title in CANVAS_TITLES), other_names)
    given_name, family_name = index_of(GIVEN_NAME_TITLES), index_of(FAMILY_NAME_TITLES)
    is_chinese = family_name is not None and titles[family_name].startswith("姓")
    parts = (family_name, given_name) if is_chinese else (given_name, family_name)
    return Columns(tuple(part for part in parts if part is not None), id_, first_row, other_names=other_names)


def columns_from_cells(rows: Sequence[Sequence[str]]) -> Columns:
    """Without a header: a column of names, or two columns, of which the one with digits in every row has the ids."""
    columns = {index for row in rows for index, cell in enumerate(row) if cell.strip()}
    with_digits = {index for index in columns if all(has_digit(row[index : index + 1]) for row in rows)}
    if len(columns) == 1:
        return Columns(tuple(columns), None, 0)
    if len(columns) == 2 and len(with_digits) == 1:
        return Columns(tuple(columns - with_digits), with_digits.pop(), 0)
    raise BadRoster(
        "The list has several columns: its first line must give them titles, such as “name,id” or “姓名,学号”."
    )


def has_digit(cells: Iterable[str]) -> bool:
    return any(map(str.isdigit, "".join(cells)))


def normalize_title(title: str) -> str:
    """A title as the tables above have it."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", title).casefold()))


def is_canvas_row(row: Row, columns: Columns) -> bool:
    """Whether it is one that Canvas adds: the points of each assignment, and the student for tests."""
    name = "".join(row[1][column] for column in columns.name if column < len(row[1]))
    return columns.is_canvas and name.strip().casefold() in CANVAS_ROWS


def read_student(row: Row, columns: Columns) -> Student:
    line, cells = row
    parts = [cell for column in columns.name if (cell := read_cell(line, cells, column))]
    is_chinese = all(letter >= "\u2e80" for letter in "".join(parts))  # no space stands between 姓 and 名
    name = ("" if is_chinese else " ").join(parts)
    if not name:
        raise BadRoster(f"Line {line} of the list has no name.")
    if len(name) > MAX_CELL_CHARS:
        raise BadRoster(f"Line {line} of the list has a name of more than {MAX_CELL_CHARS} characters.")
    id_ = "" if columns.id is None else read_cell(line, cells, columns.id).strip("=\"'")  # Excel writes ="007"
    others = tuple(cell for column in columns.other_names if (cell := read_cell(line, cells, column)))
    return Student(name, id_, names=(name, *others) if others else ())


def read_cell(line: int, cells: Sequence[str], column: int) -> str:
    """A cell in NFC, with single spaces; "" where the row is too short."""
    cell = cells[column].strip() if column < len(cells) else ""
    if any(map(is_invisible, cell)):
        raise BadRoster(f"Line {line} of the list contains invisible characters; retype it.")
    if any(map(is_unreadable, cell)):
        raise BadRoster(f"Line {line} of the list has characters that cannot be read. Save it as “CSV UTF-8”.")
    if len(cell) > MAX_CELL_CHARS:
        raise BadRoster(f"Line {line} of the list has more than {MAX_CELL_CHARS} characters in one cell.")
    return " ".join(unicodedata.normalize("NFC", cell).split())


def refuse_bad_ids(rows: Sequence[Row], columns: Columns, ids: Sequence[str]) -> None:
    """Raise BadStudentIds if a spreadsheet changed the ids. Those of Canvas may have any length."""
    if (index := find_changed_id(ids)) is not None:
        raise BadStudentIds(
            f"Line {rows[index][0]} of the list has the id {ids[index]}, which a spreadsheet made of another one. "
            "Format the column of the ids as Text, enter them again, and save the list."
        )
    certain = [columns.is_canvas or is_marked_as_text(cells, columns) for _, cells in rows]
    if (index := find_shortened_id(ids, certain)) is not None:
        raise BadStudentIds(
            f"Line {rows[index][0]} of the list has the id {ids[index]}, which is shorter than others: a spreadsheet "
            "may have removed zeros at its beginning. Format the column of the ids as Text, enter them again, and save "
            f'the list. An id that really is shorter is written as ="{ids[index]}".'
        )


def is_marked_as_text(cells: Sequence[str], columns: Columns) -> bool:
    """Whether the id is written as a spreadsheet's text, such as ="007" or '007."""
    return columns.id is not None and "".join(cells[columns.id : columns.id + 1]).strip().startswith(("=", "'"))


def refuse_duplicates(lines: Iterable[int], students: Iterable[Student], same_names: bool) -> None:
    first_lines: dict[tuple[str, str], int] = {}
    for line, student in zip(lines, students, strict=True):
        for column, cell in (("name", "" if same_names else student.name), ("id", student.id)):
            key = (column, unicodedata.normalize("NFKC", cell).casefold())
            if cell and (first := first_lines.setdefault(key, line)) != line:
                raise BadRoster(f"Line {line} of the list repeats the {column} of line {first}; make them different.")
