"""Loops of a recogniser are known by what nobody can say; learners who repeat themselves are not loops."""

from dataclasses import dataclass, field

import pytest

from worker_asr.reliability import count_repetitions, drop_impossible, is_loop, is_reliable, keep_reliable, list_items


@dataclass
class FakeWord:
    word: str
    start: float
    end: float


@dataclass
class FakeSegment:
    """A segment of Whisper's."""

    words: list[FakeWord]
    avg_logprob: float = -0.3
    compression_ratio: float = 1.2
    seek: int = 0
    tokens: list[int] = field(default_factory=list)


def make_segment(text: str, duration_s: float, **fields) -> FakeSegment:
    """Words of equal length in `duration_s` seconds."""
    words = text.split()
    each_s = duration_s / len(words)
    return FakeSegment(
        [FakeWord(f" {word}", at * each_s, (at + 1) * each_s) for at, word in enumerate(words)], **fields
    )


LOOPS = {
    "twenty-four numbers in 3.4 s": make_segment("1 5 9 9 " + "9 " * 20, 3.4),
    "digits in one word": make_segment("15" + "9" * 40, 3.0),
    "digits with hyphens": make_segment("1-5-9-9-" + "-".join("9595959595" * 3), 3.4),
    "different numbers": make_segment(" ".join(map(str, range(1, 10))) + " 10 11 12 13 14 15 16 17 18", 3.0),
    "words faster than speech": make_segment("then he went to the theme park " * 3, 2.0),
    "no words of any length": make_segment("and he went to the park", 0.12),
    "one word at the speed of speech": make_segment("no " * 20, 8.0),
    "two words at the speed of speech": make_segment("thank you " * 12, 10.0),
    "Chinese": make_segment("谢谢" * 30, 4.0),
    "within a word": make_segment(f"Then nautilus{'im' * 40}", 4.0),
    "one letter": make_segment(f"S{'o' * 30} good", 4.0),
}
SPEECH = {
    "a sentence": make_segment("Then he went to the theme park.", 2.4),
    "quick speech": make_segment("I was going to say that you know it is not as easy as it looks", 3.2),
    "a sentence ten times": make_segment("My name is Anna. " * 10, 20.0),
    "a sentence three times": make_segment("There may be a way to change all that. " * 3, 8.0),
    "a telephone number": make_segment("138 8888 8808", 4.0),
    "digits one by one": make_segment("1 5 9 9", 1.4),
    "a year": make_segment("In 2026 I had 1000 apples", 2.5),
    "laughter": make_segment("Hahahaha, noooo!", 2.0),
    "no": make_segment("No, no, no, no!", 1.2),
    "Chinese": make_segment("我昨天和我的姐姐一起去图书馆读了三本书", 4.0),
    "a brief word": make_segment("Yes.", 0.1),
}


@pytest.mark.parametrize("name", LOOPS)
def test_what_nobody_can_say_is_a_loop_at_any_compression(name):
    for ratio in (0.8, 2.0, 5.0):
        LOOPS[name].compression_ratio = ratio
        assert is_loop([LOOPS[name]])
        assert not is_reliable([LOOPS[name]], ["en"])
        assert keep_reliable([LOOPS[name]], ["en"]) == drop_impossible([LOOPS[name]], ["en"]) == []


@pytest.mark.parametrize("name", SPEECH)
def test_learners_who_repeat_themselves_are_no_loop(name):
    assert not is_loop([SPEECH[name]])
    assert drop_impossible([SPEECH[name]], ["en", "zh"]) == [SPEECH[name]]


def test_words_without_any_time_are_a_loop_after_words_that_have_some():
    segment = make_segment("Then he went to the park", 2.0)
    segment.words += [FakeWord(" again", 2.0, 2.0)] * 4
    assert is_loop([segment])


def test_a_loop_spans_the_segments_of_its_window_and_no_other_window():
    loop = [make_segment("nine " * 6, 2.0), make_segment("nine " * 6, 2.0)]
    other = make_segment("Then he went home.", 2.0, seek=300)
    assert drop_impossible([*loop, other], ["en"]) == [other]


def test_what_is_unsure_or_repetitive_is_recognised_again():
    assert is_reliable([make_segment("Then he went home.", 2.0)], ["en"])
    assert not is_reliable([make_segment("Then he went home.", 2.0, avg_logprob=-1.2)], ["en"])
    assert not is_reliable([make_segment("Then he went home.", 2.0, compression_ratio=2.5)], ["en"])
    assert not is_reliable([make_segment("nine nine nine nine nine nine", 2.5)], ["en"])
    assert not is_reliable([FakeSegment([])], ["en"])
    assert not is_reliable([], ["en"])


def test_repetitions_of_phrases_are_counted():
    assert count_repetitions([]) == 0
    assert count_repetitions(["a", "b", "c"]) == 1
    assert count_repetitions(["x", "a", "b", "a", "b", "a", "b", "y"]) == 3
    assert count_repetitions(["x", "a", "a", "a", "a", "y"]) == 4
    assert count_repetitions(["a", "b", "c", "d", "a", "b", "c", "d", "a", "b"], 2) == 1


def test_digits_and_characters_are_said_one_by_one():
    assert list_items([make_segment("Call 15-99, OK? 我是2号", 3.0)]) == ["call", "1", "5", "9", "9", "ok", *"我是2号"]


FOREIGN = {
    "Chinese for an accent": ("Then he 去了 park", ["en"]),
    "Chinese alone": ("我昨天去了图书馆", ["en", "fr"]),
    "Japanese": ("それから home", ["en"]),
    "Korean": ("안녕 friend", ["en", "zh"]),
    "Russian": ("Привет, friend", ["en"]),
    "Japanese for Chinese": ("我昨天これ", ["zh"]),
}
OWN = {
    "names with accents": ("Zoë met François in Kraków", ["en"]),
    "English in Chinese": ("我昨天去了 London", ["zh"]),
    "both languages of a lesson": ("I like 苹果", ["en", "zh"]),
    "Japanese": ("それから学校", ["ja"]),
    "signs": ("It is 20 °C, isn't it?", ["en"]),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_words_in_a_script_of_another_language_cannot_have_been_said(name):
    text, languages = FOREIGN[name]
    assert not is_reliable([make_segment(text, 4.0)], languages)
    assert drop_impossible([make_segment(text, 4.0)], languages) == []


@pytest.mark.parametrize("name", OWN)
def test_words_in_the_scripts_of_the_languages_are_believed(name):
    text, languages = OWN[name]
    assert is_reliable([make_segment(text, 4.0)], languages)
