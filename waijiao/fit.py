"""`waijiao fit`: what fits which GPU, and the settings that share it out. It needs neither a GPU nor the models."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.errors import ConfigurationError
from pipeline.gpu.devices import gpus
from pipeline.jobs.job import MODEL_STAGES
from pipeline.model_files.catalogue import catalogue
from pipeline.settings import Settings
from waijiao.fit_report import report
from waijiao.placing import Plan
from waijiao.plainly import FAILED, out_console, said_plainly

UNITS = {"gb": 10**9, "gib": 2**30, "": 10**9}
AUTO, OWN = "[default: float16]", "Not for .gguf files.  [default: the model's own]"
ENGINES = {"asr": "faster-whisper", "llm": "transformers", "tts": "bark"}


class Memory(click.ParamType[int]):
    """Bytes, from what a card's box says, such as 24GB."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"([0-9.]+) *([a-z]*)", str(value).strip().lower())
        if not found or found[2] not in UNITS:
            self.fail(f"{value!r} is no size: expected one such as 24GB or 22.5GiB", param, ctx)
        return int(float(found[1]) * UNITS[found[2]])


class Workers(click.ParamType[dict[str, int]]):
    """Numbers of workers, such as asr=2,llm=1."""

    name = "STAGE=N,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, int]:
        found = re.findall(r"(asr|llm|tts)=([1-9][0-9]?)(?:,|$)", str(value))
        if ",".join(f"{stage}={count}" for stage, count in found) != value:
            self.fail(f"{value!r}: expected something such as asr=2,llm=1", param, ctx)
        return {stage: int(count) for stage, count in found}


@click.command()
@click.option("--gpu", "sizes", multiple=True, type=Memory(), help="A card's memory; once for each.  [default: yours]")
@click.option("--asr", help="Whisper: large-v3, large-v3-turbo, large-v2, or a folder.")
@click.option("--llm", help="Language model: glm-4-9b-chat, a folder of transformers', or a .gguf file.")
@click.option("--tts", help="Voice: bark, bark-small, or a folder.")
@click.option("--asr-type", type=click.Choice(["float16", "int8_float16", "int8", "float32"]), help=AUTO)
@click.option("--llm-type", type=click.Choice(["bfloat16", "float16", "int8", "int4", "float32"]), help=OWN)
@click.option("--tts-type", type=click.Choice(["float16", "float32"]), help=AUTO)
@click.option("--context", type=click.IntRange(min=1), help="Tokens of one chat.  [default: WAIJIAO_LLM_CONTEXT]")
@click.option("--batch", type=click.IntRange(min=1), help="Jobs that a worker of the llm and of the tts takes at once.")
@click.option("--windows", type=click.IntRange(min=1), help="Windows of 30 s of a long recording recognised at once.")
@click.option("--workers", type=Workers(), default="", help="Workers of a stage, such as asr=2,llm=1.  [default: one]")
@said_plainly
def fit(sizes: tuple[int, ...], workers: dict[str, int], **asked: Any) -> None:
    """Which models fit one GPU together, or several, and which share of its memory each must have.

    \b
    waijiao fit --gpu 24GB --asr large-v3 --llm glm-4-9b-chat --llm-type int4 --tts bark
    waijiao fit --gpu 8GB --gpu 24GB --asr large-v3-turbo --llm ./my-model.gguf --workers asr=2

    A stage that is not named computes on the CPU. Prints the settings to copy. Ends with status 1 when the models do
    not fit, and says what would. A card's GB are taken as 10^9 bytes, a little less than it has.
    """
    stages = [stage for stage in MODEL_STAGES if asked[stage]]
    if not stages:
        raise click.UsageError("Name at least one model: --asr, --llm or --tts.")
    chosen = Settings().model_copy(update=settings_of(stages, asked))
    plan = Plan(chosen, {stage: workers.get(stage, 1) for stage in stages}, sizes or yours())
    if not report(plan, out_console):
        sys.exit(FAILED)


def yours() -> tuple[int, ...]:
    """The memory of each GPU of this machine. Raises UsageError without any."""
    try:
        return tuple(each.total for each in gpus())
    except ConfigurationError as error:
        raise click.UsageError(f"Name a card, such as --gpu 24GB: {error.detail}") from error


def settings_of(stages: list[str], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the options stand for."""
    chosen: dict[str, Any] = {}
    for stage in stages:
        chosen |= {f"{stage}_model": named(stage, asked[stage]), f"{stage}_engine": ENGINES[stage]}
        chosen |= {f"{stage}_device": "cuda", f"{stage}_compute_type": asked[f"{stage}_type"] or "auto"}
    if "llm" in stages and is_gguf(chosen["llm_model"]):
        chosen |= {"llm_engine": "llama.cpp", "llm_gpu_layers": 999}
    counts = {"llm_context": "context", "llm_batch": "batch", "tts_batch": "batch", "asr_windows": "windows"}
    return chosen | {setting: asked[option] for setting, option in counts.items() if asked[option]}


def named(stage: str, text: str) -> str:
    """The catalogue's name for the model, or the path. Raises UsageError, which lists the known names."""
    known = [name for name, model in catalogue().items() if model.stage == stage and (model.shape or stage == "llm")]
    for name in (text, f"whisper-{text}"):
        if name in known:
            return name
    if Path(text).expanduser().exists():
        return text
    raise click.UsageError(f"--{stage} {text}: expected one of {', '.join(known)}, or a path that is there.")


def is_gguf(model: str) -> bool:
    engine = catalogue()[model].engine if model in catalogue() else ""
    return engine == "llama.cpp" or Path(model).expanduser().is_file()
