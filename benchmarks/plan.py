"""How honest `waijiao plan` is: when a class of N is foreseen to be done, against when it was.

Run with: python benchmarks/plan.py [N …] [--seconds S] [--workers asr=1,llm=1,tts=1]     (starts its own house)

The class is the examples' learners as they are, or joined to recordings of S seconds. It is handed in as a ZIP, all at
once. It is foreseen twice: from what `waijiao plan --measure` sends beforehand, and from what the class itself was.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
import wave
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.settings import Settings
from waijiao.cli.plan import EXAMPLES, join_examples, measure
from waijiao.cli.plan_model import Forecast, Homework, forecast, take_snapshot
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare

LOOK_S = 0.2


@dataclass(frozen=True)
class Class:
    """The recordings of a class, and the mean of their lengths in seconds."""

    recordings: list[bytes]
    seconds: float

    def forecast(self, client: Client) -> Forecast:
        """With the server's present speeds and workers."""
        capacity = client.capacity()
        snapshot = take_snapshot(capacity, capacity.cores)
        assert snapshot
        workers = {str(stage): model.ready for stage, model in capacity.models.items()}
        return forecast(snapshot, Homework(len(self.recordings), self.seconds), workers)

    def answered_s(self, client: Client) -> float:
        """Seconds from its handing in until the last answer was there. Erased, it is recognised anew another time."""
        id_ = "a-class"
        client.put_assignment(id_, title="A class", language="en")
        begun = time.time()
        handed = client.hand_in(id_, zipped(self.recordings), file="class.zip")
        assert len(handed.accepted) == len(self.recordings), handed
        while not client.assignment(id_).progress.complete:
            time.sleep(LOOK_S)
        progress = client.assignment(id_).progress
        assert progress.succeeded == len(self.recordings), progress
        took_s = time.time() - begun
        client.erase_assignment(id_)
        return took_s


def of(count: int, seconds: float | None) -> Class:
    if seconds is not None:
        return Class(list(join_examples(seconds, count)), seconds)
    paths = sorted(EXAMPLES.glob("*.wav"))
    assert count <= len(paths), f"there are {len(paths)} recordings: name --seconds, and they are joined to more"
    recordings = [path.read_bytes() for path in paths[:count]]
    return Class(recordings, statistics.mean(map(length_s, recordings)))


def length_s(recording: bytes) -> float:
    with wave.open(io.BytesIO(recording)) as sound:
        return float(sound.getnframes() / sound.getframerate())


def zipped(recordings: list[bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for number, recording in enumerate(recordings, 1):
            archive.writestr(f"student-{number:04}.wav", recording)
    return written.getvalue()


def main(arguments: argparse.Namespace) -> None:
    table = Table("recordings", "of, s", "load", "from", "foreseen, s", "actual, s", "error", "bottleneck")
    counts = ONE_WORKER_EACH | {stage: int(count) for stage, count in (each.split("=") for each in arguments.workers)}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), models=Settings().models_folder, redis_url="", port=free_port())
        prepare(settings, counts)
        with Supervisor(settings, counts) as house, Client(house.url) as client:
            house.wait_until_ready()
            for count in arguments.counts:
                chosen = of(count, arguments.seconds)
                measure(client, chosen.seconds)
                before = chosen.forecast(client)
                load = f"{os.getloadavg()[0]:.1f}"
                actual_s = chosen.answered_s(client)
                for source, found in (("--measure", before), ("the class", chosen.forecast(client))):
                    error = f"{found.total_s / actual_s - 1:+.0%}"
                    told = (f"{found.total_s:.1f}", f"{actual_s:.1f}", error, found.bottleneck)
                    table.add_row(str(count), f"{chosen.seconds:.1f}", load, source, *told)
    Console(width=120).print(table)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("counts", type=int, nargs="*", default=[9], help="recordings of each class")
    asked.add_argument("--seconds", type=float, help="length of each; as the learners spoke when not given")
    asked.add_argument("--workers", type=lambda text: text.split(","), default=[], help="such as asr=1,llm=2")
    main(asked.parse_args())
