"""From speech probabilities to turns: where a turn ends, who speaks, and that no border is within speech."""

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker_segment.speaker_turns import (
    CHANNELS,
    MAX_UNPADDED_WINDOWS,
    MIN_SPEECH_WINDOWS,
    WINDOWS_PER_S,
    Span,
    find_speaker_turns,
    find_speech,
    has_separate_speakers,
)
from worker_segment.voice_activity import VoiceActivity

LOUD, QUIET = -20.0, -70.0  # dBFS
SPOKEN, SILENT = 0.9, 0.1  # probabilities
A_WINDOW = 1 / WINDOWS_PER_S


def activity(*channels):
    """Of channels that are each given as runs of (seconds, speaks): speech is loud, silence quiet."""
    speech = np.stack([probabilities(runs) for runs in channels])
    return VoiceActivity(speech, np.where(speech > 0.5, LOUD, QUIET), speech.shape[1] / WINDOWS_PER_S)


def probabilities(runs):
    ends = [round(s * WINDOWS_PER_S) for s in accumulate(seconds for seconds, _ in runs)]
    sizes = np.diff([0, *ends])
    return np.repeat([SPOKEN if speaks else SILENT for _, speaks in runs], sizes)


def speakers(activity):
    return [segment.speaker for segment in find_speaker_turns(activity)]


def times(found):
    return [(segment.start, segment.end, segment.speaker) for segment in found]


@pytest.mark.parametrize(("pause_s", "turns"), [(0.3, 1), (1.0, 1), (1.5, 2), (4.0, 2)])
def test_a_short_pause_does_not_end_a_turn_and_a_longer_one_does(pause_s, turns):
    found = find_speaker_turns(activity([(2, False), (3, True), (pause_s, False), (3, True), (2, False)]))

    assert len(found) == turns


def test_a_little_silence_is_kept_about_a_turn():
    (segment,) = find_speaker_turns(activity([(2, False), (3, True), (2, False)]))

    assert 1.6 < segment.start < 1.8 + A_WINDOW
    assert 5.2 - A_WINDOW < segment.end < 5.4
    assert (segment.number, segment.speaker) == (1, "")


def test_loud_audio_around_a_turn_is_kept_since_it_may_be_a_word():
    said = activity([(2, False), (3, True), (2, False)])
    said.level[0, round(1.4 * WINDOWS_PER_S) : round(5.6 * WINDOWS_PER_S)] = LOUD - 10

    (segment,) = find_speaker_turns(said)

    assert 1 <= segment.start < 1.4
    assert 5.6 < segment.end <= 6 + A_WINDOW


def test_a_recording_may_begin_and_end_with_speech():
    said = activity([(3, True)])

    assert times(find_speaker_turns(said)) == [(0.0, int(said.duration_s * 1000) / 1000, "")]


def test_a_cough_is_not_a_turn():
    assert find_speaker_turns(activity([(2, False), (0.2, True), (2, False)])) == ()
    assert len(find_speaker_turns(activity([(2, False), (0.4, True), (2, False)]))) == 1


def test_speech_that_is_too_quiet_is_not_a_turn():
    said = activity([(2, False), (3, True), (2, False)])

    assert find_speaker_turns(VoiceActivity(said.speech, said.level - 45, said.duration_s)) == ()


def test_activity_between_the_thresholds_continues_the_state_before():
    speech = np.array([0.2] * 5 + [0.9] * 5 + [0.2] * 5 + [0.1] * 10 + [0.2] * 5)

    assert find_speech(speech, np.full(30, LOUD)) == [Span(5, 15)]


def test_a_stop_within_a_word_does_not_split_a_turn():
    speech = np.array([0.9] * 5 + [0.1] * 4 + [0.9] * 5 + [0.1] * 5 + [0.9] * 5)

    assert find_speech(speech, np.full(24, LOUD)) == [Span(0, 14), Span(19, 24)]


# --- long turns ----------------------------------------------------------------------------------------------------


def test_a_long_speech_is_split_in_its_longest_pause_about_the_middle():
    found = find_speaker_turns(
        activity([(1, True), (1, False), (15, True), (0.3, False), (3, True), (0.8, False), (19, True)])
    )

    assert len(found) == 2
    assert 20.3 < found[0].end <= found[1].start < 21.1


def test_speech_without_pauses_is_split_where_it_is_quietest():
    said = activity([(50, True)])
    said.level[0, round(22 * WINDOWS_PER_S) : round(22.4 * WINDOWS_PER_S)] = LOUD - 12

    first, second = find_speaker_turns(said)

    assert 22 <= first.end == second.start <= 22.4


RUNS = st.lists(st.tuples(st.floats(0.05, 40), st.sampled_from([0.9, 0.9, 0.45, 0.05])), min_size=1, max_size=25)


@settings(deadline=None)
@given(RUNS)
def test_every_turn_fits_and_every_border_is_in_a_silence_unless_there_is_none(runs):
    speech = np.concatenate([np.full(max(1, round(s * WINDOWS_PER_S)), p) for s, p in runs])
    level = np.where(speech > 0.5, LOUD, QUIET)
    spoken = find_speech(speech, level)

    found = find_speaker_turns(VoiceActivity(speech[np.newaxis], level[np.newaxis], len(speech) / WINDOWS_PER_S))

    places = [(round(segment.start * WINDOWS_PER_S), round(segment.end * WINDOWS_PER_S)) for segment in found]
    assert [segment.number for segment in found] == list(range(1, len(found) + 1))
    assert all(0 <= start < end <= len(speech) and end - start <= 30 * WINDOWS_PER_S for start, end in places)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    for place in (edge for both in places for edge in both):
        within = [each for each in spoken if each.start < place < each.end]
        assert all(each.end - each.start > MAX_UNPADDED_WINDOWS for each in within)
    for each in spoken:  # nothing is lost but what is too short to be a turn
        held = sum(max(0, min(each.end, end) - max(each.start, start)) for start, end in places)
        assert (
            held == each.end - each.start
            or (not held and each.end - each.start < MIN_SPEECH_WINDOWS)
            or each.end - each.start > MAX_UNPADDED_WINDOWS
        )


# --- two speakers --------------------------------------------------------------------------------------------------


def dialogue():
    """The teacher on the left asks, the learner on the right answers, twice."""
    left = [(1, False), (4, True), (6, False), (4, True), (6, False)]
    right = [(5.5, False), (5, True), (5, False), (5, True), (0.5, False)]
    return activity(left, right)


def test_speakers_with_a_channel_each_are_two_speakers():
    found = find_speaker_turns(dialogue())

    assert [segment.speaker for segment in found] == ["left", "right", "left", "right"]
    assert [round(segment.start) for segment in found] == [1, 5, 11, 15]


@pytest.mark.parametrize("crosstalk_db", [-30, -20, -12])
def test_a_speaker_in_both_channels_is_one_speaker(crosstalk_db):
    said = dialogue()
    both = np.tile(said.speech.max(axis=0), (2, 1))
    level = np.maximum(said.level, said.level[::-1] + crosstalk_db)

    found = find_speaker_turns(VoiceActivity(both, level, said.duration_s))

    assert [segment.speaker for segment in found] == ["left", "right", "left", "right"]


@pytest.mark.parametrize("apart_db", [0, 4, 7])
def test_two_microphones_in_one_room_are_one_speaker(apart_db):
    said = dialogue()
    both = np.tile(said.speech.max(axis=0), (2, 1))
    level = np.maximum(said.level, said.level[::-1] - apart_db)

    found = find_speaker_turns(VoiceActivity(both, level, said.duration_s))

    assert {segment.speaker for segment in found} == {""}


def test_a_silent_channel_is_not_a_speaker():
    said = activity([(1, False), (20, True)], [(21, False)])

    assert not has_separate_speakers(said)
    assert [segment.speaker for segment in find_speaker_turns(said)] == [""]


def test_another_speaker_in_a_pause_ends_the_turn_and_a_hum_does_not():
    left = [(1, False), (9, True), (1, False), (9, True), (5, False)]
    right = [(20.5, False), (4, True), (0.5, False)]
    answer = [(10.2, False), (0.6, True), (9.7, False), (4, True), (0.5, False)]
    hum = [(10.3, False), (0.4, True), (9.8, False), (4, True), (0.5, False)]

    assert speakers(activity(left, right)) == ["left", "right"]
    assert speakers(activity(left, answer)) == ["left", "right", "left", "right"]
    assert speakers(activity(left, hum)).count("left") == 1


def test_both_may_speak_at_once():
    found = find_speaker_turns(activity([(1, False), (9, True), (6, False)], [(8, False), (7, True), (1, False)]))

    assert [segment.speaker for segment in found] == list(CHANNELS)
    assert found[1].start < found[0].end
