"""Assignment files: every field, the roster in the same folder, and errors that name the file and the field."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml

from pipeline.errors import BadRequest, BadRoster
from pipeline.homework.assignments import Student
from pipeline.homework.match_students import match_students
from tests.support.recordings import EXAMPLES, RECORDINGS
from waijiao.cli.homework.assignment_file import read_assignment

WHOLE = """
id: hw3
title: "Homework 3: my weekend"
instructions: |
  Say five sentences.
  Speak slowly.
text: Yesterday I went home.
words: [yes, no, 1, 2.0, on]
persona: emma
language: en
level: B1
class: 7B
due: 2026-12-01T20:00:00+08:00
retention_h: 24
hold: yes
clearness: yes
card: no
students: [Anna, {name: 王小明, id: 0012}, No]
voice: heart
speed: 0.9
format: mp3
webhook: https://school.example/hook
"""


@pytest.fixture
def write_file(tmp_path):
    """Writes a file, and returns its path."""

    def write(text: str | bytes, name: str = "hw3.yaml"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def test_every_field_is_read(write_file):
    found = read_assignment(write_file(WHOLE, "other.yaml"))
    assert found.id == "hw3"
    assert found.fields == {
        "title": "Homework 3: my weekend",
        "instructions": "Say five sentences.\nSpeak slowly.\n",
        "text": "Yesterday I went home.",
        "words": ["yes", "no", "1", "2.0", "on"],
        "persona": "emma",
        "language": "en",
        "level": "B1",
        "class_name": "7B",
        "due": datetime(2026, 12, 1, 20, tzinfo=timezone(timedelta(hours=8))),
        "retention_h": 24,
        "hold": True,
        "clearness": True,
        "card": False,
        "students": [{"name": "Anna", "id": ""}, {"name": "王小明", "id": "0012"}, {"name": "No", "id": ""}],
        "voice": "heart",
        "speed": 0.9,
        "format": "mp3",
        "webhook": "https://school.example/hook",
    }


def test_an_empty_field_is_left_out(write_file):
    assert read_assignment(write_file("title: My day\npersona:\nwords:\ndue: ''\n")).fields == {"title": "My day"}


def test_a_byte_order_mark_is_ignored(write_file):
    assert read_assignment(write_file(b"\xef\xbb\xbftitle: My day")).fields == {"title": "My day"}


@pytest.mark.parametrize(
    ("name", "id_"), [("hw3.yaml", "hw3"), ("Home work_3 (B).yml", "home-work_3-b"), ("-É té-.yaml", "e-te")]
)
def test_without_an_id_an_assignment_is_named_after_its_file(write_file, name, id_):
    assert read_assignment(write_file("title: My day", name)).id == id_


def test_a_time_without_a_zone_is_local_time(write_file, monkeypatch):
    due = read_assignment(write_file("title: My day\ndue: 2026-12-01 20:00")).fields["due"]
    assert due == datetime(2026, 12, 1, 20).astimezone()
    assert due.utcoffset() is not None


def test_a_time_may_be_in_utc(write_file):
    assert read_assignment(write_file("title: My day\ndue: 2026-12-01T20:00Z")).fields["due"] == datetime(
        2026, 12, 1, 20, tzinfo=UTC
    )


def test_a_roster_may_be_in_the_folder_of_the_file(write_file):
    roster = write_file("name,id\nAnna,7\n王小明,0012\n", "class.csv")
    found = read_assignment(write_file("title: My day\nroster: class.csv"))
    assert found.students == [Student("Anna", "7"), Student("王小明", "0012")]
    assert roster in found.paths


def test_the_roster_of_the_option_is_preferred(write_file):
    found = read_assignment(write_file("title: My day\nstudents: [Anna]"), write_file("Ben\nCleo\n", "other.csv"))
    assert [each.name for each in found.students] == ["Ben", "Cleo"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "hw3.yaml is not an assignment: it must have a `title:`"),
        ("- Anna", "hw3.yaml is not an assignment"),
        ("instructions: Speak.", "hw3.yaml: `title` must be a line of text"),
        ("title: [a, b]", "hw3.yaml: `title` must be a line of text"),
        ("titel: My day", "hw3.yaml: `titel` is unknown"),
        ("title: a\nroster: nope.csv", "hw3.yaml: there is no file nope.csv, which `roster` names"),
        (
            "titel: My day\ntitle: My day",
            "hw3.yaml: `titel` is unknown; perhaps `title` is meant; known are id, title, ",
        ),
        ("title: a\nid: Hausaufgabe 3", "hw3.yaml: `id` must be 1 to 64 of a-z, 0-9, _ and -"),
        ("title: a\ndue: 20:00", "hw3.yaml: `due` must be a day and a time, such as 2026-12-01 20:00"),
        ("title: a\ndue: 2026-12-01", "hw3.yaml: `due` must be a day and a time"),
        ("title: a\ndue: 0001-01-01T00:00:00+14:00", "hw3.yaml: `due` "),
        ("title: a\ndue: 9999-12-31 23:59", "hw3.yaml: `due` "),
        ("title: a\ndue: 1999-12-31 12:00", "hw3.yaml: `due` "),
        ("title: a\ndue: 2026-13-01 20:00", "hw3.yaml: `due` must be a day and a time"),
        ("title: a\nhold: perhaps", "hw3.yaml: `hold` must be true or false"),
        ("title: a\nspeed: fast", "hw3.yaml: `speed` must be a number from 0.5 to 2"),
        ("title: a\nwords: home, weekend", "hw3.yaml: `words` must be a list of words"),
        ("title: a\nstudents: [Anna, {id: 7}]", "hw3.yaml: `students`, 2, name must be a list of names"),
        ("title: a\nstudents: [Anna]\nroster: class.csv", "hw3.yaml: give `students` or `roster`, not both"),
        ("title: a\ntitle: b", "hw3.yaml, line 1 is not valid YAML: 'title' occurs twice"),
        ("title: 'a", "hw3.yaml, line 1 is not valid YAML"),
        ("title: a\n\tb: c", "hw3.yaml, line 2 is not valid YAML"),
        ("title: \x07", "hw3.yaml is not valid YAML"),
        ("title: !!python/object/apply:os.system [ls]", "hw3.yaml: `title` must be a line of text"),
    ],
)
def test_an_error_names_the_file_and_the_field(write_file, text, message):
    write_file("Ben", "class.csv")
    with pytest.raises((BadRequest, BadRoster)) as refused:
        read_assignment(write_file(text))
    assert message in str(refused.value)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(BadRequest, match=r"There is no assignment .*hw9\.yaml"):
        read_assignment(tmp_path / "hw9.yaml")


def test_a_name_of_which_no_id_can_be_made_asks_for_one(write_file):
    with pytest.raises(BadRequest, match=r"作业三.yaml: give it an `id`"):
        read_assignment(write_file("title: My day", "作业三.yaml"))


@pytest.mark.parametrize(
    "bomb",
    [
        "title: a\nwords: [" + ", ".join(["&a [x, x]", *["*a"] * 9]) + "]",
        "a: &a [x]\ntitle: *a",
        "title: " + "[" * 100_000,
        "title: " + "{a: " * 50_000,
        "title: a\n" + "- " * 100_000,
        "title: " + "a" * 300_000,
    ],
    ids=["aliases", "anchor", "lists", "mappings", "dashes", "long"],
)
def test_a_yaml_bomb_is_refused_without_using_up_the_memory_or_the_stack(write_file, bomb):
    with pytest.raises(BadRequest):
        read_assignment(write_file(bomb))


def test_a_file_in_another_encoding_is_reported(write_file):
    with pytest.raises(BadRequest, match=r"hw3.yaml is not in UTF-8"):
        read_assignment(write_file("title: 作业".encode("gb18030")))


@pytest.mark.parametrize("roster", ["../class.csv", "/etc/passwd", "linked.csv"])
def test_a_roster_is_searched_only_in_the_folder_of_the_file(write_file, tmp_path, roster):
    tmp_path.joinpath("linked.csv").symlink_to("/etc/passwd")
    with pytest.raises(BadRequest, match=r"hw3.yaml: `roster` must be the name of a CSV or XLSX file"):
        read_assignment(write_file(f"title: a\nroster: {roster}"))


def test_a_roster_that_cannot_be_read_is_reported_with_its_file(write_file):
    write_file("name,id\nAnna,1\nAnna,2\n", "class.csv")
    with pytest.raises(BadRoster, match=r"class.csv: Line 3 of the list repeats the name of line 2"):
        read_assignment(write_file("title: a\nroster: class.csv"))


def test_the_example_is_read():
    example = read_assignment(EXAMPLES / "homework" / "hw3.yaml")
    assert example.id == "hw3"
    match = match_students([path.name for path in RECORDINGS], example.students)
    assert not match.problems
    assert sorted(match.student_by_file.values()) == sorted(each.name for each in example.students)


def test_any_text_survives_yaml(write_file):
    words = ["No", "0012", "1e3", "null", "~", "a: b", "# no comment", "2026-12-01", "'", '"', "你好", "-", "x" * 300]
    text = yaml.safe_dump({"title": "a", "words": words}, allow_unicode=True)
    assert read_assignment(write_file(text)).fields["words"] == words
