"""Several models on one GPU: whether each fits into its share, said before anything is loaded."""

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

PERSONAS = 4  # whose beginnings the language model keeps
SLACK = 1e-6  # of a sum of fractions such as 0.1 + 0.2 + 0.7
SMALLER = {
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

    Costs nothing on a CPU. Where the model's sizes or the GPU's are not known, it is let through with a warning.
    """
    if not on_gpu(stage, settings):
        return
    index, fraction = getattr(settings, f"{stage}_gpu"), getattr(settings, f"{stage}_gpu_fraction")
    try:
        there, need = gpus(), need_of(stage, model, settings)
    except (MemoryUnknown, model_headers.SizesUnknown) as unknown:
        log.warning("whether the model fits its GPU is not known: %s", unknown)
        return
    if index >= len(there):
        listed = ", ".join(f"{number}: {each.name}" for number, each in enumerate(there))
        raise ConfigurationError(f"WAIJIAO_{stage.upper()}_GPU={index}: there is {listed}")
    refuse(stage, need, there[index], fraction)


def refuse(stage: str, need: Need, gpu: Gpu, fraction: float) -> None:
    share = fraction * gpu.total
    if need.total <= min(share, gpu.free):
        return
    setting = f"WAIJIAO_{stage.upper()}_GPU_FRACTION"
    lacking = (
        f"its share {setting}={fraction:g} is {gb(share)}" if need.total > share else "other programs use the rest"
    )
    raise ConfigurationError(
        f"the {stage} model needs about {gb(need.total)} of {gpu.name} ({gb(gpu.total)}, of which {gb(gpu.free)} are "
        f"free), and {lacking}. It was not loaded. What helps: another share, or a smaller need: {SMALLER[stage]}; "
        "or a CPU. `waijiao fit` tries it out."
    )


def need_of(stage: str, model: Path, settings: Settings) -> Need:
    """What one worker of the stage needs. Raises ConfigurationError: SizesUnknown, ModelDamaged, or an unknown type."""
    known: str = getattr(settings, f"{stage}_model")
    name = known if is_known(known) else str(model)
    kind: str = getattr(settings, f"{stage}_compute_type")
    if stage == "asr":
        beams = max(settings.asr_beam, memory.BEAMS)
        return memory.whisper(model_headers.whisper(name), kind, settings.asr_windows, beams)
    if stage == "tts":
        return memory.bark(model_headers.bark(name), kind, settings.tts_batch)
    shape = model_headers.language_model(name)
    chats = Chats(settings.llm_batch, settings.llm_context, PERSONAS * settings.prompt_tokens)
    if settings.llm_engine == "llama.cpp":
        layers = settings.llm_gpu_layers if settings.llm_gpu_layers > 0 else shape.layers + 1  # below 0: all of them
        return memory.llama_cpp(shape, layers, chats)
    if kind not in (expected := ("auto", *memory.BYTES)):
        raise ConfigurationError(f"WAIJIAO_LLM_COMPUTE_TYPE={kind!r}: expected one of {', '.join(expected)}")
    return memory.on_torch(shape, kind, chats)


def is_known(name: str) -> bool:
    """Whether the catalogue has this model's sizes, so that its files need not be here."""
    return name in catalogue() and bool(catalogue()[name].shape)


def refuse_crowds(settings: Settings, counts: Mapping[str, int]) -> None:
    """Raises ConfigurationError when the shares of `counts[stage]` workers of each stage exceed a GPU."""
    shares: dict[int, list[tuple[str, int, float]]] = {}
    for stage, count in counts.items():
        if on_gpu(stage, settings):
            values: Any = (getattr(settings, f"{stage}_gpu"), getattr(settings, f"{stage}_gpu_fraction"))
            shares.setdefault(values[0], []).append((stage, count, values[1]))
    for gpu, listed in shares.items():
        if (together := sum(count * fraction for _, count, fraction in listed)) > 1 + SLACK:
            said = ", ".join(
                f"{count} × WAIJIAO_{stage.upper()}_GPU_FRACTION={share:g}" for stage, count, share in listed
            )
            raise ConfigurationError(
                f"GPU {gpu} is shared out {together:.2f} times: {said}. Set fractions that are 1 together; "
                "`waijiao fit` says which."
            )


def gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
