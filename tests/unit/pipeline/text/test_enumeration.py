"""Lists of names and numbers of things in messages."""

import pytest

from pipeline.text.enumeration import join_some, pluralize, quote_separators


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


def test_names_with_commas_are_quoted_so_that_each_is_seen_to_be_one():
    names = ["O'Neil, Mary", "Ben", "王，小明", "Li; Anna", "Ann and Ben", "Anderson"]
    quoted = ["“O'Neil, Mary”", "Ben", "“王，小明”", "“Li; Anna”", "“Ann and Ben”", "Anderson"]
    assert quote_separators(names) == quoted
    assert join_some(quote_separators(names), 2) == "“O'Neil, Mary”, Ben and 4 more"


def test_one_thing_is_not_plural():
    assert [pluralize(number, "turn") for number in range(3)] == ["0 turns", "1 turn", "2 turns"]
