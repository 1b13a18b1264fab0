"""From voice activity to speaker turns: separated by pauses, one speaker's each, short enough for the recogniser.

Times are counted in windows of 32 ms until the turns are known.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from pipeline.jobs.results import LessonSegment
from worker_segment.audio_stream import SAMPLE_RATE, WINDOW_SAMPLES
from worker_segment.voice_activity import VoiceActivity

WINDOWS_PER_S = SAMPLE_RATE / WINDOW_SAMPLES
# Probabilities at which speech starts and at which it ends. With Silero's own 0.5 and 0.35, 7 of the 239 sentences of
# benchmarks/server/lesson_end_to_end.py start late, after pauses in a quiet room; with these, none does. Noise alone
# is below 0.2.
START_PROBABILITY, END_PROBABILITY = 0.25, 0.15
MIN_GAP_WINDOWS = 5  # 160 ms of silence, as between two sentences, end a span; less is a stop within a word
MIN_SPAN_WINDOWS = 4  # 100 ms are shorter than any word, and longer than a click
MIN_LEVEL_DB = -60.0  # dBFS of a span's loudest window; a whisper far from the microphone is at -50, a muted one < -70

CHANNELS = ("left", "right")
CHANNEL_DIFFERENCE_DB = 10.0  # a channel's own speaker is that much louder there than the other; crosstalk is 12 to 40
SMOOTHING_WINDOWS = 7  # 224 ms over which levels are compared, so that a stop within a word does not count
SEPARATE_SHARE = 0.4  # of the windows with speech in which one channel is that much louder: 0.6 to 1 with a channel
# for each speaker, in noise too; at most 0.1 in one room with 3 to 10 dB between its microphones
MIN_SPEAKER_S = 2.0  # seconds in which each channel is the louder one: a dead channel is not a speaker

MAX_TURN_WINDOWS = int(30 * WINDOWS_PER_S)  # 30 s, the window of Whisper
TURN_PAUSE_WINDOWS = int(1.2 * WINDOWS_PER_S)  # of silence that end a turn; learners pause to think, for up to 1 s
INTERJECTION_WINDOWS = int(0.5 * WINDOWS_PER_S)  # of another's speech in a pause that end the turn; "mm-hm" is shorter
# Windows added before and after a turn, up to where it is quiet: Silero VAD detects some words late, such as a
# learner's first one, "in" or "it's", which has a probability of 0.2.
MIN_PADDING_WINDOWS, MAX_PADDING_WINDOWS = int(0.2 * WINDOWS_PER_S), int(1.0 * WINDOWS_PER_S)
QUIET_TOLERANCE_DB = 3.0  # above the quietest window that still count as quiet, so that the padding stays short
MAX_UNPADDED_WINDOWS = MAX_TURN_WINDOWS - 2 * MAX_PADDING_WINDOWS  # from the first to the last speech of a turn
MIN_SPEECH_WINDOWS = int(0.3 * WINDOWS_PER_S)  # with speech in a turn; less is a cough or a click


class Span(NamedTuple):
    """Windows from `start` on, before `end`."""

    start: int
    end: int


def find_speaker_turns(activity: VoiceActivity) -> tuple[LessonSegment, ...]:
    """The turns in the order of their starts, each of at most 30 s; none where nobody speaks."""
    speech = speech_by_speaker(activity)
    loudness = smooth_level(activity.level)
    windows = loudness.shape[1]
    turns: list[tuple[Span, str]] = []
    for channel, (speaker, own_speech) in enumerate(speech.items()):
        level = loudness[channel] if speaker else loudness.max(axis=0)
        other_speech = [span for name, spans in speech.items() if name != speaker for span in spans]
        groups = group_by_pauses(own_speech, count_speech_before(other_speech, windows))
        parts = [part for group in groups for part in split_to_fit(group, level)]
        spans = [Span(part[0].start, part[-1].end) for part in parts if count_speech(part) >= MIN_SPEECH_WINDOWS]
        turns += [(turn, speaker) for turn in pad_turns(spans, level)]
    end_s = int(activity.duration_s * 1000) / 1000
    return tuple(
        LessonSegment(number, to_seconds(turn.start), min(to_seconds(turn.end), end_s), speaker)
        for number, (turn, speaker) in enumerate(sorted(turns), 1)
    )


# --- speech, and who speaks ---


def speech_by_speaker(activity: VoiceActivity) -> dict[str, list[Span]]:
    """The spans of speech of "left" and "right" where the recording has a channel for each speaker, else of ""."""
    if not has_separate_speakers(activity):
        return {"": find_speech(activity.speech.max(axis=0), activity.level.max(axis=0))}
    level = smooth_level(activity.level)
    own_speech = np.where(level[::-1] - level >= CHANNEL_DIFFERENCE_DB, 0, activity.speech)  # 0: crosstalk of the other
    return {side: find_speech(*channel) for side, *channel in zip(CHANNELS, own_speech, activity.level, strict=True)}


def has_separate_speakers(activity: VoiceActivity) -> bool:
    """Whether one speaker is on the left and another on the right: while one speaks, the other channel is quiet."""
    if len(activity.speech) != 2:
        return False
    left, right = smooth_level(activity.level)
    speech = activity.speech.max(axis=0) >= START_PROBABILITY
    left_windows, right_windows = (
        int((speech & (difference >= CHANNEL_DIFFERENCE_DB)).sum()) for difference in (left - right, right - left)
    )
    each_speaks = min(left_windows, right_windows) >= MIN_SPEAKER_S * WINDOWS_PER_S
    return left_windows + right_windows >= SEPARATE_SHARE * speech.sum() and each_speaks


def smooth_level(level: np.ndarray) -> np.ndarray:
    """The level, in dB, of the mean power in SMOOTHING_WINDOWS around each window; shape (channels, windows)."""
    power = np.pad(10 ** (level.astype(np.float64) / 10), ((0, 0), (SMOOTHING_WINDOWS // 2,) * 2), mode="edge")
    sums = np.cumsum(np.pad(power, ((0, 0), (1, 0))), axis=1)
    totals = np.maximum(sums[:, SMOOTHING_WINDOWS:] - sums[:, :-SMOOTHING_WINDOWS], 1e-12)
    smooth_levels: np.ndarray = 10 * np.log10(totals / SMOOTHING_WINDOWS)
    return smooth_levels


def find_speech(speech: np.ndarray, level: np.ndarray) -> list[Span]:
    """The spans in which the probabilities mean speech that is loud enough; both of shape (windows,)."""
    certain = np.where(speech >= START_PROBABILITY, 1, np.where(speech < END_PROBABILITY, 0, -1))  # -1: as before
    latest = np.maximum.accumulate(np.where(certain >= 0, np.arange(len(certain)), 0))
    speaking = np.concatenate([[0], np.maximum(certain[latest], 0), [0]])
    edges = np.flatnonzero(np.diff(speaking)).tolist()
    spans: list[Span] = []
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if spans and start - spans[-1].end < MIN_GAP_WINDOWS:
            spans[-1] = Span(spans[-1].start, end)
        else:
            spans.append(Span(start, end))
    return [
        span
        for span in spans
        if span.end - span.start >= MIN_SPAN_WINDOWS and level[span.start : span.end].max() >= MIN_LEVEL_DB
    ]


# --- from spans of speech to turns ---


def count_speech_before(spans: Sequence[Span], windows: int) -> np.ndarray:
    """The number of windows with speech before each window; shape (windows + 1,)."""
    marks = np.zeros(windows + 1, np.int64)
    for start, end in spans:
        marks[start + 1 : end + 1] = 1
    return np.cumsum(marks)


def count_speech(group: Sequence[Span]) -> int:
    """The number of windows with speech in a group of spans."""
    return sum(end - start for start, end in group)


def group_by_pauses(spans: Sequence[Span], others_before: np.ndarray) -> Iterator[list[Span]]:
    """One speaker's spans, grouped where neither a long pause nor another speaker comes between them.

    `others_before` is what `count_speech_before` gives for the other speakers.
    """
    group: list[Span] = []
    for span in spans:
        if group:
            pause = span.start - group[-1].end
            interjection = others_before[span.start] - others_before[group[-1].end]
            if pause >= TURN_PAUSE_WINDOWS or interjection >= INTERJECTION_WINDOWS:
                yield group
                group = []
        group.append(span)
    if group:
        yield group


def split_to_fit(group: list[Span], level: np.ndarray) -> Iterator[list[Span]]:
    """The group, split until each part fits into a turn."""
    stack = [group]
    while stack:
        part = stack.pop()
        if part[-1].end - part[0].start <= MAX_UNPADDED_WINDOWS:
            yield part
        else:
            stack += reversed(split_group(part, level))


def split_group(group: list[Span], level: np.ndarray) -> tuple[list[Span], list[Span]]:
    """Two parts: split at the longest pause near the middle, else at the longest one, else where it is quietest."""
    start, end = group[0].start, group[-1].end
    early, late = start + (end - start) // 4, end - (end - start) // 4
    if len(group) == 1:  # speech without a pause
        quietest = early + int(np.argmin(level[early:late]))
        return [Span(start, quietest)], [Span(quietest, end)]
    pauses = [(after.start - before.end, index) for index, (before, after) in enumerate(pairwise(group), 1)]
    middle = [(pause, index) for pause, index in pauses if early <= group[index].start <= late]
    _, index = max(middle or pauses)
    return group[:index], group[index:]


def pad_turns(turns: Sequence[Span], level: np.ndarray) -> Iterator[Span]:
    """The turns with some padding, up to where it is quiet; the quietest moment between two turns separates them."""
    borders = [before.end + int(np.argmin(level[before.end : after.start + 1])) for before, after in pairwise(turns)]
    lower, upper = [0, *borders], [*borders, len(level)]
    for (start, end), first, last in zip(turns, lower, upper, strict=False):  # there may be no turn
        before = range(max(first, start - MIN_PADDING_WINDOWS), max(first, start - MAX_PADDING_WINDOWS) - 1, -1)
        after = range(min(last, end + MIN_PADDING_WINDOWS), min(last, end + MAX_PADDING_WINDOWS) + 1)
        yield Span(find_quiet(before, level), find_quiet(after, level))


def find_quiet(windows: Sequence[int], level: np.ndarray) -> int:
    """The first of the windows that is about as quiet as the quietest of them."""
    levels = np.take(level, windows, mode="clip")  # the end of the recording counts as its last window
    return windows[int(np.argmax(levels <= levels.min() + QUIET_TOLERANCE_DB))]


def to_seconds(windows: int) -> float:
    return round(windows * WINDOW_SAMPLES / SAMPLE_RATE, 3)
