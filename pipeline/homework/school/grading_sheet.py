"""Fill in the grading sheet of a school's system: Moodle's grading worksheet, or the gradebook of Canvas as CSV.

Only empty cells of one column are filled: Moodle's feedback comments, which the student reads, or Canvas's notes, which
only teachers read, since its gradebook has no comments. The rows of others, and every other cell, stay as they came.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import BadSheet
from pipeline.homework.assignments import Student
from pipeline.homework.match_students import fold_case, part_orders, tokenize
from pipeline.homework.roster import NAME_TITLES, normalize_title
from pipeline.homework.school.csv_text import CsvRow, CsvText
from pipeline.homework.school.files import SYSTEM_TITLES, SchoolFile, SchoolSystem
from pipeline.text.characters import prevent_formula, remove_invisible

# Titles of columns without case, spaces and punctuation.
COMMENT_TITLES: dict[SchoolSystem, tuple[str, ...]] = {
    "moodle": ("feedbackcomments", "反馈评论", "反馈意见", "评语"),
    "canvas": ("notes", "备注"),
}
ID_TITLES = ("idnumber", "emailaddress", "username", "sisuserid", "sisloginid", "学号", "电子邮件地址", "用户名")
GRADE_TITLES = ("grade", "成绩", "分数")
CANVAS_GRADE_TITLE = re.compile(r"\(\d+\)\s*$")  # of an assignment, with its number
CANVAS_FIRST_TITLES = {"student": (0,), "lastname": (1, 0)}  # and the columns of the name that follow from it
POINTS_TITLE, POINTS_ROWS = "points possible", 4  # a row that Canvas puts above the students, within so many
READ_ONLY = re.compile(r"read.only|只读", re.IGNORECASE)
MOODLE_NUMBER = re.compile(r"(\D{2,}?)\s*(\d+)\s*")  # Participant 123456, in Moodle's language


@dataclass(frozen=True)
class ReleasedAnswer:
    """What a student was answered, as text; `file` is the one that was handed in, if a system has named it."""

    student: Student
    text: str
    file: SchoolFile | None


@dataclass(frozen=True)
class FilledSheet:
    """The sheet with the answers, and the names of students.

    `entered`: whose answers it has now; `occupied`: whose cells had something already; `not_found`: who has no row.
    """

    system: SchoolSystem
    content: bytes
    entered: Sequence[str]
    occupied: Sequence[str]
    not_found: Sequence[str]


@dataclass(frozen=True)
class SheetColumns:
    """Which columns of a sheet say whose a row is, and which one is filled; `first_row` is the first student's."""

    system: SchoolSystem
    number: int
    name: tuple[int, ...]
    ids: tuple[int, ...]
    comments: int
    first_row: int = 1


def fill_sheet(data: bytes, answers: Sequence[ReleasedAnswer], column: str = "") -> FilledSheet:
    """Enter the text of each answer in the row of its student. Raises BadSheet.

    `column` is the title of the column for it; without one, it is the one that the system has for comments.
    """
    sheet = CsvText.parse(data)
    columns = find_columns(sheet, column)
    entered, occupied, not_found = [], [], []
    row_of_answer = find_rows(sheet.rows[columns.first_row :], columns, answers)
    for index, answer in enumerate(answers):
        row, name = row_of_answer.get(index), answer.student.name
        if row is None:
            not_found.append(name)
        elif row.value(columns.comments).strip():
            occupied.append(name)
        else:
            sheet.set(row, columns.comments, write_comment(answer.text, columns.system))
            entered.append(name)
    return FilledSheet(columns.system, sheet.write(), entered, occupied, not_found)


def write_comment(text: str, system: SchoolSystem) -> str:
    """The text on one line, as the system reads it: Moodle's comments are HTML."""
    line = " ".join(remove_invisible(text, "\n\t").split())
    return prevent_formula(html.escape(line, quote=False) if system == "moodle" else line)


# The columns


def find_columns(sheet: CsvText, column: str) -> SheetColumns:
    """Raises BadSheet if it is neither Moodle's nor Canvas's, or has no column to fill."""
    titles = [normalize_title(title) for title in sheet.rows[0].values]
    ids = tuple(index for index, title in enumerate(titles) if title in ID_TITLES)
    is_points_row = [row.value(0).strip().casefold() == POINTS_TITLE for row in sheet.rows[:POINTS_ROWS]]
    if any(is_points_row) and titles[0] in CANVAS_FIRST_TITLES and "id" in titles:
        comments = find_comments(sheet.rows[0], "canvas", column)
        points_index = is_points_row.index(True)
        if READ_ONLY.search(sheet.rows[points_index].value(comments)):
            raise BadSheet(
                f"The column “{sheet.rows[0].value(comments)}” is one that Canvas only writes, and never reads."
            )
        return SheetColumns(
            "canvas", titles.index("id"), CANVAS_FIRST_TITLES[titles[0]], ids, comments, points_index + 1
        )
    if is_moodle_sheet(sheet):
        names = tuple(index for index, title in enumerate(titles) if title in NAME_TITLES)
        return SheetColumns("moodle", 0, names[:1], ids, find_comments(sheet.rows[0], "moodle", column))
    raise BadSheet(
        "It is neither Moodle's grading worksheet nor the gradebook of Canvas. Download the sheet again, and leave its "
        "first line and its first column as they are."
    )


def is_moodle_sheet(sheet: CsvText) -> bool:
    """Whether each row begins with a participant's number, after the same word."""
    first_cells = [row.value(0).strip() for row in sheet.rows[1:] if any(map(str.strip, row.values))]
    numbers = [MOODLE_NUMBER.fullmatch(cell) for cell in first_cells]
    words = {number[1] for number in numbers if number}
    return all(numbers) and len(words) == 1


def find_comments(header: CsvRow, system: SchoolSystem, column: str) -> int:
    """The index of the column to fill. Raises BadSheet where there is none, or it is one for marks."""
    titles = [normalize_title(column)] if column else COMMENT_TITLES[system]
    indexes = [index for index, title in enumerate(header.values) if normalize_title(title) in titles]
    if len(indexes) != 1:
        shown_title = column or {"moodle": "Feedback comments", "canvas": "Notes"}[system]
        raise BadSheet(
            f"The sheet of {SYSTEM_TITLES[system]} has no column “{shown_title}”, or several. Switch it on there, or "
            "give the title of the column that the answers are to be written in."
        )
    title = header.value(indexes[0])
    if normalize_title(title) in GRADE_TITLES or CANVAS_GRADE_TITLE.search(title):
        raise BadSheet(f"The column “{title}” is for marks, not for text.")
    return indexes[0]


# The rows


def find_rows(rows: Sequence[CsvRow], columns: SheetColumns, answers: Sequence[ReleasedAnswer]) -> Mapping[int, CsvRow]:
    """The row of each answer, by the answer's index; without those that fit no row, several, or one of another.

    A student whose file the system has named is found by its number alone. The others are found by the school's id of
    them, or else by name, among the rows that are left.
    """
    row_by_number, rows_by_key = index_rows(rows, columns)
    claims: dict[int, list[int]] = defaultdict(list)  # indexes of answers, by that of the row
    for index, answer in enumerate(answers):
        if answer.file and answer.file.system == columns.system:
            for row in row_by_number.get(answer.file.number.lstrip("0"), ())[:2]:
                claims[row].append(index)
    numbered_rows = set(claims)
    for index, answer in enumerate(answers):
        if not answer.file or answer.file.system != columns.system:
            free_rows = find_by_student(answer.student, rows_by_key) - numbered_rows
            for row in free_rows:
                claims[row].append(index)
    counts = Counter(index for indexes in claims.values() for index in indexes)
    return {indexes[0]: rows[row] for row, indexes in claims.items() if len(indexes) == 1 and counts[indexes[0]] == 1}


def index_rows(
    rows: Sequence[CsvRow], columns: SheetColumns
) -> tuple[Mapping[str, Sequence[int]], Mapping[tuple[str, str], set[int]]]:
    """The indexes of the rows by the system's number; and by ("id", id) and ("name", letters of the name)."""
    by_number: dict[str, list[int]] = defaultdict(list)
    by_key: dict[tuple[str, str], set[int]] = defaultdict(set)
    for index, row in enumerate(rows):
        if digits := re.search(r"\d+$", row.value(columns.number).strip(), re.ASCII):
            by_number[digits[0].lstrip("0")].append(index)
        for column in columns.ids:
            by_key["id", fold_case(row.value(column).strip())].add(index)
        name = " ".join(row.value(column) for column in columns.name)
        by_key["name", "".join(token.text for token in tokenize(name))].add(index)
    return by_number, by_key


def find_by_student(student: Student, rows_by_key: Mapping[tuple[str, str], set[int]]) -> set[int]:
    """The rows with the student's id, or else with the name in any order of its parts."""
    if student.id and (rows := rows_by_key.get(("id", fold_case(student.id)))):
        return rows
    orders = {"".join(token.text for token in order) for order in part_orders(tokenize(student.name))} - {""}
    return {row for letters in orders for row in rows_by_key.get(("name", letters), ())}
