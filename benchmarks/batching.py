"""What taking several jobs at once gains: the same sentences, 1, 4 and 8 waiting, through a house that takes one job
at a time and through one that takes up to eight, side by side; and by direct calls of each model.

Run with: python benchmarks/batching.py [ROUNDS] [--json FILE]     (starts its own houses; settings choose engines)
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline import personas
from pipeline.settings import Settings
from waijiao.client import Client
from waijiao.local.supervisor import Supervisor
from waijiao.local.up import ONE_WORKER_EACH, free_port, prepare
from worker_llm import engine as llm
from worker_llm.tutor.prompt import compose
from worker_tts import engine as tts
from worker_tts.engine import Utterance

WAITING = (1, 4, 8)  # jobs
SENTENCES = (
    "Yesterday I go to the library and I read two book.",
    "My sister like to eat apple every morning.",
    "They was very happy because the weather are good.",
    "He have two dog and one cat in he house.",
    "I am go to school by bus with my friend.",
    "Last summer we was swimming in the sea every days.",
    "She don't like milk but she drink tea.",
    "My mother are a teacher and she teach English.",
)
ONE, SEVERAL = "one at a time", "up to 8 at once"
Speeds = dict[str, dict[int, list[float]]]  # way -> waiting -> jobs a second, of each round


def main(arguments: argparse.Namespace) -> None:
    found = {name: measured(arguments.rounds) for name, measured in (("the house", house), ("direct calls", direct))}
    console = Console()
    for name, (speeds, same) in found.items():
        for what, ways in speeds.items():
            console.print(table(f"{name}: {what}", ways))
        console.print(f"the same words and sounds in a batch as alone: {same}\n")
    if arguments.json:
        arguments.json.write_text(json.dumps({name: speeds for name, (speeds, _) in found.items()}, indent=1))


# --- through the house ---------------------------------------------------------------------------------------------


def house(rounds: int) -> tuple[dict[str, Speeds], str]:
    """Jobs a second from the first acceptance to the last end, by the jobs' records; whether all answers agree."""
    speeds: Speeds = {way: {waiting: [] for waiting in WAITING} for way in (ONE, SEVERAL)}
    answers: dict[str, set[str]] = {}
    with ExitStack() as stack:
        clients = {way: stack.enter_context(opened(most)) for way, most in ((ONE, 1), (SEVERAL, max(WAITING)))}
        for number in range(rounds + 1):
            for waiting in WAITING:
                for way in sorted(clients, reverse=bool(number % 2)):  # neither is always the first
                    jobs = asked(clients[way], SENTENCES[:waiting])
                    took = max(job.updated_at for job in jobs) - min(job.created_at for job in jobs)
                    for job in jobs:
                        answers.setdefault(job.request.text, set()).add(job.answer.text)
                    if number:  # the first round warms
                        speeds[way][waiting].append(waiting / took.total_seconds())
    return {"typed sentences a second": speeds}, agreement(answers)


def asked(client: Client, sentences: Sequence[str]) -> list[Any]:
    left = [client.submit(text=sentence) for sentence in sentences]
    return [outcome.job for outcome in client.wait_all(left)]


@contextmanager
def opened(most: int) -> Iterator[Client]:
    """A client of a house whose workers take up to `most` jobs at once."""
    with tempfile.TemporaryDirectory() as folder:
        apart = {"home": Path(folder), "models": Settings().models_folder, "redis_url": "", "port": free_port()}
        settings = Settings(**apart, llm_batch=most, tts_batch=most)
        prepare(settings, ONE_WORKER_EACH)
        with Supervisor(settings, ONE_WORKER_EACH) as house:
            house.wait_until_ready()
            with Client(house.url, "") as client:
                yield client


# --- by direct calls -----------------------------------------------------------------------------------------------


def direct(rounds: int) -> tuple[dict[str, Speeds], str]:
    """Sentences a second that each model answers or speaks; whether a batch gives what single calls give."""
    settings = Settings(llm_batch=max(WAITING), tts_batch=max(WAITING))
    model, voice = llm.load(settings), tts.load(settings)
    william = personas.load(settings.persona, settings.personas)
    prompts = [compose(william, [], each, settings, model.count_tokens) for each in SENTENCES]
    lines = [Utterance(each, seed=number) for number, each in enumerate(SENTENCES)]
    model.warm(prompts[0])
    replied, spoken = timed(model.reply, prompts, rounds), timed(voice.speak, lines, rounds)
    words = agreement(texts(prompts, model.reply, lambda reply: reply.text))
    sounds = agreement(texts(lines, voice.speak, lambda sound: sound.samples.tobytes()))
    return {"answers a second": replied, "spoken sentences a second": spoken}, f"words {words}, sounds {sounds}"


def timed(work: Callable[[list[Any]], Sequence[object]], items: list[Any], rounds: int) -> Speeds:
    speeds: Speeds = {way: {waiting: [] for waiting in WAITING} for way in (ONE, SEVERAL)}
    for number in range(rounds):
        for waiting in WAITING:
            for way in sorted(speeds, reverse=bool(number % 2)):
                begun = time.perf_counter()
                for batch in [items[:waiting]] if way == SEVERAL else [[each] for each in items[:waiting]]:
                    work(batch)
                speeds[way][waiting].append(waiting / (time.perf_counter() - begun))
    return speeds


def texts(
    items: list[Any], work: Callable[[list[Any]], Sequence[Any]], of: Callable[[Any], Any]
) -> dict[int, set[Any]]:
    """What each item becomes, alone and in a batch of all."""
    together = work(items)
    return {number: {of(work([item])[0]), of(together[number])} for number, item in enumerate(items)}


# --- what is shown -------------------------------------------------------------------------------------------------


def agreement(found: dict[Any, set[Any]]) -> str:
    return f"{sum(len(each) == 1 for each in found.values())} of {len(found)}"


def table(title: str, ways: Speeds) -> Table:
    shown = Table("waiting", ONE, SEVERAL, "ratio", "rounds", title=title)
    for waiting in WAITING:
        one, several = ways[ONE][waiting], ways[SEVERAL][waiting]
        ratio = statistics.median(b / a for a, b in zip(one, several, strict=True))
        medians = (f"{statistics.median(each):.2f}" for each in (one, several))
        shown.add_row(str(waiting), *medians, f"{ratio:.2f}", str(len(one)))
    return shown


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--json", type=Path, help="keep the speeds of each round in this file")
    main(parser.parse_args())
