"""The ledger counts mistakes by kind, and says what is mastered: after right uses on three days."""

from datetime import datetime

import pytest

from pipeline.jobs.job import JobRequest
from pipeline.jobs.results import Edit, Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript
from pipeline.learners.entries import LedgerEntry, MistakeNote, UnclearNote, build_entry
from pipeline.learners.identity import find_learner, learner_kind, student_learner
from pipeline.learners.ledger import DatedEntry, build_ledger

TENSE = MistakeNote("R:VERB:TENSE", "go", "went", "I go home.", "I went home.")
ARTICLE = MistakeNote("M:DET", "", "a", "I have dog.", "I have a dog.")
FIGURE = Figure(1, 0, 2)
EDIT = Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "It is over.", "zh": "已经过去。"})
CORRECTED = Feedback("I go home yesterday.", "I went home yesterday.", "", "", edits=(EDIT,), verdict="corrected")


def on_day(day: int, hour: int = 12) -> float:
    return datetime(2026, 3, day, hour).timestamp()


def dated(day: int, hour: int = 12, **fields) -> DatedEntry:
    return DatedEntry(on_day(day, hour), LedgerEntry(f"{day}-{hour}", **fields))


def mistake(day: int, *notes: MistakeNote) -> DatedEntry:
    return dated(day, mistakes=notes or (TENSE,))


def right(day: int, hour: int = 12, kind: str = "R:VERB:TENSE") -> DatedEntry:
    return dated(day, hour, right=(kind,))


@pytest.mark.parametrize(
    ("entries", "right_days", "is_mastered"),
    [
        ([mistake(1)], 0, False),
        ([mistake(1), right(2), right(3)], 2, False),
        ([mistake(1), right(2, 8), right(2, 12), right(2, 20)], 1, False),  # on one day
        ([mistake(1), right(2), right(3), right(4)], 3, True),
        ([right(1), right(2), right(3), mistake(4)], 0, False),  # before the mistake
        ([mistake(1), right(2), right(3), mistake(4), right(5)], 1, False),  # the mistake came again
        ([mistake(1), right(1, 13), right(2), right(3)], 3, True),  # later on the same day
        ([mistake(1), right(2, kind="M:DET"), right(3, kind="M:DET"), right(4, kind="M:DET")], 0, False),
    ],
)
def test_a_kind_is_mastered_after_right_uses_on_three_days(entries, right_days, is_mastered):
    for order in (entries, entries[::-1]):
        (record,) = build_ledger("key-a", order).kinds
        assert (record.right_days, record.is_mastered) == (right_days, is_mastered)


def test_kinds_are_counted_with_their_sentences_the_most_frequent_first():
    ledger = build_ledger("key-a", [mistake(1, ARTICLE), mistake(2), mistake(3, TENSE, TENSE)])
    assert [(record.kind, record.count) for record in ledger.kinds] == [("R:VERB:TENSE", 3), ("M:DET", 1)]
    assert (ledger.kinds[0].first_seen, ledger.kinds[0].last_seen) == (on_day(2), on_day(3))
    assert [example.note for example in ledger.kinds[1].examples] == [ARTICLE]
    assert [record.kind for record in ledger.recurring] == ["R:VERB:TENSE", "M:DET"]


def test_a_kind_without_a_rule_cannot_be_mastered():
    note = MistakeNote("R:SPELL", "freind", "friend", "my freind", "my friend")
    (record,) = build_ledger("key-a", [mistake(1, note)]).kinds
    assert not record.can_be_mastered
    assert build_ledger("key-a", [mistake(1)]).kinds[0].can_be_mastered


def test_words_that_were_not_clear_are_counted_until_they_are_read_clearly_on_three_days():
    unclear = [
        dated(1, unclear=(UnclearNote("Three,", 1.0, 1.5, "θ"),)),
        dated(2, unclear=(UnclearNote("three", 2, 3),)),
    ]
    clear = [dated(day, clear=("three", "cats")) for day in (3, 4)]
    (record,) = build_ledger("key-a", [*unclear, *clear]).words
    assert (record.word, record.count, record.right_days, record.is_mastered) == ("three", 2, 2, False)
    assert (record.latest.job, record.latest.number, record.latest.note.start) == ("2-12", 0, 2)
    (record,) = build_ledger("key-a", [*unclear, *clear, dated(5, clear=("three",))]).words
    assert record.is_mastered


def test_a_student_s_ledger_has_the_student_s_name():
    assert build_ledger("student-1", [dated(1, student="Mei"), dated(2)]).name == "Mei"


# --- what one job adds -------------------------------------------------------------------------------------------


def request(**fields) -> JobRequest:
    return JobRequest(**{"id": "a", "session": "home", **fields})


def test_a_mistake_is_kept_with_its_sentence_and_its_reason():
    entry = build_entry(request(), None, CORRECTED)
    (note,) = entry.mistakes
    assert (note.kind, note.before, note.after) == ("R:VERB:TENSE", "go", "went")
    assert (note.heard, note.better) == ("I go home yesterday.", "I went home yesterday.")
    assert note.explanations["zh"] == "已经过去。"


def test_of_a_right_sentence_only_the_kinds_are_kept():
    feedback = Feedback("I went home yesterday.", "I went home yesterday.", "", "", verdict="correct")
    entry = build_entry(request(), None, feedback)
    assert (entry.mistakes, entry.right) == ((), ("R:VERB:TENSE", "R:VERB:INFL"))
    assert "home" not in str(entry)


@pytest.mark.parametrize("verdict", ["not_checked", "not_heard_well", "not_understood", "other_language"])
def test_what_was_not_checked_adds_nothing(verdict):
    feedback = Feedback("I go home.", "I went home.", "", "", edits=(EDIT,), verdict=verdict)
    assert build_entry(request(), None, feedback) is None


def reading(*words: ReadWord) -> Transcript:
    return Transcript("x", "en", 2.0, reading=Reading(words, ReadingFluency(FIGURE, FIGURE, FIGURE, FIGURE)))


def test_words_that_an_adult_should_see_are_not_kept():
    transcript = reading(ReadWord("hits", "not_clear", 1, 2))
    feedback = Feedback("He hits me.", "He hits me.", "", "", verdict="needs_an_adult")
    assert build_entry(request(), transcript, feedback) is None


def test_words_of_a_text_that_was_read_are_kept_and_its_sentences_are_no_own_use():
    transcript = reading(
        ReadWord("Three", "not_clear", 0.5, 1.0, "θ"),
        ReadWord("cats.", "said", 1.0, 1.5),
        ReadWord("went", "left_out"),
        ReadWord("home", "misread", 2, 3),
    )
    homework = request(assignment="hw", student="Mei", group="3a", details={"text": "Three cats went home yesterday."})
    feedback = Feedback("Three cats went home yesterday.", "", "", "", verdict="correct")
    entry = build_entry(homework, transcript, feedback)
    assert entry.unclear == (UnclearNote("Three", 0.5, 1.0, "θ"),)
    assert (entry.clear, entry.right, entry.mistakes) == (("cats",), (), ())
    assert (entry.student, entry.group) == ("Mei", "3a")


def test_an_edit_without_a_kind_counts_as_other():
    feedback = Feedback("I has it.", "I have it.", "", "", edits=(Edit("has", "have", (1, 2)),), verdict="corrected")
    assert [note.kind for note in build_entry(request(), None, feedback).mistakes] == ["R:OTHER"]


def test_an_edit_of_capitals_is_no_mistake_in_speech():
    edit = Edit("i", "I", (0, 1), "R:ORTH")
    feedback = Feedback("i am", "I am", "", "", edits=(edit,), verdict="corrected")
    assert build_entry(request(), None, feedback) is None


# --- whose it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "learner"),
    [
        ({}, "session-home"),
        ({"owner": "0123"}, "key-0123"),
        ({"session": "a"}, ""),  # the client named none: nobody can be told from others
        ({"session": "a", "owner": "0123"}, "key-0123"),
        ({"task": "turn", "owner": "0123"}, ""),
        ({"task": "transcribe"}, ""),
        ({"assignment": "hw", "student": "Mei", "group": "3a"}, student_learner("3a", "Mei")),
        ({"assignment": "hw", "student": "Mei", "group": ""}, student_learner("hw", "Mei")),
        ({"assignment": "hw", "student": "Mei", "group": "3a", "owner": "0123"}, student_learner("3a", "Mei")),
    ],
)
def test_the_learner_is_the_student_else_the_key_else_the_session(fields, learner):
    assert find_learner(request(**fields)) == learner


def test_students_of_two_classes_with_one_name_are_two_learners():
    assert len({student_learner("3a", "Mei"), student_learner("3b", "Mei"), student_learner("3a", "Mei ")}) == 3
    assert "Mei" not in student_learner("3a", "Mei")


@pytest.mark.parametrize(
    ("learner", "kind"),
    [("key-1", "key"), ("student-1", "student"), ("session-a-b", "session"), ("key-", None), ("", None), ("x", None)],
)
def test_an_id_says_what_kind_of_learner_it_names(learner, kind):
    assert learner_kind(learner) == kind
