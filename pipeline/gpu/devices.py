"""The GPUs of this machine and their memory, as NVIDIA's own nvidia-smi tells them: no CUDA library is loaded."""

import csv
import os
import subprocess
from dataclasses import dataclass

from pipeline.errors import ConfigurationError

QUERY = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total,memory.free", "--format=csv,noheader,nounits"]
PATIENCE_S = 5  # seconds that nvidia-smi may take; it can hang when a driver is broken
MIB = 1 << 20  # bytes in nvidia-smi's unit
ORDER, VISIBLE = "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"


class MemoryUnknown(ConfigurationError):
    """Raised when a GPU is there whose memory nvidia-smi does not tell: a part of one (MIG), or memory it shares."""


@dataclass(frozen=True)
class Gpu:
    """`total` and `free` are bytes, `uuid` NVIDIA's name for this very card."""

    name: str
    uuid: str
    total: int
    free: int


def gpus() -> list[Gpu]:
    """Those that this process may use, in the order in which CUDA counts them.

    Raises ConfigurationError without any, and MemoryUnknown.

    CUDA counts by speed unless it is told to count as nvidia-smi does, which happens here, for this process and its
    children; so it must be called before CUDA is used.
    """
    os.environ.setdefault(ORDER, "PCI_BUS_ID")
    return select_visible(parse_gpus(run_nvidia_smi()), os.environ.get(VISIBLE))


def run_nvidia_smi() -> str:
    try:
        done = subprocess.run(QUERY, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    except FileNotFoundError:
        raise ConfigurationError(
            "there is no nvidia-smi here, so no NVIDIA driver: install it, or use the CPU"
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"nvidia-smi said nothing for {PATIENCE_S} seconds: the driver may hang") from None
    except subprocess.CalledProcessError as failed:
        said = " ".join((failed.stdout + failed.stderr).split())
        raise ConfigurationError(f"nvidia-smi finds no GPU here: {said}") from failed
    return done.stdout


def parse_gpus(text: str) -> list[Gpu]:
    """One line each, such as: 0, GPU-5b…, NVIDIA L4, 23034, 22500. Raises ConfigurationError, and MemoryUnknown."""
    try:
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
        found = [Gpu(name, uuid, int(total) * MIB, int(free) * MIB) for _, uuid, name, total, free in rows]
    except ValueError as error:  # such as [N/A]
        raise MemoryUnknown(f"nvidia-smi does not tell the memory of a GPU: {' '.join(text.split())}") from error
    if not found:
        raise ConfigurationError("nvidia-smi lists no GPU here")
    return found


def select_visible(found: list[Gpu], wanted: str | None) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES lets through, by index or by the beginning of a uuid, as CUDA reads it."""
    if wanted is None:
        return found
    if "MIG" in wanted:
        raise MemoryUnknown(f"{VISIBLE}={wanted!r} is a part of a GPU, whose memory nvidia-smi does not tell by itself")
    chosen = []
    for each in (part.strip() for part in wanted.split(",")):
        by_number = found[int(each) : int(each) + 1] if each.isdecimal() else []
        match = by_number or [gpu for gpu in found if each and gpu.uuid.startswith(each)]
        if len(match) != 1:
            break  # CUDA, too, ends the list at the first that is not there
        chosen += match
    if not chosen:
        raise ConfigurationError(f"{VISIBLE}={wanted!r} hides every GPU that is here")
    return chosen
