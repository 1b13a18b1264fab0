"""Which hints the recogniser gets, and what is recognised again without one."""

import pytest

from worker_asr.transcriber import is_almost_only_hint, remove_words

NAMES = "Bowen Li, Ruoxi, Mr Kowalczyk"


@pytest.mark.parametrize(
    "text",
    ["Bowen Li, Ruoxi.", "Kowalczyk,", "Li", "Ruoxi, Mr Kowalczyk, Ruoxi, Mr Kowalczyk", "The Bowen Li"],
)
def test_what_is_almost_only_the_hint_is_recognised_again(text):
    assert is_almost_only_hint(text, NAMES)


@pytest.mark.parametrize("text", ["I am Bowen Li", "My friend Ruoxi likes apples.", "Hello", "I", ""])
def test_what_has_other_words_too_is_not(text):
    assert not is_almost_only_hint(text, NAMES)
    assert not is_almost_only_hint(text, "")


@pytest.mark.parametrize(
    ("hint", "target_words", "expected"),
    [
        ("Bowen Li, Ruoxi", ["Ruoxi"], "Bowen Li"),
        ("Bowen Li；ruoxi、Wenzhou", ["RUOXI", "li"], "Wenzhou"),
        ("the Old River, hill", ["river", "hills"], "hill"),
        ("Bowen Li, Ruoxi", [], "Bowen Li, Ruoxi"),
        ("ice cream", ["ice cream"], ""),
    ],
)
def test_a_hint_has_no_target_words(hint, target_words, expected):
    assert remove_words(hint, target_words) == expected
