"""Which models fit which GPUs, with what shares; and what would, when they do not."""

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

HUNDREDTHS = 100  # shares are given in these


@dataclass(frozen=True)
class Plan:
    """Models on GPUs of these sizes (bytes); `workers[stage]` of each stage that computes on a GPU."""

    settings: Settings
    workers: Mapping[str, int]
    sizes: tuple[int, ...]

    def with_(self, **changed: Any) -> "Plan":
        return replace(self, settings=self.settings.model_copy(update=changed))

    def needs(self) -> dict[str, Need]:
        """What one worker of each stage needs. Raises SizesUnknown, ModelMissing or ModelDamaged."""
        return {stage: self._need(stage) for stage in MODEL_STAGES if stage in self.workers}

    def _need(self, stage: str) -> Need:
        name: str = getattr(self.settings, f"{stage}_model")
        known = fractions.is_known(name)
        model = Path(name) if known else locate(name, self.settings.models_folder)
        return fractions.need_of(stage, model, self.settings)

    def placed(self) -> "dict[str, Place] | None":
        """A GPU and a share for each stage, on as few GPUs as will do; None when they do not fit."""
        needs = self.needs()
        choices = product(range(len(self.sizes)), repeat=len(needs))
        for gpus in sorted(choices, key=lambda gpus: (len(set(gpus)), gpus)):
            places = {
                stage: Place(gpu, share_of(need.total, self.sizes[gpu]))
                for (stage, need), gpu in zip(needs.items(), gpus, strict=True)
            }
            if all(self.taken(places, gpu) <= HUNDREDTHS for gpu in set(gpus)):
                return places
        return None

    def taken(self, places: "Mapping[str, Place]", gpu: int) -> int:
        """Hundredths of this GPU."""
        return sum(place.share * self.workers[stage] for stage, place in places.items() if place.gpu == gpu)


@dataclass(frozen=True)
class Place:
    """A GPU by its number, and the hundredths of its memory that one worker there may take."""

    gpu: int
    share: int


def share_of(need: int, size: int) -> int:
    return math.ceil(need * HUNDREDTHS / size)


# What makes a plan smaller, the least harm first: the option of `waijiao fit`, its stage, and what it sets.
SMALLER: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("--windows 2", "asr", {"asr_windows": 2}),
    ("--batch 1", "llm", {"llm_batch": 1, "tts_batch": 1}),
    ("--asr-type int8_float16", "asr", {"asr_compute_type": "int8_float16"}),
    ("--llm-type int8", "llm", {"llm_compute_type": "int8"}),
    ("--llm-type int4", "llm", {"llm_compute_type": "int4"}),
    ("--context 2048", "llm", {"llm_context": 2048}),
    ("--asr large-v3-turbo", "asr", {"asr_model": "whisper-large-v3-turbo"}),
    ("--tts bark-small", "tts", {"tts_model": "bark-small"}),
)


def smaller(plan: Plan) -> Iterator[tuple[list[str], Plan]]:
    """Smaller plans, and the options that make them: each change by itself, then with all those before it."""
    options: dict[str, str] = {}
    together = plan
    for option, stage, changed in SMALLER:
        if stage in plan.workers:
            yield [option], plan.with_(**changed)
            options[option.partition(" ")[0]] = option  # a later --llm-type stands for an earlier one
            together = together.with_(**changed)
            yield list(options.values()), together


def what_would_fit(plan: Plan) -> list[str] | None:
    """Options that make the plan fit, each needing less than without it; None when nothing we know of does."""
    before = needed(plan)
    for options, other in smaller(plan):
        if needed(other) < before and other.placed():
            return options
    return None


def needed(plan: Plan) -> int:
    """Bytes of all workers together."""
    return sum(need.total * plan.workers[stage] for stage, need in plan.needs().items())
