"""Selects and configures the device on which an engine computes with torch."""

from typing import Any

from pipeline.errors import ConfigurationError
from pipeline.gpu.memory import CONTEXT_BYTES
from pipeline.settings import Settings


def configure_device(stage: str, settings: Settings) -> Any:
    """The stage's torch.device, once its threads and its share of the GPU's memory are set.

    Raises ConfigurationError when the settings name a device that is not available.
    """
    import torch  # here, since only engines have it

    name, gpu, share, threads = (
        getattr(settings, f"{stage}_{each}") for each in ("device", "gpu", "gpu_fraction", "threads")
    )
    setting = f"WAIJIAO_{stage.upper()}"
    torch.set_num_threads(threads)
    if name == "cpu":
        return torch.device("cpu")
    if name != "cuda":
        raise ConfigurationError(f"{setting}_DEVICE={name!r}: expected cpu or cuda")
    if not torch.cuda.is_available():
        build = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
        raise ConfigurationError(
            f"{setting}_DEVICE=cuda: torch {torch.__version__}, built {build}, finds no GPU here. Install NVIDIA's "
            f"driver and a build of torch for CUDA (requirements-torch.txt), or set {setting}_DEVICE=cpu."
        )
    count = torch.cuda.device_count()
    if gpu >= count:
        raise ConfigurationError(f"{setting}_GPU={gpu}: expected less than {count}, the number of GPUs here")
    torch.cuda.set_device(gpu)
    context = CONTEXT_BYTES / torch.cuda.get_device_properties(gpu).total_memory  # not counted by torch's allocator
    torch.cuda.set_per_process_memory_fraction(max(0.0, share - context), gpu)
    return torch.device("cuda", gpu)
