"""Language models to teach with: the catalogue's table of them, what each needs, and which is the best that fits."""

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.gpu import fractions
from pipeline.gpu.fractions import format_gb
from pipeline.model_files.catalogue import CATALOGUE, Model, find_model
from pipeline.model_files.machine import Machine
from pipeline.settings import Settings

NAME = "teacher"  # what `waijiao models fetch` is told to choose one
REPACKED_SHARE = 0.5  # of a file's weights that llama.cpp holds a second time, in the order in which a CPU reads them
REST_BYTES = 2_000_000_000  # of memory for the other models, Redis, the API and the system: an allowance


@dataclass(frozen=True)
class Teacher:
    """A language model of the catalogue, and how it runs.

    `cores`: which the machine should have. `memory`: bytes of RAM beside a GPU. `settings`: those that switch it on,
    besides its name. `corrects`: alone; `suggests`: with the checker, to which it suggests its corrections; `answer_s`:
    seconds of its answer. All three were measured; "" and None where they were not.
    """

    model: str
    cores: int
    memory: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    corrects: str = ""
    suggests: str = ""
    answer_s: float | None = None

    @property
    def catalogue_entry(self) -> Model:
        return find_model(self.model)

    @property
    def needs_gpu(self) -> bool:
        return self.settings.get("llm_device") == "cuda"

    @property
    def display_name(self) -> str:
        """The model's name, with the type of its numbers where it can run with several."""
        compute_type = self.settings.get("llm_compute_type")
        return f"{self.model} ({compute_type})" if compute_type else self.model


@dataclass(frozen=True)
class Candidate:
    """A teacher, what it needs in bytes, and why it does not fit the machine: "" if it does."""

    teacher: Teacher
    memory: int
    gpu_memory: int
    disk: int
    misfit: str


@cache
def teachers() -> tuple[Teacher, ...]:
    """The catalogue's table, the best first; the last one is the default language model."""
    return tuple(Teacher(**row) for row in tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["teachers"])


def weigh(table: Iterable[Teacher], machine: Machine, present: Callable[[Model], bool]) -> list[Candidate]:
    """Each teacher, with why it does not fit. `present` tells whether a model is in place, so needs no more disk.

    The default model always fits: it runs already.
    """
    return [_weigh_one(teacher, machine, present(teacher.catalogue_entry)) for teacher in table]


def _weigh_one(teacher: Teacher, machine: Machine, is_present: bool) -> Candidate:
    model, bytes_needed = teacher.catalogue_entry, _estimate_bytes(teacher)
    gpu_memory = bytes_needed if teacher.needs_gpu else 0
    memory = (teacher.memory if teacher.needs_gpu else bytes_needed) + REST_BYTES
    has_wheels = any(source["kind"] == "wheel" for source in model.sources)
    disk = 0 if is_present else model.size * (2 if has_wheels else 1)  # wheels and the file lie there together
    misfit = "" if model.default else _find_misfit(teacher.cores, memory, gpu_memory, disk, machine)
    return Candidate(teacher, memory, gpu_memory, disk, misfit)


def _estimate_bytes(teacher: Teacher) -> int:
    """Bytes that one worker's model needs, where it computes; 0 for one whose sizes the catalogue does not have."""
    model = teacher.catalogue_entry
    if not model.shape:
        return 0
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items()}
    settings = Settings.model_construct(**{**defaults, "llm_model": model.name, **teacher.settings})
    need = fractions.estimate_need("llm", Path(model.name), settings)
    if teacher.needs_gpu:
        return need.total
    return int(need.weights * (1 + REPACKED_SHARE)) + need.cache + need.working


def _find_misfit(cores: int, memory: int, gpu_memory: int, disk: int, machine: Machine) -> str:
    largest_gpu = max((gpu.free for gpu in machine.gpus), default=0)
    if gpu_memory > largest_gpu:
        has = f"{format_gb(largest_gpu)} are free" if machine.gpus else "there is none"
        return f"needs {format_gb(gpu_memory)} of a GPU, {has}"
    if cores > machine.cores:
        return f"needs {cores} cores, there are {machine.cores}"
    if memory > machine.memory:
        return f"needs {format_gb(memory)} of memory, {format_gb(machine.memory)} are free"
    if disk > machine.disk:
        return f"needs {format_gb(disk)} of disk, {format_gb(machine.disk)} are free"
    return ""


def choose(candidates: Iterable[Candidate], can_reach: Callable[[Model], bool]) -> Candidate | None:
    """The first that fits and can be reached, asked of those that fit only; None if there is none."""
    return next(
        (each for each in candidates if not each.misfit and can_reach(each.teacher.catalogue_entry)),
        None,
    )


def choose_settings(candidate: Candidate, machine: Machine) -> dict[str, Any]:
    """The settings that switch the teacher on, by name. On a CPU, half of the cores compute: the rest is for others."""
    teacher = candidate.teacher
    settings = {"llm_model": teacher.model, **teacher.settings}
    if not teacher.needs_gpu:
        return settings | {"llm_threads": max(1, machine.cores // 2)}
    index, gpu = max(enumerate(machine.gpus), key=lambda numbered: (numbered[1].free, -numbered[0]))
    share = math.ceil(100 * candidate.gpu_memory / gpu.total)
    return settings | {"llm_gpu": index, "llm_gpu_fraction": f"{share / 100:.2f}"}
