"""Statistics over many learners: mistakes with example sentences, and unclear words."""

from dataclasses import replace

import pytest

from pipeline.jobs.results import VERDICTS, Feedback, Transcript, Word
from pipeline.text.corrections import compare
from pipeline.text.statistics import (
    CLEAR_PROBABILITY,
    UnclearWord,
    count_mistakes,
    count_unclear_words,
    count_verdicts,
    find_clear_texts,
    find_used_words,
    is_unclear,
    normalize_words,
    score_reading,
)


def feedback(heard: str, corrected: str) -> Feedback:
    edits = tuple(piece.edit for piece in compare(heard, corrected) if not piece.is_unchanged)
    return Feedback(heard, corrected, "", "", edits, verdict="corrected" if edits else "correct")


def transcript(*words: tuple[str, float]) -> Transcript:
    heard = tuple(Word(f" {word}", n, n + 0.5, probability) for n, (word, probability) in enumerate(words))
    return Transcript(" ".join(word for word, _ in words), "en", 10.0, heard)


def test_the_same_correction_is_one_mistake_whatever_its_case_and_punctuation():
    mistakes = count_mistakes(
        [
            ("安娜", feedback("Yesterday I go home.", "Yesterday I went home.")),
            ("Bo", feedback("We Go, we play.", "We went, we played.")),
            ("Bo", feedback("They go out.", "They went out.")),
        ]
    )
    assert [(each.before, each.after, each.count, each.sources) for each in mistakes] == [
        ("go", "went", 3, ("安娜", "Bo")),
        ("play", "played", 1, ("Bo",)),
    ]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_only_what_was_checked_has_mistakes(verdict):
    went, unchecked = feedback("I go.", "I went."), replace(feedback("We go.", "We went."), verdict=verdict)
    counts = [(each.count, each.sources) for each in count_mistakes([("A", went), ("B", unchecked)])]
    assert counts == [(2, ("A", "B")) if verdict in ("correct", "corrected") else (1, ("A",))]


def test_verdicts_are_counted_and_none_is_left_out():
    verdicts = ("correct", "needs_an_adult", "correct", "not_heard_well")
    counts = count_verdicts([None, *(replace(feedback("I", "I"), verdict=verdict) for verdict in verdicts)])
    assert {verdict: count for verdict, count in counts.items() if count} == {
        "correct": 2,
        "not_heard_well": 1,
        "needs_an_adult": 1,
    }
    assert tuple(counts) == VERDICTS
    assert set(count_verdicts([]).values()) == {0}


def test_a_mistake_is_explained_as_its_first_edit_that_has_an_explanation_is():
    why = {"en": "Yesterday is past.", "zh": "昨天 → 过去式"}
    plain = feedback("I go.", "I went.")
    explained = replace(plain, edits=(replace(plain.edits[0], kind="R:VERB:TENSE", explanations=why),))
    [mistake] = count_mistakes([("A", plain), ("B", explained)])
    assert (mistake.count, mistake.kind, mistake.explanations) == (2, "R:VERB:TENSE", why)
    assert [edit.explanations for example in mistake.examples for edit in example.edits] == [{}, why]
    [unexplained] = count_mistakes([("A", plain)])
    assert (unexplained.kind, unexplained.explanations) == ("", {})


def test_among_mistakes_as_frequent_those_of_more_learners_come_first():
    twice = feedback("I see cow and cow.", "I see a cow and a cow.")
    once = [("B", feedback("She go.", "She goes.")), ("C", feedback("He go.", "He goes."))]
    mistakes = count_mistakes([("A", twice), *once])
    assert [(each.before, each.after, each.count) for each in mistakes] == [("go", "goes", 2), ("", "a", 2)]


def test_a_mistake_shows_three_sentences_of_different_words():
    feedbacks = [feedback(f"I go {place}.", f"I went {place}.") for place in ("home", "home", "out", "up", "down")]
    [mistake] = count_mistakes(("A", each) for each in feedbacks)
    assert mistake.count == 5
    assert [example.original for example in mistake.examples] == ["I go home.", "I go out.", "I go up."]


def test_an_example_is_the_sentence_around_the_mistake_and_its_edits_stand_in_it():
    heard = "I am Anna. Yesterday I go home and eat apple. It was good."
    better = "I am Anna. Yesterday I went home and ate an apple. It was good."
    example = count_mistakes([("A", feedback(heard, better))])[0].examples[0]
    assert example.original == "Yesterday I go home and eat apple."
    assert example.corrected == "Yesterday I went home and ate an apple."
    words = example.original.split()
    assert all(" ".join(words[slice(*edit.at)]) == edit.before for edit in example.edits)


def test_only_the_words_around_the_mistake_of_a_long_sentence_are_shown():
    heard = " ".join(["la"] * 100 + ["go"] + ["li"] * 100)
    [mistake] = count_mistakes([("A", feedback(heard, heard.replace("go", "went")))])
    assert mistake.examples[0].original == " ".join(["la"] * 12 + ["go"] + ["li"] * 12)


@pytest.mark.parametrize(
    ("heard", "better", "sentence"),
    [
        ("I like", "I like it", "I like it."),
        ("are you here", "Where are you here", "Where are you here."),
        ("昨天我去学校", "昨天我去了学校", "昨天我去了学校。"),
        ("", "Hello", "Hello."),
    ],
)
def test_an_example_is_shown_where_words_are_added_at_an_end_or_in_chinese(heard, better, sentence):
    [mistake] = count_mistakes([("A", feedback(heard, better))])
    assert mistake.examples[0].corrected.rstrip(".。") == sentence.rstrip(".。")


@pytest.mark.parametrize(
    ("heard", "better"),
    [
        ("He goes and and he.", "He goes and he will."),
        ("Where did you go?", "Where did you go to?"),
        ("I like he.", "I like him."),
    ],
)
def test_the_end_mark_of_an_example_comes_after_what_is_added(heard, better):
    assert {
        example.corrected for each in count_mistakes([("a", feedback(heard, better))]) for example in each.examples
    } == {better}


def test_a_word_is_unclear_as_often_as_it_was_recognised_with_a_low_probability():
    words = count_unclear_words(
        [
            ("A", transcript(("The", 0.9), ("thief,", 0.2), ("the", 0.4))),
            ("B", transcript(("Thief!", 0.3), ("the", 0.95))),
        ]
    )
    assert [(each.word, each.unclear_count, each.spoken_count, each.sources) for each in words] == [
        ("thief", 2, 2, ("A", "B")),
        ("the", 1, 3, ("A",)),
    ]
    assert words[0].probability == pytest.approx(0.25)
    assert words[1].probability == pytest.approx((0.9 + 0.4 + 0.95) / 3)


def test_a_word_at_the_threshold_is_clear():
    assert not is_unclear(Word("sea", 0, 1, CLEAR_PROBABILITY))
    assert count_unclear_words([("A", transcript(("sea", CLEAR_PROBABILITY)))]) == []


def test_words_of_the_text_that_were_missed_are_unclear_too():
    transcripts = [("A", transcript(("she", 0.9), ("shelves", 0.1))), ("B", transcript(("she", 0.9)))]
    words = count_unclear_words(
        transcripts, [(source, score_reading(each.text, "She sells")) for source, each in transcripts]
    )
    assert words == [
        UnclearWord("sells", 0, 2, 0, None, ("A", "B")),
        UnclearWord("shelves", 1, 0, 1, 0.1, ("A",)),
    ]


def test_a_text_is_read_as_far_as_its_words_were_recognised_in_order():
    reading = score_reading("the cat sat on a mat, mat", "The cat, it's said, sat on the mat.")
    assert (reading.word_count, reading.read_count, reading.missed_words) == (8, 5, ("it's", "said", "the"))
    assert reading.accuracy == 5 / 8


@pytest.mark.parametrize(
    ("heard", "misread", "left_out", "added"),
    [
        ("the cat sat on the mat", (), (), ()),
        ("the cat sat on mat", (), ("the",), ()),
        ("the the cat, um, sat on a mat", ("the",), (), ("the", "um")),
        ("well you know the cat sat on the mat", (), (), ("well you know",)),
        ("the cat", (), ("sat", "on", "the", "mat"), ()),
        ("the bat sat on the mat today", ("cat",), (), ("today",)),
        ("", (), ("the", "cat", "sat", "on", "the", "mat"), ()),
    ],
)
def test_words_that_were_left_out_misread_and_added_are_told_apart(heard, misread, left_out, added):
    reading = score_reading(heard, "The cat sat on the mat.")
    assert (reading.misread_words, reading.left_out_words, reading.added) == (misread, left_out, added)
    assert sorted(reading.missed_words) == sorted(misread + left_out)
    assert reading.added_words == tuple(" ".join(added).split())


def test_a_short_form_is_read_as_its_long_one():
    assert score_reading("I am here and it is late", "I’m here, and it's late!").missed_words == ()


def test_nothing_to_read_has_no_accuracy():
    assert score_reading("Hello", "").accuracy is None
    assert score_reading("", "Hello you").accuracy == 0


def test_chinese_is_read_by_character():
    assert score_reading("我喜欢猫", "我喜欢狗。").missed_words == ("狗",)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("apple", "Two apples, please."),
        ("study", "She studies a lot"),
        ("stop", "It stopped."),
        ("make", "I am making it"),
        ("go", "We went home"),
        ("look forward to", "I looked forward to it"),
        ("Don't", "I don’t know"),
        ("苹果", "我吃苹果"),
    ],
)
def test_a_target_word_is_used_in_any_of_its_forms(target, text):
    assert find_used_words([target], [text]) == (target,)


@pytest.mark.parametrize(
    ("target", "text"),
    [("apple", "I like pineapple"), ("look forward to", "look to it forward"), ("any", "No, it is not"), ("!", "Oh!")],
)
def test_another_word_is_not_the_target(target, text):
    assert find_used_words([target], [text]) == ()


def recognised(*words):
    """A transcript of these words, each with its probability."""
    times = range(len(words))
    return Transcript(
        " ".join(word for word, _ in words),
        "en",
        9.0,
        tuple(Word(word, n, n + 1, probability) for n, (word, probability) in zip(times, words, strict=True)),
    )


@pytest.mark.parametrize(
    ("words", "used_words"),
    [
        ([("I", 0.9), ("like", 0.9), ("ice", 0.8), ("cream.", 0.7)], ("like", "ice cream")),
        ([("I", 0.9), ("like", 0.3), ("ice", 0.8), ("cream.", 0.7)], ("ice cream",)),
        ([("I", 0.9), ("like", 0.9), ("ice", 0.8), ("cream.", 0.4)], ("like",)),
        ([("ice", 0.9), ("and", 0.1), ("cream", 0.9)], ()),
        ([("Like", 0.2), ("like", 0.6)], ("like",)),
        ([("Ice", 0.1), ("cream", 0.1)], ()),
    ],
)
def test_only_what_was_heard_clearly_is_used(words, used_words):
    assert find_used_words(["like", "ice cream"], find_clear_texts(recognised(*words), "")) == used_words


def test_what_was_typed_is_used():
    typed = find_clear_texts(recognised(("Like", 0.1)), "I like it")
    assert (
        find_used_words(["like"], typed) == find_used_words(["like"], find_clear_texts(None, "I like it")) == ("like",)
    )


@pytest.mark.parametrize("typed", ["", "I like it"])
def test_what_the_learner_says_was_said_is_used_in_the_place_of_both(typed):
    texts = find_clear_texts(recognised(("ice", 0.9), ("cream", 0.9)), typed, "I see three")
    assert find_used_words(["like", "ice cream", "see"], texts) == ("see",)


def test_spoken_words_have_neither_case_nor_punctuation_around():
    assert normalize_words("«Well—known» Don’t, 3.5! … 你好。") == ["well—known", "don't", "3.5", "你", "好"]
