"""The `waijiao fit` command: which models fit which GPUs, and the settings for it. It needs neither GPU nor models."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

import click
from rich.console import Console
from rich.table import Column, Table

from pipeline.errors import ConfigurationError
from pipeline.gpu.devices import gpus
from pipeline.gpu.fractions import format_gb
from pipeline.gpu.memory import Need
from pipeline.model_files.catalogue import catalogue
from pipeline.settings import Settings
from waijiao.cli.console import EXIT_FAILED, handle_errors, stdout
from waijiao.cli.planning.gpu_placement import GpuPlan, Placement, find_fitting_options

BYTES_PER_UNIT = {"gb": 10**9, "gib": 2**30, "": 10**9}
FLOAT16_HELP, MODEL_TYPE_HELP = "[default: float16]", "Not for .gguf files.  [default: the model's own]"
ENGINE_BY_STAGE = {"asr": "faster-whisper", "llm": "transformers", "tts": "bark"}
COMPUTED_NOTE = "Every figure is computed (docs/engines.md says how); none was measured on your GPU."
PLAIN_WIDTH = 120  # columns of the table where no terminal says how wide it is
SETTINGS_BY_ENGINE = {
    "faster-whisper": ("asr_device", "asr_compute_type", "asr_windows"),
    "transformers": ("llm_device", "llm_compute_type", "llm_context", "llm_batch"),
    "llama.cpp": ("llm_gpu_layers", "llm_context", "llm_batch"),
    "bark": ("tts_device", "tts_compute_type", "tts_batch"),
}


class MemorySize(click.ParamType[int]):
    """Bytes, given as on the box of a graphics card, such as 24GB."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"([0-9.]+) *([a-z]*)", str(value).strip().lower())
        if not match or match[2] not in BYTES_PER_UNIT:
            self.fail(f"{value!r} is not a size: expected one such as 24GB or 22.5GiB", param, ctx)
        return int(float(match[1]) * BYTES_PER_UNIT[match[2]])


class WorkerCounts(click.ParamType[dict[str, int]]):
    """Numbers of workers by stage, such as asr=2,llm=1."""

    name = "STAGE=N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        counts = re.findall(r"(asr|llm|tts)=([1-9][0-9]?)(?:,|$)", str(value))
        if ",".join(f"{stage}={count}" for stage, count in counts) != value:
            self.fail(f"{value!r}: expected something such as asr=2,llm=1", param, ctx)
        return {stage: int(count) for stage, count in counts}


class FitOptions(TypedDict):
    """The options of `waijiao fit`; None: the option was not given."""

    sizes: tuple[int, ...]
    asr: str | None
    llm: str | None
    tts: str | None
    asr_type: str | None
    llm_type: str | None
    tts_type: str | None
    context: int | None
    batch: int | None
    windows: int | None
    workers: dict[str, int]


@click.command()
@click.option(
    "--gpu", "sizes", multiple=True, type=MemorySize(), help="A GPU's memory; once for each GPU.  [default: yours]"
)
@click.option("--asr", help="Whisper: large-v3, large-v3-turbo, large-v2, or a folder.")
@click.option("--llm", help="Language model: glm-4-9b-chat, a folder for transformers, or a .gguf file.")
@click.option("--tts", help="Voice: bark, bark-small, or a folder.")
@click.option("--asr-type", type=click.Choice(["float16", "int8_float16", "int8", "float32"]), help=FLOAT16_HELP)
@click.option("--llm-type", type=click.Choice(["bfloat16", "float16", "int8", "int4", "float32"]), help=MODEL_TYPE_HELP)
@click.option("--tts-type", type=click.Choice(["float16", "float32"]), help=FLOAT16_HELP)
@click.option("--context", type=click.IntRange(min=1), help="Tokens of one job.  [default: WAIJIAO_LLM_CONTEXT]")
@click.option("--batch", type=click.IntRange(min=1), help="Jobs that an llm or a tts worker processes at once.")
@click.option("--windows", type=click.IntRange(min=1), help="Windows of 30 s of a long recording recognised at once.")
@click.option("--workers", type=WorkerCounts(), default="", help="Workers, such as asr=2,llm=1.  [default: one each]")
@handle_errors
def fit(**options: Unpack[FitOptions]) -> None:
    """Which models fit together on one GPU, or on several, and which share of its memory each must have.

    \b
    waijiao fit --gpu 24GB --asr large-v3 --llm glm-4-9b-chat --llm-type int4 --tts bark
    waijiao fit --gpu 8GB --gpu 24GB --asr large-v3-turbo --llm ./my-model.gguf --workers asr=2

    A stage that is not named computes on the CPU. Prints the settings to copy. Ends with status 1 when the models do
    not fit, and says what would. A GPU's GB are taken as 10^9 bytes, a little less than it has.
    """
    if not print_report(build_plan(options), stdout):
        sys.exit(EXIT_FAILED)


def build_plan(options: FitOptions) -> GpuPlan:
    """The plan that the options describe. Raises UsageError if they name no model, an unknown model or no GPU."""
    models = {"asr": options["asr"], "llm": options["llm"], "tts": options["tts"]}
    compute_types = {"asr": options["asr_type"], "llm": options["llm_type"], "tts": options["tts_type"]}
    changes: dict[str, Any] = {}
    stages = []
    for stage, model in models.items():
        if model is None:
            continue
        stages.append(stage)
        changes |= {f"{stage}_model": find_model(stage, model), f"{stage}_engine": ENGINE_BY_STAGE[stage]}
        changes |= {f"{stage}_device": "cuda", f"{stage}_compute_type": compute_types[stage] or "auto"}
    if not stages:
        raise click.UsageError("Name at least one model: --asr, --llm or --tts.")
    if "llm" in stages and is_gguf(changes["llm_model"]):
        changes |= {"llm_engine": "llama.cpp", "llm_gpu_layers": 999}
    limits = {
        "llm_context": options["context"],
        "llm_batch": options["batch"],
        "tts_batch": options["batch"],
        "asr_windows": options["windows"],
    }
    changes |= {name: value for name, value in limits.items() if value}
    workers = {stage: options["workers"].get(stage, 1) for stage in stages}
    return GpuPlan(Settings().model_copy(update=changes), workers, options["sizes"] or local_gpu_sizes())


def local_gpu_sizes() -> tuple[int, ...]:
    """The memory of each GPU of this machine, in bytes. Raises UsageError if there is none."""
    try:
        return tuple(each.total for each in gpus())
    except ConfigurationError as error:
        raise click.UsageError(f"Name a GPU, such as --gpu 24GB: {error.detail}") from error


def find_model(stage: str, text: str) -> str:
    """The catalogue's name for the model, or the path. Raises UsageError, which lists the known names."""
    known_names = [
        name for name, model in catalogue().items() if model.stage == stage and (model.shape or stage == "llm")
    ]
    for name in (text, f"whisper-{text}"):
        if name in known_names:
            return name
    if Path(text).expanduser().exists():
        return text
    raise click.UsageError(f"--{stage} {text}: expected one of {', '.join(known_names)}, or an existing path.")


def is_gguf(model: str) -> bool:
    engine = catalogue()[model].engine if model in catalogue() else ""
    return engine == "llama.cpp" or Path(model).expanduser().is_file()


def print_report(plan: GpuPlan, console: Console) -> bool:
    """Print whether the models fit, and the settings, or what would fit instead; returns whether they fit."""
    needs, placements = plan.needs(), plan.find_placements()
    console.print(needs_table(plan, needs, placements), width=None if console.is_terminal else PLAIN_WIDTH)
    if placements:
        free = describe_free_memory(plan, placements)
        lines = [f"They fit. {free} To run them so:", "", *settings_to_copy(plan, placements), "", COMPUTED_NOTE]
    else:
        missing = f"They do not fit: {format_gb(plan.total_bytes())} are needed, {describe_gpus(plan)}."
        lines = [missing, suggest_reduction(plan), COMPUTED_NOTE]
    console.print("\n".join(lines), markup=False)
    return bool(placements)


def needs_table(plan: GpuPlan, needs: Mapping[str, Need], placements: Mapping[str, Placement] | None) -> Table:
    """A row for each stage: what one of its workers needs, in GB, and where it is placed."""
    numbers = ("weights", "cache", "working", "context", "GB each", "workers", "GPU", "share")
    columns = (Column(name, justify="right", no_wrap=True) for name in numbers)
    table = Table(Column("model", no_wrap=True), *columns, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for stage, need in needs.items():
        parts = (need.weights, need.cache, need.working, need.context, need.total)
        gpu_cells = (str(placements[stage].gpu), format_fraction(placements[stage])) if placements else ("", "")
        name = Path(getattr(plan.settings, f"{stage}_model")).name
        table.add_row(name, *(f"{part / 1e9:.1f}" for part in parts), str(plan.workers[stage]), *gpu_cells)
    return table


def describe_free_memory(plan: GpuPlan, placements: Mapping[str, Placement]) -> str:
    """What is left on each GPU that is used."""
    used_percents = {
        gpu: plan.used_percent(placements, gpu) for gpu in sorted({each.gpu for each in placements.values()})
    }
    return " ".join(
        f"GPU {gpu} has {format_gb(plan.gpu_bytes[gpu] * (100 - percent) / 100)} to spare."
        for gpu, percent in used_percents.items()
    )


def describe_gpus(plan: GpuPlan) -> str:
    sizes = " and ".join(format_gb(size) for size in plan.gpu_bytes)
    return f"{sizes} are there" if len(plan.gpu_bytes) == 1 else f"GPUs of {sizes} are there"


def suggest_reduction(plan: GpuPlan) -> str:
    options = find_fitting_options(plan)
    if options:
        return f"They would with: {' '.join(options)}"
    return "No smaller configuration that we know of fits either: use a larger GPU."


def settings_to_copy(plan: GpuPlan, placements: Mapping[str, Placement]) -> list[str]:
    """The environment variables that the plan stands for, and the command that starts its workers."""
    lines = []
    for stage, placement in placements.items():
        names = (f"{stage}_engine", f"{stage}_model", *SETTINGS_BY_ENGINE[getattr(plan.settings, f"{stage}_engine")])
        values = [(name, getattr(plan.settings, name)) for name in names]
        values += [(f"{stage}_gpu", placement.gpu), (f"{stage}_gpu_fraction", format_fraction(placement))]
        lines += [f"export WAIJIAO_{name.upper()}={value}" for name, value in values]
    counts = " ".join(f"--{stage} {count}" for stage, count in plan.workers.items())
    return [*lines, f"waijiao up {counts}"]


def format_fraction(placement: Placement) -> str:
    return f"{placement.percent / 100:.2f}"
