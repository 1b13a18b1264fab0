"""When the teacher asks whether it heard right, which words are unclear, and what counts as yes or no."""

import pytest

from pipeline.jobs.results import Transcript, Word
from worker_llm.tutor.hearing import (
    MAX_QUOTED_CHARS,
    SAY_AGAIN,
    ask_whether_heard_right,
    is_no,
    is_yes,
    listen,
    match_probabilities,
)


def transcribe(*words, text=None):
    """A transcript of words such as "dog:0.9"."""
    pairs = [word.rsplit(":", 1) for word in words]
    recognised = tuple(Word(word, n, n + 1.0, float(value)) for n, (word, value) in enumerate(pairs))
    return Transcript(text or " ".join(word for word, _ in pairs), "en", 3.0, recognised)


def hear(*words, typed="", **more):
    transcript = transcribe(*words, **more)
    return listen(f"{transcript.text} {typed}".strip(), transcript, is_recognised=True)


@pytest.mark.parametrize(
    ("words", "is_too_unclear", "is_praiseworthy"),
    [
        (("I:0.95", "like:0.95", "dogs.:0.95"), False, True),
        (("I:0.95", "like:0.95", "dogs.:0.81"), False, True),
        (("I:0.9", "like:0.9", "dogs.:0.7"), False, False),
        (("I:0.81", "like:0.81", "dogs.:0.81"), False, False),
        (("I:0.79", "like:0.79", "dogs.:0.79"), True, False),
        (("I:0.99", "drink:0.7", "smoke.:0.48"), True, False),
        (("dogs:0.5",), True, False),
    ],
)
def test_the_mean_of_a_sentence_decides(words, is_too_unclear, is_praiseworthy):
    hearing = hear(*words)
    assert (hearing.is_too_unclear, hearing.is_praiseworthy) == (is_too_unclear, is_praiseworthy)


def test_a_badly_heard_sentence_among_good_ones_is_left_alone():
    good = ("I:0.99", "like:0.99", "dogs.:0.99", "They:0.99", "are:0.99", "big.:0.99")
    hearing = hear(*good, "Ze:0.4", "mouse:0.6")
    assert not hearing.is_too_unclear
    assert not hearing.is_praiseworthy
    assert hearing.unclear == {6, 7}
    assert hearing.unclear_words == (6, 7)


def test_unclear_words_are_those_below_the_threshold():
    assert hear("I:0.9", "have:0.95", "free:0.44", "dogs:0.99", "now:0.99", "yes:0.99").unclear == {2}
    assert hear("I:0.9", "have:0.95", "free:0.45", "dogs:0.99", "now:0.99", "yes:0.99").unclear == frozenset()


def test_typed_words_are_never_unclear():
    hearing = hear("I:0.9", "like:0.95", "dogs.:0.95", typed="and cats")
    assert hearing.words == ["I", "like", "dogs.", "and", "cats"]
    assert hearing.probabilities[3:] == (None, None)
    typed = listen("I like dogs", transcribe("dogs:0.1"), is_recognised=False)
    assert (typed.is_too_unclear, typed.is_praiseworthy, typed.unclear) == (False, True, frozenset())


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        (("twenty:0.9", "-one:0.3", "dogs:0.8"), "twenty-one dogs", (0.3, 0.8)),
        (("I:0.9", "'m:0.7", "ok:0.8"), "I'm ok", (0.7, 0.8)),
        (("我:0.9", "喜欢:0.5", "狗:0.8"), "我喜欢狗", (0.5,)),
        (("dogs:0.9",), "cats", None),
        (("dogs:0.9",), "dogs and cats", None),
    ],
)
def test_words_of_the_text_take_the_least_probability_of_their_parts(words, text, expected):
    assert match_probabilities(transcribe(*words, text=text)) == expected


def test_without_probabilities_nothing_is_praised_or_asked():
    hearing = listen("I like dogs", Transcript("I like dogs", "en", 2.0), is_recognised=True)
    assert (hearing.is_too_unclear, hearing.is_praiseworthy) == (False, False)


def test_chinese_characters_are_counted_as_words_of_feedback():
    assert hear("I:0.99", "like:0.99", "苹果:0.2", "very:0.99", "much:0.99", "yes:0.99").unclear_words == (2, 3)


def test_the_question_says_what_was_heard():
    feedback = ask_whether_heard_right(hear("I:0.7", "drink:0.7", "smoke.:0.4"), is_speakable=True)
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
