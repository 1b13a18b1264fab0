"""Places models on GPUs: which GPU each model goes to, which share of its memory it needs, and what else would fit."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from pipeline.gpu import fractions
from pipeline.gpu.memory import Need
from pipeline.jobs.job import MODEL_STAGES
from pipeline.model_files.catalogue import locate
from pipeline.settings import Settings


@dataclass(frozen=True)
class Placement:
    """The number of a GPU, and the percentage of its memory that one worker of a model may use."""

    gpu: int
    percent: int


@dataclass(frozen=True)
class GpuPlan:
    """The models of the settings, to be placed on GPUs with `gpu_bytes` of memory.

    `workers` has the number of workers of each stage that computes on a GPU; the other stages are not in it.
    """

    settings: Settings
    workers: Mapping[str, int]
    gpu_bytes: tuple[int, ...]

    def with_settings(self, **changes: Any) -> "GpuPlan":
        return replace(self, settings=self.settings.model_copy(update=changes))

    def needs(self) -> dict[str, Need]:
        """The memory that one worker of each stage needs. Raises SizesUnknown, ModelMissing or ModelDamaged."""
        return {stage: self._need(stage) for stage in MODEL_STAGES if stage in self.workers}

    def _need(self, stage: str) -> Need:
        name: str = getattr(self.settings, f"{stage}_model")
        model = Path(name) if fractions.has_known_sizes(name) else locate(name, self.settings.models_folder)
        return fractions.estimate_need(stage, model, self.settings)

    def total_bytes(self) -> int:
        """The memory that all workers need together."""
        return sum(need.total * self.workers[stage] for stage, need in self.needs().items())

    def find_placements(self) -> dict[str, Placement] | None:
        """A placement for each stage, on as few GPUs as possible; None if the models do not fit.

        All workers of a stage are on the same GPU.
        """
        needs = self.needs()
        choices = product(range(len(self.gpu_bytes)), repeat=len(needs))
        for gpus in sorted(choices, key=lambda gpus: (len(set(gpus)), gpus)):
            placements = {
                stage: Placement(gpu, percent_of(need.total, self.gpu_bytes[gpu]))
                for (stage, need), gpu in zip(needs.items(), gpus, strict=True)
            }
            if all(self.used_percent(placements, gpu) <= 100 for gpu in set(gpus)):
                return placements
        return None

    def used_percent(self, placements: Mapping[str, Placement], gpu: int) -> int:
        """The percentage of this GPU's memory that all workers on it use."""
        return sum(each.percent * self.workers[stage] for stage, each in placements.items() if each.gpu == gpu)


def percent_of(need: int, size: int) -> int:
    """The percentage of `size` that `need` is, rounded up."""
    return math.ceil(need * 100 / size)


# What reduces the memory that a plan needs, the least harm first: the option of `waijiao fit`, its stage, its settings.
REDUCTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("--windows 2", "asr", {"asr_windows": 2}),
    ("--batch 1", "llm", {"llm_batch": 1, "tts_batch": 1}),
    ("--asr-type int8_float16", "asr", {"asr_compute_type": "int8_float16"}),
    ("--llm-type int8", "llm", {"llm_compute_type": "int8"}),
    ("--llm-type int4", "llm", {"llm_compute_type": "int4"}),
    ("--context 2048", "llm", {"llm_context": 2048}),
    ("--asr large-v3-turbo", "asr", {"asr_model": "whisper-large-v3-turbo"}),
    ("--tts bark-small", "tts", {"tts_model": "bark-small"}),
)


def reduced_plans(plan: GpuPlan) -> Iterator[tuple[list[str], GpuPlan]]:
    """Plans that need less, and the options that lead to them: each reduction alone, then with all before it."""
    options: dict[str, str] = {}
    cumulative = plan
    for option, stage, changes in REDUCTIONS:
        if stage in plan.workers:
            yield [option], plan.with_settings(**changes)
            options[option.partition(" ")[0]] = option  # a later --llm-type replaces an earlier one
            cumulative = cumulative.with_settings(**changes)
            yield list(options.values()), cumulative


def find_fitting_options(plan: GpuPlan) -> list[str] | None:
    """The first options that make the plan fit and reduce its memory; None if no known reduction does."""
    before = plan.total_bytes()
    for options, reduced_plan in reduced_plans(plan):
        if reduced_plan.total_bytes() < before and reduced_plan.find_placements():
            return options
    return None
