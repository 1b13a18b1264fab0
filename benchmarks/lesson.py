"""A lesson of known words and pauses through a whole house: how fast, how right, cut where, in how much memory.

Run with: python benchmarks/lesson.py [--minutes 30] [--interactive]     (starts its own house in a temporary folder;
--interactive asks the teacher now and then meanwhile, and before, to see what the lesson costs those who wait)
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from lesson_measures import Memory, show_cuts, show_waiting, show_words  # it finds what is imported from the tests
from rich.console import Console

from pipeline.schemas.jobs import Job
from pipeline.schemas.lessons import LessonView
from pipeline.settings import Settings
from tests.support.recordings import sound_of
from tests.support.sample_lesson import ALL, PATHS, Made, made
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare
from worker_asr import engine as asr
from worker_asr.engine import Recording

PAUSES_S = (0.6, 4.0)  # seconds between two recordings
ASKED = PATHS["ruoxi-wu"]  # what is asked interactively
OTHER = PATHS["bowen-he"]  # what is asked between two of these before the lesson
BEFORE = 12  # times it is asked before the lesson
EVERY_S = 5.0  # seconds after which it is asked again during it


def main(minutes: float, interactive: bool, out: Console) -> None:
    whole = lesson_of(minutes)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), models=Settings().models_folder, redis_url="", port=free_port())
        prepare(settings, ONE_WORKER_EACH)
        alone = heard_alone(settings)
        file = Path(folder) / "lesson.flac"
        file.write_bytes(whole.flac())
        with Supervisor(settings, ONE_WORKER_EACH) as house, Client(house.url) as client:
            house.wait_until_ready()
            before = asked_alone(client, BEFORE if interactive else 1)
            during: list[Job] = []
            memory = Memory(house)
            memory.look()
            begun = time.monotonic()
            with again(1.0, memory.look), again(EVERY_S, lambda: interactive and during.append(ask(client))):
                lesson = followed(client, client.submit_lesson(file, language="en"))
            lasted = time.monotonic() - begun
            turns = [client.job(turn.job) for turn in lesson.turns]
    out.print(
        f"{whole.seconds / 60:.1f} minutes, {len(whole.pieces)} recordings: {lesson.state} after {lasted:.0f} s, "
        f"{whole.seconds / lasted:.1f} times real time; {len(turns)} turns, {lesson.progress.failed} failed"
    )
    show_words(out, whole, lesson, alone)
    show_cuts(out, whole, lesson)
    memory.show(out)
    if interactive:
        show_waiting(out, before, during, turns)


def lesson_of(minutes: float) -> Made:
    """All recordings in a new order, again and again, until it lasts about so many minutes, or a little longer."""
    dice, ids, seconds = np.random.default_rng(3), list[str](), 0.0
    while seconds < 60 * minutes:
        for id_ in dice.permutation(ALL).tolist():
            if seconds < 60 * minutes:
                ids.append(id_)
                seconds += sound_of(PATHS[id_]).duration_s + sum(PAUSES_S) / 2
    return made(ids, PAUSES_S)


def heard_alone(settings: Settings) -> dict[str, str]:
    """What is heard in each recording by itself."""
    recogniser, heard = asr.load(settings), {}
    for id_ in ALL:
        (found,) = recogniser.transcribe([Recording(sound_of(PATHS[id_]), "en")])
        heard[id_] = getattr(found, "text", "")
    return heard


def asked_alone(client: Client, times: int) -> list[Job]:
    """Asked so often, each time after another recording: the recogniser need not hear its latest one again."""
    found = []
    for _ in range(times):
        client.ask(OTHER, language="en")
        found.append(ask(client))
    return found


def ask(client: Client) -> Job:
    return client.ask(ASKED, language="en").job


def followed(client: Client, lesson: LessonView) -> LessonView:
    """The lesson as it ended."""
    *_, ended = client.lesson_progress(lesson)
    return ended


@contextmanager
def again(seconds: float, do: Callable[[], object]) -> Iterator[None]:
    """Meanwhile another thread calls `do`, again and again, after so many seconds each."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(seconds):
            do()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--interactive", action="store_true")
    chosen = asked.parse_args()
    main(chosen.minutes, chosen.interactive, Console(soft_wrap=True))
