"""How fluently something was said: sounds and words a second, and the pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from worker_asr.vad import Interval

MIN_PAUSE_S = 0.15  # seconds without a voice; less belongs to sounds such as that of "t"
MIN_WORD_PAUSE_S = 0.1  # seconds between two words by the sounds' alignment, which misses none
MIN_SPEECH_S = 0.3  # seconds; what is shorter is counted as this long


@dataclass(frozen=True)
class Fluency:
    """Figures of one text that was said; seconds are those from the first sound to the last, pauses included."""

    sounds_per_s: float
    words_per_s: float
    pauses_per_word: float  # by voice activity
    longest_pause_s: float  # by voice activity; 0 without any
    gaps_per_word: float  # pauses between words by the sounds' alignment, breaths and other noise included


def measure_fluency(voice: Sequence[Interval], words: Sequence[Interval], sounds: int) -> Fluency:
    """The figures of `words`, at least one, with their start and end, that have so many `sounds`.

    `voice`: the intervals with a voice, of which there is at least one.
    """
    spoken_s = max(MIN_SPEECH_S, voice[-1][1] - voice[0][0])
    pauses = [later[0] - earlier[1] for earlier, later in pairwise(voice)]
    pauses = [pause for pause in pauses if pause >= MIN_PAUSE_S]
    gaps = sum(later[0] - earlier[1] >= MIN_WORD_PAUSE_S for earlier, later in pairwise(words))
    return Fluency(
        sounds / spoken_s,
        len(words) / spoken_s,
        len(pauses) / len(words),
        max(pauses, default=0.0),
        gaps / len(words),
    )
