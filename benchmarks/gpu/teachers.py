"""The large teachers' engines on a GPU: seconds to load, memory against the computed need, speed by batch size.

Run with: python -m benchmarks.gpu.teachers [asr llm tts] --json FILE    (--device cpu --size tiny tries the script out)
Weights are random, at the real sizes (checkpoints.py); the settings, such as WAIJIAO_LLM_COMPUTE_TYPE=int4, apply.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline import personas
from pipeline.audio.decode import Waveform, decode
from pipeline.gpu.devices import gpus
from pipeline.gpu.fractions import estimate_need
from pipeline.gpu.model_headers import SizesUnknown
from pipeline.jobs.job import MODEL_STAGES
from pipeline.settings import Settings

LEARNERS = sorted((Path(__file__).parents[2] / "examples" / "recordings").iterdir())
SENTENCE = "Yesterday I go to the library and I read two book, and then my friend come and we was very happy together."
BATCH_SIZES = (1, 4, 8)
ANSWER_TOKENS = 128  # of each answer
LIBRARIES = ("torch", "transformers", "bitsandbytes", "ctranslate2", "faster-whisper")


def main(arguments: argparse.Namespace) -> None:
    if arguments.child:
        print(json.dumps(measure_stage(arguments.stages[0], arguments)))
        return
    figures: dict[str, Any] = {"machine": describe_machine(arguments.device), "size": arguments.size, "stages": {}}
    for stage in arguments.stages or MODEL_STAGES:
        options = ["--child", "--size", arguments.size, "--device", arguments.device]
        command = [sys.executable, "-m", "benchmarks.gpu.teachers", stage, *options]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        figures["stages"][stage] = json.loads(lines[-1])
    print_table(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def describe_machine(device: str) -> dict[str, Any]:
    gpu_names = [f"{gpu.name}, {gpu.total / 1e9:.1f} GB" for gpu in gpus()[:1]] if device == "cuda" else []
    return {
        "gpu": gpu_names,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def measure_stage(stage: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One stage's figures, in a process of its own, so that its memory is its own."""
    from benchmarks.gpu import checkpoints

    with tempfile.TemporaryDirectory() as folder:
        model = checkpoints.make(stage, arguments.size, Path(folder) / stage, arguments.device)
        fields = {"device": arguments.device, "model": str(model), "batch": max(BATCH_SIZES)}
        stage_settings = {f"{stage}_{name}": value for name, value in fields.items()}
        settings = Settings(**stage_settings, llm_engine="transformers", tts_engine="bark")
        empty_gpu_cache(arguments.device)
        bytes_before, started_at = read_used_bytes(arguments.device), time.perf_counter()
        compute_batch, count_units = LOADERS[stage](model, settings)
        loaded_s = time.perf_counter() - started_at
        speeds = {str(n): measure_rate(compute_batch, count_units, n, arguments.rounds) for n in BATCH_SIZES}
        used_bytes = read_used_bytes(arguments.device) - bytes_before
        return {
            "load_s": round(loaded_s, 1),
            "memory_gb": round(used_bytes / 1e9, 2),
            "computed_gb": compute_need_gb(stage, model, settings),
            "unit": UNITS[stage],
            "speeds": speeds,
            "settings": {name: getattr(settings, f"{stage}_{name}") for name in ("compute_type", "batch")},
        }


def empty_gpu_cache(device: str) -> None:
    """Free what making the checkpoint has left on the GPU."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()


def read_used_bytes(device: str) -> int:
    """Bytes of the GPU that all programs use; on a CPU, those of this process."""
    if device == "cuda":
        gpu = gpus()[0]
        return gpu.total - gpu.free
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def compute_need_gb(stage: str, model: Path, settings: Settings) -> dict[str, float] | None:
    """The memory that is computed from the checkpoint's headers, in GB; None if it cannot be computed."""
    try:
        need = estimate_need(stage, model, settings)
    except SizesUnknown:
        return None
    return {name: round(size / 1e9, 2) for name, size in {**asdict(need), "total": need.total}.items()}


def measure_rate(
    compute_batch: Callable[[int], Sequence[Any]], count_units: Callable[[Any], float], batch_size: int, rounds: int
) -> float:
    """The median of the units computed in a second in batches of that size; one round before that is the warm-up."""
    rates = []
    for _ in range(rounds + 1):
        started_at = time.perf_counter()
        results = compute_batch(batch_size)
        rates.append(sum(map(count_units, results)) / (time.perf_counter() - started_at))
    return round(statistics.median(rates[1:]), 2)


# What computes a batch of that size, and how many units one of its results is.
BatchWork = tuple[Callable[[int], Sequence[Any]], Callable[[Any], float]]
UNITS = {"asr": "seconds of speech a second", "llm": "tokens a second", "tts": "seconds of speech a second"}


def load_asr(model: Path, settings: Settings) -> BatchWork:
    from worker_asr.engine import Recording
    from worker_asr.faster_whisper import FasterWhisper

    engine = FasterWhisper(model, settings)
    waveforms: list[Waveform] = []
    for path in LEARNERS[: max(BATCH_SIZES)]:
        with path.open("rb") as file:
            waveforms.append(decode(file, settings.max_recording_s))
    lengths = [waveform.duration_s for waveform in waveforms]

    def transcribe(n: int) -> Sequence[float]:
        engine.transcribe([Recording(waveform, "en") for waveform in waveforms[:n]])
        return lengths[:n]

    return transcribe, float


def load_llm(model: Path, settings: Settings) -> BatchWork:
    from dataclasses import replace

    from worker_llm.hf_transformers.engine import Transformers
    from worker_llm.tutor.prompt import compose

    engine = Transformers(model, settings)
    persona = personas.load(settings.persona, settings.personas)
    prompt = replace(compose(persona, [], SENTENCE, settings, engine.count_tokens), max_tokens=ANSWER_TOKENS, stop=())
    engine.warm(prompt)
    return lambda n: engine.reply([prompt] * n), lambda reply: reply.completion_tokens


def load_tts(model: Path, settings: Settings) -> BatchWork:
    from worker_tts.bark.engine import Bark
    from worker_tts.engine import Utterance

    engine = Bark(model, settings)
    utterances = [Utterance(SENTENCE, seed=number) for number in range(max(BATCH_SIZES))]
    return lambda n: engine.speak(utterances[:n]), lambda waveform: getattr(waveform, "duration_s", 0.0)


LOADERS: dict[str, Callable[[Path, Settings], BatchWork]] = {"asr": load_asr, "llm": load_llm, "tts": load_tts}


def print_table(figures: dict[str, Any]) -> None:
    titles = ("", "load, s", "memory, GB", "computed, GB", *(f"{n} at once" for n in BATCH_SIZES), "unit")
    table = Table(*titles, title=", ".join(figures["machine"]["gpu"]) or "CPU")
    for stage, row in figures["stages"].items():
        need_gb = row["computed_gb"]["total"] if row["computed_gb"] else "?"
        speeds = (str(row["speeds"][str(n)]) for n in BATCH_SIZES)
        table.add_row(stage, str(row["load_s"]), str(row["memory_gb"]), str(need_gb), *speeds, row["unit"])
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="asr, llm, tts; all of them by default")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    main(parser.parse_args())
