"""`waijiao lesson`: the figures of a lesson, in singular and plural."""

from types import SimpleNamespace

import pytest

from pipeline.schemas.lessons import LessonMistake
from waijiao.cli.lesson import describe_progress, format_concerns, format_figures, format_mistake, format_verdicts


def lesson(turns: int, words: int, counts: list[int]) -> SimpleNamespace:
    """What of a lesson is counted."""
    progress = SimpleNamespace(turns=turns, done=1, failed=0, eta_seconds=None)
    mistakes = [SimpleNamespace(count=count) for count in counts]
    summary = SimpleNamespace(words=words, mistakes=mistakes, corrections_per_100=None)
    return SimpleNamespace(progress=progress, summary=summary, duration_s=4.0)


@pytest.mark.parametrize(
    ("turns", "words", "counts", "figures", "progress"),
    [
        (1, 1, [1], "1 turn, 1 word of the learner's, 1 correction", "1 of 1 turn"),
        (2, 14, [2, 1], "2 turns, 14 words of the learner's, 3 corrections", "1 of 2 turns"),
        (2, 0, [], "2 turns, 0 words of the learner's, 0 corrections", "1 of 2 turns"),
    ],
)
def test_one_is_not_plural(turns, words, counts, figures, progress):
    assert format_figures(lesson(turns, words, counts)).partition(", ")[2] == figures
    assert describe_progress(lesson(turns, words, counts)) == f", {progress}"


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(None, "1 correction"), (0.0, "1 correction (0.0 per 100 checked words)"), (12.34, "12.3 per 100")],
)
def test_the_rate_of_corrections_is_shown_where_something_was_checked(rate, shown):
    taught = lesson(2, 14, [1])
    taught.summary.corrections_per_100 = rate
    assert shown in format_figures(taught)
    assert ("per 100" in format_figures(taught)) is (rate is not None)


def test_the_turns_in_which_the_learner_may_be_in_danger_are_named_with_their_times():
    turns = [SimpleNamespace(number=number, start=60.0 * number) for number in (1, 2, 3)]
    summary = SimpleNamespace(needs_an_adult=[2, 3, 9])
    shown = format_concerns(SimpleNamespace(turns=turns, summary=summary))
    assert shown == "Needs an adult: turn 2 at 0:02:00, turn 3 at 0:03:00, turn 9 at ?"
    assert format_concerns(SimpleNamespace(turns=turns, summary=SimpleNamespace(needs_an_adult=[]))) == ""


def test_verdicts_that_no_turn_has_are_left_out():
    summary = SimpleNamespace(verdicts={"correct": 2, "corrected": 0, "not_heard_well": 1})
    assert format_verdicts(SimpleNamespace(summary=summary)) == "nothing to correct: 2, not heard well: 1"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"from": "go", "to": "went"}, '- 2 x say "went" instead of "go"'),
        ({"from": "", "to": "to", "kind": "M:PART"}, '- 2 x add "to" (M:PART)'),
        (
            {"from": "the", "to": "", "kind": "U:DET", "explanations": {"en": "No article.", "zh": "不用冠词"}},
            '- 2 x leave out "the" (U:DET): No article.',
        ),
    ],
)
def test_a_mistake_is_shown_with_its_kind_and_why(fields, line):
    empty = {"kind": "", "explanations": {}, "count": 2, "turns": [1, 2], "examples": []}
    assert format_mistake(LessonMistake.model_validate({**empty, **fields})) == line
