"""How accurate `waijiao plan` is: when a class is predicted to be done, against when it actually was.

Run with: python -m benchmarks.server.plan_accuracy [N …] [--seconds S] [--workers asr=1,llm=1,tts=1]
(starts its own server in a temporary folder)

The class is N of the examples' learners as they are, or joined to recordings of S seconds. It is submitted as a ZIP,
all at once. Two forecasts are compared: from what `waijiao plan --measure` sends beforehand, and from the class itself.
"""

import argparse
import io
import os
import statistics
import time
import wave
import zipfile
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.harness import run_server, temporary_settings
from waijiao.cli.planning.plan import EXAMPLE_RECORDINGS, join_examples, measure
from waijiao.cli.planning.plan_model import Forecast, Homework, forecast, take_snapshot
from waijiao.client import Client
from waijiao.local.up import ONE_WORKER_EACH

ASSIGNMENT_ID = "a-class"
POLL_S = 0.2


@dataclass(frozen=True)
class SchoolClass:
    """The recordings of a class as WAV files, and the mean of their lengths in seconds."""

    recordings: list[bytes]
    mean_s: float

    def forecast(self, client: Client) -> Forecast:
        """With the server's present speeds and workers."""
        capacity = client.capacity()
        snapshot = take_snapshot(capacity, capacity.cores)
        assert snapshot
        workers = {str(stage): model.ready for stage, model in capacity.models.items()}
        return forecast(snapshot, Homework(len(self.recordings), self.mean_s), workers)

    def measure_answer_s(self, client: Client) -> float:
        """Seconds from submission until the last answer is there. All is erased then, so that nothing is cached."""
        client.put_assignment(ASSIGNMENT_ID, title="A class", language="en")
        started_at = time.time()
        receipt = client.hand_in(ASSIGNMENT_ID, pack_zip(self.recordings), file="class.zip")
        assert len(receipt.accepted) == len(self.recordings), receipt
        while not client.assignment(ASSIGNMENT_ID).progress.complete:
            time.sleep(POLL_S)
        progress = client.assignment(ASSIGNMENT_ID).progress
        assert progress.succeeded == len(self.recordings), progress
        answered_s = time.time() - started_at
        client.erase_assignment(ASSIGNMENT_ID)
        return answered_s


def load_class(count: int, seconds: float | None) -> SchoolClass:
    """A class of `count` recordings: the examples as they are, or joined to `seconds` each."""
    if seconds is not None:
        return SchoolClass(list(join_examples(seconds, count)), seconds)
    paths = sorted(EXAMPLE_RECORDINGS.glob("*.wav"))
    assert count <= len(paths), f"there are {len(paths)} recordings: name --seconds, and they are joined to more"
    recordings = [path.read_bytes() for path in paths[:count]]
    return SchoolClass(recordings, statistics.mean(map(read_length_s, recordings)))


def read_length_s(recording: bytes) -> float:
    with wave.open(io.BytesIO(recording)) as file:
        return float(file.getnframes() / file.getframerate())


def pack_zip(recordings: list[bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, recording in enumerate(recordings, 1):
            archive.writestr(f"student-{number:04}.wav", recording)
    return file.getvalue()


def main(arguments: argparse.Namespace) -> None:
    table = Table("recordings", "of, s", "load", "from", "predicted, s", "actual, s", "error", "bottleneck")
    workers = ONE_WORKER_EACH | {stage: int(count) for stage, count in (each.split("=") for each in arguments.workers)}
    with (
        temporary_settings() as settings,
        run_server(settings, workers) as server,
        Client(server.url) as client,
    ):
        for count in arguments.counts:
            school_class = load_class(count, arguments.seconds)
            measure(client, school_class.mean_s)
            forecast_before = school_class.forecast(client)
            load = f"{os.getloadavg()[0]:.1f}"
            actual_s = school_class.measure_answer_s(client)
            forecasts = {"--measure": forecast_before, "the class": school_class.forecast(client)}
            for source, result in forecasts.items():
                error = f"{result.total_s / actual_s - 1:+.0%}"
                cells = (f"{result.total_s:.1f}", f"{actual_s:.1f}", error, result.bottleneck)
                table.add_row(str(count), f"{school_class.mean_s:.1f}", load, source, *cells)
    Console(width=120).print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=int, nargs="*", default=[9], help="recordings of each class")
    parser.add_argument("--seconds", type=float, help="length of each; as the learners spoke when not given")
    parser.add_argument("--workers", type=lambda text: text.split(","), default=[], help="such as asr=1,llm=2")
    main(parser.parse_args())
