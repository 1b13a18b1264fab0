"""Where a long recording may be cut, so that its pieces can be recognised each by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from faster_whisper.vad import VadOptions, get_speech_timestamps

from worker_asr.speech import OPTIONS, RATE

WINDOW_S = 30.0  # seconds that Whisper hears at once
SILENCE_S = 10.0  # seconds of silence that are not recognised at all: words would be invented for them
CUTS = VadOptions(
    threshold=OPTIONS.threshold,
    min_speech_duration_ms=OPTIONS.min_speech_duration_ms,
    max_speech_duration_s=WINDOW_S,
    min_silence_duration_ms=160,  # as between two sentences
    speech_pad_ms=200,
)
UNHEARD_S = 1.0  # seconds at the end of a window, after its last word, in which there may be more
Stretch = tuple[float, float]  # seconds from the start


def windows(samples: Any) -> list[Stretch]:
    """Stretches of at most 30 s, cut in silences, with all speech in them; `samples` are float32 at RATE Hz."""
    speech = get_speech_timestamps(samples, CUTS)
    return packed([(each["start"] / RATE, each["end"] / RATE) for each in speech])


def packed(speech: Iterable[Stretch]) -> list[Stretch]:
    """As many that follow each other as fit into one window, silence between them included."""
    found: list[Stretch] = []
    for start, end in speech:
        if found and end - found[-1][0] <= WINDOW_S:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def spoken_parts(speech: Iterable[Stretch]) -> list[Stretch]:
    """The stretches of speech together with the silences between them, but for the long ones."""
    found: list[Stretch] = []
    for start, end in speech:
        if found and start - found[-1][1] < SILENCE_S:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def by_window(segments: Iterable[Any]) -> Iterator[list[Any]]:
    """Whisper's segments, window for window: each window has at least one, be it without a word."""
    for _, found in groupby(segments, key=lambda segment: segment.seek):
        yield list(found)


def rest_of(window: Stretch, segments: Iterable[Any]) -> list[Stretch]:
    """What comes after the last word that was heard in a window, if that is more than a pause.

    Whisper leaves out a sentence that it cannot end within a window, and sometimes the last one.
    """
    start, end = window
    last = max(word.end for segment in segments for word in segment.words)
    return [(last, end)] if last - start > UNHEARD_S and end - last > UNHEARD_S else []


def later(segment: Any, seconds: float) -> Any:
    """A segment of Whisper's, and its words, moved."""
    words = [replace(word, start=word.start + seconds, end=word.end + seconds) for word in segment.words]
    return replace(segment, start=segment.start + seconds, end=segment.end + seconds, words=words)
