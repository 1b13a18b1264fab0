"""The GPUs of this machine and their memory, as nvidia-smi reports them; no CUDA library is loaded."""

import csv
import os
import subprocess
from dataclasses import dataclass

from pipeline.errors import ConfigurationError

NVIDIA_SMI_COMMAND = [
    "nvidia-smi",
    "--query-gpu=index,uuid,name,memory.total,memory.free",
    "--format=csv,noheader,nounits",
]
NVIDIA_SMI_TIMEOUT_S = 5  # seconds that nvidia-smi may take; it can hang when a driver is broken
MIB = 1 << 20  # bytes in nvidia-smi's unit
ORDER_VARIABLE, VISIBLE_VARIABLE = "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"


class MemoryUnknown(ConfigurationError):
    """Raised for a GPU whose memory nvidia-smi does not report: a part of one (MIG), or one with shared memory."""


@dataclass(frozen=True)
class Gpu:
    """`total` and `free` are bytes, `uuid` NVIDIA's unique id of the card."""

    name: str
    uuid: str
    total: int
    free: int


def gpus() -> list[Gpu]:
    """The GPUs that this process may use, in the order in which CUDA counts them.

    Raises ConfigurationError when there are none, and MemoryUnknown.

    CUDA counts by speed unless it is told to count as nvidia-smi does, which happens here, for this process and its
    children; so it must be called before CUDA is used.
    """
    os.environ.setdefault(ORDER_VARIABLE, "PCI_BUS_ID")
    return select_visible(parse_gpus(run_nvidia_smi()), os.environ.get(VISIBLE_VARIABLE))


def run_nvidia_smi() -> str:
    try:
        process = subprocess.run(
            NVIDIA_SMI_COMMAND, capture_output=True, text=True, timeout=NVIDIA_SMI_TIMEOUT_S, check=True
        )
    except FileNotFoundError:
        raise ConfigurationError(
            "nvidia-smi is missing, so there is no NVIDIA driver: install the driver, or use the CPU"
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"nvidia-smi did not answer for {NVIDIA_SMI_TIMEOUT_S} seconds: the driver may hang"
        ) from None
    except subprocess.CalledProcessError as error:
        output = " ".join((error.stdout + error.stderr).split())
        raise ConfigurationError(f"nvidia-smi finds no GPU here: {output}") from error
    return process.stdout


def parse_gpus(text: str) -> list[Gpu]:
    """One line per GPU, such as: 0, GPU-5b…, NVIDIA L4, 23034, 22500. Raises ConfigurationError, and MemoryUnknown."""
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
        all_gpus = [Gpu(name, uuid, int(total) * MIB, int(free) * MIB) for _, uuid, name, total, free in rows]
    except ValueError as error:  # such as [N/A]
        raise MemoryUnknown(f"nvidia-smi does not report the memory of a GPU: {' '.join(text.split())}") from error
    if not all_gpus:
        raise ConfigurationError("nvidia-smi lists no GPU here")
    return all_gpus


def select_visible(all_gpus: list[Gpu], visible: str | None) -> list[Gpu]:
    """The GPUs that CUDA_VISIBLE_DEVICES selects, by index or by the beginning of a uuid, as CUDA reads it."""
    if visible is None:
        return all_gpus
    if "MIG" in visible:
        raise MemoryUnknown(
            f"{VISIBLE_VARIABLE}={visible!r} is a part of a GPU, whose memory nvidia-smi does not report"
        )
    visible_gpus = []
    for entry in (part.strip() for part in visible.split(",")):
        by_number = all_gpus[int(entry) : int(entry) + 1] if entry.isdecimal() else []
        match = by_number or [gpu for gpu in all_gpus if entry and gpu.uuid.startswith(entry)]
        if len(match) != 1:
            break  # like CUDA, end the list at the first unknown entry
        visible_gpus += match
    if not visible_gpus:
        raise ConfigurationError(f"{VISIBLE_VARIABLE}={visible!r} hides every GPU that is here")
    return visible_gpus
