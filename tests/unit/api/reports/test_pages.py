"""The report's files are valid whatever the names, the words and the number of students."""

import csv
import io
import json
import re
import time
from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.reports import StudentWork, list_answers, render_report, render_report_files
from api.reports.class_stats import shorten
from api.reports.highlight import ADDED, LEFT_OUT, MISREAD, RIGHT, WRONG, highlight_corrections, highlight_missed
from pipeline.homework.assignments import Student
from pipeline.jobs.results import Edit, Gap
from pipeline.text.corrections import compare
from pipeline.text.statistics import score_reading
from tests.support.page_html import Page
from tests.support.sample_class import (
    ANSWERS,
    DUE,
    fail_work,
    make_assignment,
    make_job,
    make_sample_class,
    make_speech,
    make_student_work,
)

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


def hostile_class() -> list[StudentWork]:
    return [
        StudentWork(
            Student(name, name), make_job(n, *make_speech(f"{name} go home", f"{name} went home", 0.2)), DUE - n
        )
        for n, name in enumerate(HOSTILE)
    ]


def render_files(rows: list[StudentWork], **fields) -> dict[str, bytes]:
    found = list(render_report_files(make_assignment(rows, **fields), rows))
    assert len(dict(found)) == len(found), "two files have one name"
    return dict(found)


def read_csv_rows(gradebook: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(gradebook.decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    names = {"title": HOSTILE[0], "class_name": HOSTILE[1], "instructions": HOSTILE[13], "text": f"{HOSTILE[0]} go"}
    return render_files(hostile_class(), words=(HOSTILE[1], HOSTILE[2]), **names)


def pages(files: dict[str, bytes]) -> list[Page]:
    return [Page(content) for name, content in files.items() if name.endswith(".html")]


def test_text_from_users_is_escaped_in_every_page(hostile):
    found = pages(hostile)
    assert len(found) == 1 + len(HOSTILE)
    for page in found:
        assert not {"script", "img", "iframe", "object", "link", "form", "base"} & {tag for tag, _ in page.tags}
        assert not [name for _, facts in page.tags for name in facts if name.startswith("on")]
        assert "49" not in page.find_texts("h1", "bdi")


def test_a_page_refers_only_to_files_of_the_report(hostile):
    files_next_to_it = {unquote(name) for name in hostile} | {name for name, _ in list_answers(hostile_class())}
    report = Page(hostile["report.html"])
    assert len(report.links()) == len(HOSTILE)
    assert {unquote(link) for link in report.links()} <= files_next_to_it
    for name, content in hostile.items():
        if name.startswith("students/") and name.endswith(".html"):
            [audio] = Page(content).links()
            assert f"students/{unquote(audio)}" == name.replace(".html", ".wav")
        assert b"http" not in re.sub(rb"http-equiv", b"", content)


def test_every_page_has_a_content_security_policy(hostile):
    for page in pages(hostile):
        policy = dict(page.tags[n] for n in range(len(page.tags)) if "http-equiv" in page.tags[n][1])["meta"]["content"]
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; media-src 'self' file:")


def test_text_from_users_cannot_change_the_direction_of_a_page(hostile):
    for name, content in hostile.items():
        if not name.endswith(".json"):
            assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", content.decode())


def test_cells_of_the_gradebook_cannot_be_formulas(hostile):
    content = hostile["gradebook.csv"]
    assert content.startswith("\ufeff".encode())
    assert content.count(b"\r\n") >= 1 + len(HOSTILE)
    rows = read_csv_rows(content)
    assert len(rows) == 1 + len(HOSTILE)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert [row[0] for row in rows[1:] if "cmd" in row[0]] == ["'=cmd|' /C calc'!A0"]


def test_students_of_one_name_have_files_of_their_own():
    rows = [
        make_student_work(n, name, make_speech(f"I am number {n}"))
        for n, name in enumerate(["安娜", "Anna", "ANNA", "安娜", "An/na"])
    ]
    files = render_files(rows)
    for n, (name, _) in enumerate(list_answers(rows)):
        facts = json.loads(files[name.replace(".wav", ".json")])
        assert facts["heard"] == f"I am number {n}"
        assert f"students/{facts['answer']['file']}" == name == read_csv_rows(files["gradebook.csv"])[n + 1][-1]


def test_the_report_of_a_class_without_submissions_says_so():
    rows = [StudentWork(Student(name), None, None) for name in ("安娜", "Bo")]
    files = render_files(rows, words=("go",), text="Go home")
    assert set(files) == {"report.html", "gradebook.csv"}
    report = Page(files["report.html"])
    assert "Nobody has handed in anything yet." in report.find_texts("b")
    assert report.find_texts("names", "li") == ["安娜", "Bo"]
    assert "svg" not in {tag for tag, _ in report.tags}
    assert [row[:3] for row in read_csv_rows(files["gradebook.csv"])[1:]] == [
        ["安娜", "", "missing"],
        ["Bo", "", "missing"],
    ]


def test_a_class_without_students_has_a_report():
    assert Page(render_files([])["report.html"]).figures["Handed in"] == "0 / 0"


def test_a_class_without_transcripts_has_no_plot():
    report = Page(render_files([fail_work(make_student_work(0, "安娜", make_speech("Hello")))])["report.html"])
    assert report.figures["Failed"] == "1"
    assert "svg" not in {tag for tag, _ in report.tags}


def test_a_class_without_a_due_time_has_nobody_late():
    files = render_files([make_student_work(0, "安娜", make_speech("Hello"))], due=None)
    assert "On time" not in Page(files["report.html"]).figures
    assert read_csv_rows(files["gradebook.csv"])[1][4] == ""


def test_a_student_who_is_not_in_the_class_is_named():
    rows = [make_student_work(0, "安娜", make_speech("Hello")), make_student_work(1, "Zed", make_speech("Hello"))]
    report = Page(render_report(make_assignment(rows, students=(Student("安娜"),)), rows))
    assert report.find_texts("names", "li") == ["Zed"]


def test_a_single_page_report_has_no_links_to_students():
    rows = make_sample_class()
    assert Page(render_report(make_assignment(rows), rows, with_links=False)).links() == []


def test_three_hundred_students_have_a_plot_of_ranges():
    words = [f"word{n}" for n in range(20)]
    rows = [
        make_student_work(n, f"学生{n}", make_speech(" ".join(words), " ".join([*("x" * (n % 7)), *words[n % 7 :]])))
        for n in range(300)
    ]
    report = Page(render_files(rows)["report.html"])
    description = "".join(report.find_texts("desc"))
    counts = [int(count) for count in re.findall(r": (\d+);", description)]
    assert sum(counts) == 300
    assert len(counts) <= 10
    assert len(report.tables[-1]) == 301


def test_a_plot_without_corrections_names_all_students_below():
    rows = [make_student_work(n, name, make_speech("Hello you")) for n, name in enumerate(["安娜", "Bo"])]
    report = Page(render_files(rows)["report.html"])
    assert "svg" not in {tag for tag, _ in report.tags}
    assert " (2): 安娜, Bo" in "".join(report.find_texts("legend"))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("安娜", "安娜"),
        ("Maximilian Alexander", "Maximilian Alexand…"),
        ("欧阳娜娜欧阳娜娜欧阳", "欧阳娜娜欧阳娜娜欧…"),
    ],
)
def test_a_name_next_to_a_bar_is_shortened_where_space_is_missing(name, label):
    assert shorten(name) == label


def test_a_student_s_page_marks_corrections_and_unclear_words():
    row = make_student_work(0, "安娜", make_speech("Yesterday I go to zoo.", "Yesterday I went to the zoo.", 0.25))
    page = Page(render_files([row], words=("go", "zoo", "cat"), instructions="Say it.\nLoud.")["students/安娜.html"])
    assert page.find_texts("spoken-text", "del") == ["go"]
    assert page.find_texts("spoken-text", "ins") == ["went", "the"]
    assert page.find_texts("spoken-text", "unclear") == ["Yesterday", "I", "to", "zoo."]
    assert "25 %" in {facts.get("title") for _, facts in page.tags}
    assert [facts["src"] for tag, facts in page.tags if tag == "audio"] == ["%E5%AE%89%E5%A8%9C.wav"]
    assert page.figures["Not used"] == "go, zoo, cat"
    assert "Say it.\nLoud." in page.find_texts("keep-lines")


def test_a_student_s_page_says_what_was_not_understood():
    transcript, feedback = make_speech("Yesterday I go to zoo.")
    files = render_files([make_student_work(0, "安娜", (replace(transcript, gaps=(Gap(3.0, 5.5),)), feedback))])
    page = files["students/安娜.html"].decode()
    assert "Not understood" in page
    assert "没听清" in page
    assert "0:00:03–0:00:05" in page
    assert json.loads(files["students/安娜.json"])["gaps"] == [{"start": 3.0, "end": 5.5}]


def test_a_failed_student_s_page_says_why():
    row = fail_work(make_student_work(0, "安娜", make_speech("Hello")))
    page = Page(render_files([row])["students/安娜.html"])
    assert page.find_texts("code") == ["no_speech"]
    assert "Nothing was heard." in page.find_texts("p")
    assert "In numbers" not in page.find_texts("h2")
    assert "audio" not in {tag for tag, _ in page.tags}


def test_a_student_s_json_has_the_documented_shape():
    rows = make_sample_class()
    files = render_files(rows, text="My brother plays football every day with a friend.", words=("see",))
    for name, content in files.items():
        if name.endswith(".json"):
            facts = json.loads(content)
            assert list(facts) == [
                *("assignment", "student", "job_id", "state", "handed_in_at", "on_time", "verdict", "recording_s"),
                *("words_said", "corrections", "words_per_minute", "text_words", "text_words_read"),
                *(
                    "text_words_missed",
                    "text_words_left_out",
                    "words_added",
                    "target_words_used",
                    "reading",
                    "language",
                    "heard",
                    "said",
                    "words",
                    "gaps",
                    "unclear",
                ),
                *("corrected", "edits"),
                *("explanation", "reply", "tries", "answer", "error"),
            ]
            assert [edit["from"] for edit in facts["edits"]] == [
                " ".join(facts["heard"].split()[slice(*edit["at"])]).strip(".,") for edit in facts["edits"]
            ]
    bo = json.loads(files["students/Bo.json"])
    assert bo["student"] == {"name": "Bo", "id": "20260003"}
    assert bo["text_words_missed"] == ["plays", "with", "a", "friend"]
    assert (bo["text_words_left_out"], bo["words_added"]) == (["with", "a", "friend"], [])
    (answer,) = (each for each in json.loads(ANSWERS.read_text("utf-8")) if each["id"] == "yuxin-li")
    assert bo["verdict"] == "corrected"
    assert bo["answer"] == {"text": answer["feedback"]["spoken"], "file": "Bo.wav", "duration_s": 4.25}


sentences = st.text("ab, .!?\n“”’我们-", max_size=40)


@given(sentences, sentences)
def test_corrections_lose_nothing_of_the_transcript(heard, better):
    pieces = compare(heard, better)
    edits = [piece.edit for piece in pieces if not piece.is_unchanged]
    spans = highlight_corrections(heard, edits)
    original = "".join(span.text for span in spans if span.kind != RIGHT)
    assert "".join(original.split()) == "".join(heard.split())
    assert [span.text for span in spans if span.kind == RIGHT] == [edit.after for edit in edits if edit.after]


@given(sentences, sentences)
def test_of_a_reading_what_stands_alone_was_left_out_or_added(heard, text):
    edits = [piece.edit for piece in compare(heard, text) if not piece.is_unchanged]
    correction, reading = highlight_corrections(heard, edits), highlight_corrections(heard, edits, is_reading=True)
    assert [span.text for span in reading] == [span.text for span in correction]
    assert [span.text for span in reading if span.kind == LEFT_OUT] == [
        e.after for e in edits if e.after and not e.before
    ]
    assert {ADDED, LEFT_OUT}.isdisjoint(span.kind for span in correction)


@given(st.lists(st.tuples(st.integers(-1, 9), st.integers(-1, 9), st.sampled_from(["", "x"]))))
def test_edits_at_places_that_do_not_exist_are_left_out(places):
    spans = highlight_corrections("a b c", [Edit("", after, (first, last)) for first, last, after in places])
    original = "".join(span.text for span in spans if span.kind != RIGHT)
    assert "".join(original.split()) == "abc"


@given(sentences, sentences)
def test_a_text_is_shown_completely_with_every_word_that_was_missed(heard, text):
    reading = score_reading(heard, text)
    spans = highlight_missed(text, reading)
    assert "".join(span.text for span in spans) == text
    assert sum(span.kind in {MISREAD, LEFT_OUT} for span in spans) == len(reading.missed_words)
    assert sum(span.kind == LEFT_OUT for span in spans) == len(reading.left_out_words)


def test_of_a_corrected_transcript_only_words_before_the_correction_have_a_probability():
    transcript, _ = make_speech("I sea cow", probability=0.1)
    spans = highlight_corrections("I see cow", [], transcript.words)
    assert [span.text for span in spans if span.probability is not None] == ["I"]
    assert highlight_corrections("I", [], replace(transcript, words=()).words)[0].probability is None


def test_punctuation_stays_where_words_are_exchanged():
    spans = highlight_corrections("Well, go! Now", [Edit("go", "went", (1, 2))])
    assert [(span.kind, span.text) for span in spans if span.kind in (WRONG, RIGHT)] == [
        ("wrong", "go"),
        ("right", "went"),
    ]
    assert "".join(span.text for span in spans) == "Well, go went! Now"


def test_times_are_those_of_the_server_s_own_clock(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    files = render_files([make_student_work(0, "安娜", make_speech("Hello"))])
    monkeypatch.undo()
    time.tzset()
    assert read_csv_rows(files["gradebook.csv"])[1][3] == "2026-11-30T08:43:20+08:00"
    assert "2026-11-30 08:43 (UTC+08:00)" in "".join(Page(files["students/安娜.html"]).find_texts("header"))
