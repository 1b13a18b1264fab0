"""The large teachers for `waijiao demo`: tiny ones with random weights, or the real ones on a GPU."""

import math
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.gpu.devices import gpus
from pipeline.gpu.fractions import gb, need_of
from pipeline.jobs.job import MODEL_STAGES
from pipeline.settings import Settings
from waijiao.plainly import out_console as out

NOISE = (
    "The language model and Bark ran as the real ones do, through their queues; but their weights are random. What the "
    "model says is noise, which the teacher does not pass on: its persona's own words stand in. What Bark speaks is "
    "noise: do not expect to understand it. `make demo-teachers MODELS=full` runs the real ones, with a hub and a GPU."
)
TINY = {"tiny": ("glm", "GLM"), "tiny-chatglm-6b": ("chatglm6b", "ChatGLM-6B")}  # the language model of each


def tiny(which: str, settings: Settings, folder: Path) -> Settings:
    """The settings with tiny teachers, made in `folder`; recognition is as it was, and real."""
    module, name = TINY[which]
    out.print(f"Making a tiny {name} and a tiny Bark with random weights …")
    chosen = {
        "llm_engine": "transformers",
        "llm_model": str(maker(module)(folder / which)),
        "tts_engine": "bark",
        "tts_model": str(maker("bark")(folder / "tiny-bark")),
    }
    return settings.model_copy(update=chosen)


def maker(name: str) -> Callable[[Path], Path]:
    """What makes a tiny checkpoint. ConfigurationError when the extra that it needs is not installed."""
    try:
        module: Any = import_module(f"tiny.{name}")
        import_module("transformers.utils.logging").disable_progress_bar()  # it takes no time
    except ModuleNotFoundError as missing:
        raise ConfigurationError(f"{missing.name} is not installed: run `make teachers`") from missing
    make: Callable[[Path], Path] = module.make
    return make


REAL: dict[str, str | int] = {
    "asr_model": "whisper-large-v3",
    "asr_device": "cuda",
    "asr_windows": 1,  # one question at a time is asked here
    "llm_batch": 1,
    "llm_engine": "transformers",
    "llm_model": "glm-4-9b-chat",
    "llm_device": "cuda",
    "tts_engine": "bark",
    "tts_model": "bark",
    "tts_device": "cuda",
}
LLM_TYPES = ("auto", "int8", "int4")  # from the best to the smallest


def full(settings: Settings, folder: Path) -> Settings:
    """The settings with the real teachers on the first GPU, each with the share that it needs.

    What the settings say is kept. Raises ConfigurationError without a GPU, or when not all fit.
    """
    chosen = settings.model_copy(update={name: each for name, each in REAL.items() if not said(settings, name)})
    gpu = gpus()[0]
    kinds = (settings.llm_compute_type,) if said(settings, "llm_compute_type") else LLM_TYPES
    for kind in kinds:
        chosen = chosen.model_copy(update={"llm_compute_type": kind})
        needs = {stage: need_of(stage, Path(getattr(chosen, f"{stage}_model")), chosen).total for stage in MODEL_STAGES}
        shares = {f"{stage}_gpu_fraction": math.ceil(100 * need / gpu.total) / 100 for stage, need in needs.items()}
        if sum(shares.values()) <= 1:
            told = ", ".join(f"{stage} {gb(need)}" for stage, need in needs.items())
            out.print(f"{gpu.name}, {gb(gpu.total)}: {told}; the language model as {kind}.")
            return chosen.model_copy(update=shares)
    raise ConfigurationError(
        f"{gpu.name} has {gb(gpu.total)}, and the real teachers need {gb(sum(needs.values()))}, with the language "
        f"model as {kind}. `waijiao fit` shows which ones would fit."
    )


def said(settings: Settings, name: str) -> bool:
    return name in settings.model_fields_set


TEACHERS: dict[str, Callable[[Settings, Path], Settings]] = {
    **{which: partial(tiny, which) for which in TINY},
    "full": full,
}
