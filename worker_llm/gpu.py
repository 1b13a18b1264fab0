"""Where torch computes, as the settings say, and how much of a shared GPU it may take."""

import torch

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings


def device(settings: Settings) -> torch.device:
    """The CPU with the worker's threads, or its GPU with its share of the memory. Raises ConfigurationError."""
    torch.set_num_threads(settings.llm_threads)
    if settings.llm_device == "cpu":
        return torch.device("cpu")
    if settings.llm_device != "cuda":
        raise ConfigurationError(f"WAIJIAO_LLM_DEVICE={settings.llm_device!r}: expected cpu or cuda")
    if settings.llm_gpu >= torch.cuda.device_count():
        raise ConfigurationError(f"WAIJIAO_LLM_DEVICE=cuda, WAIJIAO_LLM_GPU={settings.llm_gpu}: there is {there()}")
    torch.cuda.set_per_process_memory_fraction(settings.llm_gpu_fraction, settings.llm_gpu)
    return torch.device("cuda", settings.llm_gpu)


def there() -> str:
    if not torch.backends.cuda.is_built():
        return f"no CUDA in torch {torch.__version__}; install a build that has it, as requirements-torch.txt says"
    names = [f"{n}: {torch.cuda.get_device_name(n)}" for n in range(torch.cuda.device_count())]
    return ", ".join(names) or "no GPU that torch sees; nvidia-smi shows whether the driver does"
