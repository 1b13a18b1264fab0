"""What `waijiao learner show` says of a learner's fluency."""

import pytest

from pipeline.schemas.learners import LedgerFluency
from waijiao.cli.learner import describe_fluency

READING = {
    "job": "a" * 32,
    "read_at": "2026-12-01T08:00:00Z",
    **dict.fromkeys(("sounds_per_s", "words_per_s", "pauses_per_word", "longest_pause_s"), 2.0),
}


@pytest.mark.parametrize(
    ("count", "mean", "trend", "text"),
    [
        (1, None, None, "1 text; from 5 on there is a mean"),
        (6, 2.44, "rising", "6 texts, 2.44 words a second, rising (middle half: 2.1 to 3.2)"),
        (5, 2.0, "none", "5 texts, 2 words a second, no clear trend (middle half: 2.1 to 3.2)"),
    ],
)
def test_fluency_is_told_without_a_mark(count, mean, trend, text):
    figures = {"words_per_s": {"mean": mean, "trend": trend, "low": 2.1, "high": 3.2}}
    fluency = LedgerFluency.model_validate({"needed": 5, "readings": count * [READING], "figures": figures})
    assert describe_fluency(fluency) == text
