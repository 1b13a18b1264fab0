"""Class lists as Excel files: what a spreadsheet shows is read, and a hostile file costs little."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import pytest
from openpyxl import Workbook

from pipeline.errors import BadRoster, BadStudentIds
from pipeline.homework.assignments import Student
from pipeline.homework.roster import read_roster

ROWS = (("姓名", "学号"), ("王小明", "0012301"), ("李雷", "0012302"))
CLASS = (Student("王小明", "0012301"), Student("李雷", "0012302"))


def excel(*rows: tuple[object, ...], change: Callable[[Workbook], object] = lambda workbook: None) -> bytes:
    workbook, file = Workbook(), io.BytesIO()
    for row in rows:
        workbook.active.append(row)
    change(workbook)
    workbook.save(file)
    return file.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """The file with another part, or with another content of a part."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            if entry.filename != name:
                target.writestr(entry.filename, source.read(entry))
        target.writestr(name, content)
    return file.getvalue()


def test_the_first_sheet_that_has_rows_is_the_class():
    assert read_roster(excel(*ROWS)) == CLASS

    def put_second(workbook: Workbook) -> None:
        workbook.active.title = "class"
        workbook.create_sheet("notes", 0)

    assert read_roster(excel(("7B",), (), *ROWS, change=put_second)) == CLASS


def test_hidden_sheets_are_passed_over():
    def hide(workbook: Workbook) -> None:
        workbook.create_sheet("shown").append(("Anna",))
        workbook.worksheets[0].sheet_state = "hidden"

    assert read_roster(excel(*ROWS, change=hide)) == (Student("Anna"),)


@pytest.mark.parametrize(
    ("value", "number_format", "id_"),
    [
        (20230107, "General", "20230107"),
        (20230107.0, "General", "20230107"),
        (120230000107, "General", "120230000107"),
        (12301, "0000000", "0012301"),
        ("0012301", "General", "0012301"),
    ],
)
def test_ids_are_read_as_they_are_shown(value, number_format, id_):
    def show(workbook: Workbook) -> None:
        workbook.active["B2"].number_format = number_format

    assert read_roster(excel(("name", "id"), ("Anna", value), change=show)) == (Student("Anna", id_),)


@pytest.mark.parametrize("id_", [datetime(2026, 12, 3), 12023000010700000000, "1.20E+11"])
def test_ids_that_a_spreadsheet_changed_are_refused(id_):
    with pytest.raises(BadStudentIds):
        read_roster(excel(("name", "id"), ("Anna", id_)))


def test_a_formula_is_neither_computed_nor_taken_for_a_name():
    with pytest.raises(BadRoster, match="Line 2 of the list has no name"):
        read_roster(excel(("name", "id"), ("=HYPERLINK(1)", "7")))  # without the value that a spreadsheet stores


def test_an_error_of_the_spreadsheet_is_no_name():
    def put_error(workbook: Workbook) -> None:
        workbook.active["A2"].value, workbook.active["A2"].data_type = "#REF!", "e"

    with pytest.raises(BadRoster, match="Line 2 of the list has the error #REF!"):
        read_roster(excel(("name",), ("x",), change=put_error))


def test_one_cell_in_the_last_row_and_column_costs_nothing():
    def put_far_away(workbook: Workbook) -> None:
        workbook.active["XFD1048576"] = "x"

    assert read_roster(excel(*ROWS, change=put_far_away)) == CLASS


def test_a_class_of_five_thousand_is_refused():
    with pytest.raises(BadRoster, match="5,000 students"):
        read_roster(excel(("name",), *((f"P{n}",) for n in range(5000))))


MACROS = with_part(excel(*ROWS), "xl/vbaProject.bin", b"x")
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (excel(), "The list is empty"),
        (MACROS, "has macros"),
        (with_part(excel(*ROWS), "xl/sharedStrings.xml", ENTITIES), "cannot be read"),
        (with_part(excel(*ROWS), "xl/worksheets/sheet1.xml", b"<worksheet"), "cannot be read"),
        (with_part(excel(*ROWS), "xl/workbook.xml", b"<x/>"), "cannot be read|empty"),
        (with_part(excel(*ROWS), "bomb.bin", bytes(11_000_000)), "when it is unpacked"),
        (excel(*ROWS)[:-300], "cannot be read"),
        (excel(*ROWS) + bytes(5_000_000), "more than 5,000,000 bytes"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel file|password"),
        (b"PK\3\4" + bytes(100), "cannot be read"),
        (with_part(excel(*ROWS), "[Content_Types].xml", b"x"), "cannot be read"),
    ],
)
def test_what_is_no_class_list_is_refused(data, message):
    with pytest.raises(BadRoster, match=message):
        read_roster(data)


def test_a_part_that_is_longer_than_it_declares_is_refused():
    data = bytearray(with_part(excel(*ROWS), "xl/more.xml", b"x" * 1000))
    start = data.rindex(b"xl/more.xml") - 46  # its entry in the directory
    data[start + 24 : start + 28] = (10).to_bytes(4, "little")
    with pytest.raises(BadRoster, match="cannot be read"):
        read_roster(bytes(data))


def test_other_columns_may_have_the_name_in_another_script():
    assert read_roster(excel(("Name", "中文名", "No."), ("Li Ming", "李明", "20230001"))) == (
        Student("Li Ming", "20230001", names=("Li Ming", "李明")),
    )


def test_pupils_may_have_one_name_where_that_is_allowed_and_never_one_id():
    twins = excel(("name", "id"), ("Anna", "7001"), ("Anna", "7002"))
    assert len(read_roster(twins, same_names=True)) == 2
    with pytest.raises(BadRoster, match="repeats the name"):
        read_roster(twins)
    with pytest.raises(BadRoster, match="repeats the id"):
        read_roster(excel(("name", "id"), ("Anna", "7001"), ("Bo", "7001")), same_names=True)
