"""Asks the teacher with the Python client: a recording, or a folder of them.  Run with: python examples/ask.py PATH"""

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.schemas.jobs import Job
from waijiao import Client
from waijiao.errors import WaijiaoError

MAX_CONCURRENT = 4  # recordings that are processed at the same time
AUDIO_SUFFIXES = {".wav", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".webm", ".flac", ".aiff", ".caf", ".amr"}


def ask_one(client: Client, recording: Path) -> None:
    answer = client.ask(recording, session="anna", on_change=print_state)
    print(f"heard:     {answer.heard}")
    print(f"corrected: {answer.corrected}")
    print(f"answer:    {answer.text}")
    print(f"saved:     {answer.save('answer.wav')}")


def print_state(job: Job) -> None:
    wait = "" if job.eta_seconds is None else f", ready in about {job.eta_seconds:.0f} s"
    print(f"{job.state}{wait}", file=sys.stderr)


def ask_many(client: Client, recordings: Sequence[Path]) -> int:
    """Save the answers in the folder `answers`; returns how many recordings have none."""
    answers, failure_count = Path("answers"), 0
    answers.mkdir(exist_ok=True)
    outcomes = client.ask_all(recordings, at_once=MAX_CONCURRENT, lane="bulk")
    for number, (recording, outcome) in enumerate(zip(recordings, outcomes, strict=True), start=1):
        if outcome.answer:
            result = f"{outcome.answer.heard} -> {outcome.answer.save(answers / f'{recording.stem}.wav')}"
        else:
            failure_count += 1
            result = f"failed: {outcome.error}"
        print(f"{number} of {len(recordings)}  {recording.name}: {result}", flush=True)
    return failure_count


def main(path: Path) -> int:
    with Client() as client:
        if path.is_dir():
            return ask_many(client, sorted(file for file in path.iterdir() if file.suffix in AUDIO_SUFFIXES))
        ask_one(client, path)
        return 0


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).exists():
        sys.exit("usage: python examples/ask.py PATH, where PATH is a recording or a folder of recordings")
    try:
        sys.exit(main(Path(sys.argv[1])) > 0)
    except WaijiaoError as error:
        sys.exit(error.detail)
