"""What segmenting a lesson costs, in core-seconds and in word errors: learners' recordings joined with pauses.

Run with: python -m benchmarks.models.lesson_segmentation [--minutes 30] [--form m4a] [--words]
(--words also recognises the turns, and compares them with the recordings alone)
"""

import argparse
import io
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.audio.decode import Waveform
from pipeline.audio.encode import encode
from pipeline.settings import settings
from tests.support.recordings import FILE_FORMATS, RECORDINGS, TEXTS, encode_recording, load_recording
from tests.support.transcripts import word_error_rate
from worker_asr.engine import Recording, load
from worker_segment.audio_stream import SAMPLE_RATE, read_blocks
from worker_segment.segmenter import extract_waveforms
from worker_segment.speaker_turns import WINDOWS_PER_S, Span, find_speaker_turns, speech_by_speaker
from worker_segment.voice_activity import detect_voice_activity

MAX_LESSON_S = 14_400
PAUSES_S = (0.2, 3.0)  # shortest and longest pause between two recordings, besides the silence in them
T = TypeVar("T")


def read_recordings() -> list[np.ndarray]:
    """The samples of each example recording, at SAMPLE_RATE Hz."""
    return [load_recording(path).samples for path in RECORDINGS]


def join_with_pauses(recordings: Iterable[np.ndarray], min_s: float) -> np.ndarray:
    """The recordings one after the other, each after a pause, until there are `min_s` seconds; a second of silence."""
    random, parts, length = np.random.default_rng(1), [], 0
    for recording in recordings:
        parts += [np.zeros(int(random.uniform(*PAUSES_S) * SAMPLE_RATE), np.float32), recording]
        length += len(parts[-2]) + len(recording)
        if length > min_s * SAMPLE_RATE:
            break
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE, np.float32)])


def print_cost(minutes: float, form: str, out: Console) -> None:
    """Print the core-seconds of each step of segmentation, and how many borders lie within speech."""
    samples = join_with_pauses(cycle(read_recordings()), 60 * minutes)
    lesson_s = len(samples) / SAMPLE_RATE
    file = io.BytesIO(encode_recording(Waveform(samples, SAMPLE_RATE), *FILE_FORMATS[form]))
    decode_s, _ = time_cores(lambda: deque(decode_blocks(file), maxlen=0))
    detect_s, activity = time_cores(lambda: detect_voice_activity(decode_blocks(file)))
    divide_s, segments = time_cores(lambda: find_speaker_turns(activity))
    extract_s, turn_bytes = time_cores(
        lambda: [len(encode(waveform, "flac")) for _, waveform in extract_waveforms(decode_blocks(file), segments)]
    )
    steps = {
        "decode, twice": 2 * decode_s,
        "detect voice activity": detect_s - decode_s,
        "find turns": divide_s,
        "extract turns, write FLAC": extract_s - decode_s,
    }
    title = f"{lesson_s / 60:.0f} minutes as {form}, {len(file.getvalue()) / 1e6:.0f} MB: {len(segments)} turns"
    table = Table(title=title)
    for name in ("", "core-seconds", "times real time"):
        table.add_column(name, justify="right" if name else "left")
    for name, core_s in {**steps, "together": sum(steps.values())}.items():
        table.add_row(name, f"{core_s:.2f}", f"{lesson_s / max(core_s, 1e-3):,.0f}")
    out.print(table)
    speech = speech_by_speaker(activity)
    borders = [border for segment in segments for border in (segment.start, segment.end)]
    borders_in_speech = sum(is_in_speech(border, speech) for border in borders)
    longest_s = max(segment.end - segment.start for segment in segments)
    out.print(f"borders within speech: {borders_in_speech} of {len(borders)}; longest turn {longest_s:.1f} s")
    out.print(f"the turns' FLAC has {sum(turn_bytes) / 1e6:.1f} MB")


def decode_blocks(file: io.BytesIO) -> Iterator[np.ndarray]:
    """The whole file from its start."""
    file.seek(0)
    return read_blocks(file, MAX_LESSON_S)


def time_cores(call: Callable[[], T]) -> tuple[float, T]:
    """The core-seconds that the call took, and its result."""
    started_at = time.process_time()
    result = call()
    return time.process_time() - started_at, result


def is_in_speech(border_s: float, speech: dict[str, list[Span]]) -> bool:
    window = round(border_s * WINDOWS_PER_S)
    return any(start < window < end for spans in speech.values() for start, end in spans)


def print_word_errors(out: Console) -> None:
    """Print the word error rate of the recordings alone, and of the turns of a lesson that has each of them once."""
    recogniser, reference = load(settings()), " ".join(TEXTS.values())
    samples = join_with_pauses(read_recordings(), MAX_LESSON_S)
    file = io.BytesIO(encode_recording(Waveform(samples, SAMPLE_RATE), *FILE_FORMATS["wav no change"]))
    segments = find_speaker_turns(detect_voice_activity(decode_blocks(file)))
    turns = [waveform for _, waveform in extract_waveforms(decode_blocks(file), segments)]
    recordings = [Waveform(samples, SAMPLE_RATE) for samples in read_recordings()]
    for name, waveforms in (("alone", recordings), ("in the lesson", turns)):
        transcripts = recogniser.transcribe([Recording(waveform, "en") for waveform in waveforms])
        rate = word_error_rate([(reference, " ".join(getattr(each, "text", "") for each in transcripts))])
        out.print(f"word error rate {name}: {100 * rate:.1f} % ({len(waveforms)} recordings)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="length of the lesson")
    parser.add_argument("--form", choices=FILE_FORMATS, default="m4a", help="file format of the lesson")
    parser.add_argument("--words", action="store_true", help="also measure word errors")
    arguments, console = parser.parse_args(), Console()
    print_cost(arguments.minutes, arguments.form, console)
    if arguments.words:
        print_word_errors(console)
