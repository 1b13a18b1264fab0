"""The student of a file follows from its name and folders; uncertain cases are reported and never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.homework.assignments import Student
from pipeline.homework.match_students import match_students

CLASS = (
    Student("Wang Xiaoming", "20230107"),
    Student("Ann", "12"),
    Student("Anna Lee", "s-13"),
    Student("Zoë Müller", "14"),
    Student("Nguyễn Văn Đức"),
    Student("O’Brien, Pat"),
    Student("王小"),
    Student("王小明"),
    Student("阿依古丽·买买提"),
    Student("김철수"),
    Student("Tom 李"),
)


def find_student(file: str, students=CLASS) -> str:
    """The student, or the code of the problem."""
    match = match_students([file], students)
    return match.student_by_file.get(file) or next(problem.code for problem in match.problems)


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("Wang Xiaoming hw3 (2).m4a", "Wang Xiaoming"),
        ("hw3_xiaoming_wang.wav", "Wang Xiaoming"),
        ("wangxiaoming_12345_67890_recording.wav", "Wang Xiaoming"),
        ("XiaomingWangHw3.wav", "Wang Xiaoming"),
        ("ＷＡＮＧ　xiaoming.wav", "Wang Xiaoming"),
        ("20230107.wav", "Wang Xiaoming"),
        ("2023-01-07 speaking.wav", "Wang Xiaoming"),
        ("Wang Xiaoming_4711_assignsubmission_file_/recording.wav", "Wang Xiaoming"),
        ("homework\\Wang Xiaoming\\recording 12.wav", "Wang Xiaoming"),  # 12 is Ann's, or the recording's
        ("Ann.wav", "Ann"),
        ("hw3ann2.wav", "Ann"),
        ("12.wav", "Ann"),
        ("学号12作业.wav", "Ann"),
        ("(12).wav", "Ann"),
        ("作业 (12) 口语.wav", "Ann"),
        ("新同学 (12).wav", "unknown_student"),  # a copy of 新同学.wav, by any system's name for it
        ("newcomer(12).m4a", "unknown_student"),
        ("录音（12）.m4a", "unknown_student"),
        ("homework/Wang Xiaoming (12)/recording (14).wav", "Wang Xiaoming"),
        ("anna-lee.wav", "Anna Lee"),
        ("S13.wav", "Anna Lee"),
        ("zoe mueller 14.wav", "Zoë Müller"),
        ("MULLER zoe.wav", "Zoë Müller"),
        ("Zoe\u0308 Mu\u0308ller.wav", "Zoë Müller"),
        ("nguyen-van-duc.wav", "Nguyễn Văn Đức"),
        ("Pat O'Brien.wav", "O’Brien, Pat"),
        ("王小.mp3", "王小"),
        ("王小明-作业.mp3", "王小明"),
        ("作业3王小明.mp3", "王小明"),
        ("homework/王小明/1.wav", "王小明"),
        ("阿依古丽 买买提.wav", "阿依古丽·买买提"),
        ("김철수숙제.wav", "김철수"),
        ("作业李Tom.wav", "Tom 李"),
        ("Anna Lee/dialogue of Ann and Anna Lee.wav", "Anna Lee"),
        ("Ann/Anna Lee.wav", "Anna Lee"),
        ("Anna.wav", "unknown_student"),
        ("Annabel Lee.wav", "unknown_student"),
        ("120.wav", "unknown_student"),
        ("hw12.wav", "unknown_student"),
        ("小明.wav", "unknown_student"),
        ("hw3.wav", "unknown_student"),
        ("..", "unknown_student"),
        ("", "unknown_student"),
        ("Ann and Anna Lee.wav", "ambiguous_student"),
        ("20230107 Ann.wav", "ambiguous_student"),
    ],
)
def test_a_student_is_recognised_by_whatever_a_file_may_be_called(file, student):
    assert find_student(file) == student


def test_students_whose_names_differ_in_word_order_are_distinguished():
    two = (Student("Li Wei"), Student("Wei Li"))
    assert find_student("hw_li_wei.wav", two) == "Li Wei"
    assert find_student("WeiLi.wav", two) == "Wei Li"


def test_students_whose_names_differ_in_accents_are_distinguished():
    two = (Student("Văn Hùng"), Student("Văn Hưng"))
    assert find_student("văn hưng.wav", two) == "Văn Hưng"
    assert find_student("van hung.wav", two) == "ambiguous_student"


def test_a_file_that_matches_two_students_names_both():
    (problem,) = match_students(["Ann and Anna Lee.wav"], CLASS).problems
    assert "“Ann”" in problem.detail
    assert "“Anna Lee”" in problem.detail


def test_two_files_for_one_student_are_both_refused_and_named():
    match = match_students(["a/Ann.wav", "b/ann 2.mp3", "12 final.wav", "王小.wav"], CLASS)
    assert match.student_by_file == {"王小.wav": "王小"}
    assert [(problem.code, problem.student) for problem in match.problems] == [("doubled_student", "Ann")] * 3
    assert all("“a/Ann.wav”, “b/ann 2.mp3”, “12 final.wav”" in problem.detail for problem in match.problems)
    assert "Ann" in match.missing
    assert "王小" not in match.missing


def test_the_same_file_twice_is_two_files():
    match = match_students(["Ann.wav", "Ann.wav"], CLASS)
    assert not match.student_by_file
    assert len(match.problems) == 2


def test_many_files_of_one_student_are_counted_rather_than_all_named():
    match = match_students([f"Ann {n}.wav" for n in range(2000)], CLASS)
    assert max(len(problem.detail) for problem in match.problems) < 200
    assert "and 1995 more" in match.problems[0].detail


def test_without_a_roster_a_student_is_named_after_the_file():
    match = match_students(["hw/王小明.wav", "Zoe\u0308.final.mp3", "evil\u202e\x00.wav", "x" * 300 + ".wav"], ())
    assert list(match.student_by_file.values()) == ["王小明", "Zoë.final", "evil", "x" * 100]
    assert not match.missing
    assert not match.problems


def test_without_a_roster_the_same_name_in_two_folders_is_a_duplicate():
    match = match_students(["a/1.wav", "b/1.mp3", "ANNA.wav", "anna.wav", "bob.wav"], ())
    assert match.student_by_file == {"bob.wav": "bob"}
    assert {problem.code for problem in match.problems} == {"doubled_student"}


def test_without_a_roster_a_file_without_a_name_matches_nobody():
    assert find_student("\x00.", ()) == "unknown_student"
    assert find_student("", ()) == "unknown_student"


PARTS = st.sampled_from(["ann", "Anna", "Lee", "王", "小明", "12", "120", "hw", " ", "_", "/", "ë", "e", "."])
WORDS = st.lists(PARTS, min_size=1, max_size=6).map("".join)
CLASSES = st.lists(
    st.builds(Student, WORDS, st.sampled_from(["", "12", "1201"])), max_size=5, unique_by=lambda s: s.name
)


@given(st.lists(WORDS | st.text(), max_size=6), CLASSES)
def test_every_file_is_one_student_s_or_a_problem_and_no_student_has_two(files, students):
    match = match_students(files, students)
    matched_students = list(match.student_by_file.values())
    assert len(set(matched_students)) == len(matched_students)
    reported = [problem.file for problem in match.problems]
    assert sorted([*match.student_by_file, *reported]) == sorted(files)
    if students:
        assert sorted([*match.missing, *matched_students]) == sorted(student.name for student in students)


@given(st.lists(WORDS, min_size=1, max_size=6), CLASSES)
def test_neither_the_order_of_the_files_nor_that_of_the_roster_matters(files, students):
    assert (
        match_students(files, students).student_by_file == match_students(files[::-1], students[::-1]).student_by_file
    )


SAME_NAMES = (Student("Anna Li", "501"), Student("Anna Li (7B)", "502"), Student("Ben"), Student("Cleo", "5030"))


@pytest.mark.parametrize(
    ("file", "student"),
    [
        ("Anna Li_501_assignsubmission_file_/talk.wav", "Anna Li"),
        ("Anna Li_502_assignsubmission_file_/talk.wav", "Anna Li (7B)"),
        ("lianna_501_9001_talk.wav", "Anna Li"),
        ("lianna_late_502_9002_talk.wav", "Anna Li (7B)"),
        ("Ben_777_assignsubmission_file_/talk with Anna Li.wav", "Ben"),
        ("ben_777_9003_talk with anna li.wav", "Ben"),
        ("7B-Anna Li_502_assignsubmission_file_/talk.wav", "Anna Li (7B)"),
        ("Ben_5030_assignsubmission_file_/talk.wav", "ambiguous_student"),  # the name and the number disagree
        ("Nobody_778_assignsubmission_file_/talk.wav", "unknown_student"),
    ],
)
def test_a_school_s_system_says_whose_file_it_is_and_numbers_tell_the_same_names_apart(file, student):
    assert find_student(file, SAME_NAMES) == student


def test_without_a_roster_a_school_s_numbers_tell_the_same_names_apart():
    files = ["Anna Li_501_assignsubmission_file_/talk.wav", "Anna Li_502_assignsubmission_file_/talk.wav"]
    match = match_students([*files, "lianna_7_8_talk.wav"], ())
    assert list(match.student_by_file.values()) == ["Anna Li (501)", "Anna Li (502)", "lianna (7)"]
