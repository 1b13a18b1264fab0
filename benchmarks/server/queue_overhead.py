"""What the queues cost: the same recordings through a server and by direct calls, alternately, one after another.

Run with: python -m benchmarks.server.queue_overhead [ROUNDS]     (starts its own server in a temporary folder)
"""

import argparse
import io
import statistics
import time
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.harness import (
    EXAMPLE_RECORDINGS,
    MODEL_STAGES,
    DirectModels,
    job_seconds,
    run_server,
    temporary_settings,
)
from pipeline.audio.decode import decode
from pipeline.schemas.jobs import Job
from waijiao.client import Client

RECORDINGS = sorted(EXAMPLE_RECORDINGS.glob("*.wav"))


def measure_direct_calls(models: DirectModels, recording: Path) -> list[float]:
    """Seconds of each stage; decoding counts to the first one, encoding to the last one."""
    times = [time.perf_counter()]
    transcript = models.transcribe(decode(io.BytesIO(recording.read_bytes()), models.settings.max_recording_s))
    times.append(time.perf_counter())
    answer = models.respond(transcript)
    times.append(time.perf_counter())
    models.synthesize(answer)
    times.append(time.perf_counter())
    return [end - start for start, end in pairwise(times)]


def run_job(client: Client, recording: Path) -> Job:
    """The ended job."""
    return client.ask(recording, language="en").job


def main(rounds: int) -> None:
    with temporary_settings() as settings:
        models = DirectModels(settings)
        with run_server(settings) as server:
            client = Client(server.url)
            run_job(client, RECORDINGS[0])
            measure_direct_calls(models, RECORDINGS[0])
            pairs = []
            for number in range(rounds * len(RECORDINGS)):
                recording = RECORDINGS[number % len(RECORDINGS)]
                if number % 2:  # neither is always the second to read a file that the other has just read
                    job = run_job(client, recording)
                    pairs.append((measure_direct_calls(models, recording), job))
                else:
                    pairs.append((measure_direct_calls(models, recording), run_job(client, recording)))
    print_comparison(pairs)


def print_comparison(pairs: list[tuple[list[float], Job]]) -> None:
    """Medians of each stage and of the whole, and of the differences within the pairs."""
    table = Table("", "direct call, ms", "in its worker, ms", "waited for it, ms", "more in all, ms", "ratio")
    for number, stage in enumerate(MODEL_STAGES):
        direct_s = [times[number] for times, _ in pairs]
        ran_s = [job.timings[stage].ran_s or 0 for _, job in pairs]
        waited_s = [job.timings[stage].waited_s or 0 for _, job in pairs]
        table.add_row(stage, *(format_median_ms(seconds) for seconds in (direct_s, ran_s, waited_s)), "", "")
    direct_s, server_s = [sum(times) for times, _ in pairs], [job_seconds(job) for _, job in pairs]
    differences = [server - direct for direct, server in zip(direct_s, server_s, strict=True)]
    ratio = statistics.median(server / direct for direct, server in zip(direct_s, server_s, strict=True))
    totals = (format_median_ms(direct_s), format_median_ms(server_s), "", format_median_ms(differences))
    table.add_row(f"{len(pairs)} jobs", *totals, f"{ratio:.3f}")
    Console().print(table)


def format_median_ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=3, help="times that each recording is answered")
    main(parser.parse_args().rounds)
