"""The report's files: they open anywhere, whatever anybody is called or says, and however many there are."""

import csv
import io
import json
import re
import time
from dataclasses import replace
from urllib.parse import unquote

import pytest
from classes import DUE, assignment, failed, handed, job, learners, said
from hypothesis import given
from hypothesis import strategies as st
from pages import Page

from api.report import Handed, audio_names, class_page, files
from api.report.marks import RIGHT, WRONG, marked, text_marked
from api.report.plot import shortened
from pipeline.homework.assignments import Student
from pipeline.jobs.results import Edit
from pipeline.words.edits import compare
from pipeline.words.reading_aloud import read

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "+1-1",
    "\u202egnp.exe",
    "\u200b=HYPERLINK(1)",
    "../../etc/passwd",
    "a/b\\c",
    "javascript:alert(1)",
    "{{ 7 * 7 }}",
    "line\r\nbreak",
    "\ud800",
    "nul",
    "</style></title><b>",
]


def hostile_class() -> list[Handed]:
    return [
        Handed(Student(name, name), job(n, *said(f"{name} go home", f"{name} went home", 0.2)), DUE - n)
        for n, name in enumerate(HOSTILE)
    ]


def made(rows: list[Handed], **fields) -> dict[str, bytes]:
    found = list(files(assignment(rows, **fields), rows))
    assert len(dict(found)) == len(found), "two files have one name"
    return dict(found)


def rows_of(gradebook: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(gradebook.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    names = {"title": HOSTILE[0], "class_name": HOSTILE[1], "instructions": HOSTILE[13], "text": f"{HOSTILE[0]} go"}
    return made(hostile_class(), words=(HOSTILE[1], HOSTILE[2]), **names)


def pages(made_: dict[str, bytes]) -> list[Page]:
    return [Page(content) for name, content in made_.items() if name.endswith(".html")]


def test_nobody_s_words_become_part_of_a_page(hostile):
    found = pages(hostile)
    assert len(found) == 1 + len(HOSTILE)
    for page in found:
        assert not {"script", "img", "iframe", "object", "link", "form", "base"} & {tag for tag, _ in page.tags}
        assert not [name for _, facts in page.tags for name in facts if name.startswith("on")]
        assert "49" not in page.said("h1", "bdi")


def test_a_page_points_to_nothing_but_the_files_beside_it(hostile):
    beside = {unquote(name) for name in hostile} | {name for name, _ in audio_names(hostile_class())}
    report = Page(hostile["report.html"])
    assert len(report.links()) == len(HOSTILE)
    assert {unquote(link) for link in report.links()} <= beside
    for name, content in hostile.items():
        if name.startswith("students/") and name.endswith(".html"):
            [audio] = Page(content).links()
            assert f"students/{unquote(audio)}" == name.replace(".html", ".wav")
        assert b"http" not in re.sub(rb"http-equiv", b"", content)


def test_every_page_forbids_whatever_is_not_its_own(hostile):
    for page in pages(hostile):
        policy = dict(page.tags[n] for n in range(len(page.tags)) if "http-equiv" in page.tags[n][1])["meta"]["content"]
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; media-src 'self' file:")


def test_no_page_turns_the_direction_of_what_follows(hostile):
    for name, content in hostile.items():
        if not name.endswith(".json"):
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", content.decode())


def test_no_cell_of_the_gradebook_is_a_formula(hostile):
    content = hostile["gradebook.csv"]
    assert content.startswith("\ufeff".encode())
    assert content.count(b"\r\n") >= 1 + len(HOSTILE)
    rows = rows_of(content)
    assert len(rows) == 1 + len(HOSTILE)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert [row[0] for row in rows[1:] if "cmd" in row[0]] == ["'=cmd|' /C calc'!A0"]


def test_students_of_one_name_have_files_of_their_own():
    rows = [
        handed(n, name, said(f"I am number {n}")) for n, name in enumerate(["安娜", "Anna", "ANNA", "安娜", "An/na"])
    ]
    files_ = made(rows)
    for n, (name, _) in enumerate(audio_names(rows)):
        facts = json.loads(files_[name.replace(".wav", ".json")])
        assert facts["heard"] == f"I am number {n}"
        assert f"students/{facts['answer']['file']}" == name == rows_of(files_["gradebook.csv"])[n + 1][-1]


def test_a_class_that_handed_nothing_in_says_so():
    rows = [Handed(Student(name), None, None) for name in ("安娜", "Bo")]
    files_ = made(rows, words=("go",), text="Go home")
    assert set(files_) == {"report.html", "gradebook.csv"}
    report = Page(files_["report.html"])
    assert "Nobody has handed in anything yet." in report.said("b")
    assert report.said("names", "li") == ["安娜", "Bo"]
    assert "svg" not in {tag for tag, _ in report.tags}
    assert [row[:3] for row in rows_of(files_["gradebook.csv"])[1:]] == [["安娜", "", "missing"], ["Bo", "", "missing"]]


def test_a_class_without_anybody_has_a_report():
    assert Page(made([])["report.html"]).figures["Handed in"] == "0 / 0"


def test_a_class_in_which_nobody_was_heard_has_no_plot():
    report = Page(made([failed(handed(0, "安娜", said("Hello")))])["report.html"])
    assert report.figures["Failed"] == "1"
    assert "svg" not in {tag for tag, _ in report.tags}


def test_a_class_without_a_due_time_has_nobody_late():
    files_ = made([handed(0, "安娜", said("Hello"))], due=None)
    assert "On time" not in Page(files_["report.html"]).figures
    assert rows_of(files_["gradebook.csv"])[1][4] == ""


def test_a_student_who_is_not_in_the_class_is_named():
    rows = [handed(0, "安娜", said("Hello")), handed(1, "Zed", said("Hello"))]
    report = Page(class_page(assignment(rows, students=(Student("安娜"),)), rows))
    assert report.said("names", "li") == ["Zed"]


def test_a_report_that_stands_alone_links_to_nobody():
    rows = learners()
    assert Page(class_page(assignment(rows), rows, linked=False)).links() == []


def test_three_hundred_students_have_a_plot_of_ranges():
    words = [f"word{n}" for n in range(20)]
    rows = [
        handed(n, f"学生{n}", said(" ".join(words), " ".join([*("x" * (n % 7)), *words[n % 7 :]]))) for n in range(300)
    ]
    report = Page(made(rows)["report.html"])
    described = "".join(report.said("desc"))
    counts = [int(count) for count in re.findall(r": (\d+);", described)]
    assert sum(counts) == 300
    assert len(counts) <= 10
    assert len(report.tables[-1]) == 301


def test_a_plot_in_which_nobody_is_corrected_names_all_below():
    rows = [handed(n, name, said("Hello you")) for n, name in enumerate(["安娜", "Bo"])]
    report = Page(made(rows)["report.html"])
    assert "svg" not in {tag for tag, _ in report.tags}
    assert " (2): 安娜, Bo" in "".join(report.said("key"))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("安娜", "安娜"),
        ("Maximilian Alexander", "Maximilian Alexand…"),
        ("欧阳娜娜欧阳娜娜欧阳", "欧阳娜娜欧阳娜娜欧…"),
    ],
)
def test_a_name_beside_a_bar_is_cut_where_there_is_no_room(name, label):
    assert shortened(name) == label


def test_a_student_s_page_marks_what_was_heard():
    row = handed(0, "安娜", said("Yesterday I go to zoo.", "Yesterday I went to the zoo.", 0.25))
    page = Page(made([row], words=("go", "zoo", "cat"), instructions="Say it.\nLoud.")["students/安娜.html"])
    assert page.said("said", "del") == ["go"]
    assert page.said("said", "ins") == ["went", "the"]
    assert page.said("said", "unclear") == ["Yesterday", "I", "to", "zoo."]
    assert "25 %" in {facts.get("title") for _, facts in page.tags}
    assert [facts["src"] for tag, facts in page.tags if tag == "audio"] == ["%E5%AE%89%E5%A8%9C.wav"]
    assert page.figures["Not used"] == "cat"
    assert "Say it.\nLoud." in page.said("lines")


def test_a_failed_student_s_page_says_why():
    row = failed(handed(0, "安娜", said("Hello")))
    page = Page(made([row])["students/安娜.html"])
    assert page.said("code") == ["no_speech"]
    assert "Nothing was heard." in page.said("p")
    assert "In numbers" not in page.said("h2")
    assert "audio" not in {tag for tag, _ in page.tags}


def test_a_student_s_facts_have_the_promised_shape():
    rows = learners()
    files_ = made(rows, text="Lily is going to see a pig.", words=("see",))
    for name, content in files_.items():
        if name.endswith(".json"):
            facts = json.loads(content)
            assert list(facts) == [
                *("assignment", "student", "job_id", "state", "handed_in_at", "on_time", "recording_s", "words_said"),
                *("corrections", "words_per_minute", "text_words", "text_words_read", "text_words_missed"),
                *("target_words_used", "language", "heard", "words", "unclear", "corrected", "edits", "explanation"),
                *("reply", "answer", "error"),
            ]
            assert [edit["from"] for edit in facts["edits"]] == [
                " ".join(facts["heard"].split()[slice(*edit["at"])]).strip(".,") for edit in facts["edits"]
            ]
    bo = json.loads(files_["students/Bo.json"])
    assert bo["student"] == {"name": "Bo", "id": "20260003"}
    assert bo["text_words_missed"] == ["a", "pig"]
    assert bo["answer"] == {"text": "What's the movie?", "file": "Bo.wav", "duration_s": 4.25}


sentences = st.text("ab, .!?\n“”’我们-", max_size=40)


@given(sentences, sentences)
def test_whatever_was_corrected_nothing_that_was_heard_is_lost(heard, better):
    pieces = compare(heard, better)
    edits = [piece.edit for piece in pieces if not piece.unchanged]
    marks = marked(heard, edits)
    kept = "".join(mark.text for mark in marks if mark.kind != RIGHT)
    assert "".join(kept.split()) == "".join(heard.split())
    assert [mark.text for mark in marks if mark.kind == RIGHT] == [edit.after for edit in edits if edit.after]


@given(st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9), st.sampled_from(["", "x"]))))
def test_edits_at_places_that_do_not_exist_are_left_out(places):
    marks = marked("a b c", [Edit("", after, (first, last)) for first, last, after in places])
    kept = "".join(mark.text for mark in marks if mark.kind != RIGHT)
    assert "".join(kept.split()) == "abc"


@given(sentences, sentences)
def test_a_text_is_shown_whole_with_every_word_that_was_not_heard(heard, text):
    reading = read(heard, text)
    marks = text_marked(text, reading)
    assert "".join(mark.text for mark in marks) == text
    assert sum(mark.kind == "unheard" for mark in marks) == len(reading.missed)


def test_of_a_corrected_transcript_only_words_before_the_correction_have_a_probability():
    transcript, _ = said("I sea cow", probability=0.1)
    marks = marked("I see cow", [], transcript.words)
    assert [mark.text for mark in marks if mark.probability is not None] == ["I"]
    assert marked("I", [], replace(transcript, words=()).words)[0].probability is None


def test_punctuation_stays_where_words_are_exchanged():
    marks = marked("Well, go! Now", [Edit("go", "went", (1, 2))])
    assert [(mark.kind, mark.text) for mark in marks if mark.kind in (WRONG, RIGHT)] == [
        ("wrong", "go"),
        ("right", "went"),
    ]
    assert "".join(mark.text for mark in marks) == "Well, go went! Now"


def test_times_are_those_of_the_server_s_own_clock(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    files_ = made([handed(0, "安娜", said("Hello"))])
    monkeypatch.undo()
    time.tzset()
    assert rows_of(files_["gradebook.csv"])[1][3] == "2026-11-30T08:43:20+08:00"
    assert "2026-11-30 08:43 (UTC+08:00)" in "".join(Page(files_["students/安娜.html"]).said("header"))
