"""Lists of names in messages."""

import pytest

from pipeline.text.enumeration import join_some


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["Ann"], "Ann"),
        (["Ann", "Ben"], "Ann, Ben"),
        (["Ann", "Ben", "Cleo"], "Ann, Ben and 1 more"),
        (["Ann", "Ben", "Cleo", "Dora"], "Ann, Ben and 2 more"),
    ],
)
def test_at_most_so_many_names_are_listed_and_the_others_counted(names, expected):
    assert join_some(names, 2) == expected
