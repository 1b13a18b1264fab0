"""A mistyped name is answered with the one that is spelt most like it."""

import pytest

from pipeline.text.nearest import find_nearest, suggest

NAMES = ("title", "instructions", "WAIJIAO_PORT")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("titel", "title"),
        ("Title", "title"),
        ("instruction", "instructions"),
        ("waijiao_prot", "WAIJIAO_PORT"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case(name, nearest):
    assert find_nearest(name, NAMES) == nearest
    assert suggest(name, NAMES) == (f"; perhaps `{nearest}` is meant" if nearest else "")
