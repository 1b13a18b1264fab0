"""The parts of a lesson card in their order, equally loud, each in its chapter."""

import numpy as np
import pytest

from pipeline.audio.decode import Waveform
from pipeline.audio.loudness import MAX_TRUE_PEAK_DBTP, TARGET_LUFS, measure_loudness
from pipeline.errors import EngineFailed, NothingToSay
from worker_tts.card.builder import (
    FADE_S,
    PAUSE_S,
    REPEAT_TIMES,
    SLOW,
    join_parts,
    join_spoken,
    list_parts,
    list_texts,
    list_utterances,
)
from worker_tts.card.plan import CardPlan, PlannedSentence, Stretch
from worker_tts.engine import Utterance

RATE = 24_000
PRAISE = {"en": "Good work.", "zh": "很好！"}
TWO = CardPlan((PlannedSentence(Stretch(1, 2), "I went."), PlannedSentence(Stretch(3, 5), "I ate.")), PRAISE)


def noise(seconds: float, amplitude: float) -> Waveform:
    samples = amplitude * np.random.default_rng(0).uniform(-1, 1, round(seconds * RATE))
    return Waveform(samples.astype(np.float32), RATE)


def make_card(plan: CardPlan, language: str = "en"):
    spoken = [noise(1.6, 0.3), noise(2.2, 0.1)] * len([each for each in plan.sentences if each.better])
    return join_parts(list(list_parts(plan, noise(8, 0.02), [*spoken, noise(1, 0.5)])), language)


def test_each_better_sentence_is_said_twice_the_second_time_slowly_and_the_praise_once():
    assert list_texts(TWO, "en") == [
        ("I went.", False), ("I went.", True), ("I ate.", False), ("I ate.", True), ("Good work.", False),
    ]  # fmt: skip
    voice = Utterance("", voice="heart", speed=0.9, seed=7)
    utterances = list_utterances(list_texts(TWO, "zh"), voice)
    assert [[each.text for each in sentences] for sentences in utterances][-1] == ["很好！"]
    assert [sentences[0].speed for sentences in utterances] == pytest.approx([0.9, 0.9 * SLOW, 0.9, 0.9 * SLOW, 0.9])
    assert {(each.voice, each.seed) for sentences in utterances for each in sentences} == {("heart", 7)}


def test_chapters_follow_each_other_without_a_gap_and_are_numbered_where_there_are_several():
    sound, chapters = make_card(TWO)
    kinds = ["own_words", "better", "slow", "repeat"]
    assert [chapter.kind for chapter in chapters] == [*kinds, *kinds, "praise"]
    assert [chapter.title for chapter in chapters][:5] == [
        "Your words 1", "The better sentence 1", "Slowly 1", "Your turn 1", "Your words 2",
    ]  # fmt: skip
    assert [chapter.start_s for chapter in chapters] == [0, *(chapter.end_s for chapter in chapters[:-1])]
    assert chapters[-1].end_s == pytest.approx(sound.duration_s)
    lengths = [round(chapter.end_s - chapter.start_s - PAUSE_S, 3) for chapter in chapters]
    assert lengths == pytest.approx([1, 1.6, 2.2, REPEAT_TIMES * 1.6, 2, 1.6, 2.2, REPEAT_TIMES * 1.6, 1])


def test_titles_are_in_the_language_of_the_page():
    plan = CardPlan(TWO.sentences[:1], PRAISE)
    assert [chapter.title for chapter in make_card(plan, "zh")[1]] == [
        "你说的话",
        "更好的句子",
        "慢一点",
        "轮到你了",
        "表扬",
    ]


def test_every_part_of_the_card_is_equally_loud():
    sound, chapters = make_card(TWO)
    for chapter in chapters:
        piece = Waveform(sound.samples[round(chapter.start_s * RATE) : round(chapter.end_s * RATE)], RATE)
        loudness = measure_loudness(piece)
        if chapter.kind == "repeat":
            assert not piece.samples.any(), "the learner speaks here"
        else:
            assert loudness.integrated_lufs == pytest.approx(TARGET_LUFS, abs=1), chapter
            assert loudness.true_peak_dbtp <= MAX_TRUE_PEAK_DBTP, chapter


def test_the_learner_s_words_are_those_of_the_stretch_and_fade_in_and_out():
    ramp = Waveform(np.linspace(0.1, 0.9, 4 * RATE, dtype=np.float32), RATE)
    plan = CardPlan((PlannedSentence(Stretch(1, 2)),), PRAISE)
    own_words, praise = list_parts(plan, ramp, [noise(1, 0.5)])
    assert np.array_equal(own_words.sound.samples, ramp.samples[RATE : 2 * RATE])
    assert (own_words.kind, praise.kind) == ("own_words", "praise")
    sound, _ = join_parts([own_words, praise], "en")
    faded = round(FADE_S * RATE)
    assert sound.samples[0] == 0
    assert abs(sound.samples[faded // 4]) < abs(sound.samples[faded])


def test_times_outside_of_the_recording_are_an_error():
    with pytest.raises(EngineFailed):
        list(list_parts(CardPlan((PlannedSentence(Stretch(9, 10)),), PRAISE), noise(8, 0.1), [noise(1, 0.1)]))


def test_a_text_of_which_nothing_or_not_all_can_be_spoken_is_an_error():
    assert join_spoken([noise(1, 0.1), NothingToSay()], 0.5).duration_s == 1
    assert join_spoken([noise(1, 0.1), noise(1, 0.1)], 0.5).duration_s == 2.5
    with pytest.raises(NothingToSay):
        join_spoken([NothingToSay()], 0.5)
    with pytest.raises(EngineFailed):
        join_spoken([noise(1, 0.1), EngineFailed()], 0.5)
