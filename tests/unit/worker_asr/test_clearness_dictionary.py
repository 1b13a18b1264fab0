"""hibari's tables in little memory: they say what hibari itself says."""

import pytest
from hibari.g2p import G2P

from worker_asr.clearness.dictionary import CompactTable, load_dictionary


@pytest.fixture(scope="module")
def hibari() -> G2P:
    return G2P()


@pytest.mark.parametrize(
    "text",
    [
        "I am going to the park with my mother.",
        "She read a book, and now I read it too.",
        "They live here; it was recorded live in 1999.",
        "We've used two-thirds of £3.50 on the 21st!",
        "MR BROWN likes hoping, hopping and the boys' dogs",
        "xylokarp",
        "我 like it",
        "",
    ],
)
def test_a_text_is_read_as_hibari_reads_it(hibari, text):
    assert load_dictionary()(text) == hibari(text)


def test_a_table_has_what_was_put_into_it_and_nothing_else():
    values = {"a": "x", "b": {"VB": "y", "None": None}, "naïve": [1, -2.5], "bb": ""}
    table = CompactTable(values)
    assert {key: table.get(key) for key in values} == values
    assert [table.get(key) for key in ("", "aa", "naïv", "z")] == [None] * 4
    assert table.get("z", 3) == 3
    assert ("naïve" in table, "z" in table) == (True, False)


def test_an_empty_table_has_nothing():
    assert CompactTable({}).get("a") is None


def test_the_tables_are_read_once():
    assert load_dictionary() is load_dictionary()
