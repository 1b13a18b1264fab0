"""When the teacher asks whether it heard right, which words are unclear, and what counts as yes or no."""

from dataclasses import replace

import pytest

from pipeline.jobs.results import Transcript, Word
from worker_llm.tutor.hearing import (
    MAX_PRAISED,
    MAX_QUOTED_CHARS,
    MIN_ASKED,
    MIN_UNCLEAR,
    SAY_AGAIN,
    ask_whether_heard_right,
    is_no,
    is_yes,
    listen,
    match_misheard,
)


def transcribe(*words, text=None):
    """A transcript of words such as "dog:0.9"."""
    pairs = [word.rsplit(":", 1) for word in words]
    recognised = tuple(Word(word, n, n + 1.0, float(value)) for n, (word, value) in enumerate(pairs))
    return Transcript(text or " ".join(word for word, _ in pairs), "en", 3.0, recognised)


def hear(*words, typed="", **more):
    transcript = transcribe(*words, **more)
    return listen(f"{transcript.text} {typed}".strip(), transcript, is_recognised=True)


def estimated(*words):
    """What was heard of words such as "dog:0.1", each with the probability that it was misheard."""
    transcript = transcribe(*words)
    estimates = tuple(replace(word, probability=0.5, misheard=word.probability) for word in transcript.words)
    return listen(transcript.text, replace(transcript, words=estimates), is_recognised=True)


@pytest.mark.parametrize(
    ("words", "is_too_unclear", "is_praiseworthy"),
    [
        (("I:0.99", "like:0.99", "dogs.:0.98"), False, True),
        (("I:0.9", "like:0.9", "dogs.:0.85"), False, False),
        (("I:0.7", "like:0.6", "dogs.:0.7"), True, False),
        (("dogs:0.3",), True, False),
    ],
)
def test_without_estimates_the_words_probabilities_decide(words, is_too_unclear, is_praiseworthy):
    hearing = hear(*words)
    assert (hearing.is_too_unclear, hearing.is_praiseworthy) == (is_too_unclear, is_praiseworthy)


@pytest.mark.parametrize(
    ("misheard", "is_too_unclear", "is_praiseworthy"),
    [
        ([0.0], False, True),
        ([MAX_PRAISED - 0.01], False, True),
        ([MAX_PRAISED + 0.01], False, False),
        ([MAX_PRAISED * 0.6] * 2, False, False),
        ([MIN_ASKED - 0.01], False, False),
        ([MIN_ASKED + 0.01], True, False),
        ([0.0, 0.0, MIN_ASKED + 0.01, 0.0], True, False),
        ([0.3] * 3, True, False),
        ([0.09] * 30, False, False),
        ([0.11] * 30, True, False),
    ],
)
def test_estimates_decide_whether_one_of_a_sentence_s_words_was_misheard(misheard, is_too_unclear, is_praiseworthy):
    hearing = estimated(*(f"word:{value}" for value in misheard))
    assert (hearing.is_too_unclear, hearing.is_praiseworthy) == (is_too_unclear, is_praiseworthy)


def test_a_badly_heard_sentence_among_good_ones_is_left_alone():
    good = ("I:0.01", "like:0.01", "dogs.:0.01", "They:0.01", "are:0.01", "big.:0.01")
    hearing = estimated(*good, "Ze:0.4", "mouse:0.6")
    assert not hearing.is_too_unclear
    assert not hearing.is_praiseworthy
    assert hearing.unclear == {6, 7}
    assert hearing.unclear_words == (6, 7)


def test_words_that_were_probably_misheard_are_unclear():
    assert estimated("I:0.0", "have:0.0", f"free:{MIN_UNCLEAR}", "dogs:0.0").unclear == {2}
    assert estimated("I:0.0", "have:0.0", f"free:{MIN_UNCLEAR - 0.01}", "dogs:0.0").unclear == frozenset()


def test_words_that_are_estimated_in_part_are_judged_by_their_probabilities():
    transcript = transcribe("I:0.99", "like:0.99", "dogs.:0.98")
    words = (replace(transcript.words[0], misheard=0.99), *transcript.words[1:])
    hearing = listen(transcript.text, replace(transcript, words=words), is_recognised=True)
    assert (hearing.is_too_unclear, hearing.is_praiseworthy) == (False, True)


def test_typed_words_are_never_unclear():
    hearing = hear("I:0.9", "like:0.95", "dogs.:0.95", typed="and cats")
    assert hearing.words == ["I", "like", "dogs.", "and", "cats"]
    assert hearing.misheard[3:] == (None, None)
    typed = listen("I like dogs", transcribe("dogs:0.1"), is_recognised=False)
    assert (typed.is_too_unclear, typed.is_praiseworthy, typed.unclear) == (False, True, frozenset())


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        (("twenty:0.1", "-one:0.7", "dogs:0.2"), "twenty-one dogs", (0.7, 0.2)),
        (("I:0.1", "'m:0.3", "ok:0.2"), "I'm ok", (0.3, 0.2)),
        (("我:0.1", "喜欢:0.5", "狗:0.2"), "我喜欢狗", (0.5,)),
        (("dogs:0.1",), "cats", None),
        (("dogs:0.1",), "dogs and cats", None),
    ],
)
def test_words_of_the_text_take_the_greatest_estimate_of_their_parts(words, text, expected):
    transcript = transcribe(*words, text=text)
    estimates = tuple(replace(word, misheard=word.probability) for word in transcript.words)
    assert match_misheard(replace(transcript, words=estimates)) == expected


def test_without_probabilities_nothing_is_praised_or_asked():
    hearing = listen("I like dogs", Transcript("I like dogs", "en", 2.0), is_recognised=True)
    assert (hearing.is_too_unclear, hearing.is_praiseworthy) == (False, False)


def test_chinese_characters_are_counted_as_words_of_feedback():
    assert estimated("I:0", "like:0", f"苹果:{MIN_UNCLEAR}", "very:0", "much:0").unclear_words == (2, 3)


def test_the_question_says_what_was_heard():
    feedback = ask_whether_heard_right(hear("I:0.5", "drink:0.5", "smoke.:0.4"), is_speakable=True)
    assert feedback.verdict == "not_heard_well"
    assert feedback.spoken == "I heard: I drink smoke. Is that right?"
    assert (feedback.corrected, feedback.edits, feedback.unclear) == ("I drink smoke.", (), (0, 1, 2))


@pytest.mark.parametrize(("word", "is_speakable"), [("bad:0.3", False), (f"{'a' * (MAX_QUOTED_CHARS + 1)}:0.3", True)])
def test_what_is_long_or_bad_is_not_said_again(word, is_speakable):
    assert ask_whether_heard_right(hear(word), is_speakable).spoken == SAY_AGAIN


@pytest.mark.parametrize(
    "text", ["Yes.", "yes", "Yes, it is.", "Yeah!", "That's right.", "Yes, that is right", "是的。", "对"]
)
def test_yes_is_understood(text):
    assert is_yes(text)
    assert not is_no(text)


@pytest.mark.parametrize(
    "text", ["No.", "no", "No, it isn't.", "That's wrong.", "不是", "不对。", "No, that's not right."]
)
def test_no_is_understood(text):
    assert is_no(text)
    assert not is_yes(text)


@pytest.mark.parametrize("text", ["Yes, I like dogs.", "No dogs.", "I know.", "", "right now", "我不是学生"])
def test_other_sentences_are_neither_yes_nor_no(text):
    assert not is_yes(text)
    assert not is_no(text)
