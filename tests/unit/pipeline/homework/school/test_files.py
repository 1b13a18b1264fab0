"""Names of files as Moodle and Canvas give them: who it is, and the name under which feedback comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.homework.filenames import display_path
from pipeline.homework.school.files import SchoolFile, feedback_path, parse_school_file


@pytest.mark.parametrize(
    ("path", "number", "student"),
    [
        ("Ruoxi Wu_123456_assignsubmission_file_/talk.m4a", "123456", "Ruoxi Wu"),
        ("Ruoxi Wu_123456_assignsubmission_file/talk.m4a", "123456", "Ruoxi Wu"),  # from Moodle 4.1 on
        ("HW1 7B-2041.zip/Ruoxi Wu_123456_assignsubmission_file_/talk.m4a", "123456", "Ruoxi Wu"),
        ("Ruoxi Wu_123456_assignsubmission_file_talk.m4a", "123456", "Ruoxi Wu"),  # without folders
        ("7B-Ruoxi Wu_12_assignsubmission_file_/unit 2/talk.m4a", "12", "7B-Ruoxi Wu"),  # of a group
        ("Jürgen O'Neill-Öz_9_assignsubmission_file_/a.wav", "9", "Jürgen O'Neill-Öz"),
        ("王小明_31_assignsubmission_file_/作业_1_2.wav", "31", "王小明"),
        ("Participant 88_88_assignsubmission_file_/a.wav", "88", "Participant 88"),
        ("Ruoxi Wu_5_assignsubmission_onlinepoodll_/poodll.mp3", "5", "Ruoxi Wu"),
        ("Ruoxi Wu_5_assignfeedback_file_/a.mp3", "5", "Ruoxi Wu"),
    ],
)
def test_moodle_s_folders_name_the_participant(path, number, student):
    file = parse_school_file(path)
    assert (file.system, file.number, file.student) == ("moodle", number, student)
    assert path.endswith(file.path)


@pytest.mark.parametrize(
    ("path", "number", "student"),
    [
        ("wuruoxi_12345_67890_talk.m4a", "12345", "wuruoxi"),
        ("submissions.zip/wuruoxi_12345_67890_talk.m4a", "12345", "wuruoxi"),
        ("wuruoxi_late_12345_67890_talk.m4a", "12345", "wuruoxi"),
        ("wuruoxi_LATE_12345_67890_talk.m4a", "12345", "wuruoxi"),
        ("late_12345_67890_talk.m4a", "12345", "late"),
        ("özjürgen_1_2_my_own_talk_3_4-1.wav", "1", "özjürgen"),
        ("王小明_1_2_作业.wav", "1", "王小明"),
        ("obrien_pat_1_2_a.wav", "1", "obrien_pat"),
    ],
)
def test_canvas_s_file_names_name_the_user(path, number, student):
    assert parse_school_file(path) == SchoolFile("canvas", number, student, path.removeprefix("submissions.zip/"))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Ruoxi.wav",
        "hw1/Ruoxi Wu/talk.wav",
        "Ruoxi Wu_12345_67890_talk.wav",  # Canvas leaves no spaces and no capitals
        "wu_ruoxi_12345_talk.wav",
        "wuruoxi_12345_x_67890_talk.wav",
        "12345_67890_talk.wav",
        "wuruoxi_12345_67890",
        "wuruoxi_12345_67890_link.html",  # a link is no file: Canvas would pass over the answer
        "wuruoxi_１２３_４５６_talk.wav",
        "Ruoxi Wu_abc_assignsubmission_file_/a.wav",
        "Ruoxi_Wu_5_assignsubmission_file_/a.wav",  # Moodle takes the second part for the number
        "Ruoxi Wu_5_assignment_file_/a.wav",
    ],
)
def test_other_names_are_no_system_s(path):
    assert parse_school_file(path) is None


@pytest.mark.parametrize(
    ("path", "ending", "feedback"),
    [
        ("x.zip/Ruoxi Wu_1_assignsubmission_file_/talk.m4a", "wav", "Ruoxi Wu_1_assignsubmission_file_/talk.wav"),
        ("Ruoxi Wu_1_assignsubmission_file/sub/my.talk.MP3", "mp3", "Ruoxi Wu_1_assignsubmission_file/sub/my.talk.mp3"),
        ("Ruoxi Wu_1_assignsubmission_file_/v1.2", "wav", "Ruoxi Wu_1_assignsubmission_file_/v1.2.wav"),
        ("Ruoxi Wu_1_assignsubmission_file_/~talk.wav", "wav", "Ruoxi Wu_1_assignsubmission_file_/talk.wav"),
        ("Ruoxi Wu_1_assignsubmission_file_talk.m4a", "wav", "Ruoxi Wu_1_assignsubmission_file_talk.wav"),
        ("a/wuruoxi_late_12345_67890_talk-1.m4a", "mp3", "wuruoxi_late_12345_67890_talk-1.mp3"),
    ],
)
def test_feedback_has_the_name_that_came_with_its_own_ending(path, ending, feedback):
    assert feedback_path(parse_school_file(path), ending) == feedback


# What the systems do with the name of a file that is uploaded to them, by the documents of each.


def read_as_moodle(path: str) -> tuple[str, str] | None:
    """The participant's number and the plugin of the first part of the path that has them; hidden files have none."""
    if path.split("/")[-1].startswith((".", "~")):
        return None
    for part in path.split("/"):
        pieces = part.split("_", 4)
        if len(pieces) >= 4 and pieces[1].isdecimal():
            return pieces[1], f"{pieces[2]}_{pieces[3]}"
    return None


def read_as_canvas(path: str) -> list[str]:
    """The numbers of the user and of the file: the first two pieces of the file's name that are nothing but digits."""
    return [piece for piece in path.split("/")[-1].split("_") if piece.isascii() and piece.isdigit()][:2]


NAMES = st.text(
    st.characters(exclude_characters="_/\\", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=30
)
WORDS = st.from_regex(r"[^\W\dA-Z_]{1,20}", fullmatch=True).filter(lambda word: word == word.lower())
FILES = st.text(st.characters(exclude_characters="/\\", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), max_size=30)
NUMBERS = st.integers(1, 10**9).map(str)


@given(NAMES, NUMBERS, FILES, st.sampled_from(["_", ""]))
def test_moodle_gives_the_answer_to_the_student_whose_file_it_was(name, number, file, end):
    path = display_path(f"hw.zip/{name}_{number}_assignsubmission_file{end}/{file}.m4a")
    parsed = parse_school_file(path)
    assert parsed.number == number
    assert read_as_moodle(feedback_path(parsed, "wav")) == (number, "assignsubmission_file")


@given(WORDS, NUMBERS, NUMBERS, FILES, st.sampled_from(["_", "_late_", "_LATE_"]))
def test_canvas_gives_the_answer_to_the_student_whose_file_it_was(name, user, file_number, file, middle):
    parsed = parse_school_file(f"{name}{middle}{user}_{file_number}_x{file}.m4a")
    assert parsed.number == user
    assert read_as_canvas(feedback_path(parsed, "wav")) == [user, file_number]
