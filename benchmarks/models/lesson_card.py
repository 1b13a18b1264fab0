"""What a lesson card adds to an answer: core-seconds of the worker that speaks, with and without one.

Run with: python -m benchmarks.models.lesson_card [--repeat 3]

The answers to the example recordings, as tests/data/answers.json has them, are spoken here, by turns without a card and
with one. Core-seconds are measured, not seconds, so that other programs disturb little.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from pipeline.blob_store import FolderBlobs
from pipeline.jobs.job import Job, JobRequest
from pipeline.jobs.records import read_json
from pipeline.jobs.results import Answer, Feedback, LessonCard, Transcript
from pipeline.settings import Settings
from worker_tts.card.maker import CardMaker
from worker_tts.engine import TextToSpeech, Utterance, load
from worker_tts.speaker import AnswerBuilder

ROOT = Path(__file__).resolve().parents[2]


def read_jobs(blobs: FolderBlobs) -> list[Job]:
    """The jobs of the example recordings, ready to be spoken."""
    recordings = {path.stem: path for path in (ROOT / "examples" / "recordings").iterdir()}
    jobs = []
    for number, fields in enumerate(json.loads((ROOT / "tests" / "data" / "answers.json").read_text(encoding="utf-8"))):
        with recordings[fields["id"]].open("rb") as file:
            recording = blobs.put(f"default/{number}", file).name
        request = JobRequest(str(number), str(number), recording=recording, card=True)
        transcript = read_json(Transcript, json.dumps(fields["transcript"]))
        feedback = read_json(Feedback, json.dumps(fields["feedback"]))
        jobs.append(Job(request, 1, "tts", "1", 1, 0, 0, 0, transcript=transcript, feedback=feedback))
    return jobs


def measure(engine: TextToSpeech, blobs: FolderBlobs, settings: Settings, job: Job) -> tuple[float, float, LessonCard]:
    """Core-seconds of the answer, those of its card, and the card. Raises LookupError where there is no card."""
    assert job.feedback
    started_at = time.process_time()
    builder = AnswerBuilder(job, Utterance(job.feedback.spoken), blobs, lambda _: True)
    while builder.has_more():
        builder.add(engine.speak([builder.next_utterance()])[0])
    answer = builder.finish(settings.tts_pause_s)
    spoken_at = time.process_time()
    assert isinstance(answer, Answer)
    card = builder.make_card(CardMaker(engine, blobs, settings)).get("card")
    if card is None:
        raise LookupError
    return spoken_at - started_at, time.process_time() - spoken_at, card


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    settings = Settings()
    engine = load(settings)
    rows: list[tuple[float, float, float]] = []
    without_card = 0
    with tempfile.TemporaryDirectory(prefix="waijiao-benchmark-") as folder:
        blobs = FolderBlobs(Path(folder))
        for job in read_jobs(blobs):
            try:
                runs = [measure(engine, blobs, settings, job) for _ in range(repeat)]
            except LookupError:
                without_card += 1
                continue
            answer_s, card_s = statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)
            rows.append((answer_s, card_s, runs[0][2].duration_s))
    answer_s, card_s, length_s = (statistics.median(row[index] for row in rows) for index in range(3))
    print(f"{len(rows)} answers with a card of {length_s:.1f} s (median), {without_card} without one; core-seconds:")
    print(f"without a card {answer_s:.2f}, with one {answer_s + card_s:.2f}; the card adds {card_s:.2f} (median),")
    print(f"from {min(row[1] for row in rows):.2f} to {max(row[1] for row in rows):.2f}")


if __name__ == "__main__":
    main()
