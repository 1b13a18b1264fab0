"""Which columns of a class's list have the names and the numbers: as its header says, or else as the cells look."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import BadRoster

FIRST = 5  # rows within which the header stands; above it some write the name of the class

# Titles of columns without case, spaces and punctuation; the first of them that a list has counts.
NAME = (
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
GIVEN = ("firstname", "givenname", "forename", "名")
FAMILY = ("lastname", "surname", "familyname", "姓", "姓氏")
ID = (
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


@dataclass(frozen=True)
class Columns:
    """Where a row has the name, whose parts may be apart, and the id; and the first row that has them."""

    name: tuple[int, ...]
    id: int | None
    start: int


def found(rows: Sequence[Sequence[str]]) -> Columns:
    """The columns of a list, of which no row is blank; raises BadRoster."""
    titles = [[key(cell) for cell in row] for row in rows[:FIRST]]
    for at, row in enumerate(titles):
        if any(title in (*NAME, *GIVEN, *FAMILY) for title in row):
            return titled(row, at + 1)
    if any(title in ID for title in titles[0]):
        raise BadRoster("No column of the list is titled “name” or “姓名”.")
    return untitled(rows)


def titled(titles: Sequence[str], start: int) -> Columns:
    name, given, family, number = (
        next((titles.index(known) for known in column if known in titles), None) for column in (NAME, GIVEN, FAMILY, ID)
    )
    if name is not None:
        return Columns((name,), number, start)
    chinese = family is not None and titles[family].startswith("姓")
    parts = (family, given) if chinese else (given, family)
    return Columns(tuple(part for part in parts if part is not None), number, start)


def untitled(rows: Sequence[Sequence[str]]) -> Columns:
    """Names alone, or beside them numbers, which names are not."""
    used = {at for row in rows for at, cell in enumerate(row) if cell.strip()}
    numbers = {at for at in used if all(any(map(str.isdigit, "".join(row[at : at + 1]))) for row in rows)}
    if len(used) == 1:
        return Columns(tuple(used), None, 0)
    if len(used) == 2 and len(numbers) == 1:
        return Columns(tuple(used - numbers), numbers.pop(), 0)
    raise BadRoster("The list has several columns: its first line has to title them, such as “name,id” or “姓名,学号”.")


def key(title: str) -> str:
    """A title as the tables above have it."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", title).casefold()))
