"""How honest `eta_seconds` is: under some loads, the predicted end of each job against its actual one.

Run with: python benchmarks/eta.py [--loads 1 8 24] [--jobs 12] [--every 1]     (starts its own house)
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.jobs.eta import Estimator
from pipeline.jobs.job import State
from pipeline.jobs.store import Jobs
from pipeline.redis_connection import connect
from pipeline.settings import Settings
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare

RECORDINGS = cycle(sorted((Path(__file__).parent.parent / "examples" / "recordings").iterdir()))
WARM = 4  # jobs one after another before the first that counts: every model's speed is known then
NEAR_S = 0.5  # looks at jobs that end sooner do not count: any error is a large share of so little


@dataclass(frozen=True)
class Look:
    """At a Unix time the job's end was predicted in `eta_s` seconds (None: unknown); `first` when it was accepted."""

    job: str
    at: float
    eta_s: float | None
    first: bool


class Watcher:
    """Sends recordings and looks at what is predicted for them, as the API's own process does."""

    def __init__(self, settings: Settings, url: str) -> None:
        self.client, self.jobs = Client(url), Jobs(connect(settings), settings)
        self.estimator = Estimator(self.jobs)
        self.ended: dict[str, float] = {}

    def burst(self, load: int, every_s: float) -> list[Look]:
        """Submit `load` recordings at once, and look until all have ended."""
        looks = [self.submit(recording) for recording in islice(RECORDINGS, load)]
        names = [look.job for look in looks]
        while unfinished := [name for name in names if name not in self.ended]:
            time.sleep(every_s)
            looks += [self.look(name) for name in unfinished]
        return looks

    def submit(self, recording: Path) -> Look:
        return self.look(self.client.submit(recording, language="en").id, first=True)

    def look(self, name: str, first: bool = False) -> Look:
        job = self.jobs.get("default", name)
        if job.ended_at is not None:
            assert job.state == State.SUCCEEDED, job
            self.ended[name] = job.ended_at
        return Look(name, time.time(), self.estimator.estimate(job).eta_s, first)

    def row(self, looks: Sequence[Look]) -> list[str]:
        """How the predictions compare with what came, where enough was left to predict."""
        left = [(look.eta_s, self.ended[look.job] - look.at) for look in looks]
        known = [(eta_s, actual) for eta_s, actual in left if eta_s is not None and actual > NEAR_S]
        unknown = sum(eta_s is None and actual > NEAR_S for eta_s, actual in left)
        return [str(len(known)), str(unknown), *shares([eta_s / actual - 1 for eta_s, actual in known])]


def shares(errors: Sequence[float]) -> list[str]:
    """Of errors, each (predicted - actual) / actual: median and p90 of their sizes, how many are small, the middle."""
    if not errors:
        return ["-"] * 5
    sizes = sorted(abs(error) for error in errors)
    near = statistics.mean(size <= 0.25 for size in sizes)
    factor_2 = statistics.mean(-0.5 <= error <= 1 for error in errors)
    p90 = sizes[int(0.9 * len(sizes))]
    measured = [f"{share:.0%}" for share in (statistics.median(sizes), p90, near, factor_2)]
    return [*measured, f"{statistics.median(errors):+.0%}"]


def main(arguments: argparse.Namespace) -> None:
    table = Table("at once", "looks", "number", "unknown", "median error", "p90", "within 25 %", "factor 2", "bias")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), models=Settings().models_folder, redis_url="", port=free_port())
        prepare(settings, ONE_WORKER_EACH)
        with Supervisor(settings, ONE_WORKER_EACH) as house:
            house.wait_until_ready()
            watcher = Watcher(settings, house.url)
            for _ in range(WARM):
                watcher.burst(1, arguments.every)
            for load in arguments.loads:
                rounds = max(1, arguments.jobs // load)
                looks = [look for _ in range(rounds) for look in watcher.burst(load, arguments.every)]
                for first, when in ((True, "at first"), (False, "later")):
                    table.add_row(str(load), when, *watcher.row([look for look in looks if look.first is first]))
    Console().print(table)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--loads", type=int, nargs="+", default=[1, 8, 24], help="jobs submitted at once")
    asked.add_argument("--jobs", type=int, default=12, help="jobs of each load, in bursts; at least one burst")
    asked.add_argument("--every", type=float, default=1, help="seconds between two looks at each job")
    main(asked.parse_args())
