"""How often a hint changes what is recognised, and makes up its own words: before target words were left out, and now.

Run with: LEARNERS=folder python -m benchmarks.models.hints [EVERY]

LEARNERS is a folder of recordings of real learners, as for `make test-learners`. Each is recognised whole, and so are
its first half second and second of speech. Nobody says a word of the hint. "Before" is a hint of the target words and
the names, with nothing checked; "now" is a hint of the names alone, and what is almost only the hint's words is
recognised again.
"""

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import raise_error
from pipeline.audio.decode import Waveform, decode
from pipeline.errors import NoSpeech, WaijiaoError
from pipeline.jobs.results import Transcript
from pipeline.settings import Settings
from pipeline.text.statistics import find_clear_texts, find_used_words, normalize_words
from worker_asr.engine import Recording
from worker_asr.transcriber import Transcriber
from worker_asr.vad import detect_voice

TARGET_WORDS = ("umbrella", "breakfast", "volcano", "Bowen Li", "Ruoxi")
NAMES = "Bowen Li, Ruoxi, Xinyi Wang, Mr Kowalczyk, Zyxelia"
LENGTHS_S = (0.5, 1.0, None)  # of the beginning that is recognised; None: the whole
MAX_RECORDING_S = 300


@dataclass
class Counts:
    """Of so many recordings: in how many the words were others than without a hint, and the hint's words were added."""

    recordings: int = 0
    changed: int = 0
    invented: int = 0
    credited: int = 0  # target words that count as used

    def add(self, result: Transcript | WaijiaoError, plain: Transcript | WaijiaoError, hint: str) -> None:
        words, plain_words = (normalize_words(each.text) for each in map(to_transcript, (result, plain)))
        self.recordings += 1
        self.changed += words != plain_words
        self.invented += bool(({*words} - {*plain_words}) & {*normalize_words(hint)})
        self.credited += len(find_used_words(TARGET_WORDS, find_clear_texts(to_transcript(result), "")))


def to_transcript(result: Transcript | WaijiaoError) -> Transcript:
    return Transcript("", "en", 0.0) if isinstance(result, NoSpeech) else raise_error(result)


def read_recordings(folder: Path, every: int) -> Iterator[Waveform]:
    for fact in json.loads((folder / "learners.json").read_text(encoding="utf-8"))[::every]:
        with (folder / f"{fact['id']}.wav").open("rb") as file:
            yield decode(file, MAX_RECORDING_S)


def crop_start(waveform: Waveform, seconds: float | None) -> Waveform:
    if seconds is None:
        return waveform
    start = detect_voice(waveform)[0][0]
    return Waveform(
        waveform.samples[int(start * waveform.rate) : int((start + seconds) * waveform.rate)], waveform.rate
    )


def main(arguments: argparse.Namespace) -> None:
    transcriber = Transcriber(Settings())
    before_hint = ", ".join((*TARGET_WORDS, NAMES))
    counts = {(length, when): Counts() for length in LENGTHS_S for when in ("before", "now")}
    for waveform in read_recordings(Path(os.environ["LEARNERS"]), arguments.every):
        for length in LENGTHS_S:
            recording = Recording(crop_start(waveform, length), "en")
            plain, before = transcriber.recogniser.transcribe([recording, replace(recording, hint=before_hint)])
            (now,) = transcriber.recognise([replace(recording, hint=NAMES)])
            counts[length, "before"].add(before, plain, before_hint)
            counts[length, "now"].add(now, plain, NAMES)
    table = Table("seconds", "", "recordings", "other words", "words of the hint", "target words credited")
    for (length, when), each in counts.items():
        figures = (each.recordings, each.changed, each.invented, each.credited)
        table.add_row(str(length or "whole"), when, *map(str, figures))
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("every", type=int, nargs="?", default=1, help="take one of so many recordings")
    main(parser.parse_args())
