"""From stretches of speech to turns: cut in silences, one speaker's each, short enough to be recognised at once."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from pipeline.jobs.results import Cut
from worker_cut.activity import Activity
from worker_cut.reading import RATE, WINDOW
from worker_cut.stretches import PER_S, Stretch, around, by_speaker

LONGEST = int(30 * PER_S)  # windows: 30 s, which Whisper hears at once
PAUSE = int(1.2 * PER_S)  # windows of silence that end a turn; learners pause to think, for up to a second
INTERJECTION = int(0.5 * PER_S)  # windows that another says in a pause, which end the turn too; an "mm-hm" is shorter
LEAST, MOST = int(0.2 * PER_S), int(1.0 * PER_S)  # windows kept before and after, up to where it is quiet: Silero VAD
# hears some words late, such as a learner's first one, "in" or "it's", at a probability of 0.2
AS_QUIET_DB = 3.0  # above the quietest that still count as quiet, so that no more is kept than need be
FITS = LONGEST - 2 * MOST  # windows from the first to the last sound of a turn
SHORTEST = int(0.3 * PER_S)  # windows with speech that make a turn; less is a cough or a click


def cut_into_turns(activity: Activity) -> tuple[Cut, ...]:
    """The turns by their start, each of 30 s at most; none where nobody speaks."""
    speaking = by_speaker(activity)
    loudness = around(activity.level)
    windows = loudness.shape[1]
    found: list[tuple[Stretch, str]] = []
    for channel, (speaker, own) in enumerate(speaking.items()):
        level = loudness[channel] if speaker else loudness.max(axis=0)
        talk = talked([each for other, theirs in speaking.items() if other != speaker for each in theirs], windows)
        groups = [part for group in grouped(own, talk) for part in fitting(group, level)]
        kept = [Stretch(group[0].start, group[-1].end) for group in groups if spoken(group) >= SHORTEST]
        found += [(turn, speaker) for turn in padded(kept, level)]
    return tuple(
        Cut(number, seconds(turn.start), min(seconds(turn.end), int(activity.duration_s * 1000) / 1000), speaker)
        for number, (turn, speaker) in enumerate(sorted(found), 1)
    )


def talked(stretches: Sequence[Stretch], windows: int) -> np.ndarray:
    """In how many windows before each of them somebody spoke; shape (windows + 1,)."""
    marks = np.zeros(windows + 1, np.int64)
    for start, end in stretches:
        marks[start + 1 : end + 1] = 1
    return np.cumsum(marks)


def grouped(own: Sequence[Stretch], others: np.ndarray) -> Iterator[list[Stretch]]:
    """The stretches of one speaker, those together that no long pause parts; `others` is what `talked` counts."""
    group: list[Stretch] = []
    for stretch in own:
        if group:
            pause, said = stretch.start - group[-1].end, others[stretch.start] - others[group[-1].end]
            if pause >= PAUSE or said >= INTERJECTION:
                yield group
                group = []
        group.append(stretch)
    if group:
        yield group


def fitting(group: list[Stretch], level: np.ndarray) -> Iterator[list[Stretch]]:
    """The group, parted until each part fits into a turn."""
    ahead = [group]
    while ahead:
        part = ahead.pop()
        if part[-1].end - part[0].start <= FITS:
            yield part
        else:
            ahead += reversed(parted(part, level))


def parted(group: list[Stretch], level: np.ndarray) -> tuple[list[Stretch], list[Stretch]]:
    """Two parts: cut in the longest pause about its middle, else in its longest one, else where it is quietest."""
    start, end = group[0].start, group[-1].end
    early, late = start + (end - start) // 4, end - (end - start) // 4
    if len(group) == 1:  # somebody speaks on and on
        quietest = early + int(np.argmin(level[early:late]))
        return [Stretch(start, quietest)], [Stretch(quietest, end)]
    pauses = [(after.start - before.end, number) for number, (before, after) in enumerate(pairwise(group), 1)]
    about = [pause for pause in pauses if early <= group[pause[1]].start <= late]
    _, number = max(about or pauses)
    return group[:number], group[number:]


def spoken(group: Sequence[Stretch]) -> int:
    """Windows with speech in them."""
    return sum(end - start for start, end in group)


def padded(turns: Sequence[Stretch], level: np.ndarray) -> Iterator[Stretch]:
    """The turns with what is about them, cut where it is quiet. Between two of them the quietest moment parts them."""
    parts = [before.end + int(np.argmin(level[before.end : after.start + 1])) for before, after in pairwise(turns)]
    before, after = [0, *parts], [*parts, len(level)]
    for (start, end), first, last in zip(turns, before, after, strict=False):  # there may be no turn
        early = range(max(first, start - LEAST), max(first, start - MOST) - 1, -1)
        late = range(min(last, end + LEAST), min(last, end + MOST) + 1)
        yield Stretch(quiet(early, level), quiet(late, level))


def quiet(places: Sequence[int], level: np.ndarray) -> int:
    """The first of the places that is about as quiet as it gets there."""
    found = np.take(level, places, mode="clip")  # the end of the recording is as its last window
    return places[int(np.argmax(found <= found.min() + AS_QUIET_DB))]


def seconds(windows: int) -> float:
    return round(windows * WINDOW / RATE, 3)
