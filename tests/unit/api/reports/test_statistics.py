"""Every number of the report and the gradebook is counted again from the job records by independent code."""

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from api.reports import render_report_files
from pipeline.jobs.records import to_json
from pipeline.jobs.results import Figure, Reading, ReadingFluency, ReadWord
from tests.support.page_html import Page
from tests.support.sample_class import DUE, make_assignment, make_sample_class, make_speech, make_student_work

FORMS = {
    "see": {"see", "sees", "seeing", "saw", "seen"},
    "go": {"go", "goes", "going", "went", "gone"},
    "afraid": {"afraid"},
}
MISTAKES = {  # heard -> corrected
    "Yesterday I go to zoo.": "Yesterday I went to the zoo.",
    "She go home and eat apple.": "She went home and ate an apple.",
    "They Go home.": "They went home.",
    "I like monkey.": "I like the monkey.",
}
VERDICT_LABELS = {
    "correct": "✓ Nothing to correct",
    "corrected": "Corrected",
    "not_checked": "Not checked",
    "not_heard_well": "Not heard well",
}
EDITS = {("go", "went"): 4, ("", "the"): 2, ("eat", "ate an"): 1}  # of those and one learner, counted by hand


def words(text: str) -> list[str]:
    """The words of a text: each Chinese character, and otherwise what is between spaces and has a letter or digit."""
    parts = re.sub(r"([\u3400-\u9fff])", r" \1 ", text).split()
    return [part.lower().strip(".,!?\"'。，") for part in parts if re.search(r"\w", part)]


@pytest.fixture(scope="module")
def rows():
    return [
        *make_sample_class(),
        *(
            make_student_work(50 + n, f"多{n}", make_speech(*each, probability=0.3))
            for n, each in enumerate(MISTAKES.items())
        ),
    ]


@pytest.fixture(scope="module")
def records(rows):
    """The transcripts and feedback of all whose words are known, as plain JSON, by student."""
    jobs = {row.student.name: row.job for row in rows if row.job and row.job.transcript}
    return {
        name: {"transcript": json.loads(to_json(job.transcript)), "feedback": json.loads(to_json(job.feedback))}
        for name, job in jobs.items()
    }


@pytest.fixture(scope="module")
def files(rows):
    return dict(render_report_files(make_assignment(rows, words=tuple(FORMS)), rows))


@pytest.fixture(scope="module")
def report(files):
    return Page(files["report.html"])


@pytest.fixture(scope="module")
def gradebook(files):
    return list(csv.DictReader(io.StringIO(files["gradebook.csv"].decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def totals(records):
    """Words heard and corrections made of all in the class whose words were checked."""
    checked = [each["feedback"] for each in records.values() if is_checked(each)]
    assert len(checked) < len(records)
    return sum(len(words(each["heard"])) for each in checked), sum(len(each["edits"]) for each in checked)


def is_checked(record) -> bool:
    return record["feedback"]["verdict"] in {"correct", "corrected"}


def test_the_headline_figures_are_those_of_the_records(report, rows, records, totals):
    handed_in = [row for row in rows if row.handed_in_at is not None]
    minutes = sum(each["transcript"]["duration_s"] for each in records.values()) / 60
    assert report.figures == {
        "Handed in": f"{len(handed_in)} / {len(rows)}",
        "Missing": str(len(rows) - len(handed_in)),
        "On time": f"{sum(row.handed_in_at <= DUE for row in handed_in)} / {len(handed_in)}",
        "Done": f"{sum(bool(row.job and row.job.answer) for row in handed_in)} / {len(handed_in)}",
        "Failed": str(sum(row.job is not None and row.job.error is not None for row in handed_in)),
        "Not finished yet": str(sum(row.job is not None and row.job.ended_at is None for row in handed_in)),
        "No longer available": str(sum(row.job is None for row in handed_in)),
        "Corrections per 100 words": f"{100 * totals[1] / totals[0]:.1f}",
        "Minutes recorded": f"{minutes:.1f}",
    }


def test_those_who_are_missing_late_or_failed_are_named(report, rows):
    names = report.find_texts("names", "li")
    missing = [row.student.name for row in rows if row.handed_in_at is None]
    late = [row.student.name for row in rows if row.handed_in_at is not None and row.handed_in_at > DUE]
    assert names == [*missing, *late]
    assert "no_speech" in report.find_texts("code")


def test_common_mistakes_are_counted_over_all_feedback(report, records):
    counts = Counter(
        (edit["from"].lower(), edit["to"].lower()) for each in records.values() for edit in each["feedback"]["edits"]
    )
    assert counts.items() >= EDITS.items()
    shown = [int(text) for text in report.find_texts("times") if text.isdigit()]
    assert shown == sorted(counts.values(), reverse=True)
    assert "".join(report.find_texts("correction")).startswith("say · 要说 went instead of · 不说 go")


def test_every_example_is_a_sentence_that_was_heard(report, records):
    heard = "|".join("".join(each["feedback"]["heard"].split()) for each in records.values())
    quoted = [(text, around) for text, around in report.texts if "blockquote" in around]
    page = "".join(
        "|" if "muted" in around else text for text, around in quoted if not {"ins", "visually-hidden"} & around
    )
    quotes = [quote for quote in "".join(page.split()).split("|") if quote]
    assert len(quotes) > len(EDITS)
    assert [quote for quote in quotes if quote not in heard] == []


def test_unclear_words_are_counted_over_all_transcripts(report, records):
    recognised = [
        (words(each["word"]), each["probability"]) for r in records.values() for each in r["transcript"]["words"]
    ]
    all_words = [(word, probability) for each, probability in recognised for word in each]
    counts_of_all = Counter(word for word, _ in all_words)
    counts_of_unclear = Counter(word for word, probability in all_words if probability < 0.5)
    table = report.tables[0][1:]
    assert [int(row[1]) for row in table] == sorted(counts_of_unclear.values(), reverse=True)[: len(table)]
    for word, unclear, times, mean, who in table:
        probabilities = [p for each, p in all_words if each == word]
        assert (int(unclear), int(times)) == (counts_of_unclear[word], counts_of_all[word])
        assert mean == f"{100 * sum(probabilities) / len(probabilities):.0f} %"
        assert who


def clear_words(record):
    """The words that the recogniser was sure of."""
    clear = [each["word"] for each in record["transcript"]["words"] if each["probability"] >= 0.5]
    return {*words(" ".join(clear))}


def test_target_words_are_counted_in_all_their_forms(report, records):
    for word, users, _ in report.tables[1][1:]:
        count = sum(bool(FORMS[word] & clear_words(each)) for each in records.values())
        assert users == f"{count} / {len(records)}"


def test_the_students_table_and_the_gradebook_have_each_student_s_own_figures(report, gradebook, rows, records):
    table = report.tables[2][1:]
    assert [line["student"] for line in gradebook] == [row[0] for row in table] == [row.student.name for row in rows]
    for row, line, shown in zip(rows, gradebook, table, strict=True):
        record = records.get(row.student.name)
        if record is None:
            assert {line[each] for each in ("recording_s", "words", "corrections", "words_per_minute", "heard")} == {""}
            assert {line["verdict"], shown[2], *shown[4:]} == {""}
            continue
        heard, seconds = record["feedback"]["heard"], record["transcript"]["duration_s"]
        count, corrections = len(words(heard)), len(record["feedback"]["edits"])
        used_words = [word for word in FORMS if FORMS[word] & clear_words(record)]
        assert float(line["recording_s"]) == pytest.approx(seconds, abs=0.005)
        shown_corrections = str(corrections) if is_checked(record) else ""
        assert (int(line["words"]), line["corrections"]) == (count, shown_corrections)
        assert float(line["words_per_minute"]) == pytest.approx(60 * count / seconds, abs=0.05)
        assert line["target_words_used"] == "; ".join(used_words)
        assert (line["heard"], line["corrected"]) == (heard, record["feedback"]["corrected"])
        assert line["verdict"] == record["feedback"]["verdict"]
        assert shown[2] == VERDICT_LABELS[line["verdict"]]
        assert shown[4:] == [
            f"{seconds:.1f}",
            str(count),
            f"{60 * count / seconds:.0f}",
            shown_corrections,
            f"{100 * corrections / count:.1f}" if is_checked(record) else "",
            f"{len(used_words)} / {len(FORMS)}",
        ]


def test_the_gradebook_has_the_state_of_each_student(gradebook, rows):
    states = Counter(line["state"] for line in gradebook)
    assert states == {"answered": 26, "failed": 1, "held": 1, "missing": 2, "gone": 1}
    for row, line in zip(rows, gradebook, strict=True):
        at = row.handed_in_at
        assert (datetime.fromisoformat(line["handed_in_at"]).timestamp() if line["handed_in_at"] else None) == at
        assert line["on_time"] == ("" if at is None else "yes" if at <= DUE else "no")
        assert line["error"] == (row.job.error["code"] if row.job and row.job.error else "")
        assert line["answer"] == (row.job.feedback.spoken if row.job and row.job.feedback else "")
        assert bool(line["file"]) == bool(row.job and row.job.answer)


def test_the_plot_has_a_bar_for_everybody_who_was_corrected_longest_first(report, records):
    rates = {
        name: 100 * len(each["feedback"]["edits"]) / len(words(each["feedback"]["heard"]))
        for name, each in records.items()
    }
    expected_bars = {name: rate for name, rate in sorted(rates.items(), key=lambda each: -each[1]) if rate}
    description = "".join(report.find_texts("desc"))
    assert description == "".join(f"{name}: {rate:.1f}; " for name, rate in expected_bars.items())
    widths = [float(facts["width"].rstrip("%")) for tag, facts in report.tags if tag == "rect"]
    longest = max(expected_bars.values())
    assert widths == pytest.approx([widths[0] * rate / longest for rate in expected_bars.values()], abs=0.01)


def test_words_read_are_those_of_the_text_that_were_not_left_out():
    text = "The quick brown fox, it seems, jumps over that lazy dog tonight."
    left_out = {"Anna": {"fox,"}, "Bo": {"lazy", "tonight."}, "Cy": set(), "Di": {"quick", "lazy"}}
    rows = [
        make_student_work(n, name, make_speech(" ".join(word for word in text.split() if word not in gone)))
        for n, (name, gone) in enumerate(left_out.items())
    ]
    files = dict(render_report_files(make_assignment(rows, text=text), rows))
    page = Page(files["report.html"])
    lines = list(csv.DictReader(io.StringIO(files["gradebook.csv"].decode("utf-8-sig"))))
    assert [(line["text_words"], line["text_words_read"]) for line in lines] == [
        ("12", str(12 - len(gone))) for gone in left_out.values()
    ]
    assert page.figures["Words of the text heard"] == f"{100 * (4 * 12 - 5) / (4 * 12):.0f} %"
    assert [row[:3] for row in page.tables[0][1:]] == [
        ["lazy", "0", "2"],
        *([w, "0", "1"] for w in ("fox", "quick", "tonight")),
    ]
    assert "".join(page.find_texts("desc")) == "Bo: 83.3; Di: 83.3; Anna: 91.7; "
    for name, gone in left_out.items():
        facts = json.loads(files[f"students/{name}.json"])
        assert facts["text_words_missed"] == [word.strip(".,") for word in text.split() if word in gone]
        assert Page(files[f"students/{name}.html"]).find_texts("spoken-text", "missed") == [
            w for w in text.split() if w in gone
        ]


def test_the_words_that_a_reader_left_out_and_added_are_in_every_form_of_the_report():
    text = "I think he has three dogs. They live in a small house."
    said = {"Anna": "I think he has three big dogs. They live in a house now.", "Bo": text}
    words_by_name = {"Anna": (["small"], ["big", "now"]), "Bo": ([], [])}
    rows = [make_student_work(n, name, make_speech(heard, text)) for n, (name, heard) in enumerate(said.items())]
    files = dict(render_report_files(make_assignment(rows, text=text), rows))
    table = Page(files["report.html"]).tables[-1]
    lines = list(csv.DictReader(io.StringIO(files["gradebook.csv"].decode("utf-8-sig"))))
    for row, line, (name, (left_out, added)) in zip(table[1:], lines, words_by_name.items(), strict=True):
        counts = [str(len(left_out)), str(len(added))]
        assert row[-2:] == counts
        assert [line["text_words_left_out"], line["words_added"]] == counts
        facts = json.loads(files[f"students/{name}.json"])
        assert (facts["text_words_left_out"], facts["words_added"]) == (left_out, added)
        page = Page(files[f"students/{name}.html"])
        assert page.find_texts("spoken-text", "added") == [{"big": "big", "now": "now."}[word] for word in added]
        assert page.find_texts("spoken-text", "left-out") == 2 * left_out  # in what was heard, and in the text
        assert page.find_texts("spoken-text", "ins") == 2 * left_out


@pytest.mark.parametrize(
    ("verdict", "shown"), [("correct", ["three /θ/, dogs /ɔ/"]), ("not_understood", []), ("needs_an_adult", [])]
)
def test_words_that_were_not_clear_are_in_every_form_of_the_report(verdict, shown):
    text = "He has three dogs."
    words = (ReadWord("He", "said", 0, 0.3), ReadWord("has", "left_out"))
    words += (ReadWord("three", "not_clear", 0.4, 0.8, "θ"), ReadWord("dogs", "not_clear", 1, 2, "ɔ"))
    figure = Figure(1, 0, 2)
    transcript, feedback = make_speech("He three dogs.", text)
    transcript = replace(transcript, reading=Reading(words, ReadingFluency(figure, figure, figure, figure)))
    rows = [make_student_work(0, "Anna", (transcript, replace(feedback, verdict=verdict)))]
    files = dict(render_report_files(make_assignment(rows, text=text), rows))
    (line,) = csv.DictReader(io.StringIO(files["gradebook.csv"].decode("utf-8-sig")))
    assert line["words_to_hear_again"] == ("three; dogs" if shown else "")
    assert line["longest_pause_s"] == ("1.00" if shown else "")
    assert json.loads(files["students/Anna.json"])["reading"]["words"][2]["state"] == "not_clear"
    page = Page(files["students/Anna.html"])
    assert [each for each in page.find_texts("dd") if "/θ/" in each] == shown
    for text in ("再听一听这些词", "最长停几秒"):
        assert (text in files["students/Anna.html"].decode()) == bool(shown)


def test_a_report_without_a_text_to_read_counts_nothing_as_left_out(files, gradebook):
    assert {line["text_words_left_out"] + line["words_added"] for line in gradebook} == {""}
    assert "left-out" not in files["students/Bo.html"].decode().partition("</style>")[2]
