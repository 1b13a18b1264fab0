"""A class's homework, from its folder to its report: recordings a second, cores used, against the models' own limit.

Run with: python -m benchmarks.server.homework_throughput [CLASSES]     (starts its own server in a temporary folder)

The class is the examples' learners, or those of the folder that the variable LEARNERS names. The limit: the
core-seconds that the three models take for the same recordings when they are called directly, one after another,
divided by the number of cores.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.harness import EXAMPLE_RECORDINGS, DirectModels, run_server, temporary_settings
from benchmarks.server.queue_overhead import measure_direct_calls
from pipeline.settings import Settings
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor

LEARNERS = Path(os.environ.get("LEARNERS") or EXAMPLE_RECORDINGS)
ASSIGNMENT_ID = "a-class"
ASSIGNMENT_YAML = f"id: {ASSIGNMENT_ID}\ntitle: A class\nlanguage: en\n"
POLL_S = 0.2


def main(classes: int) -> None:
    recordings = sorted(path for path in LEARNERS.iterdir() if path.suffix != ".json")
    cores = len(os.sched_getaffinity(0))
    table = Table("recordings", "answered after, s", "a second", "cores used", "the limit, s", "ratio", "fetched in, s")
    with temporary_settings() as settings:
        limit_s = measure_models_core_s(settings, recordings) / cores
        Path(settings.home, "homework.yaml").write_text(ASSIGNMENT_YAML)
        Path(settings.home, "inbox").mkdir()
        for recording in recordings:
            shutil.copy(recording, Path(settings.home, "inbox"))
        with run_server(settings) as server, Client(server.url) as client:
            client.erase(client.ask(recordings[0]).job)
            for _ in range(classes):
                core_s_before, started_at = read_core_s(server), time.monotonic()
                run_homework_command(server, "submit", "inbox", "--assignment", "homework.yaml")
                while client.assignment(ASSIGNMENT_ID).progress.working:
                    time.sleep(POLL_S)
                answered_s, used_core_s = time.monotonic() - started_at, read_core_s(server) - core_s_before
                progress = client.assignment(ASSIGNMENT_ID).progress
                assert progress.succeeded == len(recordings), progress
                started_at = time.monotonic()
                run_homework_command(server, "fetch", "homework.yaml", "--out", "results")
                fetched_s = time.monotonic() - started_at
                client.erase_assignment(ASSIGNMENT_ID)  # so that the next class does not find its transcripts cached
                table.add_row(
                    str(len(recordings)),
                    f"{answered_s:.1f}",
                    f"{len(recordings) / answered_s:.2f}",
                    f"{used_core_s / answered_s:.2f} of {cores}",
                    f"{limit_s:.1f}",
                    f"{answered_s / limit_s:.2f}",
                    f"{fetched_s:.2f}",
                )
    Console(width=120).print(table)


def measure_models_core_s(settings: Settings, recordings: list[Path]) -> float:
    """Core-seconds that the models take for all recordings; they are called once before, so that they are warm."""
    models = DirectModels(settings)
    measure_direct_calls(models, recordings[0])
    started_at = time.process_time()
    for recording in recordings:
        measure_direct_calls(models, recording)
    return time.process_time() - started_at


def read_core_s(server: Supervisor) -> float:
    """Core-seconds that the server's processes have taken so far."""
    parents = [psutil.Process(service.process.pid) for service in (*server.running, server.redis) if service]
    processes = {process for parent in parents for process in (parent, *parent.children(recursive=True))}
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def run_homework_command(server: Supervisor, *arguments: str) -> None:
    """`waijiao homework` as a teacher types it."""
    command = [sys.executable, "-m", "waijiao", "homework", *arguments]
    environment = {**os.environ, "WAIJIAO_URL": server.url}
    subprocess.run(command, cwd=server.settings.home, env=environment, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", nargs="?", type=int, default=3, help="how often the class submits its homework")
    main(parser.parse_args().classes)
