"""Every roster that a spreadsheet saves is read; bad lines are named with their number."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadRoster
from pipeline.homework.assignments import Student
from pipeline.homework.roster import read_roster

CLASS = (Student("王小明", "20230107"), Student("李雷", "20230108"))


def names(data) -> list[str]:
    return [student.name for student in read_roster(data)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_roster_is_read_in_every_encoding_of_spreadsheets(encoding):
    assert read_roster("姓名,学号\r\n王小明,20230107\r\n李雷,20230108\r\n".encode(encoding)) == CLASS


def test_utf_16_of_either_byte_order_is_read():
    text = "姓名\t学号\r\n王小明\t20230107\r\n李雷\t20230108\r\n"
    assert read_roster(codecs.BOM_UTF16_BE + text.encode("utf-16-be")) == CLASS
    assert read_roster(codecs.BOM_UTF16_LE + text.encode("utf-16-le")) == CLASS


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["name{}id", "Student Name{}No.", "姓名{}学号", "学生{}编号"])
def test_columns_are_known_by_their_titles(separator, header):
    text = f"{header.format(separator)}\n王小明{separator}20230107\n李雷{separator}20230108\n"
    assert read_roster(text) == CLASS


def test_other_columns_are_ignored_and_the_student_number_is_preferred_to_the_row_number():
    assert read_roster("No.,Class,Student ID,Name\n1,3B,20230107,王小明\n2,3B,20230108,李雷\n") == CLASS


def test_without_a_header_one_column_is_names_and_a_column_of_numbers_is_ids():
    assert read_roster("Anna\nBob\n") == (Student("Anna"), Student("Bob"))
    assert read_roster("20230107,王小明\n20230108,李雷\n") == CLASS
    assert read_roster("王小明,20230107,\n李雷,20230108,\n") == CLASS


def test_several_columns_without_a_recognisable_name_column_are_refused():
    with pytest.raises(BadRoster, match="title"):
        read_roster("Anna,Smith,3B\nBob,Jones,3B\n")


def test_given_and_family_names_in_columns_of_their_own_are_put_together():
    assert names("First name,Surname\nAnna,Smith\nBob,\n") == ["Anna Smith", "Bob"]
    assert names("姓,名\n王,小明\n") == ["王小明"]


def test_a_title_above_the_header_and_blank_lines_are_ignored():
    assert read_roster("高一（3）班名单,,\n\n姓名,学号\n王小明,20230107\n,,\n李雷,20230108\n,,\n") == CLASS


def test_quotes_spaces_and_excel_s_text_numbers_are_removed():
    assert read_roster('name;id\n" Smith, Anna ";="007"\n') == (Student("Smith, Anna", "007"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n,,\n", "empty"),
        ("name\n", "0 students"),
        ("id\n7\n", "“name”"),
        ("name,id\nAnna,1\n,2\n", "Line 3"),
        ("Anna\nBob\nanna\n", "Line 3.*name of line 1"),
        ("Zoë\nZoe\u0308\n", "Line 2.*name of line 1"),
        ("name,id\nAnna,7\nBob,７\n", "Line 3.*id of line 2"),
        ("Anna\n" + "x" * 101 + "\n", "Line 2.*100"),
        ("First name,Surname\n" + "x" * 60 + "," + "y" * 60 + "\n", "Line 2.*100"),
        ("name,id\nAnna," + "1" * 101 + "\n", "Line 2.*100"),
        ("Anna\nBo\x07b\n", "Line 2.*invisible"),
        ("Anna\nBo\u202eb\n", "Line 2.*invisible"),
        ('Anna\n"Bo\nb"\n', "Line 3.*invisible"),
        ('Anna\n"Bob"x\n', "Line 2.*CSV"),
        ('Anna\n"Bob\n', "Line 2.*CSV"),
        ("name\n" + "\n".join(f"Student {n}" for n in range(2001)), "2,0"),
        ("\n".join(f"Student {n}" for n in range(100_000)), "more than 2,000"),
    ],
)
def test_a_bad_line_is_named_with_its_number(text, message):
    with pytest.raises(BadRoster, match=f"(?s){message}"):
        read_roster(text)


def test_a_roster_of_two_thousand_is_read():
    assert len(read_roster("name\n" + "\n".join(f"Student {n}" for n in range(2000)))) == 2000


def test_an_unknown_encoding_is_refused():
    with pytest.raises(BadRoster, match="UTF-8"):
        read_roster("name\nNoël\n".encode("cp1252"))
    with pytest.raises(BadRoster, match="UTF-8"):
        read_roster(b"\xff\xfe\xd8")


@given(st.one_of(st.binary(), st.text()))
def test_any_input_gives_distinct_names_or_an_error(data):
    try:
        students = read_roster(data)
    except BadRoster:
        return
    assert len({student.name for student in students}) == len(students) > 0
    assert all(0 < len(student.name) <= 100 for student in students)
