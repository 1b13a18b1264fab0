"""A class through a whole house, from its folder to its report: how fast, on how many cores, how near the limit.

Run with: python benchmarks/homework.py [CLASSES]     (starts its own house in a temporary folder)

The class is the examples' learners, or those of the folder that the variable LEARNERS names. The limit: the
core-seconds that the three models take for the same recordings when they are called directly, one after another,
shared out among all cores.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from overhead import Direct
from rich.console import Console
from rich.table import Table

from pipeline.settings import Settings
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare

LEARNERS = Path(os.environ.get("LEARNERS") or Path(__file__).parent.parent / "examples" / "recordings")
ASSIGNMENT = "id: a-class\ntitle: A class\nlanguage: en\n"
LOOK_S = 0.2


def main(classes: int) -> None:
    recordings = sorted(path for path in LEARNERS.iterdir() if path.suffix != ".json")
    cores = len(os.sched_getaffinity(0))
    table = Table("recordings", "answered after, s", "a second", "cores used", "the limit, s", "ratio", "fetched in, s")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), models=Settings().models_folder, redis_url="", port=free_port())
        prepare(settings, ONE_WORKER_EACH)
        limit_s = core_s_of_models(settings, recordings) / cores
        Path(folder, "homework.yaml").write_text(ASSIGNMENT)
        Path(folder, "inbox").mkdir()
        for recording in recordings:
            shutil.copy(recording, Path(folder, "inbox"))
        with Supervisor(settings, ONE_WORKER_EACH) as house, Client(house.url) as client:
            house.wait_until_ready()
            client.erase(client.ask(recordings[0]).job)
            for _ in range(classes):
                before_s, begun = core_s(house), time.monotonic()
                command(house, folder, "submit", "inbox", "--assignment", "homework.yaml")
                while client.assignment("a-class").progress.working:
                    time.sleep(LOOK_S)
                took_s, used_s = time.monotonic() - begun, core_s(house) - before_s
                progress = client.assignment("a-class").progress
                assert progress.succeeded == len(recordings), progress
                begun = time.monotonic()
                command(house, folder, "fetch", "homework.yaml", "--out", "results")
                fetched_s = time.monotonic() - begun
                client.erase_assignment("a-class")  # else it would be known already what was heard
                table.add_row(
                    str(len(recordings)),
                    f"{took_s:.1f}",
                    f"{len(recordings) / took_s:.2f}",
                    f"{used_s / took_s:.2f} of {cores}",
                    f"{limit_s:.1f}",
                    f"{took_s / limit_s:.2f}",
                    f"{fetched_s:.2f}",
                )
    Console(width=120).print(table)


def core_s_of_models(settings: Settings, recordings: list[Path]) -> float:
    """Core-seconds that the models take for all of them; they were called once before, as in a house that works."""
    models = Direct(settings)
    models.answer(recordings[0])
    begun = time.process_time()
    for recording in recordings:
        models.answer(recording)
    return time.process_time() - begun


def core_s(house: Supervisor) -> float:
    """Core-seconds that the house's processes have taken so far."""
    parents = [psutil.Process(each.process.pid) for each in (*house.running, house.redis) if each]
    every = {process for parent in parents for process in (parent, *parent.children(recursive=True))}
    return sum(sum(process.cpu_times()[:2]) for process in every)


def command(house: Supervisor, folder: str, *words: str) -> None:
    """`waijiao homework` as a teacher types it."""
    environment = {**os.environ, "WAIJIAO_URL": house.url}
    subprocess.run([sys.executable, "-m", "waijiao", "homework", *words], cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
