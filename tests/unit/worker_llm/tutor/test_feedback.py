"""Checked sentences as feedback: verdicts, places of edits, what is said aloud."""

from dataclasses import replace

import pytest

from pipeline import personas
from pipeline.jobs.results import Edit
from pipeline.levels import LEVELS, find_focus
from pipeline.settings import Settings
from pipeline.text.corrections import WORD
from worker_llm.grammar.checker import CheckedSentence
from worker_llm.tutor.feedback import (
    MAX_REPEATED_CHARS,
    Correction,
    Manner,
    collect_corrections,
    compose_feedback,
)

WILLIAM = personas.load("william", Settings().personas)
MANNER = Manner(WILLIAM)


def explain(before, after, at, kind="R:VERB:TENSE"):
    return Edit(before, after, at, kind, {"en": f'We say "{after}".', "zh": f"说“{after}”。"})


WENT = CheckedSentence("I go home yesterday.", "I went home yesterday.", (explain("go", "went", (1, 2)),))
RIGHT = CheckedSentence("It was late.", "It was late.")
HAS = CheckedSentence("She have a dog.", "She has a dog.", (explain("have", "has", (1, 2), "R:VERB:SVA"),))
DOUBTFUL = replace(RIGHT, is_doubtful=True)


def give_feedback(*sentences, manner=MANNER, question="Why?"):
    utterance = " ".join(sentence.original for sentence in sentences)
    return compose_feedback(utterance, collect_corrections(utterance, sentences), question, manner)


@pytest.mark.parametrize(
    ("sentences", "manner", "verdict"),
    [
        ([RIGHT], MANNER, "correct"),
        ([RIGHT, RIGHT], MANNER, "correct"),
        ([RIGHT, DOUBTFUL], MANNER, "not_checked"),
        ([RIGHT], replace(MANNER, can_praise=False), "not_checked"),
        ([], MANNER, "not_checked"),
        ([WENT], MANNER, "corrected"),
        ([RIGHT, WENT, DOUBTFUL], replace(MANNER, can_praise=False), "corrected"),
    ],
)
def test_the_verdict_claims_only_what_was_checked(sentences, manner, verdict):
    feedback = give_feedback(*sentences, manner=manner)
    assert feedback.verdict == verdict
    assert (WILLIAM.praise in feedback.spoken) == (verdict == "correct")
    assert feedback.spoken.endswith("Why?")


def test_the_better_sentences_alone_are_repeated_and_then_explained():
    feedback = give_feedback(RIGHT, WENT, HAS)
    assert feedback.corrected == "It was late. I went home yesterday. She has a dog."
    assert feedback.explanation == 'We say "went". We say "has".'
    assert feedback.spoken == "We say: I went home yesterday. She has a dog. We say went. We say has. Why?"


def test_explanations_are_said_in_chinese_where_that_is_wanted_and_written_in_english():
    past = Edit("go", "went", (1, 2), "R:VERB:TENSE", {"en": "Say went.", "zh": "昨天 → 过去式：不说 go，说 went。"})
    sentence = CheckedSentence("I go home yesterday.", "I went home yesterday.", (past,))
    feedback = give_feedback(sentence, manner=replace(MANNER, spoken_language="zh"))
    assert feedback.spoken == "We say: I went home yesterday. 昨天，过去式：不说 go，说 went。 Why?"
    assert feedback.explanation == "Say went."


def test_edits_count_the_words_of_the_whole_utterance():
    feedback = give_feedback(RIGHT, WENT, RIGHT, HAS)
    words = WORD.findall(feedback.heard)
    assert [edit.at for edit in feedback.edits] == [(4, 5), (11, 12)]
    assert [" ".join(words[slice(*edit.at)]) for edit in feedback.edits] == ["go", "have"]


def test_a_chinese_character_counts_as_a_word():
    sentence = CheckedSentence("I 喜欢 go home", "I 喜欢 going home", (explain("go", "going", (2, 3)),))
    (edit,) = give_feedback(sentence).edits
    assert WORD.findall(sentence.original)[slice(*edit.at)] == ["go"]


def test_an_insertion_at_the_end_is_placed_after_the_last_word():
    sentence = CheckedSentence("I listen music to", "I listen music to it", (explain("", "it", (4, 4)),))
    assert give_feedback(sentence).edits[0].at == (4, 4)


def test_three_corrections_are_explained_and_all_are_shown():
    feedback = give_feedback(WENT, HAS, WENT, HAS, WENT)
    assert len(feedback.edits) == 5
    assert feedback.explanation.count("We say") == 3


@pytest.mark.parametrize(("level", "count"), [("A1", 2), ("A2", 2), ("B1", 3), ("C1", 4)])
def test_the_level_says_how_many_are_explained(level, count):
    feedback = give_feedback(*[WENT, HAS] * 3, manner=replace(MANNER, level=LEVELS[level]))
    assert feedback.explanation.count("We say") == count


def test_what_the_homework_is_about_is_explained_first():
    manner = replace(MANNER, level=LEVELS["A1"], focus=find_focus("注意第三人称"))
    feedback = give_feedback(WENT, WENT, HAS, HAS, manner=manner)
    assert feedback.explanation == 'We say "has". We say "has".'


@pytest.mark.parametrize("count", [1, 5, 20, 40])
def test_only_whole_sentences_are_repeated_within_the_limit(count):
    long = "She have a very big and very old dog with very long and very brown hair"
    sentences = [
        CheckedSentence(f"{long} {n}.", f"{long} {n}.".replace("have", "has"), (explain("have", "has", (1, 2)),))
        for n in range(count)
    ]
    spoken = give_feedback(*sentences).spoken
    repeated = spoken[: spoken.index("We say has")]
    assert len(repeated) <= MAX_REPEATED_CHARS + len("We say: ")
    assert repeated.removeprefix("We say: ").count("She has") == repeated.count(".")


def test_a_sentence_that_is_too_long_is_not_repeated():
    long = "and so on " * 40
    sentence = CheckedSentence(f"I go {long}", f"I went {long}", (explain("go", "went", (1, 2)),))
    assert give_feedback(sentence).spoken == "We say went. Why?"


def test_a_repeated_sentence_is_written_as_one():
    sentence = CheckedSentence("she have a dog", "she has a dog", (explain("have", "has", (1, 2)),))
    assert give_feedback(sentence).spoken.startswith("We say: She has a dog. ")


def test_what_must_not_be_said_aloud_is_shown_only():
    manner = replace(MANNER, note="Keep it secret.", can_repeat=False)
    feedback = give_feedback(HAS, manner=manner)
    assert feedback.spoken == "Keep it secret. Why?"
    assert feedback.explanation == 'We say "has". Keep it secret.'


def test_unclear_words_are_passed_on():
    assert give_feedback(RIGHT, manner=replace(MANNER, unclear=(1,))).unclear == (1,)
    assert give_feedback(WENT, manner=replace(MANNER, unclear=(3,))).unclear == (3,)


def test_nothing_is_called_right_without_sentences():
    assert collect_corrections("hello", ()) == Correction("hello")
