"""Every roster that a spreadsheet saves is read; bad lines are named with their number."""

import codecs
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadRoster, BadStudentIds
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


TRADITIONAL_CLASS = (Student("陳怡君", "20230107"), Student("劉家豪", "20230108"))


@pytest.mark.parametrize("header", ["姓名,學號", "學號 ,學生姓名 ", "座號,姓名"])
@pytest.mark.parametrize("encoding", ["big5", "cp950", "big5hkscs"])
def test_big5_is_read_where_its_titles_are(encoding, header):
    is_id_first = not header.startswith("姓名")
    rows = [(each.id, each.name) if is_id_first else (each.name, each.id) for each in TRADITIONAL_CLASS]
    text = "\r\n".join([header, *(",".join(row) for row in rows)])
    assert names(text.encode(encoding)) == ["陳怡君", "劉家豪"]


@pytest.mark.parametrize("encoding", ["gb18030", "big5"])
@pytest.mark.parametrize("header", ["name,id\n", ""])
def test_chinese_names_are_enough(encoding, header):
    assert read_roster((header + "王小明,20230107\n李雷,20230108\n").encode("gb18030")) == CLASS
    text = header + "陳怡君,20230107\n劉家豪,20230108\n"
    assert read_roster(text.encode("big5")) == TRADITIONAL_CLASS


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "name,id\nИванова Анна ,1\nПетров Олег,2\n"),
        ("cp1251", "Имя;Номер\nАнна;12\nОлег;13\n"),
        ("cp1251", "Анна\nОлег\n"),
        ("koi8_r", "name\nАнна\nОлег\n"),
        ("cp866", "name\nАнна\nОлег\n"),
        ("cp1252", "name\nZoë\nJosé Núñez\n"),
        ("cp1250", "name\nŁukasz\nŽofie\n"),
        ("cp949", "name,id\n김철수,1\n이영희,2\n"),
        ("cp949", "이름\n김철수\n이영희\n"),
        ("cp932", "name\n佐藤\n鈴木\n"),
        ("cp1253", "name\nΑννα\nΝίκος\n"),
        ("big5", "name,id\n阿扁仔,1\n"),
        ("utf-16-le", "name\nAnna\n"),
    ],
)
def test_other_encodings_are_never_misread(encoding, text):
    with pytest.raises(BadRoster, match=r"UTF-8|invisible"):
        read_roster(text.encode(encoding))


@pytest.mark.parametrize("text", ["name\nAnna\ue123\n", "name\nAn\ufffdna\n", "name,id\nAnna,\uf8ff7\n"])
def test_characters_that_wrong_decoding_gives_are_refused(text):
    with pytest.raises(BadRoster, match=r"Line 2.*cannot be read.*UTF-8"):
        read_roster(text)


@pytest.mark.parametrize(
    "text",
    [
        "姓名，学号\n王小明，20230107\n李雷，20230108\n",
        "姓名；学号\n王小明；20230107\n李雷；20230108\n",
        "姓名，学号\n王小明,20230107\n李雷，20230108\n",
        "20230107，王小明\n20230108，李雷\n",
        "name，id\n王小明，20230107\n李雷，20230108",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_full_width_commas_separate_columns(text, encoding):
    assert read_roster(text.encode(encoding)) == CLASS


def test_a_full_width_comma_within_a_cell_separates_nothing():
    assert names("name,id\n王，小明,1\n李雷,2\n") == ["王，小明", "李雷"]
    assert names('name,id\n"Smith， Anna",1\n') == ["Smith， Anna"]


def test_of_canvas_s_gradebook_only_students_are_read():
    text = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Homework 1\n"
        ",,,,,Manual Posting\n"
        "    Points Possible,,,,,10\n"
        '"Smith, Anna",101,7001,anna,3B,8\n'
        '"Wang, Xiaoming",102,7002,xm,3B,\n'
        '"Student, Test",103,,abcdef,3B,\n'
    )
    assert names(text) == ["Smith, Anna", "Wang, Xiaoming"]
    assert names("name,id\nPoints Possible,7\n") == ["Points Possible"]


@pytest.mark.parametrize(
    "id_",
    [
        "1.20E+11", "1.2023E+10", "2E+17", "1,20E+11", "1.1e+017", "20230107.0", "20230107,00", "12-Mar", "Mar-12",
        "1-Sep-26", "3月12日", "2026年3月", "2026/3/12", "3/12/2026", "2026-03-12", "####", "########",
    ],
)  # fmt: skip
@pytest.mark.parametrize("header", ["name,id", "姓名,学号", "First name,Student No."])
def test_ids_that_a_spreadsheet_changed_are_refused_by_their_line(header, id_):
    with pytest.raises(BadStudentIds, match=rf"Line 3 of the list has the id {re.escape(id_)}.* Text"):
        read_roster(f'{header}\nAnna,20230101\nBen,"{id_}"\n')
    assert BadStudentIds.code == "bad_student_ids"


@pytest.mark.parametrize(
    "id_", ["3E5", "E11", "1E", "2023-07", "A-3-12", "3-12", "1.20", "mar", "20230107X", "10.5", "#7"]
)
def test_ids_that_only_look_like_changed_ones_are_taken(id_):
    assert read_roster(f"name,id\nAnna,{id_}\n") == (Student("Anna", id_),)


def test_digits_that_a_number_has_no_room_for_are_missed():
    with pytest.raises(BadStudentIds, match="110105201001011000"):
        read_roster("name,id\nAnna,110105201001011000\nBen,110105201002033000\n")
    with pytest.raises(BadStudentIds):  # not as repeated ids
        read_roster("name,id\nAnna,110105201001011000\nBen,110105201001011000\n")
    assert len(read_roster("name,id\nAnna,110105201001011000\nBen,110105201002033019\n")) == 2
    assert read_roster("name,id\nAnna,1101052010010110\n") == (Student("Anna", "1101052010010110"),)


@pytest.mark.parametrize(
    ("ids", "shortened"),
    [
        (["20230107", "1230108", "20230109"], "1230108"),
        (["12", "345", "1024"], "12"),
        (["91234", "91235", "101234"], "91234"),
        (["9998", "9999", "10019"], "9998"),
        (["0012345", "12346", "0012347"], "12346"),
        (["7", "20230108"], "7"),
    ],
)
def test_zeros_that_were_lost_are_missed(ids, shortened):
    rows = [f"student{index},{each}" for index, each in enumerate(ids)]
    with pytest.raises(BadStudentIds, match=rf'id {shortened},.*zeros.* as ="{shortened}"'):
        read_roster("\n".join(["name,id", *rows]))
    marked = [f'student{index},="{each}"' for index, each in enumerate(ids)]
    assert [student.id for student in read_roster("\n".join(["name,id", *marked]))] == ids


@pytest.mark.parametrize(
    "ids",
    [
        [str(number) for number in range(1, 46)],
        [str(number) for number in range(1, 1101)],
        ["7", "12", "103"],
        ["9998", "9999", "10000", "10001"],
        ["0012", "7"],
        ["0012", "0345", "1024"],
        ["20230107", "", "20230109"],
        ["A7", "20230108"],
        ["20230107", "20230108"],
    ],
)
def test_numbers_of_rows_and_other_ids_of_any_length_are_taken(ids):
    text = "\n".join(["name,id", *(f"student{index},{each}" for index, each in enumerate(ids))])
    assert [student.id for student in read_roster(text)] == ids


def test_an_id_written_as_text_shows_what_others_have_lost():
    with pytest.raises(BadStudentIds, match="id 12346"):
        read_roster('name,id\nAnna,="0012345"\nBen,12346\n')
    assert len(read_roster('name,id\nAnna,="12345"\nBen,0012346\n')) == 2


def test_canvas_s_ids_may_have_any_length():
    assert len(read_roster("Student,ID,SIS User ID\nAnna,101,x\nBen,70002,y\n")) == 2


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
