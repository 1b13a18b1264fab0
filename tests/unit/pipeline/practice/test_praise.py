"""Praise after a try is made of facts: it has no score, and says nothing of a word that was not heard or clearer."""

import pytest

from pipeline.jobs.results import ReadWord
from pipeline.practice.comparison import ComparedWord
from pipeline.practice.praise import TEXTS, praise


def make_words(*words: tuple[str, str, str]) -> list[ComparedWord]:
    return [ComparedWord(ReadWord(text, state), change) for text, state, change in words]


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (
            [("I", "said", ""), ("think", "said", "clearer"), ("so", "said", "")],
            "“think” was clearer this time. All words were heard.",
            "这次“think”更清楚了。每个词都听到了。",
        ),
        (
            [("went", "said", "heard"), ("three", "not_clear", "clearer"), ("think", "said", "clearer")],
            "“three” and “think” were clearer this time. “went” was heard this time.",
            "这次“three”、“think”更清楚了。这次听到了“went”。",
        ),
        (
            [("a", "said", "heard"), ("b", "said", "heard"), ("c", "said", "heard"), ("d", "said", "heard")],
            "“a”, “b” and “c” were heard this time. All words were heard.",
            "这次听到了“a”、“b”、“c”。每个词都听到了。",
        ),
        ([("a", "said", ""), ("b", "said", ""), ("c", "left_out", "")], "Most of the words were heard.", None),
        ([("a", "said", ""), ("um", "added", "")], "All words were heard.", "每个词都听到了。"),
        ([("a", "said", ""), ("b", "not_clear", "")], "You said it once more.", "你又说了一遍。"),
        ([("a", "left_out", "")], "You said it once more.", None),
        ([("um", "added", "")], "You said it once more.", None),
        ([], "You said it once more.", None),
    ],
)
def test_praise_names_what_became_better_or_what_was_heard(words, english, chinese):
    said = praise(make_words(*words))
    assert said["en"] == english
    assert chinese in (None, said["zh"])


def test_no_praise_judges():
    texts = " ".join(text for each in TEXTS.values() for text in each.values()).casefold()
    for claim in ("wrong", "correct", "perfect", "good", "score", "%", "错", "分", "完美", "标准"):
        assert claim not in texts
