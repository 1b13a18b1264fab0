"""What Whisper gives as heard: how far it is believed, and how it is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.jobs.results import Segment, Word

REPETITIVE = 2.4  # compression ratio above which a text repeats itself (Radford et al., 2022, section 4.5)
UNLIKELY = -1.0  # mean log probability below which a text is tried again (the same)
FASTEST = 8  # tokens a second; quick speech has 4, loops have 9 to 13
REMNANT_S = 1.0  # seconds too short to hear a word in that was not heard with those before it
FRAMES = 100  # a second
BRIEFEST_S = 0.05  # seconds of the briefest word; a loop's words have no time left


def is_heard(segments: list[Any]) -> bool:
    """Whether something was heard, and no doubt is left."""
    return any(segment.words for segment in segments) and not any(is_doubtful(segment) for segment in segments)


def is_remnant(segment: Any, length_s: float, starts: Sequence[float]) -> bool:
    """Whether it was heard in what a window had left at the end of a clip, less than a second: words are made up there.

    `starts` are where listening began by itself, in seconds.
    """
    begun = segment.seek / FRAMES
    return length_s - begun < REMNANT_S and not any(abs(begun - start) < 1 / FRAMES for start in starts)


def is_doubtful(segment: Any) -> bool:
    return bool(segment.compression_ratio > REPETITIVE or segment.avg_logprob < UNLIKELY)


def spoken_words(segment: Any) -> list[Any]:
    """A segment's words without a loop in which Whisper was caught: those would be said faster than one can.

    A learner who says a sentence ten times is repetitive too, at the speed of speech.
    """
    if segment.compression_ratio <= REPETITIVE:
        return list(segment.words)
    if len(segment.tokens) > FASTEST * (segment.end - segment.start):
        return []
    return [word for word in segment.words if word.end - word.start >= BRIEFEST_S]


def text_of(words: list[Any]) -> str:
    return "".join(word.word for word in words)


@dataclass(frozen=True)
class Times:
    """Where what was recognised lies in the whole recording: `offset_s` after its start, all within `length_s`."""

    offset_s: float
    length_s: float

    def of(self, found: Any) -> tuple[float, float]:
        """Start and end, in seconds from the recording's start, of a word or a segment of Whisper's."""
        start, end = (round(min(float(time) + self.offset_s, self.length_s), 2) for time in (found.start, found.end))
        return start, max(start, end)


def word_at(word: Any, times: Times) -> Word:
    return Word(word.word.strip(), *times.of(word), round(float(word.probability), 3))


def segment_at(segment: Any, text: str, times: Times) -> Segment:
    measured = (segment.avg_logprob, segment.compression_ratio, segment.no_speech_prob)
    return Segment(*times.of(segment), text, *(round(float(each), 4) for each in measured))
