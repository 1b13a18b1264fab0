"""Grading sheets as Moodle and Canvas write them: the answers are entered, and nothing else changes."""

import csv
import io
from dataclasses import replace

import pytest

from pipeline.errors import BadSheet
from pipeline.homework.assignments import Student
from pipeline.homework.school.files import parse_school_file
from pipeline.homework.school.grading_sheet import ReleasedAnswer, fill_sheet

MOODLE = (
    '\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade","Grade can be changed",'
    '"Last modified (submission)","Last modified (grade)","Feedback comments"\r\n'
    '"Participant 123456","Ruoxi Wu",0012,ruoxi@school.example,"Submitted for grading - ",,100.00,Yes,'
    '"Monday, 2 March 2026, 8:00 AM",-,\r\n'
    '"Participant 123457","Anna Li",,anna@school.example,"Submitted for grading - ",85.00,100.00,Yes,-,-,\r\n'
    '"Participant 123458","Anna Li",,anna.li@school.example,"Submitted for grading - ",,100.00,Yes,-,-,\r\n'
    '"Participant 123459","Jürgen O\'Neill-Öz",,"=HYPERLINK(""x"")",No submission,,100.00,Yes,-,-,"<p>Seen.</p>"\r\n'
    '"Participant 123460",王小明,,wang@school.example,No submission,,100.00,No,-,-,""\r\n'
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Notes,Homework 1 (991),Homework Current Score,Final Score\n"
    ",,,,,,Manual Posting,,\n"
    "    Points Possible,,,,,,10,(read only),(read only)\n"
    '"Wu, Ruoxi",12345,S-0012,ruoxi,7B,,8,80,80\n'
    '"Li, Anna",12346,,anna,7B,shy,,,\n'
    '"Li, Anna",12347,,anna2,7A and 7B,,,,\n'
    '"Öz, Jürgen",12348,,öz,7B,,EX,,\n'
    '"Student, Test",12399,,0a1b,7B,,,,\n'
)


def answer(name: str, text: str, path: str = "", id_: str = "") -> ReleasedAnswer:
    return ReleasedAnswer(Student(name, id_), text, parse_school_file(path))


def read(data: bytes, encoding: str = "utf-8-sig") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(encoding), newline="")))


def comments(data: bytes) -> dict[str, str]:
    """What stands in the last column, by the first."""
    return {row[0]: row[-1] for row in read(data)[1:]}


def test_moodle_s_comments_are_entered_by_the_participant_s_number():
    answers = [
        answer("Ruoxi Wu", "Well said!", "hw.zip/Ruoxi Wu_123456_assignsubmission_file_/a.wav"),
        answer("Anna Li (7A)", "One.", "Anna Li_123457_assignsubmission_file_/a.wav"),
        answer("Anna Li (7B)", "Two.", "Anna Li_123458_assignsubmission_file_/a.wav"),
    ]
    sheet = fill_sheet(MOODLE.encode(), answers)
    assert (sheet.system, sheet.occupied, sheet.not_found) == ("moodle", [], [])
    assert sheet.entered == ["Ruoxi Wu", "Anna Li (7A)", "Anna Li (7B)"]
    assert comments(sheet.content) == {
        "Participant 123456": "Well said!", "Participant 123457": "One.", "Participant 123458": "Two.",
        "Participant 123459": "<p>Seen.</p>", "Participant 123460": "",
    }  # fmt: skip


def test_everything_but_the_answers_stays_byte_for_byte():
    sheet = fill_sheet(MOODLE.encode(), [answer("王小明", "很好！")])
    assert sheet.content == MOODLE.replace('No,-,-,""', 'No,-,-,"很好！"').encode()


def test_a_comment_of_the_teacher_s_own_stays():
    sheet = fill_sheet(MOODLE.encode(), [answer("Jürgen O'Neill-Öz", "Well said!")])
    assert sheet.content == MOODLE.encode()
    assert sheet.occupied == ["Jürgen O'Neill-Öz"]


@pytest.mark.parametrize(
    ("student", "number"),
    [
        (Student("Ruoxi Wu"), "123456"),
        (Student("wu RUOXI"), "123456"),
        (Student("Wu, Ruoxi"), "123456"),
        (Student("R. W.", "0012"), "123456"),
        (Student("R. W.", "ruoxi@school.example"), "123456"),
        (Student("王小明"), "123460"),
    ],
)
def test_a_student_whose_file_has_no_number_is_found_by_id_or_name(student, number):
    sheet = fill_sheet(MOODLE.encode(), [ReleasedAnswer(student, "Well said!", None)])
    assert comments(sheet.content)[f"Participant {number}"] == "Well said!"
    assert sheet.entered == [student.name]


@pytest.mark.parametrize(
    "answers",
    [
        [answer("Anna Li", "Well said!")],  # there are two
        [answer("Ruoxi", "Well said!")],
        [answer("Ruoxi Wu", "Well said!", id_="0012"), answer("Wu Ruoxi", "Well said!")],
        [answer("王小明", "Well said!", "王小明_99_assignsubmission_file_/a.wav")],  # the number is not in the sheet
        [
            answer("12", "x", "a_123456_assignsubmission_file_/a.wav"),
            answer("13", "x", "b_123456_assignsubmission_file_/a"),
        ],
    ],
)
def test_what_is_not_certain_is_not_entered(answers):
    sheet = fill_sheet(MOODLE.encode(), answers)
    assert sheet.content == MOODLE.encode()
    assert sheet.not_found == [each.student.name for each in answers]


def test_a_number_counts_before_a_name():
    numbered = answer("Xi Wu", "By number.", "Ruoxi Wu_123456_assignsubmission_file_/a.wav")
    sheet = fill_sheet(MOODLE.encode(), [answer("Ruoxi Wu", "By name."), numbered])
    assert comments(sheet.content)["Participant 123456"] == "By number."
    assert sheet.not_found == ["Ruoxi Wu"]


@pytest.mark.parametrize(
    ("text", "moodle", "canvas"),
    [
        ("Tom & <Jerry>", "Tom &amp; &lt;Jerry&gt;", "Tom & <Jerry>"),
        ("=1+1", "'=1+1", "'=1+1"),
        ("＠home", "'＠home", "'＠home"),
        (" Why?\n\nWell\u202e said,\t“yes”. ", "Why? Well said, “yes”.", "Why? Well said, “yes”."),
        ('He said: "I, too"', 'He said: "I, too"', 'He said: "I, too"'),
    ],
)
def test_the_text_is_one_line_that_no_spreadsheet_runs_and_the_system_shows(text, moodle, canvas):
    sheet = fill_sheet(MOODLE.encode(), [answer("Ruoxi Wu", text)])
    assert comments(sheet.content)["Participant 123456"] == moodle
    assert read(fill_sheet(CANVAS.encode(), [answer("Ruoxi Wu", text)]).content)[3][5] == canvas


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8"), ("\t", "utf-16"), (",", "gb18030")])
def test_a_sheet_that_a_spreadsheet_has_saved_is_filled_in_as_it_is(delimiter, encoding):
    titles = ["编号", "姓名", "学号", "成绩", "反馈评论"]
    rows = [titles, ["参与者501", "王小明", "7001", "", ""], ["参与者502", "李小红", "7002", "9,5", ""]]
    text = "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    sheet = fill_sheet(text.encode(encoding), [answer("李小红", "很好！")])
    assert sheet.content == text.replace('"9,5"' + delimiter + '""', '"9,5"' + delimiter + '"很好！"').encode(encoding)


def test_the_column_may_have_a_title_in_another_language():
    german = MOODLE.replace("Participant ", "Teilnehmer/in").replace("Feedback comments", "Feedback als Kommentar")
    wu = answer("Ruoxi Wu", "Gut!", "Ruoxi Wu_123456_assignsubmission_file_/a.wav")
    with pytest.raises(BadSheet, match="no column “Feedback comments”"):
        fill_sheet(german.encode(), [wu])
    sheet = fill_sheet(german.encode(), [wu], "feedback als kommentar")
    assert comments(sheet.content)["Teilnehmer/in123456"] == "Gut!"


def test_canvas_s_notes_are_entered_by_the_user_s_number():
    answers = [
        answer("Ruoxi Wu", "Well said!", "wuruoxi_12345_1_a.wav"),
        answer("Anna Li", "One.", "lianna_12346_2_a.wav"),
        answer("Anna Li (2)", "Two.", "lianna_LATE_12347_3_a.wav"),
        answer("Jürgen Öz", "Three."),
    ]
    sheet = fill_sheet(CANVAS.encode(), answers)
    assert (sheet.system, sheet.occupied, sheet.not_found) == ("canvas", ["Anna Li"], [])
    expected = CANVAS.replace(",ruoxi,7B,,", ",ruoxi,7B,Well said!,").replace("7A and 7B,,", "7A and 7B,Two.,")
    assert sheet.content.decode() == expected.replace("öz,7B,,", "öz,7B,Three.,")


def test_names_in_two_columns_and_the_school_s_ids_are_found_in_canvas_s_gradebook():
    text = (
        CANVAS.replace("Student,ID", "LastName,FirstName,ID")
        .replace('"Wu, Ruoxi"', "Wu,Ruoxi")
        .replace("Points Possible", "Points Possible,")
    )
    assert read(fill_sheet(text.encode(), [answer("Ruoxi Wu", "x")]).content)[3][6] == "x"
    assert read(fill_sheet(CANVAS.encode(), [answer("R", "x", id_="s-0012")]).content)[3][5] == "x"


@pytest.mark.parametrize("name", ["Points Possible", "Ghost", ""])
def test_the_rows_of_nobody_stay(name):
    assert fill_sheet(CANVAS.encode(), [answer(name, "x")]).content == CANVAS.encode()


@pytest.mark.parametrize(
    ("text", "column", "detail"),
    [
        ("", "", "neither Moodle's grading worksheet nor"),
        ("name,id\nAnn,12\n", "", "neither"),
        (MOODLE.replace("Participant 123460", "123460"), "", "neither"),
        (CANVAS.replace("Points Possible", "Points"), "", "neither"),
        (CANVAS.replace("Notes", "Remarks"), "", "of Canvas has no column “Notes”"),
        (MOODLE, "Remarks", "of Moodle has no column “Remarks”"),
        (MOODLE, "Grade", "for marks"),
        (CANVAS, "Homework 1 (991)", "for marks"),
        (CANVAS, "Final Score", "never reads"),
    ],
)
def test_a_sheet_that_cannot_be_filled_in_is_refused(text, column, detail):
    with pytest.raises(BadSheet, match=detail):
        fill_sheet(text.encode(), [answer("Ruoxi Wu", "x")], column)


def test_the_other_system_s_number_is_no_number_of_this_sheet():
    file = parse_school_file("wuruoxi_123457_1_a.wav")
    sheet = fill_sheet(MOODLE.encode(), [replace(answer("Ruoxi Wu", "x"), file=file)])
    assert comments(sheet.content)["Participant 123456"] == "x"
