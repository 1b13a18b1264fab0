"""What counts in a pupil's progress: kinds that went, that stayed, and that came once; and which assignments."""

import pytest

from pipeline.classes.progress import measure_progress
from pipeline.homework.assignments import ClassWork
from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Edit, Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.learners.entries import HomeworkNote, LedgerEntry, MistakeNote, build_entry
from pipeline.learners.ledger import DatedEntry

DAY_S = 86_400
HOMEWORK = JobRequest("j", "j", assignment="hw", student="Mei", pupil="p1", details={"handed_in_at": 5.0})
GO = Edit("go", "went", (1, 2), "R:VERB:TENSE")
FIGURE = Figure(1, 0, 2)
READ = Reading(
    (ReadWord("Three", "said"), ReadWord("ponies", "not_clear", 1, 2, "p"), ReadWord("ran", "misread")),
    ReadingFluency(FIGURE, FIGURE, FIGURE, FIGURE),
)


def entry(day: int, *kinds: str, right: tuple[str, ...] = ()) -> DatedEntry:
    mistakes = tuple(MistakeNote(kind, "a", "b", "a.", "b.") for kind in kinds)
    return DatedEntry(day * DAY_S, LedgerEntry(str(day), mistakes, right))


def test_kinds_went_stayed_or_came_once():
    entries = [entry(1, "M:DET", "R:PREP", "M:VERB"), entry(2, "R:PREP")]
    entries += [entry(day, right=("M:DET",)) for day in (3, 4, 5)]
    progress = measure_progress("p1", [], {}, entries)
    assert (progress.went, progress.stayed, progress.once) == (["M:DET"], ["R:PREP"], ["M:VERB"])


def test_only_assignments_that_were_set_to_the_pupil_or_handed_in_count():
    works = [ClassWork("a", "A", pupils=("p1",)), ClassWork("b", "B"), ClassWork("c", "C", due=10)]
    handed_in = DatedEntry(1, LedgerEntry("1", work=HomeworkNote("c", 11)))
    progress = measure_progress("p1", works, {}, [handed_in])
    assert [(each.work.id, each.state, each.on_time) for each in progress.works] == [
        ("a", "missing", None),
        ("c", "gone", False),
    ]


def note(request: JobRequest, feedback: Feedback, transcript: Transcript | None = None) -> HomeworkNote | None:
    made = build_entry(request, transcript, feedback)
    return made.work if made else None


def test_a_note_counts_words_and_corrections_of_what_was_checked():
    corrected = Feedback("I go home yesterday", "I went home yesterday", "", "", (GO,), verdict="corrected")
    assert note(HOMEWORK, corrected) == HomeworkNote("hw", 5.0, "corrected", words=4, corrections=1)


@pytest.mark.parametrize("verdict", ["not_understood", "not_heard_well", "other_language", "not_checked"])
def test_a_note_of_what_was_not_checked_has_no_rate(verdict):
    assert note(HOMEWORK, Feedback("x y", "x y", "", "", (GO,), verdict=verdict)) == HomeworkNote("hw", 5.0, verdict)


def test_a_note_of_what_an_adult_should_see_says_that_it_was_handed_in_alone():
    made = build_entry(HOMEWORK, None, Feedback("he beats me", "", "", "", verdict="needs_an_adult"))
    assert made == LedgerEntry("j", student="Mei", work=HomeworkNote("hw", 5.0))


def test_a_note_of_a_text_that_was_read_counts_its_clear_words():
    request = JobRequest(
        "j", "j", assignment="hw", student="Mei", pupil="p1", details={"text": "Three ponies ran", "handed_in_at": 5.0}
    )
    read = Feedback("Three ponies run", "Three ponies ran", "", "", (GO,), verdict="corrected")
    made = note(request, read, Transcript("Three ponies run", "en", 2.0, reading=READ))
    assert made == HomeworkNote("hw", 5.0, "corrected", clear=1, unclear=1)


def test_nobody_else_s_homework_has_a_note():
    other = JobRequest("j", "j", assignment="hw", student="Mei")
    assert build_entry(other, None, Feedback("Hi there", "Hi there", "", "", verdict="correct")) is None
