"""What the report, the gradebook and a student's page say of each verdict, and what they count."""

import csv
import io
import json
from dataclasses import replace

import pytest

from api.reports import StudentWork, render_report_files
from api.reports.pages import join_languages
from pipeline.jobs.results import VERDICTS, Edit, Feedback, Verdict
from tests.support.page_html import Page
from tests.support.sample_class import make_assignment, make_speech, make_student_work

LABELS = {
    "correct": ("Nothing to correct", "没有错误"),
    "corrected": ("Corrected", "有改正"),
    "not_heard_well": ("Not heard well", "没听清楚"),
    "not_understood": ("Not understood", "没听懂"),
    "other_language": ("Another language", "别的语言"),
    "not_checked": ("Not checked", "没有检查"),
    "needs_an_adult": ("Needs an adult", "需要大人关心"),
}
UNCHECKED = tuple(verdict for verdict in VERDICTS if verdict not in ("correct", "corrected"))
WHY = {"en": "Yesterday is <past>.", "zh": "昨天 → 过去式"}
WENT = Edit("go", "went", (1, 2), "R:VERB:TENSE", WHY)


def make_work(number: int, verdict: Verdict, said: str = "") -> StudentWork:
    """A student, called like the verdict, whose five words have one edit unless they are correct."""
    transcript, feedback = make_speech("I go to school yesterday", probability=0.3)
    heard = said or feedback.heard
    edits = () if verdict == "correct" else (WENT,)
    feedback = replace(feedback, heard=heard, edits=edits, explanation="Say went.", verdict=verdict)
    work = make_student_work(number, verdict, (transcript, replace(feedback, corrected=heard.replace("go", "went"))))
    assert work.job
    return replace(work, job=replace(work.job, request=replace(work.job.request, said=said)))


def render(rows: list[StudentWork], **fields) -> dict[str, bytes]:
    return dict(render_report_files(make_assignment(rows, **fields), rows))


def read_gradebook(files: dict[str, bytes]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files["gradebook.csv"].decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def rows() -> list[StudentWork]:
    return [make_work(number, verdict) for number, verdict in enumerate(VERDICTS)]


@pytest.fixture(scope="module")
def files(rows) -> dict[str, bytes]:
    return render(rows, words=("school",), text="I go to school yesterday")


def test_every_verdict_has_a_label_of_its_own_in_both_languages(files):
    assert set(LABELS) == set(VERDICTS)
    for verdict, (english, chinese) in LABELS.items():
        page = Page(files[f"students/{verdict}.html"])
        assert [text.strip() for text in page.find_texts("verdict") if text.strip() not in ("✓", "·")] == [
            english,
            chinese,
        ]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_only_a_correct_turn_has_a_tick(files, verdict):
    assert ("✓" in files[f"students/{verdict}.html"].decode()) is (verdict == "correct")
    assert files["report.html"].decode().count("✓") == 2  # in the count of verdicts, and in its row


def test_only_checked_turns_have_corrections_and_rates(files):
    lines = {line["student"]: line for line in read_gradebook(files)}
    assert {name: line["corrections"] for name, line in lines.items()} == {
        **dict.fromkeys(UNCHECKED, ""),
        "correct": "0",
        "corrected": "1",
    }
    assert {line["verdict"] for line in lines.values()} == set(VERDICTS)
    assert {name for name, line in lines.items() if line["text_words_read"]} == {"correct", "corrected"}
    report = Page(files["report.html"])
    assert report.figures["Corrections per 100 words"] == "10.0"  # of two students with five words each
    assert [text for text in report.find_texts("times") if text.isdigit()] == ["1"]
    for name in UNCHECKED:
        facts = json.loads(files[f"students/{name}.json"])
        assert (facts["verdict"], facts["corrections"], facts["text_words_read"]) == (name, None, None)


def test_the_report_counts_the_students_with_each_verdict():
    rows = [make_work(n, verdict) for n, verdict in enumerate(["correct", "correct", "not_heard_well"])]
    rows[1] = replace(rows[1], student=replace(rows[1].student, name="second"))
    page = Page(render(rows)["report.html"])
    shown = [text.strip() for text in page.find_texts("verdicts", "b")]
    assert shown == ["2", "1"]
    labels = page.find_texts("verdicts", "verdict")
    assert [label for label in labels if label in {english for english, _ in LABELS.values()}] == [
        "Nothing to correct",
        "Not heard well",
    ]


def test_who_needs_an_adult_is_named_first_and_quoted_in_no_list(rows):
    danger = make_work(9, "needs_an_adult")
    heard = "he hit me with hammer"
    transcript, feedback = make_speech(heard, "He hit me with a hammer.", 0.1)
    assert danger.job
    job = replace(danger.job, transcript=transcript, feedback=replace(feedback, verdict="needs_an_adult"))
    files = render([*rows[:2], replace(danger, job=job)])
    text = files["report.html"].decode()
    assert text.index("These students may be in danger") < text.index("Handed in")
    page = Page(files["report.html"])
    assert page.find_texts("concerns", "li") == ["needs_an_adult"]
    assert "students/needs_an_adult.html" in page.links()
    assert "hammer" not in text
    student_page = Page(files["students/needs_an_adult.html"])
    assert "".join(student_page.find_texts("spoken-text")).strip() == heard
    assert not {"del", "ins"} & {tag for tag, _ in student_page.tags}
    assert "Please talk with an adult about this." in files["students/needs_an_adult.html"].decode()
    assert "He hit me with a hammer." not in files["students/needs_an_adult.html"].decode()


def test_a_class_in_which_nobody_needs_an_adult_has_no_such_card(rows):
    assert "concerns" not in {name for _, around in Page(render(rows[:2])["report.html"]).texts for name in around}


def test_a_correction_is_explained_in_both_languages(files):
    page = Page(files["students/corrected.html"])
    assert "".join(page.find_texts("explanations", "zh")).endswith(WHY["zh"])
    assert WHY["en"] in "".join(page.find_texts("explanations"))
    assert "Say went." not in files["students/corrected.html"].decode()
    assert WHY["zh"] in "".join(Page(files["report.html"]).find_texts("mistakes"))
    assert next(line["kinds"] for line in read_gradebook(files) if line["student"] == "corrected") == "R:VERB:TENSE"
    (edit,) = json.loads(files["students/corrected.json"])["edits"]
    assert edit == {"from": "go", "to": "went", "at": [1, 2], "kind": "R:VERB:TENSE", "explanations": WHY}


def test_without_an_explanation_of_its_edits_a_turn_has_that_of_the_whole():
    work = make_student_work(0, "Anna", make_speech("I go home", "I went home"))
    page = render([work])["students/Anna.html"].decode()
    assert "Say &#34;went&#34; instead of &#34;go&#34;." in page


@pytest.mark.parametrize(
    ("texts", "html"),
    [
        ({"en": "a < b", "zh": "甲"}, 'a &lt; b<span class="dot"> · </span><span lang="zh">甲</span>'),
        ({"en": "only\u202e this"}, "only this"),
        ({"zh": "只有"}, '<span lang="zh">只有</span>'),
        ({}, ""),
    ],
)
def test_an_explanation_is_shown_in_the_languages_that_it_has(texts, html):
    assert str(join_languages(texts)) == html


def test_a_mended_turn_shows_what_was_heard_and_what_the_student_says_it_was():
    files = render([make_work(0, "corrected", said="I go to pool yesterday")], words=("school", "pool"))
    page = Page(files["students/corrected.html"])
    places = [around for text, around in page.texts if "school" in text and "spoken-text" in around]
    assert ["own-words" in around for around in places] == [False]
    assert page.find_texts("own-words", "del") == ["go"]
    assert page.find_texts("own-words", "ins") == ["went"]
    assert "pool" in "".join(page.find_texts("own-words"))
    (line,) = read_gradebook(files)
    assert (line["heard"], line["said"]) == ("I go to school yesterday", "I go to pool yesterday")
    assert line["target_words_used"] == "pool"
    facts = json.loads(files["students/corrected.json"])
    assert (facts["heard"], facts["said"]) == ("I go to school yesterday", "I go to pool yesterday")


def test_a_text_that_was_read_is_scored_by_the_recording_and_not_by_what_the_student_says_it_was():
    files = render([make_work(0, "correct", said="I go to pool today")], text="I go to pool today")
    (line,) = read_gradebook(files)
    assert (line["text_words"], line["text_words_read"]) == ("5", "3")


def test_feedback_of_a_version_without_verdicts_keeps_its_corrections_but_does_not_count():
    work = make_student_work(0, "Anna", make_speech("I go home", "I went home"))
    assert work.job
    old = Feedback("I go home", "I went home", "Why?", "I went home. Why?", (Edit("go", "went", (1, 2)),))
    files = render([replace(work, job=replace(work.job, feedback=old))])
    page = Page(files["students/Anna.html"])
    assert page.find_texts("spoken-text", "ins") == ["went"]
    assert "Not checked" in page.find_texts("verdict")
    assert read_gradebook(files)[0]["corrections"] == ""
    assert "Corrections per 100 words" not in Page(files["report.html"]).figures
