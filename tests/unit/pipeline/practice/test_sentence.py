"""What a learner says again: the sentences with corrections, and where the first version is in the recording."""

from dataclasses import replace

import pytest

from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import Edit, Feedback, Figure, Reading, ReadingFluency, ReadWord, Transcript, Word
from pipeline.practice.sentence import MAX_WORDS, PracticeSentence, find_sentence
from pipeline.text.corrections import compare

HEARD = "Hello. I go home yesterday. She have two cat"
BETTER = "Hello. I went home yesterday. She has two cats."


def make_words(text: str) -> tuple[Word, ...]:
    """One word each second, half a second long."""
    return tuple(Word(f" {word}", float(at), at + 0.5, 0.9) for at, word in enumerate(text.split()))


def make_job(heard: str = HEARD, better: str = BETTER, ended_at: float | None = 9.0, **fields) -> Job:
    edits = tuple(each.edit for each in compare(heard, better) if not each.is_unchanged)
    feedback = Feedback(heard, better, "", better, edits, verdict=fields.pop("verdict", "corrected"))
    recognised = fields.pop("recognised", heard)
    transcript = Transcript(recognised, "en", 9.0, make_words(recognised))
    request = JobRequest("a" * 32, "anna", recording="default/a/x", **fields)
    return Job(request, 1, "tts", "1", 1, 1.0, 1.0, 1.0, ended_at, transcript=transcript, feedback=feedback)


@pytest.mark.parametrize(
    ("heard", "better", "expected"),
    [
        (HEARD, BETTER, PracticeSentence("I went home yesterday. She has two cats.", HEARD[7:], 1.0, 8.5)),
        (
            "I go home. It was late",
            "I went home. It was late.",
            PracticeSentence("I went home.", "I go home.", 0.0, 2.5),
        ),
        ("He is teacher", "He is a teacher.", PracticeSentence("He is a teacher.", "He is teacher", 0.0, 2.5)),
        ("I very like it", "I like it.", PracticeSentence("I like it.", "I very like it", 0.0, 3.5)),
        ("Yes. Cat is here", "Yes. The cat is here.", PracticeSentence("The cat is here.", "Cat is here", 1.0, 3.5)),
        ("I like it very", "I like it.", PracticeSentence("I like it.", "I like it very", 0.0, 3.5)),
    ],
)
def test_the_sentences_with_corrections_are_said_again(heard, better, expected):
    assert find_sentence(make_job(heard, better)) == expected


def test_a_long_answer_is_said_again_in_part_but_no_sentence_is_cut():
    sentence = "He go to the park with his old dog and two of his friends every day."
    heard = " ".join(4 * [sentence])
    found = find_sentence(make_job(heard, heard.replace("go ", "goes ")))
    assert found.text == sentence.replace("go ", "goes ")
    long = f"He go {'on and ' * MAX_WORDS}on."
    assert find_sentence(make_job(long, long.replace("go ", "goes "))).text == long.replace("go ", "goes ")


@pytest.mark.parametrize(
    "fields",
    [
        {"verdict": "correct"},
        {"verdict": "needs_an_adult"},
        {"verdict": "not_heard_well"},
        {"ended_at": None},
        {"task": "transcribe"},
        {"task": "read"},
        {"task": "turn"},
        {"better": HEARD},
    ],
)
def test_nothing_is_said_again_where_nothing_was_corrected_or_the_answer_is_not_ready(fields):
    assert find_sentence(make_job(**fields)) is None


def test_words_that_were_not_recognised_are_nowhere_in_the_recording():
    found = find_sentence(make_job(recognised="I go home yesterday and she has cats", said=HEARD))
    assert (found.start, found.end) == (None, None)
    assert found.heard == HEARD[7:]


def test_an_edit_alone_is_no_correction():
    job = make_job("I like it.", "I like it.")
    feedback = Feedback("I like it.", "I like it.", "", "", (Edit("a", "b", (0, 1)),), verdict="corrected")
    assert find_sentence(Job(**{**vars(job), "feedback": feedback})) is None


TEXT = "Look! — I think so. He has three dogs. Bye"


def make_reading(text: str, unclear: str, heard: str = TEXT, corrected: str = TEXT, verdict: str = "correct") -> Job:
    """The job of a text that was read aloud, with the clearness of its words, of which some were unclear."""
    words = tuple(
        ReadWord(
            word, *(("not_clear", 0.1, 0.5, "θ", -3.5) if word in unclear.split() else ("said", 0.1, 0.5, "", -0.5))
        )
        for word in text.replace("—", "").replace(".", "").replace("!", "").split()
    )
    figure = Figure(2.0, 1.0, 3.0)
    read = Reading((*words, ReadWord("er", "added")), ReadingFluency(figure, figure, figure, figure))
    job = make_job(heard, corrected, verdict=verdict)
    return replace(job, transcript=replace(job.transcript, reading=read))


def test_a_sentence_with_a_word_to_listen_to_again_is_said_again_though_nothing_was_corrected():
    found = find_sentence(make_reading(TEXT, "three"))
    assert (found.text, found.heard, found.start, found.end) == ("He has three dogs.", "He has three dogs.", 5.0, 8.5)
    assert [(each.word, each.state) for each in found.read] == [
        ("He", "said"), ("has", "said"), ("three", "not_clear"), ("dogs", "said"),
    ]  # fmt: skip


def test_what_was_misread_and_what_was_not_clear_is_said_again_together():
    heard = TEXT.replace("think", "sink")
    found = find_sentence(make_reading(TEXT, "three", heard, verdict="corrected"))
    assert found.text == "— I think so. He has three dogs."
    assert [each.word for each in found.read] == ["I", "think", "so", "He", "has", "three", "dogs"]


@pytest.mark.parametrize(
    ("unclear", "corrected", "verdict"),
    [
        ("", TEXT, "correct"),
        ("three", TEXT.replace("three", "four"), "correct"),  # by a teacher
        ("three", f"{TEXT} now", "correct"),
        ("three", TEXT, "not_checked"),
        ("three", TEXT, "needs_an_adult"),
    ],
)
def test_nothing_is_said_again_where_every_word_was_clear_or_it_is_not_known(unclear, corrected, verdict):
    job = make_reading(TEXT, unclear, verdict=verdict)
    assert find_sentence(replace(job, feedback=replace(job.feedback, corrected=corrected, edits=()))) is None
