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
def test_names_beyond_the_maximum_are_counted_instead_of_listed(names, expected):
    assert join_some(names, 2) == expected
