"""`waijiao lesson`: the figures of a lesson, in singular and plural."""

from types import SimpleNamespace

import pytest

from waijiao.cli.lesson import describe_progress, format_figures


def lesson(turns: int, words: int, counts: list[int]) -> SimpleNamespace:
    """What of a lesson is counted."""
    progress = SimpleNamespace(turns=turns, done=1, failed=0, eta_seconds=None)
    summary = SimpleNamespace(words=words, mistakes=[SimpleNamespace(count=count) for count in counts])
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
