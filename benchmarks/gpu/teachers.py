"""The large teachers' engines on a GPU: seconds to load, memory against the computed need, speed at 1, 4 and 8 at once.

Run with: python benchmarks/gpu/teachers.py [asr llm tts] --json FILE    (--device cpu --size tiny tries the script out)
Weights are random, at the real sizes (checkpoints.py); the settings, such as WAIJIAO_LLM_COMPUTE_TYPE=int4, hold.
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
from pipeline.gpu.fractions import need_of
from pipeline.gpu.model_headers import SizesUnknown
from pipeline.jobs.job import MODEL_STAGES
from pipeline.settings import Settings

LEARNERS = sorted((Path(__file__).parents[2] / "examples" / "recordings").iterdir())
SENTENCE = "Yesterday I go to the library and I read two book, and then my friend come and we was very happy together."
AT_ONCE = (1, 4, 8)
TOKENS = 128  # of each answer
LIBRARIES = ("torch", "transformers", "bitsandbytes", "ctranslate2", "faster-whisper")


def main(arguments: argparse.Namespace) -> None:
    if arguments.child:
        print(json.dumps(measured(arguments.stages[0], arguments)))
        return
    found: dict[str, Any] = {"machine": machine(arguments.device), "size": arguments.size, "stages": {}}
    for stage in arguments.stages or MODEL_STAGES:
        command = [sys.executable, __file__, stage, "--child", "--size", arguments.size, "--device", arguments.device]
        lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        found["stages"][stage] = json.loads(lines[-1])
    show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def machine(device: str) -> dict[str, Any]:
    card = [f"{gpu.name}, {gpu.total / 1e9:.1f} GB" for gpu in gpus()[:1]] if device == "cuda" else []
    return {
        "gpu": card,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def measured(stage: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """One stage's figures, in a process of its own, so that its memory is its own."""
    import checkpoints

    with tempfile.TemporaryDirectory() as folder:
        model = checkpoints.make(stage, arguments.size, Path(folder) / stage, arguments.device)
        most = max(AT_ONCE)
        chosen = {f"{stage}_device": arguments.device, f"{stage}_model": str(model), f"{stage}_batch": most}
        settings = Settings(**chosen, llm_engine="transformers", tts_engine="bark")
        release(arguments.device)
        before, begun = memory(arguments.device), time.perf_counter()
        work, counted = WORKS[stage](model, settings)
        loaded_s = time.perf_counter() - begun
        speeds = {str(n): rate(work, counted, n, arguments.rounds) for n in AT_ONCE}
        taken = memory(arguments.device) - before
        return {
            "load_s": round(loaded_s, 1),
            "memory_gb": round(taken / 1e9, 2),
            "computed_gb": computed(stage, model, settings),
            "unit": UNITS[stage],
            "speeds": speeds,
            "settings": {name: getattr(settings, f"{stage}_{name}") for name in ("compute_type", "batch")},
        }


def release(device: str) -> None:
    """What making the checkpoint has left on the GPU."""
    import torch

    if device == "cuda":
        torch.cuda.empty_cache()


def memory(device: str) -> int:
    """Bytes of the GPU in use, by whomever; on a CPU, of this process."""
    if device == "cuda":
        gpu = gpus()[0]
        return gpu.total - gpu.free
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def computed(stage: str, model: Path, settings: Settings) -> dict[str, float] | None:
    try:
        need = need_of(stage, model, settings)
    except SizesUnknown:
        return None
    return {name: round(size / 1e9, 2) for name, size in {**asdict(need), "total": need.total}.items()}


def rate(work: Callable[[int], Sequence[Any]], counted: Callable[[Any], float], n: int, rounds: int) -> float:
    """Median of units a second, with `n` at once, after a round that warms."""
    found = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        results = work(n)
        found.append(sum(map(counted, results)) / (time.perf_counter() - begun))
    return round(statistics.median(found[1:]), 2)


Work = tuple[Callable[[int], Sequence[Any]], Callable[[Any], float]]
UNITS = {"asr": "seconds of speech a second", "llm": "tokens a second", "tts": "seconds of speech a second"}


def asr(model: Path, settings: Settings) -> Work:
    from worker_asr.engine import Recording
    from worker_asr.faster_whisper import FasterWhisper

    engine = FasterWhisper(model, settings)
    sounds: list[Waveform] = []
    for path in LEARNERS[: max(AT_ONCE)]:
        with path.open("rb") as file:
            sounds.append(decode(file, settings.max_recording_s))
    lengths = [sound.duration_s for sound in sounds]

    def work(n: int) -> Sequence[float]:
        engine.transcribe([Recording(sound, "en") for sound in sounds[:n]])
        return lengths[:n]

    return work, float


def llm(model: Path, settings: Settings) -> Work:
    from dataclasses import replace

    from worker_llm.hf_transformers.engine import Transformers
    from worker_llm.tutor.prompt import compose

    engine = Transformers(model, settings)
    william = personas.load(settings.persona, settings.personas)
    prompt = replace(compose(william, [], SENTENCE, settings, engine.count_tokens), max_tokens=TOKENS, stop=())
    engine.warm(prompt)
    return lambda n: engine.reply([prompt] * n), lambda reply: reply.completion_tokens


def tts(model: Path, settings: Settings) -> Work:
    from worker_tts.bark.engine import Bark
    from worker_tts.engine import Utterance

    engine = Bark(model, settings)
    lines = [Utterance(SENTENCE, seed=number) for number in range(max(AT_ONCE))]
    return lambda n: engine.speak(lines[:n]), lambda sound: getattr(sound, "duration_s", 0.0)


WORKS: dict[str, Callable[[Path, Settings], Work]] = {"asr": asr, "llm": llm, "tts": tts}


def show(found: dict[str, Any]) -> None:
    titles = ("", "load, s", "memory, GB", "computed, GB", *(f"{n} at once" for n in AT_ONCE), "unit")
    table = Table(*titles, title=", ".join(found["machine"]["gpu"]) or "CPU")
    for stage, each in found["stages"].items():
        need = each["computed_gb"]["total"] if each["computed_gb"] else "?"
        speeds = (str(each["speeds"][str(n)]) for n in AT_ONCE)
        table.add_row(stage, str(each["load_s"]), str(each["memory_gb"]), str(need), *speeds, each["unit"])
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="asr, llm, tts; all of them by default")
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    main(parser.parse_args())
