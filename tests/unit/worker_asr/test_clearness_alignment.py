"""The best path of a text's sounds through made-up log probabilities, and what is measured along it."""

import numpy as np
import pytest

from pipeline.errors import BadRequest
from worker_asr.clearness.alignment import Span, align
from worker_asr.clearness.fluency import measure_fluency

PAUSE = 3  # the sounds 0, 1 and 2, and the pause
ONE_FRAME = [1, 1, 1, 1]


def scores_of(*heard: int) -> np.ndarray:
    """Log probabilities of frames in each of which one sound is clearly heard."""
    scores = np.full((len(heard), 4), -6.0)
    scores[np.arange(len(heard)), heard] = -0.1
    return scores


def frames_of(spans: list[list[Span]]) -> list[list[tuple[int, int, int]]]:
    return [[(span.sound, span.first, span.end) for span in word] for word in spans]


def test_each_sound_gets_the_frames_in_which_it_is_heard():
    spans = align(scores_of(PAUSE, 0, 0, 1, 2, 2), [[(0, 1)], [(2,)]], PAUSE, ONE_FRAME)
    assert frames_of(spans) == [[(0, 1, 3), (1, 3, 4)], [(2, 4, 6)]]


def test_pauses_before_between_and_after_words_belong_to_none():
    spans = align(scores_of(PAUSE, PAUSE, 0, PAUSE, PAUSE, 1, PAUSE), [[(0,)], [(1,)]], PAUSE, ONE_FRAME)
    assert frames_of(spans) == [[(0, 2, 3)], [(1, 5, 6)]]


def test_the_way_that_was_said_is_chosen_for_each_word_by_itself():
    words = [[(0, 1), (0, 2)], [(1,), (2,)]]
    assert frames_of(align(scores_of(0, 2, 1), words, PAUSE, ONE_FRAME)) == [[(0, 0, 1), (2, 1, 2)], [(1, 2, 3)]]
    assert frames_of(align(scores_of(0, 1, 2), words, PAUSE, ONE_FRAME)) == [[(0, 0, 1), (1, 1, 2)], [(2, 2, 3)]]


def test_the_same_sound_at_the_end_of_a_word_and_the_start_of_the_next_is_two():
    spans = align(scores_of(0, 0), [[(0,)], [(0,)]], PAUSE, ONE_FRAME)
    assert frames_of(spans) == [[(0, 0, 1)], [(0, 1, 2)]]


def test_a_sound_that_is_not_heard_gets_a_frame_all_the_same():
    spans = align(scores_of(0, 0, 2, 2), [[(0, 1, 2)]], PAUSE, ONE_FRAME)
    assert [span.sound for span in spans[0]] == [0, 1, 2]
    assert spans[0][1].end - spans[0][1].first == 1


def test_a_sound_lasts_as_many_frames_as_it_must():
    spans = align(scores_of(0, 1, 1, 1, 1), [[(0, 1)]], PAUSE, [3, 1, 1, 1])
    assert frames_of(spans) == [[(0, 0, 3), (1, 3, 5)]]


@pytest.mark.parametrize(("frames", "min_frames"), [(0, ONE_FRAME), (1, ONE_FRAME), (3, [2, 2, 2, 1])])
def test_a_recording_shorter_than_its_text_is_refused(frames, min_frames):
    with pytest.raises(BadRequest, match="too short for this text"):
        align(scores_of(*[0] * frames), [[(0, 1)]], PAUSE, min_frames)


def test_a_text_without_words_has_no_spans():
    assert align(scores_of(0, 1), [], PAUSE, ONE_FRAME) == []


# --- fluency ---


def test_fluency_counts_pauses_by_voice_and_ignores_the_short_ones():
    voice = [(1.0, 2.0), (2.1, 3.0), (3.5, 5.0)]
    fluency = measure_fluency(voice, [(1.0, 2.0), (2.05, 3.0), (3.5, 5.0), (5.0, 5.0)], 20)
    assert fluency.sounds_per_s == pytest.approx(5)
    assert fluency.words_per_s == pytest.approx(1)
    assert fluency.pauses_per_word == pytest.approx(0.25)
    assert fluency.longest_pause_s == pytest.approx(0.5)
    assert fluency.gaps_per_word == pytest.approx(0.25)


def test_one_short_word_has_no_pause_and_no_endless_speed():
    fluency = measure_fluency([(0.0, 0.1)], [(0.0, 0.1)], 3)
    assert (fluency.longest_pause_s, fluency.pauses_per_word) == (0, 0)
    assert fluency.sounds_per_s == pytest.approx(10)
