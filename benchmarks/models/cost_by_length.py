"""How long each model takes for recordings of different lengths, compared with waijiao/cli/planning/plan_model.py.

Run with: python -m benchmarks.models.cost_by_length [--repeat 4] [SECONDS …]

Core-seconds are measured, not seconds, so that other programs disturb little. The recordings are learners' joined.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, cycle, islice, takewhile
from typing import TypeVar

import numpy as np

from benchmarks.harness import EXAMPLE_RECORDINGS, DirectModels
from pipeline.audio.decode import Waveform, decode
from pipeline.settings import Settings
from waijiao.cli.planning.plan_model import COST_BY_STAGE

RECORDINGS = sorted(EXAMPLE_RECORDINGS.iterdir())
MAX_EXAMPLE_S = 300
SAMPLE_RATE = 16_000  # Hz, of decoded recordings
DEFAULT_LENGTHS_S = [5, 10, 13, 16, 20, 30, 60, 120]
REFERENCE_S = 10  # the length at which the formulas are fitted
T = TypeVar("T")


def measure_core_s(models: DirectModels, waveform: Waveform) -> dict[str, float]:
    """Core-seconds of each model for one answer."""
    transcript, asr_s = time_cores(lambda: models.transcribe(waveform))
    answer, llm_s = time_cores(lambda: models.respond(transcript))
    _, tts_s = time_cores(lambda: models.synthesize(answer))
    return {"asr": asr_s, "llm": llm_s, "tts": tts_s}


def time_cores(call: Callable[[], T]) -> tuple[T, float]:
    """The result of the call, and the core-seconds that it took."""
    started_at = time.process_time()
    return call(), time.process_time() - started_at


def join_recordings(seconds: float, first: int) -> Waveform:
    """The learners one after another, from recording number `first` on, cut off after so many seconds."""
    lengths = accumulate(waveform.duration_s for waveform in read_recordings(first))
    count = 1 + sum(1 for _ in takewhile(lambda length: length < seconds, lengths))
    samples = np.concatenate([waveform.samples for waveform in islice(read_recordings(first), count)])
    return Waveform(samples[: int(seconds * SAMPLE_RATE)], SAMPLE_RATE)


def read_recordings(first: int) -> Iterator[Waveform]:
    """All recordings from number `first` on, again and again."""
    for path in islice(cycle(RECORDINGS), first, None):
        yield decode(io.BytesIO(path.read_bytes()), MAX_EXAMPLE_S)


def measure_mean_core_s(models: DirectModels, seconds: float, repeat: int) -> dict[str, float]:
    runs = [measure_core_s(models, join_recordings(seconds, 7 * number)) for number in range(repeat)]
    return {stage: statistics.mean(run[stage] for run in runs) for stage in COST_BY_STAGE}


def main(arguments: argparse.Namespace) -> None:
    models = DirectModels(Settings())
    measure_core_s(models, join_recordings(REFERENCE_S, 0))  # the first one allocates memory
    reference = measure_mean_core_s(models, REFERENCE_S, arguments.repeat)
    print("seconds  " + "".join(f"{stage + ' core-s':>12}{'formula':>9}{'':6}" for stage in COST_BY_STAGE))
    for seconds in arguments.seconds:
        core_s = reference if seconds == REFERENCE_S else measure_mean_core_s(models, seconds, arguments.repeat)
        cells = []
        for stage, cost in COST_BY_STAGE.items():
            formula = reference[stage] * cost(seconds) / cost(REFERENCE_S)
            cells.append(f"{core_s[stage]:12.2f}{formula:9.2f} {formula / core_s[stage] - 1:+5.0%}")
        print(f"{seconds:7g}  {''.join(cells)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=float, nargs="*", default=DEFAULT_LENGTHS_S, help="lengths of the recordings")
    parser.add_argument("--repeat", type=int, default=4, help="recordings of each length")
    main(parser.parse_args())
