"""ChatGLM-6B at its real size with random weights: load, memory against the computed need, tokens a second by batch.

Run with: python -m benchmarks.gpu.chatglm6b --json FILE    (--device cpu --size tiny tries the script out)
The checkpoint is written as it was published (13.4 GB in float16, in a temporary folder; TMPDIR says where) and loaded
as the real one is; its vocabulary is the tiny one's, which changes speed and memory little. The settings apply, such as
WAIJIAO_LLM_COMPUTE_TYPE=int4. The original code was said to write 31.5 tokens/s, one chat in float16 on an A100.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.gpu.teachers import BATCH_SIZES, describe_machine, empty_gpu_cache, measure_rate, read_used_bytes
from pipeline import personas
from pipeline.gpu.fractions import estimate_need
from pipeline.settings import Settings
from waijiao.tiny_models import chatglm6b
from worker_llm.engine import Prompt
from worker_llm.hf_transformers.engine import Transformers
from worker_llm.tutor.prompt import compose

FULL_SIZE_CONFIG = {  # the published config.json
    "vocab_size": 130_528,
    "hidden_size": 4096,
    "num_layers": 28,
    "num_attention_heads": 32,
    "inner_hidden_size": 16_384,
}
ORIGINAL_TOKENS_PER_S = 31.5  # published for the original code: one chat, float16, an A100
SENTENCE = "Yesterday I go to the library and I read two book, and then my friend come and we was very happy together."
ANSWER_TOKENS = 128  # of each answer


def main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = chatglm6b.make(
            Path(folder), **(FULL_SIZE_CONFIG if arguments.size == "full" else {}), device=arguments.device
        )
        empty_gpu_cache(arguments.device)
        figures = measure(model, arguments)
    print_table(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(model: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    settings = Settings(
        llm_engine="transformers", llm_model=str(model), llm_device=arguments.device, llm_batch=max(BATCH_SIZES)
    )
    bytes_before, started_at = read_used_bytes(arguments.device), time.perf_counter()
    engine = Transformers(model, settings)
    loaded_s = time.perf_counter() - started_at
    persona = personas.load(settings.persona, settings.personas)
    prompt = replace(compose(persona, [], SENTENCE, settings, engine.count_tokens), max_tokens=ANSWER_TOKENS, stop=())
    engine.warm(prompt)
    first = replace(prompt, max_tokens=1)
    speeds = {size: measure_reply_rate(engine, prompt, size, arguments.rounds) for size in BATCH_SIZES}
    first_token_s = 1 / measure_reply_rate(engine, first, 1, arguments.rounds)
    need = estimate_need("llm", model, settings)
    return {
        "machine": describe_machine(arguments.device),
        "size": arguments.size,
        "compute_type": settings.llm_compute_type,
        "load_s": round(loaded_s, 1),
        "memory_gb": round((read_used_bytes(arguments.device) - bytes_before) / 1e9, 2),
        "computed_gb": {name: round(size / 1e9, 2) for name, size in {**asdict(need), "total": need.total}.items()},
        "prompt_tokens": len(engine.chat_template.encode_chat(prompt.messages)),
        "first_token_s": round(first_token_s, 3),
        "tokens_a_second": speeds,
        "batch_gain": round(speeds[max(BATCH_SIZES)] / speeds[1], 2),
        "original_tokens_a_second": ORIGINAL_TOKENS_PER_S,
    }


def measure_reply_rate(engine: Transformers, prompt: Prompt, batch_size: int, rounds: int) -> float:
    """Generated tokens a second."""
    return measure_rate(
        lambda n: engine.reply([prompt] * n), lambda reply: float(reply.completion_tokens), batch_size, rounds
    )


def print_table(figures: dict[str, Any]) -> None:
    table = Table("", "", title=f"ChatGLM-6B, {figures['size']}, {', '.join(figures['machine']['gpu']) or 'CPU'}")
    for name in ("compute_type", "load_s", "memory_gb", "prompt_tokens", "first_token_s", "batch_gain"):
        table.add_row(name, str(figures[name]))
    table.add_row("computed_gb", str(figures["computed_gb"]["total"]))
    for n, speed in figures["tokens_a_second"].items():
        table.add_row(f"tokens/s, {n} at once", str(speed))
    table.add_row("tokens/s of the original code on an A100, one", str(figures["original_tokens_a_second"]))
    Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("full", "tiny"), default="full")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    main(parser.parse_args())
