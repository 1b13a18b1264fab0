"""How accurate `eta_seconds` is: under several loads, the predicted end of each job against its actual one.

Run with: python -m benchmarks.server.eta_accuracy [--loads 1 8 24] [--jobs 12] [--every 1]     (starts its own server)
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import EXAMPLE_RECORDINGS, run_server, temporary_settings
from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import State
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from waijiao.client import Client

RECORDINGS = cycle(sorted(EXAMPLE_RECORDINGS.iterdir()))
WARM_UP_JOBS = 4  # one after another before the first that counts: every model's speed is known then
MIN_REMAINING_S = 0.5  # predictions for jobs that end sooner do not count: any error is a large share of so little


@dataclass(frozen=True)
class Prediction:
    """At the Unix time `made_at` the job was predicted to end in `eta_s` seconds (None: unknown).

    `is_first`: made when the job was accepted.
    """

    job_id: str
    made_at: float
    eta_s: float | None
    is_first: bool


class EtaMeasurement:
    """Submits recordings and records what is predicted for them, as the API's own process predicts it."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.client, self.jobs = Client(url), Jobs(connect(settings), settings)
        self.estimator = Estimator(self.jobs)
        self.ended_at: dict[str, float] = {}  # Unix time, by job id

    def run_burst(self, load: int, every_s: float) -> list[Prediction]:
        """Submit `load` recordings at once, and predict every `every_s` seconds until all have ended."""
        predictions = [self.submit(recording) for recording in islice(RECORDINGS, load)]
        job_ids = [prediction.job_id for prediction in predictions]
        while unfinished_ids := [job_id for job_id in job_ids if job_id not in self.ended_at]:
            time.sleep(every_s)
            predictions += [self.predict(job_id) for job_id in unfinished_ids]
        return predictions

    def submit(self, recording: Path) -> Prediction:
        return self.predict(self.client.submit(recording, language="en").id, is_first=True)

    def predict(self, job_id: str, is_first: bool = False) -> Prediction:
        job = self.jobs.get("default", job_id)
        if job.ended_at is not None:
            assert job.state == State.SUCCEEDED, job
            self.ended_at[job_id] = job.ended_at
        return Prediction(job_id, time.time(), self.estimator.estimate(job).eta_s, is_first)

    def compute_cells(self, predictions: Sequence[Prediction]) -> list[str]:
        """The predictions compared with the actual ends, where enough time remained to be predicted."""
        pairs = [(each.eta_s, self.ended_at[each.job_id] - each.made_at) for each in predictions]
        comparisons = [
            (eta_s, actual_s) for eta_s, actual_s in pairs if eta_s is not None and actual_s > MIN_REMAINING_S
        ]
        unknown = sum(eta_s is None and actual_s > MIN_REMAINING_S for eta_s, actual_s in pairs)
        errors = [eta_s / actual_s - 1 for eta_s, actual_s in comparisons]
        return [str(len(comparisons)), str(unknown), *format_error_statistics(errors)]


def format_error_statistics(errors: Sequence[float]) -> list[str]:
    """Of errors, each (predicted - actual) / actual: median and p90 of their sizes, shares of small ones, the bias."""
    if not errors:
        return ["-"] * 5
    sizes = sorted(abs(error) for error in errors)
    within_quarter = statistics.mean(size <= 0.25 for size in sizes)
    within_factor_2 = statistics.mean(-0.5 <= error <= 1 for error in errors)
    p90 = sizes[int(0.9 * len(sizes))]
    shares = [f"{share:.0%}" for share in (statistics.median(sizes), p90, within_quarter, within_factor_2)]
    return [*shares, f"{statistics.median(errors):+.0%}"]


def main(arguments: argparse.Namespace) -> None:
    titles = ("at once", "predicted", "number", "unknown", "median error", "p90", "within 25 %", "factor 2", "bias")
    table = Table(*titles)
    with temporary_settings() as settings, run_server(settings) as server:
        measurement = EtaMeasurement(settings, server.url)
        for _ in range(WARM_UP_JOBS):
            measurement.run_burst(1, arguments.every)
        for load in arguments.loads:
            rounds = max(1, arguments.jobs // load)
            predictions = [each for _ in range(rounds) for each in measurement.run_burst(load, arguments.every)]
            for is_first, label in ((True, "at first"), (False, "later")):
                cell_predictions = [each for each in predictions if each.is_first is is_first]
                table.add_row(str(load), label, *measurement.compute_cells(cell_predictions))
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, nargs="+", default=[1, 8, 24], help="jobs submitted at once")
    parser.add_argument("--jobs", type=int, default=12, help="jobs of each load, in bursts; at least one burst")
    parser.add_argument("--every", type=float, default=1, help="seconds between two predictions for each job")
    main(parser.parse_args())
