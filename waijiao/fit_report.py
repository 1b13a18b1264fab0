"""What `waijiao fit` says: a table of what each model needs, and the settings that share the GPUs out."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from pipeline.gpu.fractions import gb
from pipeline.gpu.memory import Need
from waijiao.placing import HUNDREDTHS, Place, Plan, needed, what_would_fit

NEVER = "Every figure is computed (docs/engines.md says how); none was measured on your GPU."
PLAIN_WIDTH = 120  # columns, where no terminal says how many it has
SETTINGS = {
    "faster-whisper": ("asr_device", "asr_compute_type", "asr_windows"),
    "transformers": ("llm_device", "llm_compute_type", "llm_context", "llm_batch"),
    "llama.cpp": ("llm_gpu_layers", "llm_context", "llm_batch"),
    "bark": ("tts_device", "tts_compute_type", "tts_batch"),
}


def report(plan: Plan, console: Console) -> bool:
    """Say whether the plan fits, and how or what would; returns whether it does."""
    needs, places = plan.needs(), plan.placed()
    console.print(table(plan, needs, places), width=None if console.is_terminal else PLAIN_WIDTH)
    if places:
        said = [f"They fit. {spare(plan, places)} To run them so:", "", *lines(plan, places), "", NEVER]
    else:
        said = [f"They do not fit: {gb(needed(plan))} are needed, {there(plan)}.", instead(plan), NEVER]
    console.print("\n".join(said), markup=False)
    return bool(places)


def table(plan: Plan, needs: Mapping[str, Need], places: Mapping[str, Place] | None) -> Table:
    """A line for each stage: what one of its workers needs, in GB, and where it goes."""
    right = ("weights", "cache", "working", "CUDA", "GB each", "workers", "GPU", "share")
    columns = (Column(name, justify="right", no_wrap=True) for name in right)
    shown = Table(Column("model", no_wrap=True), *columns, box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for stage, need in needs.items():
        parts = (need.weights, need.cache, need.working, need.context, need.total)
        where = (str(places[stage].gpu), share(places[stage])) if places else ("", "")
        name = Path(getattr(plan.settings, f"{stage}_model")).name
        shown.add_row(name, *(f"{part / 1e9:.1f}" for part in parts), str(plan.workers[stage]), *where)
    return shown


def spare(plan: Plan, places: Mapping[str, Place]) -> str:
    """What is left of each GPU that is used."""
    left = {gpu: HUNDREDTHS - plan.taken(places, gpu) for gpu in sorted({place.gpu for place in places.values()})}
    return " ".join(f"GPU {gpu} has {gb(plan.sizes[gpu] * part / HUNDREDTHS)} to spare." for gpu, part in left.items())


def there(plan: Plan) -> str:
    sizes = " and ".join(gb(size) for size in plan.sizes)
    return f"{sizes} are there" if len(plan.sizes) == 1 else f"GPUs of {sizes} are there"


def instead(plan: Plan) -> str:
    would = what_would_fit(plan)
    return (
        f"They would with: {' '.join(would)}" if would else "Nothing smaller that we know of would: take a larger card."
    )


def lines(plan: Plan, places: Mapping[str, Place]) -> list[str]:
    """The environment that makes the plan true, and the command that starts its workers."""
    written = []
    for stage, place in places.items():
        names = (f"{stage}_engine", f"{stage}_model", *SETTINGS[getattr(plan.settings, f"{stage}_engine")])
        pairs = [(name, getattr(plan.settings, name)) for name in names]
        pairs += [(f"{stage}_gpu", place.gpu), (f"{stage}_gpu_fraction", share(place))]
        written += [f"export WAIJIAO_{name.upper()}={value}" for name, value in pairs]
    counts = " ".join(f"--{stage} {count}" for stage, count in plan.workers.items())
    return [*written, f"waijiao up {counts}"]


def share(place: Place) -> str:
    return f"{place.share / HUNDREDTHS:.2f}"
