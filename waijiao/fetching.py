"""`waijiao models`: what there is, fetch it with a progress bar, check it."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Column, Table

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, WaijiaoError
from pipeline.model_files import catalogue, download
from pipeline.model_files.catalogue import Model


def show(folder: Path, console: Console) -> None:
    """A table of the catalogue, and its sets."""
    table = Table(Column("model", no_wrap=True), "stage", "engine", Column("size", no_wrap=True), "licence", "here")
    for name, model in catalogue.catalogue().items():
        here = state(model, folder)
        shown = "default" if here == "no" and model.default else here
        table.add_row(name, model.stage, model.engine, size_of(model), model.licence, shown)
    console.print(table)
    for name, members in catalogue.sets().items():
        console.print(f"{name} stands for {', '.join(members)}")


def size_of(model: Model) -> str:
    """Rounded; with a ~ where the files are not all listed until they are fetched."""
    size = f"{model.size / 1e9:.1f} GB" if model.size >= 1e9 else f"{model.size / 1e6:.0f} MB"
    return f"~{size}" if model.also else size


def state(model: Model, folder: Path) -> str:
    """Whether it is here, by the sizes of its files."""
    try:
        catalogue.in_place(model, folder)
    except ModelMissing:
        return "no"
    except ModelDamaged:
        return "damaged"
    return "yes"


def chosen(names: Iterable[str]) -> list[Model]:
    """The models of these names and of these sets, each once; without a name the default ones."""
    models, sets = catalogue.catalogue(), catalogue.sets()
    wanted: dict[str, Model] = {}
    for name in names:
        for each in sets.get(name, (name,)):
            if each not in models:
                known = ", ".join((*models, *sets))
                raise ModelMissing(f"There is no model {each!r}; known are {known}.")
            wanted[each] = models[each]
    return list(wanted.values()) or [model for model in models.values() if model.default]


def fetch(names: tuple[str, ...], folder: Path, start_from: Path | None, console: Console) -> None:
    """Fetch `names`, or the default models; every file is verified before it is put in place."""
    wanted = chosen(names)
    check_disk([model for model in wanted if state(model, folder) != "yes"], folder)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console) as bars:
        for model in wanted:
            bar = bars.add_task(model.name, total=model.size)

            def report(_: str, done: int, total: int, bar: TaskID = bar) -> None:
                bars.update(bar, completed=done, total=total)

            download.fetch(model, folder, report, start_from)
            bars.update(bar, completed=model.size, total=model.size)


def check_disk(missing: list[Model], folder: Path) -> None:
    """Raises ConfigurationError when all of them together cannot fit, before the first is fetched."""
    there = next(place for place in (folder, *folder.resolve().parents) if place.exists())
    needed, free = sum(model.size for model in missing), shutil.disk_usage(there).free
    if needed > free:
        names = ", ".join(f"{model.name} {size_of(model)}" for model in missing)
        raise ConfigurationError(
            f"{needed / 1e9:.1f} GB are needed in {folder} ({names}), where {free / 1e9:.1f} GB are free. "
            "Free some, or name a folder on another disk with WAIJIAO_MODELS."
        )


def verify(folder: Path, console: Console) -> None:
    """Check every model that is here; raises the first damage found after all were checked."""
    damage: WaijiaoError | None = None
    for name, model in catalogue.catalogue().items():
        if not (folder / name).exists():
            continue
        try:
            catalogue.verify(model, folder)
            console.print(f"{name}: as {'its lock' if model.also else 'the catalogue'} says")
        except WaijiaoError as error:
            console.print(f"{name}: {error.detail}", style="red", markup=False)
            damage = damage or error
    if damage:
        raise damage
