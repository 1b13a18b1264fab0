"""What a server holds after many jobs, against what it held after the first thousand: nothing may grow with its work.

Run with: python -m benchmarks.server.growth [JOBS] [--every 1000]     (starts its own server, without models)

What has ended is kept for seconds, so that everything can be forgotten before each look. The growth of each figure is
that from the first look to the last.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.faults.harness.cluster import FaultCluster
from tests.faults.harness.growth import PLAN, Crowd, measure


def main(jobs: int, every: int) -> None:
    console, plan = Console(width=140), replace(PLAN, may_fork=False)
    with tempfile.TemporaryDirectory(prefix="waijiao-growth-") as folder, FaultCluster(Path(folder), plan) as cluster:
        crowd, looks, started_at = Crowd(cluster), [], time.monotonic()
        crowd.warm_up()
        for count in range(every, jobs + 1, every):
            crowd.run(every)
            looks.append(measure(cluster))
            console.print(f"{count} jobs after {time.monotonic() - started_at:.0f} s", summarise(looks[-1]))
    table = Table("", f"after {every}", f"after {jobs}", "growth")
    first, last = looks[0], looks[-1]
    for name in first:
        growth = f"{100 * (last[name] / first[name] - 1):+.1f} %" if first[name] else ""
        table.add_row(name, f"{first[name]:.2f}", f"{last[name]:.2f}", growth)
    console.print(table)


def summarise(look: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in look.items() if "descriptors" not in name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="?", type=int, default=20_000)
    parser.add_argument("--every", type=int, default=1000, help="jobs between two looks")
    options = parser.parse_args()
    main(options.jobs, options.every)
