"""When a class's homework will be done, and with how many workers in time: arithmetic on measured speeds.

A class is done when its slowest part is: a model, with so many workers; or the cores, which all models share. One
recording passes through the others before and after that.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipeline.jobs.job import MODEL_STAGES
from pipeline.schemas.jobs import Capacity, ModelCapacity
from waijiao.services import thread_budget

CORES = "cores"  # which may be what keeps a class waiting, like a model
MOST_WORKERS = 64  # of one model, as `waijiao up` takes them
MOST_CORES = 1024
LEAST_S = 0.001  # seconds of a job, at least: no model takes none
SHORT_S = 14.0  # seconds up to which a recording fits the recogniser's short window (worker_asr/faster_whisper.py)


def listening(seconds: float) -> float:
    """What a recording of so many seconds is to the recogniser, measured in long ones' seconds."""
    return 2 + 0.4 * seconds if seconds <= SHORT_S else seconds


def thinking(seconds: float) -> float:
    """What it is to the language model: the more was heard the more it writes, up to as much as it may."""
    return 1 + min(seconds, 60)


def speaking(seconds: float) -> float:
    """What its answer is to the voice: of a long recording no longer than of half a minute."""
    return 30 + min(seconds, 30)


# How the work grows with a recording's length, each in a unit of its own: benchmarks/length_curve.py compares them with
# what is measured.
LENGTHS: Mapping[str, Callable[[float], float]] = {"asr": listening, "llm": thinking, "tts": speaking}


@dataclass(frozen=True)
class Model:
    """One model's speed: a recording takes a worker `each_s` seconds, and is `ran_s` with it: longer in a batch.

    `core_s`: the core-seconds it takes. `ahead` recordings are worked on before ours.
    """

    each_s: float
    ran_s: float
    core_s: float
    ahead: float


@dataclass(frozen=True)
class House:
    """The models at recordings of `heard_s` seconds. The workers of all of them share `cores`."""

    models: Mapping[str, Model]
    heard_s: float
    cores: int


@dataclass(frozen=True)
class Homework:
    """So many recordings, of `seconds` each, that all come `lead_s` seconds from now."""

    recordings: int
    seconds: float
    lead_s: float = 0


@dataclass(frozen=True)
class Foreseen:
    """With that many `workers` it takes `took_s` seconds from when the homework comes.

    By model, and for all cores together: one recording takes `each_s` seconds; all of them, and what is ahead of them,
    `busy_s`. The `bottleneck` is busy for the longest.
    """

    workers: Mapping[str, int]
    each_s: Mapping[str, float]
    busy_s: Mapping[str, float]
    took_s: float
    bottleneck: str


def measured(found: Capacity, cores: int) -> House | None:
    """The house as it is; None when it has answered no recording yet.

    A worker on a CPU is taken to keep as many cores busy as it has threads, which `waijiao up` shares out; what it
    waited for a core counts as its work. So the core-seconds are never too few.
    """
    models: dict[str, Model] = {}
    speeds = {str(stage): model for stage, model in found.models.items()}
    threads = thread_budget({stage: max(1, speeds[stage].ready) for stage in MODEL_STAGES}, found.cores)
    ahead = 0.0
    for stage in MODEL_STAGES:
        model = speeds[stage]
        if model.each_s is None or model.ran_s is None:
            return None
        ahead += before_homework(model)
        busy = threads[stage] if model.computes_on == "cpu" else 0
        each_s = max(model.each_s, LEAST_S)
        models[stage] = Model(each_s, model.ran_s, each_s * busy, ahead)
    return House(models, found.heard_s, cores) if found.heard_s else None


def before_homework(model: ModelCapacity) -> float:
    """The recordings that are worked on before homework which comes now; half of what is in hand is done already."""
    return model.waiting.interactive + model.waiting.homework + model.running / 2


def foresee(house: House, homework: Homework, workers: Mapping[str, int]) -> Foreseen:
    """When all will be done with so many workers, at least one of each."""
    each_s = {CORES: 0.0}
    busy_s = {CORES: 0.0}
    passing_s = 0.0
    for stage, model in house.models.items():
        longer = LENGTHS[stage](homework.seconds) / LENGTHS[stage](house.heard_s)
        left = max(0.0, model.ahead - homework.lead_s * workers[stage] / model.each_s) + homework.recordings * longer
        each_s[stage], busy_s[stage] = longer * model.each_s, left * model.each_s / workers[stage]
        each_s[CORES] += longer * model.core_s / house.cores
        busy_s[CORES] += left * model.core_s / house.cores
        passing_s += longer * model.ran_s
    bottleneck = max(busy_s, key=lambda part: busy_s[part])
    own_s = each_s[bottleneck] / workers.get(bottleneck, 1)
    return Foreseen(dict(workers), each_s, busy_s, passing_s + busy_s[bottleneck] - own_s, bottleneck)


def enough(house: House, homework: Homework, within_s: float) -> Foreseen | None:
    """With the fewest workers that are done in so many seconds; None when no number of them is, on these cores."""
    workers = dict.fromkeys(MODEL_STAGES, 1)
    while True:
        found = foresee(house, homework, workers)
        if found.took_s <= within_s:
            return found
        if found.bottleneck == CORES or workers[found.bottleneck] == MOST_WORKERS:
            return None
        workers[found.bottleneck] += 1


def cores_needed(house: House, homework: Homework, within_s: float) -> int | None:
    """The fewest cores on which some number of workers is done in so many seconds; None when it is too little time."""
    if not enough(replace(house, cores=MOST_CORES), homework, within_s):
        return None
    work_s = foresee(replace(house, cores=1), homework, dict.fromkeys(MODEL_STAGES, MOST_WORKERS)).busy_s[CORES]
    least = max(1, math.floor(work_s / within_s))
    return next(n for n in range(least, MOST_CORES + 1) if enough(replace(house, cores=n), homework, within_s))
