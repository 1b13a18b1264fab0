"""Learners' patterns mend what they are for, and those that are certain leave right English alone."""

import pytest

from worker_llm.grammar.proposals.patterns import propose_patterns
from worker_llm.grammar.sentence import apply, join_words, split_words


def mend(text):
    """All sentences that patterns propose, and those of certain patterns."""
    words = split_words(text)
    proposals = list(propose_patterns(text))
    return (
        {join_words(apply(words, each)) for each in proposals},
        {join_words(apply(words, each)) for each in proposals if each.is_certain},
    )


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("I have ten years old.", "I am ten years old."),
        ("My sister has 12 years.", "My sister is 12 years old."),
        ("There have two cats.", "There are two cats."),
        ("I very like music.", "I really like music."),
        ("Although it rained, but we went out.", "Although it rained, we went out."),
        ("I am agree with you.", "I agree with you."),
        ("She is more taller than me.", "She is taller than me."),
        ("I listen music every day.", "I listen to music every day."),
        ("I went to home.", "I went home."),
        ("In last week I was ill.", "Last week I was ill."),
        ("I play in Sunday.", "I play on Sunday."),
        ("I get up in 7 o'clock.", "I get up at 7 o'clock."),
        ("I am good in English.", "I am good at English."),
        ("I am interesting in music.", "I am interested in music."),
        ("He is afraid from dogs.", "He is afraid of dogs."),
        ("I enjoy to swim.", "I enjoy swimming."),
        ("I want go home.", "I want to go home."),
        ("I want to going home.", "I want to go home."),
        ("She can to sing.", "She can sing."),
        ("He can plays chess.", "He can play chess."),
        ("She didn't went home.", "She didn't go home."),
        ("I have many homeworks.", "I have many homework."),
        ("He goed home.", "He went home."),
        ("I am boring today.", "I am bored today."),
        ("I have went there.", "I have gone there."),
        ("I don't know nothing.", "I don't know anything."),
        ("I no like fish.", "I don't like fish."),
        ("I play the football.", "I play football."),
        ("Please open the light.", "Please turn on the light."),
        ("He said me a story.", "He told me a story."),
        ("What means this word?", "What does this word mean?"),
        ("I saw it in internet.", "I saw it on the internet."),
        ("We discuss about the film.", "We discuss the film."),
        ("His name calls Tom.", "His name is Tom."),
        ("I can't hardly hear you.", "I can hardly hear you."),
        ("Most of people like music.", "Most people like music."),
    ],
)
def test_a_mistake_is_mended(wrong, right):
    assert right in mend(wrong)[0]


@pytest.mark.parametrize(
    "right",
    [
        "I have ten years of experience.",
        "I am ten years older than she is.",
        "I would very much like to come.",
        "There has been a mistake.",
        "She is better than me, but I try.",
        "May comes after April.",
        "We planted a seed in the garden.",
        "I look forward to the weekend.",
        "He kept the ring and I keep the box.",
        "I want to sing, to bring a cake and to feed the ducks.",
        "Most of the people like music.",
        "My friend said that it was late.",
        "I don't mind waiting a few minutes.",
        "The lesson is boring and I am bored.",
        "I need help, and I want more.",
        "There is no one here.",
        "I no longer like it.",
        "It is the morning of my birthday.",
        "We met on the morning of 5 May.",
        "It happened in the last week of June.",
        "You can do it.",
        "They learned to read and write.",
        "I have been to Paris.",
        "Who have you seen?",
        "Is it raining?",
        "Would you mind closing the door?",
        "The peace talks begin on Monday.",
        "I enjoy a swim.",
        "He depends on his parents.",
        "Play the piano, please.",
    ],
)
def test_right_english_is_left_alone_by_patterns_that_are_certain(right):
    assert mend(right)[1] == set()
