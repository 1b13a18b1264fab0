"""What batches gain: the same sentences, 1, 4 and 8 waiting, computed one at a time and up to eight at once.

Run with: python -m benchmarks.models.batching [ROUNDS] [--json FILE]

Measured twice: through two servers at the same time, one with batches of one job and one with batches of eight, which
it starts itself; and by direct calls of each model. The settings choose the engines.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import LEARNERS_SENTENCES, run_server, temporary_settings
from pipeline import personas
from pipeline.settings import Settings
from waijiao.client import Answer, Client
from worker_llm import engine as llm
from worker_llm.tutor.prompt import compose
from worker_tts import engine as tts
from worker_tts.engine import Utterance

WAITING_JOBS = (1, 4, 8)
MAX_BATCH = max(WAITING_JOBS)
SINGLE, TOGETHER = "one at a time", f"up to {MAX_BATCH} at once"
Speeds = dict[str, dict[int, list[float]]]  # SINGLE or TOGETHER -> waiting jobs -> jobs a second, of each round


def main(arguments: argparse.Namespace) -> None:
    measurements = {"through a server": measure_servers, "direct calls": measure_direct_calls}
    results = {name: measure(arguments.rounds) for name, measure in measurements.items()}
    console = Console()
    for name, (speeds_by_work, agreement) in results.items():
        for work, speeds in speeds_by_work.items():
            console.print(build_table(f"{name}: {work}", speeds))
        console.print(f"the same text and audio in a batch as alone: {agreement}\n")
    if arguments.json:
        figures = {name: speeds_by_work for name, (speeds_by_work, _) in results.items()}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def empty_speeds() -> Speeds:
    return {mode: {waiting: [] for waiting in WAITING_JOBS} for mode in (SINGLE, TOGETHER)}


# --- through servers -----------------------------------------------------------------------------------------------


def measure_servers(rounds: int) -> tuple[dict[str, Speeds], str]:
    """Jobs a second from the first acceptance to the last end, by the jobs' records; how many answers agree."""
    speeds = empty_speeds()
    answers: dict[str, set[str]] = {}
    with ExitStack() as stack:
        clients = {mode: stack.enter_context(start_server(size)) for mode, size in ((SINGLE, 1), (TOGETHER, MAX_BATCH))}
        for number in range(rounds + 1):
            for waiting in WAITING_JOBS:
                for mode in sorted(clients, reverse=bool(number % 2)):  # neither is always the first
                    sentences = LEARNERS_SENTENCES[:waiting]
                    results = ask_at_once(clients[mode], sentences)
                    jobs = [result.job for result in results]
                    duration = max(job.updated_at for job in jobs) - min(job.created_at for job in jobs)
                    for sentence, result in zip(sentences, results, strict=True):
                        answers.setdefault(sentence, set()).add(result.text)
                    if number:  # the first round is the warm-up
                        speeds[mode][waiting].append(waiting / duration.total_seconds())
    return {"typed sentences a second": speeds}, format_agreement(answers)


def ask_at_once(client: Client, sentences: Sequence[str]) -> list[Answer]:
    """The answers to sentences that are submitted at once; the error of one that has none is raised."""
    jobs = [client.submit(text=sentence) for sentence in sentences]
    return [client.wait(job) for job in jobs]


@contextmanager
def start_server(max_batch: int) -> Iterator[Client]:
    """A client of a server whose workers claim up to `max_batch` jobs at once."""
    with (
        temporary_settings(llm_batch=max_batch, tts_batch=max_batch) as settings,
        run_server(settings) as server,
        Client(server.url, "") as client,
    ):
        yield client


# --- by direct calls -----------------------------------------------------------------------------------------------


def measure_direct_calls(rounds: int) -> tuple[dict[str, Speeds], str]:
    """Sentences a second that each model answers or speaks; how many results are the same in a batch as alone."""
    settings = Settings(llm_batch=MAX_BATCH, tts_batch=MAX_BATCH)
    model, voice = llm.load(settings), tts.load(settings)
    persona = personas.load(settings.persona, settings.personas)
    prompts = [compose(persona, [], sentence, settings, model.count_tokens) for sentence in LEARNERS_SENTENCES]
    utterances = [Utterance(sentence, seed=number) for number, sentence in enumerate(LEARNERS_SENTENCES)]
    model.warm(prompts[0])
    speeds = {
        "answers a second": measure_speeds(model.reply, prompts, rounds),
        "spoken sentences a second": measure_speeds(voice.speak, utterances, rounds),
    }
    texts = format_agreement(collect_results(prompts, model.reply, lambda reply: reply.text))
    audio = format_agreement(collect_results(utterances, voice.speak, lambda waveform: waveform.samples.tobytes()))
    return speeds, f"text {texts}, audio {audio}"


def measure_speeds(compute: Callable[[list[Any]], Sequence[object]], items: list[Any], rounds: int) -> Speeds:
    speeds = empty_speeds()
    for number in range(rounds):
        for waiting in WAITING_JOBS:
            for mode in sorted(speeds, reverse=bool(number % 2)):
                started_at = time.perf_counter()
                for batch in [items[:waiting]] if mode == TOGETHER else [[item] for item in items[:waiting]]:
                    compute(batch)
                speeds[mode][waiting].append(waiting / (time.perf_counter() - started_at))
    return speeds


def collect_results(
    items: list[Any], compute: Callable[[list[Any]], Sequence[Any]], extract: Callable[[Any], Any]
) -> dict[int, set[Any]]:
    """By the number of the item, its results alone and in a batch of all: one where both are the same."""
    batch = compute(items)
    return {number: {extract(compute([item])[0]), extract(batch[number])} for number, item in enumerate(items)}


# --- printing ------------------------------------------------------------------------------------------------------


def format_agreement(results: dict[Any, set[Any]]) -> str:
    return f"{sum(len(values) == 1 for values in results.values())} of {len(results)}"


def build_table(title: str, speeds: Speeds) -> Table:
    table = Table("waiting", SINGLE, TOGETHER, "ratio", "rounds", title=title)
    for waiting in WAITING_JOBS:
        single_rates, batch_rates = speeds[SINGLE][waiting], speeds[TOGETHER][waiting]
        ratio = statistics.median(after / before for before, after in zip(single_rates, batch_rates, strict=True))
        medians = (f"{statistics.median(rates):.2f}" for rates in (single_rates, batch_rates))
        table.add_row(str(waiting), *medians, f"{ratio:.2f}", str(len(single_rates)))
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the speeds of each round to this file")
    main(parser.parse_args())
