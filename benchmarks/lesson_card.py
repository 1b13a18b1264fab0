"""What a lesson card adds to an answer: core-seconds of the worker that speaks, with and without one.

Run with: python benchmarks/lesson_card.py [--repeat 3]

A server of its own answers the example recordings; then each answer is spoken again in this process, by turns without
a card and with one. Core-seconds are measured, not seconds, so that other programs disturb little.
"""

import argparse
import dataclasses
import statistics
import time

from harness import EXAMPLE_RECORDINGS, run_server, temporary_settings

from pipeline.jobs.job import Job
from pipeline.jobs.results import Answer
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from waijiao.client import Client
from worker_tts.speaker import SpeechSynthesizer


def measure(synthesizer: SpeechSynthesizer, job: Job) -> tuple[float, Answer]:
    """Core-seconds of speaking the answer of a job, and what came of it."""
    started_at = time.process_time()
    (answer,) = synthesizer.speak([job], lambda _: True)
    core_s = time.process_time() - started_at
    if not isinstance(answer, Answer):
        raise answer
    return core_s, answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    rows: dict[str, list[tuple[float, float, Answer]]] = {}
    with temporary_settings(keep_recordings=True) as settings, run_server(settings):
        jobs = Jobs(connect(settings), settings)
        with Client(settings.url) as client:
            ids = [client.ask(path).job.id for path in sorted(EXAMPLE_RECORDINGS.iterdir())]
        synthesizer = SpeechSynthesizer(settings)
        for job in [jobs.get("default", id_) for id_ in ids]:
            without, with_card = (
                dataclasses.replace(job, answer=None, request=dataclasses.replace(job.request, card=card))
                for card in (False, True)
            )
            for _ in range(repeat):
                before, _ = measure(synthesizer, without)
                after, answer = measure(synthesizer, with_card)
                kind = job.feedback.verdict if answer.card and job.feedback else f"no card: {answer.no_card}"
                rows.setdefault(kind, []).append((before, after, answer))
    print(f"{'answers':<28}{'n':>4}{'answer s':>10}{'card s':>8}{'without':>9}{'with':>7}  core-seconds, medians")
    for kind, values in sorted(rows.items()):
        without_s, with_s = (statistics.median(value[index] for value in values) for index in (0, 1))
        answers = [answer for _, _, answer in values]
        length_s = statistics.median(answer.duration_s for answer in answers)
        card_s = statistics.median(answer.card.duration_s if answer.card else 0 for answer in answers)
        count = len(values) // repeat
        print(f"{kind:<28}{count:>4}{length_s:>10.1f}{card_s:>8.1f}{without_s:>9.2f}{with_s:>7.2f}")


if __name__ == "__main__":
    main()
