"""Several models on one GPU: whether each fits into its share, checked before anything is loaded."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.gpu import memory, model_headers
from pipeline.gpu.devices import Gpu, MemoryUnknown, gpus
from pipeline.gpu.memory import Chats, Need
from pipeline.model_files.catalogue import catalogue
from pipeline.settings import Settings

log = logging.getLogger(__name__)

CACHED_PERSONAS = 4  # personas whose prompts stay in the prefix cache
SUM_TOLERANCE = 1e-6  # rounding error of a sum of fractions such as 0.1 + 0.2 + 0.7
SMALLER_NEEDS = {
    "asr": "WAIJIAO_ASR_WINDOWS, WAIJIAO_ASR_COMPUTE_TYPE=int8_float16, whisper-large-v3-turbo",
    "llm": "WAIJIAO_LLM_CONTEXT, WAIJIAO_LLM_BATCH, WAIJIAO_LLM_COMPUTE_TYPE=int8 or int4",
    "tts": "WAIJIAO_TTS_BATCH, WAIJIAO_TTS_COMPUTE_TYPE=float16, bark-small",
}


def on_gpu(stage: str, settings: Settings) -> bool:
    """Whether the stage's workers compute on a GPU."""
    if stage == "llm" and settings.llm_engine == "llama.cpp":
        return settings.llm_gpu_layers != 0
    computes_here = getattr(settings, f"{stage}_engine") in {"faster-whisper", "transformers", "bark"}
    return computes_here and getattr(settings, f"{stage}_device") == "cuda"


def check(stage: str, model: Path, settings: Settings) -> None:
    """Raises ConfigurationError when the model needs more of its GPU than its share, or than is free now.

    Does nothing on a CPU. Where the model's sizes or the GPU's are not known, it only logs a warning.
    """
    if not on_gpu(stage, settings):
        return
    index, fraction = getattr(settings, f"{stage}_gpu"), getattr(settings, f"{stage}_gpu_fraction")
    try:
        devices, need = gpus(), estimate_need(stage, model, settings)
    except (MemoryUnknown, model_headers.SizesUnknown) as error:
        log.warning("whether the model fits its GPU is not known: %s", error)
        return
    if index >= len(devices):
        entries = ", ".join(f"{number}: {each.name}" for number, each in enumerate(devices))
        raise ConfigurationError(f"WAIJIAO_{stage.upper()}_GPU={index}: expected one of {entries}")
    check_fits(stage, need, devices[index], fraction)


def check_fits(stage: str, need: Need, gpu: Gpu, fraction: float) -> None:
    share = fraction * gpu.total
    if need.total <= min(share, gpu.free):
        return
    setting = f"WAIJIAO_{stage.upper()}_GPU_FRACTION"
    reason = (
        f"its share {setting}={fraction:g} is {format_gb(share)}"
        if need.total > share
        else "other programs use the rest"
    )
    raise ConfigurationError(
        f"the {stage} model needs about {format_gb(need.total)} of {gpu.name} "
        f"({format_gb(gpu.total)}, of which {format_gb(gpu.free)} are free), and "
        f"{reason}. It was not loaded. Change the share, reduce the need ({SMALLER_NEEDS[stage]}), "
        "or use a CPU. `waijiao fit` shows what fits."
    )


def estimate_need(stage: str, model: Path, settings: Settings) -> Need:
    """What one worker of the stage needs.

    Raises ConfigurationError: SizesUnknown, ModelDamaged, or an unknown compute type.
    """
    configured_model: str = getattr(settings, f"{stage}_model")
    name = configured_model if has_known_sizes(configured_model) else str(model)
    compute_type: str = getattr(settings, f"{stage}_compute_type")
    if stage == "asr":
        beams = max(settings.asr_beam, memory.MIN_BEAMS)
        return memory.whisper(model_headers.whisper(name), compute_type, settings.asr_windows, beams)
    if stage == "tts":
        return memory.bark(model_headers.bark(name), compute_type, settings.tts_batch)
    shape = model_headers.language_model(name)
    chats = Chats(settings.llm_batch, settings.llm_context, CACHED_PERSONAS * settings.prompt_tokens)
    if settings.llm_engine == "llama.cpp":
        layers = settings.llm_gpu_layers if settings.llm_gpu_layers > 0 else shape.layers + 1  # below 0: all of them
        return memory.llama_cpp(shape, layers, chats)
    if compute_type not in (compute_types := ("auto", *memory.BYTES_PER_WEIGHT)):
        raise ConfigurationError(
            f"WAIJIAO_LLM_COMPUTE_TYPE={compute_type!r}: expected one of {', '.join(compute_types)}"
        )
    return memory.on_torch(shape, compute_type, chats)


def has_known_sizes(name: str) -> bool:
    """Whether the catalogue has this model's sizes, so that its files need not be here."""
    return name in catalogue() and bool(catalogue()[name].shape)


def check_fraction_sums(settings: Settings, counts: Mapping[str, int]) -> None:
    """Raises ConfigurationError when the shares of `counts[stage]` workers of each stage exceed a GPU."""
    shares: dict[int, list[tuple[str, int, float]]] = {}
    for stage, count in counts.items():
        if on_gpu(stage, settings):
            values: Any = (getattr(settings, f"{stage}_gpu"), getattr(settings, f"{stage}_gpu_fraction"))
            shares.setdefault(values[0], []).append((stage, count, values[1]))
    for gpu, entries in shares.items():
        if (fraction_sum := sum(count * fraction for _, count, fraction in entries)) > 1 + SUM_TOLERANCE:
            fractions = ", ".join(
                f"{count} × WAIJIAO_{stage.upper()}_GPU_FRACTION={share:g}" for stage, count, share in entries
            )
            raise ConfigurationError(
                f"GPU {gpu} is used {fraction_sum:.2f} times over: {fractions}. Set fractions whose sum is at most 1; "
                "`waijiao fit` suggests some."
            )


def format_gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
