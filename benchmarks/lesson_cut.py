"""What segmenting a lesson costs, also in words: a lesson made of the learners' recordings with known pauses.

Run with: python benchmarks/lesson_cut.py [--minutes 30] [--form m4a] [--words]     (--words recognises as well)
"""

import argparse
import io
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.audio.decode import Waveform
from pipeline.audio.encode import encode
from pipeline.jobs.results import LessonSegment
from pipeline.settings import settings
from worker_asr.engine import Recording, load
from worker_segment.audio_stream import SAMPLE_RATE, read_blocks
from worker_segment.segmenter import extract_waveforms
from worker_segment.speaker_turns import WINDOWS_PER_S, find_speaker_turns, speech_by_speaker
from worker_segment.voice_activity import detect_voice_activity

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # for tests.support
from tests.support.recordings import FORMS, RECORDINGS, TEXTS, sound_of, write  # noqa: E402
from tests.support.transcripts import word_error_rate  # noqa: E402

LONGEST_S = 14_400
T = TypeVar("T")
PAUSES_S = (0.2, 3.0)  # seconds between two recordings, besides the silence in them


def spoken() -> list[np.ndarray]:
    return [sound_of(path).samples for path in RECORDINGS]


def lesson(each: Iterable[np.ndarray], most_s: float) -> np.ndarray:
    """The recordings one after the other, each after a pause, until `most_s` seconds are full."""
    pauses, parts, length = np.random.default_rng(1), [], 0
    for recording in each:
        parts += [np.zeros(int(pauses.uniform(*PAUSES_S) * SAMPLE_RATE), np.float32), recording]
        length += len(parts[-2]) + len(recording)
        if length > most_s * SAMPLE_RATE:
            break
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE, np.float32)])


def cost(minutes: float, form: str, out: Console) -> None:
    """Prints the processor's seconds for each step of segmentation, and whether a border falls into speech."""
    samples = lesson(cycle(spoken()), 60 * minutes)
    lasts, file = len(samples) / SAMPLE_RATE, io.BytesIO(write(Waveform(samples, SAMPLE_RATE), *FORMS[form]))
    reading, _ = timed(lambda: deque(again(file), maxlen=0))
    heard, activity = timed(lambda: detect_voice_activity(again(file)))
    choosing, segments = timed(lambda: find_speaker_turns(activity))
    written, sizes = timed(
        lambda: [len(encode(sound, "flac")) for _, sound in extract_waveforms(again(file), segments)]
    )

    table = Table(
        title=f"{lasts / 60:.0f} minutes as {form}, {len(file.getvalue()) / 1e6:.0f} MB: {len(segments)} turns"
    )
    for name in ("", "core-seconds", "times real time"):
        table.add_column(name, justify="right" if name else "left")
    steps = {
        "decode, twice": 2 * reading,
        "hear voices": heard - reading,
        "find turns": choosing,
        "extract turns, write FLAC": written - reading,
    }
    for name, seconds in {**steps, "together": sum(steps.values())}.items():
        table.add_row(name, f"{seconds:.2f}", f"{lasts / max(seconds, 1e-3):,.0f}")
    out.print(table)
    within = [
        time
        for segment in segments
        for time in (segment.start, segment.end)
        if inside(time, speech_by_speaker(activity))
    ]
    out.print(f"borders within speech: {len(within)} of {2 * len(segments)}; longest turn {longest(segments):.1f} s")
    out.print(f"the turns' FLAC has {sum(sizes) / 1e6:.1f} MB")


def again(file: io.BytesIO) -> Iterator[np.ndarray]:
    file.seek(0)
    return read_blocks(file, LONGEST_S)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """The processor's seconds that it took, and what came of it."""
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found


def longest(segments: Iterable[LessonSegment]) -> float:
    return max(segment.end - segment.start for segment in segments)


def inside(place_s: float, speaking: dict[str, list[tuple[int, int]]]) -> bool:
    place = round(place_s * WINDOWS_PER_S)
    return any(start < place < end for own in speaking.values() for start, end in own)


def words(out: Console) -> None:
    """Prints the word error rate of the recordings alone, and of the turns of a lesson in which each is once."""
    recogniser, said = load(settings()), " ".join(TEXTS.values())
    samples = lesson(spoken(), LONGEST_S)
    file = io.BytesIO(write(Waveform(samples, SAMPLE_RATE), *FORMS["wav no change"]))
    segments = find_speaker_turns(detect_voice_activity(again(file)))
    turns = [sound for _, sound in extract_waveforms(again(file), segments)]
    for name, each in (("alone", [Waveform(each, SAMPLE_RATE) for each in spoken()]), ("in the lesson", turns)):
        heard = recogniser.transcribe([Recording(sound, "en") for sound in each])
        text = " ".join(getattr(found, "text", "") for found in heard)
        out.print(f"word error rate {name}: {100 * word_error_rate([(said, text)]):.1f} % ({len(each)} recordings)")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--form", choices=FORMS, default="m4a")
    asked.add_argument("--words", action="store_true")
    chosen, console = asked.parse_args(), Console()
    cost(chosen.minutes, chosen.form, console)
    if chosen.words:
        words(console)
