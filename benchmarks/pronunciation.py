"""How well the clearness of words, the marks and the figures of sentences agree with experts.

Run with: python -m benchmarks.pronunciation --recordings FOLDER --scores FILE [--json] [--fit]

FOLDER has ID.wav for each line of FILE: id, half, accuracy, fluency, prosodic, total, WORD:accuracy:sounds …, with
tabs between them, as made from speechocean762; the first digits of an id, all but four, are the speaker's. The shipped
numbers are used; with --fit, the rules are fitted again, judged on speakers that they were not fitted to, and written.
Intervals are 95 %, over speakers. Needs the models of `waijiao up`.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.clearness.corpus import speaker_of
from benchmarks.clearness.fit import MeasuredTexts, RuleResults, fit, judge
from benchmarks.clearness.scores import (
    BAD,
    GOOD,
    SentenceScore,
    area_under_curve,
    correlation,
    interval,
    read_scores,
    share,
)
from pipeline.audio.decode import Waveform, decode
from pipeline.errors import BadRequest, NoSpeech, WaijiaoError
from pipeline.jobs.results import Transcript, Word
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings
from worker_asr.clearness.meter import ClearnessMeter, SpokenText
from worker_asr.clearness.rules import RULES_FILE, load_rules, save_rules
from worker_asr.engine import Recording
from worker_asr.faster_whisper import FasterWhisper

MAX_RECORDING_S = 300.0


@dataclass(frozen=True)
class Figure:
    """A name in the JSON, what the table calls it, and how it is computed from some rows of words or of texts."""

    name: str
    label: str
    compute: Callable[[np.ndarray], float]
    speakers: np.ndarray  # of each row


def measure(recordings: Path, scores: list[SentenceScore]) -> tuple[MeasuredTexts, list[float]]:
    """The recordings in which somebody speaks, and the CPU seconds that each took besides recognition."""
    settings = Settings(asr_threads=1)
    engine = FasterWhisper(locate(settings.asr_model, settings.models_folder), settings)
    meter = ClearnessMeter(engine.whisper)
    pairs: list[tuple[SpokenText, SentenceScore]] = []
    seconds = []
    for score in scores:
        file = recordings / f"{score.identifier}.wav"
        if not file.is_file():
            raise BadRequest(f"{file}: this recording is missing")
        with file.open("rb") as stream:
            waveform = decode(stream, MAX_RECORDING_S)
        words = recognise(engine, waveform)
        started_at = time.process_time()
        try:
            text = meter.measure(waveform, score.text, words)
            if len(text.words) != len(score.words):
                raise BadRequest(f"{len(score.words)} words have scores, its text has {len(text.words)}")
        except (NoSpeech, BadRequest) as error:
            print(f"{file} is left out: {error}", file=sys.stderr)
            continue
        seconds.append(time.process_time() - started_at)
        pairs.append((text, score))
    if not pairs:
        raise BadRequest(f"{recordings}: nobody is heard to speak in any recording")
    texts, text_scores = (list(each) for each in zip(*pairs, strict=True))
    return MeasuredTexts(texts, text_scores, np.array([speaker_of(each.identifier) for each in text_scores])), seconds


def recognise(engine: FasterWhisper, waveform: Waveform) -> tuple[Word, ...]:
    """The recognised words; none when nothing could be made out."""
    (result,) = engine.transcribe([Recording(waveform, "en")])
    if isinstance(result, NoSpeech):
        return ()
    if not isinstance(result, Transcript):
        raise result
    return result.words


def list_figures(data: MeasuredTexts, results: RuleResults) -> Iterator[Figure]:
    accuracy, words = data.accuracy, data.word_speakers
    is_bad, is_good = accuracy <= BAD, accuracy >= GOOD
    unclear, marks = results.unclear, results.marks
    total = np.array([each.total for each in data.scores])
    fluency = np.array([each.fluency for each in data.scores])
    yield Figure("word_pcc", "words: correlation", lambda at: correlation(-unclear[at], accuracy[at]), words)
    yield Figure("word_auc", "words: AUC of badly said", lambda at: area_under_curve(unclear[at], is_bad[at]), words)
    yield Figure("mark_precision", "marks: precision", lambda at: share(is_bad[at], marks[at]), words)
    yield Figure("mark_recall", "marks: recall", lambda at: share(marks[at], is_bad[at]), words)
    yield Figure("good_marked", "good words marked", lambda at: share(marks[at], is_good[at]), words)
    yield Figure("total_pcc", "sentence total: correlation", lambda at: correlation(results.total[at], total[at]),
                 data.speakers)  # fmt: skip
    yield Figure("fluency_pcc", "fluency: correlation", lambda at: correlation(results.fluency[at], fluency[at]),
                 data.speakers)  # fmt: skip


def main(arguments: argparse.Namespace) -> None:
    data, seconds = measure(arguments.recordings, read_scores(arguments.scores))
    if arguments.fit:
        rules, results = fit(data)
        save_rules(rules, arguments.write)
    else:
        results = judge(data, load_rules())
    figures = list(list_figures(data, results))
    values = {each.name: each.compute(np.arange(len(each.speakers))) for each in figures}
    if arguments.json:
        print(json.dumps({name: None if np.isnan(value) else round(value, 4) for name, value in values.items()}))
        return
    table = Table("figure", "value", "95 % interval", title="fitted without the speaker" if arguments.fit else None)
    for each in figures:
        low, high = interval(each.compute, each.speakers)
        table.add_row(each.label, f"{values[each.name]:.3f}", f"{low:.3f} to {high:.3f}")
    console = Console()
    console.print(table)
    bad, speakers = int((data.accuracy <= BAD).sum()), len(np.unique(data.speakers))
    console.print(f"{len(data.texts)} recordings of {speakers} speakers, {len(data.accuracy)} words, {bad} bad;")
    console.print(
        f"{np.mean(seconds):.3f} CPU s each besides recognition, {np.percentile(seconds, 95):.3f} at most in 95 %"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--scores", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of the table")
    parser.add_argument("--fit", action="store_true", help="fit the rules to these scores")
    parser.add_argument("--write", type=Path, default=RULES_FILE, metavar="FILE", help="where --fit writes the rules")
    try:
        main(parser.parse_args())
    except (WaijiaoError, OSError) as error:
        parser.exit(1, f"{error}\n")
