"""Changing cells of a CSV file: all else stays as it came, byte for byte."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadSheet
from pipeline.homework.school.csv_text import CsvText

SHEETS = [
    b"",
    b"a",
    b"a,b\r\n1,2\r\n",
    b'\xef\xbb\xbfa;"b;c"\n"1 ""x"""\n\n;;\n',
    b"a\tb\r1\t2",
    b'a,b\n"two\r\nlines",2\n',
    "\ufeff姓名\t成绩\r\n王小明\t\r\n".encode("utf-16-le"),
    "\ufeff姓名\t成绩\r\n王小明\t\r\n".encode("utf-16-be"),
    "姓名,成绩\r\n王小明,\r\n".encode("gb18030"),
    "姓名,成績\r\n陳小明,\r\n".encode("big5"),
    b'"a","b"\r\n ,\' \r\n',
]


@pytest.mark.parametrize("data", SHEETS)
def test_an_unchanged_file_is_written_as_it_came(data):
    assert CsvText.parse(data).write() == data


@given(st.text())
def test_any_text_is_written_as_it_came_or_refused(text):
    try:
        sheet = CsvText.parse(text.encode())
    except (BadSheet, UnicodeEncodeError):
        return
    assert sheet.write() == text.encode()


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=4), CELLS, st.data())
def test_a_changed_cell_is_read_back_and_the_others_stay(rows, value, data):
    rows = [["first", "second"], *rows]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    sheet = CsvText.parse(text.getvalue().encode())
    row, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 1))
    sheet.set(sheet.rows[row], column, value)
    rows[row][column] = value
    assert list(csv.reader(io.StringIO(sheet.write().decode(), newline=""))) == rows


def test_only_the_changed_cell_has_other_bytes():
    sheet = CsvText.parse(b'\xef\xbb\xbfname;"note"\r\n"Ann";\r\nBen; x \r\n')
    sheet.set(sheet.rows[1], 1, 'a;"b"')
    sheet.set(sheet.rows[0], 1, "word")
    assert sheet.write() == b'\xef\xbb\xbfname;"word"\r\n"Ann";"a;""b"""\r\nBen; x \r\n'


def test_a_row_that_is_too_short_gets_its_cell():
    sheet = CsvText.parse(b"a,b,c\nAnn\n")
    assert sheet.rows[1].value(2) == ""
    sheet.set(sheet.rows[1], 2, "x")
    assert sheet.write() == b"a,b,c\nAnn,,x\n"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b'a,b\nc,"d\n', "Line 2 of the sheet"),
        (b'a,b\n"c"d,e\n', "Line 2 of the sheet"),
        (b"PK\x03\x04\xff\xfe\x00", "unknown encoding"),
        ("Name,Größe\nJürgen,\n".encode("cp1252"), "Save it as “CSV UTF-8”"),
    ],
)
def test_what_is_no_csv_is_refused(data, detail):
    with pytest.raises(BadSheet, match=detail):
        CsvText.parse(data)


def test_a_text_that_the_encoding_lacks_is_refused():
    sheet = CsvText.parse("姓名,成績\r\n陳小明,\r\n".encode("big5"))
    with pytest.raises(BadSheet, match="encoding lacks"):
        sheet.set(sheet.rows[1], 1, "café 👍")
