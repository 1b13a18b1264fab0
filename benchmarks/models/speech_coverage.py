"""How much of what is said gets words: repeated sentences, long recordings, digits; before and after a change.

Run with: python -m benchmarks.models.speech_coverage LEARNERS [--before CHECKOUT] [--samples 12] [--kinds long …]

LEARNERS is a folder of recordings as `make test-learners` takes it. CHECKOUT is a folder with another version of the
project (`git worktree add CHECKOUT COMMIT`), which recognises each recording in turn with this one. Each version has
a process of its own; its threads are those of the settings, WAIJIAO_ASR_THREADS.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps
from hibari import Hibari
from rich.console import Console
from rich.table import Table

from pipeline.audio.decode import Waveform, decode, resample
from tests.support.recordings import make_wav
from tests.support.transcripts import word_errors, words

PROJECT = Path(__file__).resolve().parents[2]
SAMPLE_RATE = 16_000  # Hz
KINDS = ("ordinary", "repeated", "long", "digits")
REPETITIONS = (2, 3, 4)
PAUSES_S = {"repeated": (0.2, 1.2), "long": (0.2, 3.0)}  # seconds between two sentences
LONG_S = (35, 75)  # seconds of a long recording
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
DIGIT_COUNTS = (4, 6, 8, 11)  # of a dictated number
VAD_OPTIONS = VadOptions(threshold=0.5, min_speech_duration_ms=100, min_silence_duration_ms=100, speech_pad_ms=0)
WORD_MARGIN_S = 0.3  # seconds beside a word that count as spoken with it: the times of words are rough
MAX_WORD_S = 1.0  # seconds of a word; what is longer covers others that were left out
TIME_ALLOWANCE_S = 3.0  # seconds that recognition may take besides the recording's own length


@dataclass(frozen=True)
class Sample:
    """A recording to recognise, and what is said in it; `kind` is one of KINDS."""

    kind: str
    text: str
    waveform: Waveform


@dataclass(frozen=True)
class Measurement:
    """What one version made of a sample: `uncovered_s` of the `speech_s` have no words."""

    sample: Sample
    text: str
    speech_s: float
    uncovered_s: float
    core_s: float

    @property
    def time_ratio(self) -> float:
        """Core-seconds over the time allowed: what one core without other load would take."""
        return self.core_s / (TIME_ALLOWANCE_S + self.sample.waveform.duration_s)


def main(arguments: argparse.Namespace) -> None:
    samples = [each for each in build_samples(arguments.learners, arguments.samples) if each.kind in arguments.kinds]
    checkouts = {"before": arguments.before, "after": PROJECT} if arguments.before else {"after": PROJECT}
    measurements: dict[str, list[Measurement]] = {name: [] for name in checkouts}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        versions = {name: stack.enter_context(start_version(path)) for name, path in checkouts.items()}
        for number, sample in enumerate(samples):
            path = folder / f"{number}.wav"
            path.write_bytes(make_wav(sample.waveform.samples))
            for name in sorted(versions, reverse=bool(number % 2)):  # neither is always the first
                measurements[name].append(measure(sample, versions[name], path))
    print_table(measurements)
    if arguments.texts:
        print_texts(measurements)


# --- recordings ----------------------------------------------------------------------------------------------------


def build_samples(folder: Path, count: int) -> Iterator[Sample]:
    """The learners' sentences alone, `count` recordings that repeat one, `count` long ones, and `count` with digits."""
    facts = json.loads((folder / "learners.json").read_text(encoding="utf-8"))
    learners = [(fact["text"], decode(io.BytesIO((folder / f"{fact['id']}.wav").read_bytes()), 300)) for fact in facts]
    random = np.random.default_rng(7)
    for text, waveform in learners:
        yield Sample("ordinary", text, waveform)
    for number in range(count):
        text, waveform = learners[number * 7 % len(learners)]
        times = REPETITIONS[number % len(REPETITIONS)]
        yield join("repeated", [(text, waveform)] * times, random)
    for _ in range(count):
        sentences: list[tuple[str, Waveform]] = []
        length_s = random.uniform(*LONG_S)
        while sum(waveform.duration_s for _, waveform in sentences) < length_s:
            sentences.append(learners[random.integers(len(learners))])
        yield join("long", sentences, random)
    voice = Hibari()
    for number in range(count):
        text = " ".join(random.choice(DIGITS, DIGIT_COUNTS[number % len(DIGIT_COUNTS)]))
        speech = Waveform(voice(f"{text}.", seed=number), voice.sample_rate)
        yield Sample("digits", text, resample(speech, SAMPLE_RATE))


def join(kind: str, sentences: Sequence[tuple[str, Waveform]], random: np.random.Generator) -> Sample:
    """Sentences one after the other, each after a pause."""
    parts = []
    for _, waveform in sentences:
        parts += [np.zeros(int(random.uniform(*PAUSES_S[kind]) * SAMPLE_RATE), np.float32), waveform.samples]
    return Sample(kind, " ".join(text for text, _ in sentences), Waveform(np.concatenate(parts), SAMPLE_RATE))


# --- recognition ---------------------------------------------------------------------------------------------------

RECOGNISE = """
import json, sys, time
from pipeline.audio.decode import decode
from pipeline.settings import Settings
from worker_asr.engine import Recording, load

recogniser = load(Settings())
for path in sys.stdin:
    with open(path.strip(), "rb") as file:
        recording = Recording(decode(file, 3600), "en")
    started_at = time.process_time()
    (transcript,) = recogniser.transcribe([recording])
    core_s = time.process_time() - started_at
    words = [[word.start, word.end] for word in getattr(transcript, "words", ())]
    fields = {"text": getattr(transcript, "text", ""), "words": words, "core_s": core_s}
    print(json.dumps(fields), flush=True)
"""  # run by each version's process: a path on each line of stdin, JSON on each line of stdout


@contextmanager
def start_version(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that recognises the recordings whose paths it reads, with the code of `checkout`."""
    command = [sys.executable, "-c", RECOGNISE]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    with subprocess.Popen(
        command, cwd=checkout, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process


def measure(sample: Sample, version: subprocess.Popen[str], path: Path) -> Measurement:
    print(path, file=version.stdin, flush=True)
    result: dict[str, Any] = json.loads(next(iter(version.stdout or ())))
    speech = find_speech_s(sample.waveform.samples)
    return Measurement(
        sample,
        result["text"],
        len(speech) / 100,
        len(speech - covered_s(result["words"])) / 100,
        result["core_s"],
    )


def find_speech_s(samples: np.ndarray) -> set[int]:
    """The hundredths of a second in which the voice detector hears speech."""
    intervals = get_speech_timestamps(samples, VAD_OPTIONS)
    return {tick for each in intervals for tick in range(each["start"] // 160, each["end"] // 160)}


def covered_s(word_times: Sequence[tuple[float, float]]) -> set[int]:
    """The hundredths of a second that belong to a word."""
    return {
        tick
        for start, end in word_times
        for tick in range(
            round(100 * (start - WORD_MARGIN_S)), round(100 * (min(end, start + MAX_WORD_S) + WORD_MARGIN_S))
        )
    }


# --- printing ------------------------------------------------------------------------------------------------------


def print_table(measurements: dict[str, list[Measurement]]) -> None:
    table = Table("recordings", "", "speech, s", "without words", "word errors", "core-s", "of 3 s + length, at most")
    for kind in KINDS:
        for name, all_measurements in measurements.items():
            if group := [each for each in all_measurements if each.sample.kind == kind]:
                table.add_row(f"{len(group)} {kind}", name, *format_cells(group))
    Console().print(table)


def format_cells(measurements: Sequence[Measurement]) -> list[str]:
    speech_s, uncovered_s = (sum(getattr(each, name) for each in measurements) for name in ("speech_s", "uncovered_s"))
    errors = sum(word_errors(each.sample.text, each.text) for each in measurements)
    word_count = sum(len(words(each.sample.text)) for each in measurements)
    return [
        f"{speech_s:.0f}",
        f"{uncovered_s:.1f} s, {uncovered_s / speech_s:.1%}",
        f"{errors / word_count:.1%}",
        f"{sum(each.core_s for each in measurements):.1f}",
        f"{max(each.time_ratio for each in measurements):.2f}",
    ]


def print_texts(measurements: dict[str, list[Measurement]]) -> None:
    for versions in zip(*measurements.values(), strict=True):
        sample = versions[0].sample
        print(f"\n{sample.kind}, {sample.waveform.duration_s:.1f} s: {sample.text.lower()}")
        for name, each in zip(measurements, versions, strict=True):
            print(f"  {name}, {each.uncovered_s:.1f} of {each.speech_s:.1f} s, {each.core_s:.1f} core-s: {each.text}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("learners", type=Path, metavar="LEARNERS", help="folder of recordings with learners.json")
    parser.add_argument("--before", type=Path, metavar="CHECKOUT", help="another version to compare with")
    parser.add_argument("--samples", type=int, default=12, help="recordings that repeat, long ones, and with digits")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="only these recordings")
    parser.add_argument("--texts", action="store_true", help="also print what was recognised")
    main(parser.parse_args())
