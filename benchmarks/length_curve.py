"""How long each model takes for recordings of different lengths, compared with waijiao/cli/plan_model.py.

Run with: python benchmarks/length_curve.py [--repeat 4] [SECONDS …]

Core-seconds are measured, not seconds, so that other programs disturb little. The recordings are learners' joined.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, cycle, islice, takewhile
from pathlib import Path
from typing import TypeVar

import numpy as np

from pipeline import personas
from pipeline.audio.decode import Waveform, decode
from pipeline.audio.encode import encode
from pipeline.errors import WaijiaoError
from pipeline.settings import Settings
from waijiao.cli.plan_model import COST_BY_STAGE
from worker_asr import engine as asr
from worker_asr.engine import Recording
from worker_llm import engine as llm
from worker_llm.tutor.feedback import build_feedback
from worker_llm.tutor.prompt import compose
from worker_tts import engine as tts
from worker_tts.engine import Utterance
from worker_tts.sentences import join_waveforms, split_sentences

RECORDINGS = sorted((Path(__file__).parent.parent / "examples" / "recordings").iterdir())
SECONDS = [5, 10, 13, 16, 20, 30, 60, 120]
USUAL_S = 10  # the length at which the formulas are fitted
T = TypeVar("T")


class Models:
    """The three models in this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.asr, self.llm, self.tts = asr.load(settings), llm.load(settings), tts.load(settings)
        self.persona = personas.load(settings.persona, settings.personas)

    def spent(self, sound: Waveform) -> dict[str, float]:
        """Core-seconds of each model for one answer."""
        heard, for_asr = spending(lambda: self.heard(sound))
        spoken, for_llm = spending(lambda: self.taught(heard))
        _, for_tts = spending(lambda: self.said(spoken))
        return {"asr": for_asr, "llm": for_llm, "tts": for_tts}

    def heard(self, sound: Waveform) -> str:
        (transcript,) = self.asr.transcribe([Recording(sound, "en")])
        return sure(transcript).text

    def taught(self, heard: str) -> str:
        prompt = compose(self.persona, [], heard, self.settings, self.llm.count_tokens)
        return build_feedback(heard, sure(self.llm.reply([prompt])[0]).text, self.persona).spoken

    def said(self, text: str) -> None:
        sounds = self.tts.speak([Utterance(each) for each in split_sentences(text)])
        encode(join_waveforms([sure(sound) for sound in sounds], self.settings.tts_pause_s), "wav")


def sure(result: T | WaijiaoError) -> T:
    if isinstance(result, WaijiaoError):
        raise result
    return result


def spending(call: Callable[[], T]) -> tuple[T, float]:
    begun = time.process_time()
    return call(), time.process_time() - begun


def joined(seconds: float, first: int) -> Waveform:
    """Learners one after another, from the recording number `first` on, cut off after so many seconds."""
    sounds = learners(first)
    lengths = accumulate(sound.duration_s for sound in learners(first))
    enough = 1 + sum(1 for _ in takewhile(lambda length: length < seconds, lengths))
    samples = np.concatenate([sound.samples for sound in islice(sounds, enough)])
    return Waveform(samples[: int(seconds * 16_000)], 16_000)


def learners(first: int) -> Iterator[Waveform]:
    for path in islice(cycle(RECORDINGS), first, None):
        yield decode(io.BytesIO(path.read_bytes()), 300)


def main(arguments: argparse.Namespace) -> None:
    models = Models(Settings())
    models.spent(joined(USUAL_S, 0))  # the first one allocates
    usual = mean(models, USUAL_S, arguments.repeat)
    print("seconds  " + "".join(f"{stage + ' core-s':>12}{'formula':>9}{'':6}" for stage in COST_BY_STAGE))
    for seconds in arguments.seconds:
        found = usual if seconds == USUAL_S else mean(models, seconds, arguments.repeat)
        row = []
        for stage, length in COST_BY_STAGE.items():
            formula = usual[stage] * length(seconds) / length(USUAL_S)
            row.append(f"{found[stage]:12.2f}{formula:9.2f} {formula / found[stage] - 1:+5.0%}")
        print(f"{seconds:7g}  {''.join(row)}", flush=True)


def mean(models: Models, seconds: float, repeat: int) -> dict[str, float]:
    runs = [models.spent(joined(seconds, 7 * number)) for number in range(repeat)]
    return {stage: statistics.mean(run[stage] for run in runs) for stage in COST_BY_STAGE}


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("seconds", type=float, nargs="*", default=SECONDS, help="lengths of the recordings")
    asked.add_argument("--repeat", type=int, default=4, help="recordings of each length")
    main(asked.parse_args())
