"""What this machine has for a language model: memory, cores, GPUs and disk. No library of an engine is loaded."""

import os
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.gpu.devices import Gpu, gpus

MEMORY_FILE, CGROUP = Path("proc/meminfo"), Path("sys/fs/cgroup")  # below the root; of version 2
TORCH_PACKAGES = ("torch", "transformers")  # that the engine transformers needs


@dataclass(frozen=True)
class Machine:
    """`memory` and `disk` are the bytes that are free now; `gpus` in the order in which CUDA counts them."""

    memory: int
    cores: int
    disk: int
    gpus: tuple[Gpu, ...] = ()
    has_torch: bool = False


def find_machine(folder: Path) -> Machine:
    """This machine, with the disk of the models folder. Without a GPU, or where its memory is not known, it has none.

    Raises ConfigurationError where the system does not tell its free memory.
    """
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    try:
        devices = tuple(gpus())
    except ConfigurationError:
        devices = ()
    return Machine(
        memory=free_memory(),
        cores=count_cores(),
        disk=shutil.disk_usage(existing).free,
        gpus=devices,
        has_torch=all(find_spec(package) for package in TORCH_PACKAGES),
    )


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that programs can still take, within the limit of the container. Raises ConfigurationError."""
    try:
        lines = (root / MEMORY_FILE).read_text(encoding="ascii").splitlines()
        kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError) as error:
        raise ConfigurationError(f"{root / MEMORY_FILE} does not say how much memory is free") from error
    limit = _read(root / CGROUP / "memory.max")
    if not limit.isdecimal():
        return kibibytes * 1024
    current = int(_read(root / CGROUP / "memory.current") or 0)
    statistics = dict(line.split() for line in _read(root / CGROUP / "memory.stat").splitlines())
    droppable = int(statistics.get("inactive_file", 0))  # pages of files, which are given back when memory is needed
    return max(0, min(kibibytes * 1024, int(limit) - current + droppable))


def count_cores(root: Path = Path("/")) -> int:
    """The cores that this process may use, at least 1, within the limit of the container."""
    cores = len(os.sched_getaffinity(0))
    quota, _, period = _read(root / CGROUP / "cpu.max").partition(" ")
    return max(1, min(cores, int(quota) // int(period))) if quota.isdecimal() and period.isdecimal() else cores


def _read(path: Path) -> str:
    """The text of a file of the kernel's; "" where there is none: outside of containers they are missing."""
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
