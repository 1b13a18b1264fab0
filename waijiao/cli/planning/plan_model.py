"""The capacity model of `waijiao plan`: when homework will be done, and with how many workers it is in time.

Arithmetic on measured speeds. A class is done when its bottleneck is: a model with so many workers, or the cores that
all models share. One recording passes through the other models before and after that.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.jobs.job import MODEL_STAGES
from pipeline.schemas.status import Capacity, ModelCapacity
from waijiao.local.services import threads_per_worker

CORES = "cores"  # the bottleneck if it is not a model
MAX_WORKERS = 64  # of one model, as `waijiao up` takes them
MAX_CORES = 1024
MIN_JOB_S = 0.001  # seconds that a job takes at least
SHORT_WINDOW_S = 14.0  # longest recording that fits the recogniser's short window (worker_asr/faster_whisper.py)


def asr_cost(seconds: float) -> float:
    """The work of recognising a recording of this length, in seconds of a long recording."""
    return 2 + 0.4 * seconds if seconds <= SHORT_WINDOW_S else seconds


def llm_cost(seconds: float) -> float:
    """The work of the language model: it writes more about a longer recording, up to its limit."""
    return 1 + min(seconds, 60)


def tts_cost(seconds: float) -> float:
    """The work of speaking the answer, which grows with the recording up to half a minute."""
    return 30 + min(seconds, 30)


# How the work grows with the length of a recording, each in a unit of its own;
# benchmarks/models/cost_by_length.py compares the formulas with measurements.
COST_BY_STAGE: Mapping[str, Callable[[float], float]] = {"asr": asr_cost, "llm": llm_cost, "tts": tts_cost}


@dataclass(frozen=True)
class ModelSpeed:
    """One model's speed: a recording occupies a worker for `each_s` seconds, and runs `ran_s`, which is longer in a
    batch. It takes `core_s` core-seconds. `ahead` recordings are processed before ours.
    """

    each_s: float
    ran_s: float
    core_s: float
    ahead: float


@dataclass(frozen=True)
class CapacitySnapshot:
    """The models' speeds for recordings of `recording_s` seconds. The workers of all of them share `cores`."""

    models: Mapping[str, ModelSpeed]
    recording_s: float
    cores: int


@dataclass(frozen=True)
class Homework:
    """So many recordings, of `seconds` each, which all arrive `delay_s` seconds from now."""

    recordings: int
    seconds: float
    delay_s: float = 0


@dataclass(frozen=True)
class Forecast:
    """With that many `workers` it takes `total_s` seconds from when the homework arrives.

    By model, and for all cores together: one recording takes `each_s` seconds; all of them, and those ahead of them,
    `busy_s`. The `bottleneck` is busy for the longest.
    """

    workers: Mapping[str, int]
    each_s: Mapping[str, float]
    busy_s: Mapping[str, float]
    total_s: float
    bottleneck: str


def take_snapshot(capacity: Capacity, cores: int) -> CapacitySnapshot | None:
    """The server's present capacity; None if a model has not answered any recording yet.

    A worker on a CPU is assumed to keep as many cores busy as it has threads, as `waijiao up` distributes them; the
    time it waited for a core counts as work. So the core-seconds are never too few.
    """
    models: dict[str, ModelSpeed] = {}
    capacities = {str(stage): model for stage, model in capacity.models.items()}
    threads = threads_per_worker({stage: max(1, capacities[stage].ready) for stage in MODEL_STAGES}, capacity.cores)
    ahead = 0.0
    for stage in MODEL_STAGES:
        model = capacities[stage]
        if model.each_s is None or model.ran_s is None:
            return None
        ahead += jobs_before_homework(model)
        busy_cores = threads[stage] if model.computes_on == "cpu" else 0
        each_s = max(model.each_s, MIN_JOB_S)
        models[stage] = ModelSpeed(each_s, model.ran_s, each_s * busy_cores, ahead)
    return CapacitySnapshot(models, capacity.heard_s, cores) if capacity.heard_s else None


def jobs_before_homework(model: ModelCapacity) -> float:
    """The jobs that are processed before homework which arrives now; running ones are half done on average."""
    return model.waiting.interactive + model.waiting.homework + model.running / 2


def forecast(snapshot: CapacitySnapshot, homework: Homework, workers: Mapping[str, int]) -> Forecast:
    """How long it takes with so many workers, at least one of each model."""
    each_s = {CORES: 0.0}
    busy_s = {CORES: 0.0}
    latency_s = 0.0
    for stage, model in snapshot.models.items():
        cost = COST_BY_STAGE[stage](homework.seconds) / COST_BY_STAGE[stage](snapshot.recording_s)
        backlog = max(0.0, model.ahead - homework.delay_s * workers[stage] / model.each_s)
        load = backlog + homework.recordings * cost
        each_s[stage], busy_s[stage] = cost * model.each_s, load * model.each_s / workers[stage]
        each_s[CORES] += cost * model.core_s / snapshot.cores
        busy_s[CORES] += load * model.core_s / snapshot.cores
        latency_s += cost * model.ran_s
    bottleneck = max(busy_s, key=lambda part: busy_s[part])
    own_s = each_s[bottleneck] / workers.get(bottleneck, 1)
    return Forecast(dict(workers), each_s, busy_s, latency_s + busy_s[bottleneck] - own_s, bottleneck)


def find_workers(snapshot: CapacitySnapshot, homework: Homework, limit_s: float) -> Forecast | None:
    """The forecast with the fewest workers that are done in `limit_s`; None if no number of them is, on these cores."""
    workers = dict.fromkeys(MODEL_STAGES, 1)
    while True:
        result = forecast(snapshot, homework, workers)
        if result.total_s <= limit_s:
            return result
        if result.bottleneck == CORES or workers[result.bottleneck] == MAX_WORKERS:
            return None
        workers[result.bottleneck] += 1


def find_cores(snapshot: CapacitySnapshot, homework: Homework, limit_s: float) -> int | None:
    """The fewest cores on which some number of workers is done in `limit_s` seconds; None if that is too little time
    for any number of cores.
    """
    if not find_workers(replace(snapshot, cores=MAX_CORES), homework, limit_s):
        return None
    all_workers = dict.fromkeys(MODEL_STAGES, MAX_WORKERS)
    work_s = forecast(replace(snapshot, cores=1), homework, all_workers).busy_s[CORES]
    min_cores = max(1, math.floor(work_s / limit_s))
    return next(
        n for n in range(min_cores, MAX_CORES + 1) if find_workers(replace(snapshot, cores=n), homework, limit_s)
    )
