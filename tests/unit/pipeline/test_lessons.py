"""The summary of a lesson, from the jobs of its turns."""

from dataclasses import replace

import pytest

from pipeline import personas
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.results import VERDICTS, Edit, Feedback, LessonSegments, Transcript, Word
from pipeline.lessons import Turn, build_turns, choose_practice, compute_figures, split_into_chapters
from pipeline.settings import Settings
from pipeline.text.corrections import compare
from worker_llm.tutor.lesson_summary import (
    MAX_SPOKEN_CHARS,
    choose_main_mistakes,
    extract_remark,
    format_duration,
    format_practice,
    summarize,
)

WILLIAM = personas.load("william", Settings().personas)
GOOD, BAD = 0.95, 0.2


def turn(number: int, heard: str = "", corrected: str = "", **more) -> Turn:
    """A turn of 4 seconds, checked if `verdict` says nothing else; the words in `unclear` have a low probability."""
    start, task, error = more.get("start", 5.0 * number), more.get("task", "turn"), more.get("error")
    details = {"number": number, "start": start, "end": start + 4, "speaker": more.get("speaker", "")}
    words = tuple(Word(w, 0, 1, BAD if w in more.get("unclear", ()) else GOOD) for w in heard.split())
    edits = tuple(piece.edit for piece in compare(heard, corrected or heard) if not piece.is_unchanged)
    verdict = more.get("verdict", "corrected" if edits else "correct")
    job = Job(
        JobRequest(f"t{number}", f"t{number}", task=task, lesson="l", details=details),
        *(number, "llm", "1", 1, 0, 0, 0),
        transcript=Transcript(heard, "en", 4.0, words) if heard else None,
        feedback=Feedback(heard, corrected or heard, "Why?", "Why?", edits, verdict=verdict)
        if heard and task == "turn"
        else None,
        error={"code": error} if error else None,
    )
    return build_turns([job])[0]


def lesson(**details) -> Job:
    job_request, segments = JobRequest("l", "l", task="lesson", details=details), LessonSegments(1900.0, ())
    return Job(job_request, 1, "llm", "1", 1, 0, 0, 0, segments=segments)


LESSON = [
    turn(1, "Tell me about yesterday.", task="transcribe", speaker="left"),
    turn(2, "I go home", "I went home.", unclear=("home",)),
    turn(3, "we go to the zoo", "We went to the zoo."),
    turn(4, error="no_speech"),
    turn(5, error="engine_failed"),
    turn(6, "she like the elephant", "She likes the elephant.", unclear=("elephant", "the")),
]


def test_the_figures_are_those_of_the_learner_s_turns():
    found = compute_figures(1900.0, LESSON)
    assert (found.seconds, found.turns, found.silent, found.words) == (1900.0, 6, 1, 12)
    assert (found.learner, found.checked_count) == (3, 3)
    assert [(each.number, each.start, each.code) for each in found.failed] == [(5, 25.0, "engine_failed")]
    assert [(each.before, each.after, each.count, each.sources) for each in found.mistakes] == [
        ("go", "went", 2, ("2", "3")),
        ("like", "likes", 1, ("6",)),
    ]
    assert {each.word for each in found.unclear} == {"home", "elephant", "the"}


def test_practice_is_corrected_sentences_and_words_that_can_be_said_alone():
    assert compute_figures(1.0, LESSON).practice == ("I went home.", "She likes the elephant.", "elephant", "home")


def test_a_sentence_that_is_too_long_is_not_practised():
    words = "a little dog " * 9
    found = compute_figures(1.0, [turn(1, f"{words}go", f"{words}goes")])
    assert [each for each in found.practice if len(each) > 80] == []


def test_the_summary_has_the_length_the_mistakes_and_the_practice():
    feedback = summarize(lesson(), compute_figures(1900.0, LESSON), WILLIAM)
    assert feedback.spoken == (
        "Our lesson took 32 minutes. I heard 3 turns. Say went instead of go. Say likes instead of like. "
        "Now say: I went home. She likes the elephant. Practise these words: elephant, home."
    )
    assert feedback.explanation == 'Say "went" instead of "go" (2 times). Say "likes" instead of "like".'
    assert feedback.reply == 'Now say: I went home. She likes the elephant. Practise these words: "elephant", "home".'
    assert (feedback.heard, feedback.corrected, feedback.edits) == ("", "", ())


def test_where_the_learner_is_known_the_summary_counts_its_turns():
    assert "You spoke 3 times." in summarize(lesson(learner="right"), compute_figures(60.0, LESSON), WILLIAM).spoken


def test_a_lesson_without_mistakes_is_praised():
    spoken = summarize(lesson(), compute_figures(61.0, [turn(1, "we went home")]), WILLIAM).spoken
    assert spoken == "Our lesson took 1 minute. I heard one turn. Well said! I found nothing to correct."


@pytest.mark.parametrize("verdict", [None, *sorted(set(VERDICTS) - {"correct", "corrected"})])
def test_a_lesson_in_which_nothing_was_checked_is_not_praised(verdict):
    feedback = verdict and Feedback("Me go", "I go", "Why?", "Why?", (Edit("Me", "I", (0, 1)),), verdict=verdict)
    heard = turn(1, "Me go")
    unchecked = replace(heard, job=replace(heard.job, feedback=feedback))
    assert compute_figures(61.0, [unchecked]).mistakes == ()
    assert compute_figures(61.0, [unchecked]).corrections_per_100 is None
    assert compute_figures(61.0, [unchecked]).checked_count == 0
    assert (
        "heard nothing that I could correct." in summarize(lesson(), compute_figures(61.0, [unchecked]), WILLIAM).spoken
    )


@pytest.mark.parametrize(
    ("checked", "sentence"),
    [
        (1, "I could check 1 of your 3 turns, and found nothing to correct in it."),
        (2, "I could check 2 of your 3 turns, and found nothing to correct in them."),
        (3, "Well said! I found nothing to correct."),
    ],
)
def test_praise_needs_every_turn_to_be_checked(checked, sentence):
    turns = [turn(n, "we went home", verdict="correct" if n <= checked else "not_heard_well") for n in (1, 2, 3)]
    assert summarize(lesson(), compute_figures(61.0, turns), WILLIAM).spoken == (
        f"Our lesson took 1 minute. I heard 3 turns. {sentence}"
    )


def test_rates_count_only_the_words_of_turns_that_were_checked():
    others = [
        turn(10 + n, "me not know what", "I do not know what.", verdict=verdict)
        for n, verdict in enumerate(sorted(set(VERDICTS) - {"correct", "corrected"}))
    ]
    checked = [turn(1, "I go home", "I went home."), turn(2, "it was good")]
    found = compute_figures(60.0, [*checked, *others])
    assert (found.learner, found.checked_count, found.words, found.checked_words) == (7, 2, 26, 6)
    assert found.verdicts == dict.fromkeys(VERDICTS, 1)
    assert found.correction_count == 1
    assert found.corrections_per_100 == pytest.approx(100 / 6)


def test_the_words_of_a_turn_that_an_adult_should_see_are_in_no_list_and_no_title():
    danger = turn(1, "he hit me", "He hits me.", unclear=("hit",), verdict="needs_an_adult")
    found = compute_figures(60.0, [danger, turn(2, "the elephant", unclear=("elephant",))])
    assert found.needs_an_adult == (1,)
    assert (found.mistakes, found.practice) == ((), ("elephant",))
    assert {each.word for each in found.unclear} == {"elephant"}
    assert split_into_chapters([danger, turn(2, "the elephant")])[0].title == "the elephant"
    assert "hit" not in summarize(lesson(), found, WILLIAM).spoken


@pytest.mark.parametrize("heard", [[], [turn(1, error="engine_failed")], [turn(1, error="no_speech")], LESSON[:1]])
def test_the_summary_says_if_the_learner_was_not_understood(heard):
    feedback = summarize(lesson(), compute_figures(20.0, heard), WILLIAM)
    assert feedback.spoken.startswith("Our lesson took less than a minute. I could not understand what you said.")


def test_a_summary_is_always_short():
    long = [turn(n, f"he go {'very ' * 9}{n}{'x' * n}", f"He goes {'very ' * 9}{n}{'x' * n}.") for n in range(99)]
    words = [turn(n, f"w{'o' * (n % 30)}rd{n}", unclear=(f"w{'o' * (n % 30)}rd{n}",)) for n in range(100, 150)]
    feedback = summarize(lesson(), compute_figures(9e4, long + words), WILLIAM, "Word. " * 50)
    assert len(feedback.spoken) <= MAX_SPOKEN_CHARS
    assert feedback.spoken.endswith(".")


MISTAKES = choose_main_mistakes(compute_figures(1.0, LESSON).mistakes)


@pytest.mark.parametrize(
    ("reply", "taken"),
    [
        (
            "Work on the past. Say went for yesterday. Say it slowly.",
            "Work on the past. Say went for yesterday. Say it slowly.",
        ),
        ("You did well. Use went, not go. Do you like it? Went is past.", "You did well. Use went, not go."),
        ("Use went. Two. Three. Four. Five.", "Use went. Two. Three. Four."),
        ("Use went. And then you should", "Use went."),
        ("1. Use went.", ""),
        ("**Past tense**: use went.", ""),
        ("- Use went.", ""),
        ("See https://example.org. Use went.", ""),
        ("I love pizza. Pizza is good.", ""),
        ("Went " * 99 + ".", ""),
        ("", ""),
    ],
)
def test_a_model_s_remark_is_used_if_it_is_short_plain_and_about_the_mistakes(reply, taken):
    assert extract_remark(reply, MISTAKES) == taken


def test_a_remark_replaces_the_list_of_mistakes():
    spoken = summarize(lesson(), compute_figures(60.0, LESSON), WILLIAM, "Use went for yesterday.").spoken
    assert spoken.startswith("Our lesson took 1 minute. I heard 3 turns. Use went for yesterday. Now say: I went home.")


def test_practice_has_only_complete_sentences():
    assert format_practice(("I went home.", "She likes it.", "zoo"), 30) == "Now say: I went home."
    assert format_practice(("I went home.", "zoo"), 10) == ""
    assert format_practice(()) == format_practice(choose_practice([], [])) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than a minute"),
        (60, "1 minute"),
        (1920, "32 minutes"),
        (3600, "1 hour"),
        (7500, "2 hours and 5 minutes"),
    ],
)
def test_a_duration_is_written_in_hours_and_minutes(seconds, said):
    assert format_duration(seconds) == said


def test_a_short_lesson_is_one_chapter_with_its_first_words():
    (chapter,) = split_into_chapters(LESSON)
    assert (chapter.title, chapter.start, chapter.end) == ("Tell me about yesterday.", 5.0, 34.0)
    assert split_into_chapters([]) == []


def test_a_chapter_ends_at_the_longest_pause_about_every_five_minutes():
    pauses = {60: 3.0, 30: 9.0, 125: 2.0}  # the number of the turn after it -> seconds more than between others
    start, said = 0.0, []
    for number in range(1, 161):
        start += 5 + pauses.get(number, 0)
        said.append(turn(number, f"turn number {number} is said", start=start))
    assert [chapter.title for chapter in split_into_chapters(said)] == [
        f"turn number {n} is said" for n in (1, 60, 125)
    ]


def test_a_long_first_sentence_is_shortened_in_the_title():
    assert split_into_chapters([turn(1, "one two three four five six seven eight nine")])[0].title == (
        "one two three four five six seven eight …"
    )
    assert len(split_into_chapters([turn(1, "说" * 300)])[0].title) <= 62
