"""The sounds of words, with hibari's dictionary, and the words of a text."""

import pytest

from pipeline.jobs.results import Word
from worker_asr.clearness.meter import find_recognised
from worker_asr.clearness.sounds import SOUNDS, Reader, split_words, without_r


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't go, Li-Na!", ["Don't", "go", "Li-Na"]),
        ("  'Yes,' she said …", ["Yes", "she", "said"]),
        ("WE CALL IT BEAR", ["We", "call", "it", "bear"]),
        ("MAY I GO", ["May", "I", "go"]),
        ("I", ["I"]),
        ("21 dogs", ["21", "dogs"]),
        ("你好 Tom", ["你", "好", "Tom"]),
        (" … ", []),
        ("", []),
    ],
)
def test_words_come_without_punctuation_and_capitals_as_in_a_sentence(text, words):
    assert split_words(text) == words


@pytest.mark.parametrize(
    ("word", "way"),
    [
        ("bear", ("b", "ɛ", "ɹ")),
        ("bear", ("b", "ɛ")),
        ("better", ("b", "ɛ", "t", "ɜ")),
        ("better", ("b", "ɛ", "t", "ə")),
        ("John", ("dʒ", "ɑ", "n")),
        ("21", ("t", "w", "ɛ", "n", "t", "i", "w", "ʌ", "n")),
    ],
)
def test_a_word_may_be_said_in_american_and_without_the_r(reader, word, way):
    assert way in reader.read([word])[0]


def test_a_word_is_read_as_its_sentence_has_it(reader):
    (_, _, read, *_) = reader.read(["I", "have", "read", "it"])
    assert ("ɹ", "ɛ", "d") in read


def test_every_word_has_a_way_of_known_sounds_also_when_it_cannot_be_read(reader):
    words = ["x", "你", "Zyxelia", "U.S.A", "3.5", "hmm", "co-operate"]
    ways = reader.read(words)
    assert len(ways) == len(words)
    assert all(word_ways and all(way and set(way) <= {*SOUNDS} for way in word_ways) for word_ways in ways)


@pytest.mark.parametrize(
    ("sounds", "shorter"),
    [
        (("ɹ", "ɛ", "d"), ("ɹ", "ɛ", "d")),
        (("k", "ɑ", "ɹ"), ("k", "ɑ")),
        (("s", "ɑ", "ɹ", "i"), ("s", "ɑ", "ɹ", "i")),
        (("t", "ɹ", "i"), ("t", "ɹ", "i")),
        (("h", "ɑ", "ɹ", "d"), ("h", "ɑ", "d")),
    ],
)
def test_only_an_r_after_a_vowel_and_before_none_may_be_left_out(sounds, shorter):
    assert without_r(sounds) == shorter


def recognised(*words: str) -> list[Word]:
    return [Word(word, 0.0, 0.1, 0.9 - number / 10) for number, word in enumerate(words)]


def test_recognised_words_have_their_probability_and_others_none():
    found = find_recognised(["We", "call", "it", "bear"], recognised("We", "call", "beer"))
    assert found == [pytest.approx(0.9), pytest.approx(0.8), None, None]


def test_homophones_and_numbers_in_digits_count_as_recognised():
    found = find_recognised(["two", "dogs", "see"], recognised("2", "dogs", "sea"))
    assert None not in found


def test_nothing_recognised_finds_no_word():
    assert find_recognised(["We", "call"], []) == [None, None]
