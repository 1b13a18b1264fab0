"""`waijiao models`: what there is, fetch it with a progress bar, check it."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from pipeline import model_fetching, models
from pipeline.errors import ModelMissing, WaijiaoError


def show(folder: Path, console: Console) -> None:
    """A table of the catalogue."""
    table = Table("model", "stage", "engine", "size", "licence", "here")
    for name, model in models.catalogue().items():
        here = "yes" if present(name, folder) else "default" if model.default else "no"
        table.add_row(name, model.stage, model.engine, f"{model.size / 1e6:.0f} MB", model.licence, here)
    console.print(table)


def present(name: str, folder: Path) -> bool:
    try:
        models.locate(name, folder)
    except ModelMissing:
        return False
    return True


def fetch(names: tuple[str, ...], folder: Path, start_from: Path | None, console: Console) -> None:
    """Fetch `names`, or the default models; every file is verified before it is put in place."""
    catalogue = models.catalogue()
    for name in names:
        if name not in catalogue:
            raise ModelMissing(f"There is no model {name!r}; known are {', '.join(catalogue)}.")
    chosen = [catalogue[name] for name in names] or [model for model in catalogue.values() if model.default]
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console) as bars:
        for model in chosen:
            bar = bars.add_task(model.name, total=model.size)

            def report(_: str, done: int, total: int, bar: TaskID = bar) -> None:
                bars.update(bar, completed=done, total=total)

            model_fetching.fetch(model, folder, report, start_from)
            bars.update(bar, completed=model.size, total=model.size)


def verify(folder: Path, console: Console) -> None:
    """Check every model that is here; raises the first damage found after all were checked."""
    damage: WaijiaoError | None = None
    for name, model in models.catalogue().items():
        if not (folder / name).exists():
            continue
        try:
            models.verify(model, folder)
            console.print(f"{name}: as the catalogue says")
        except WaijiaoError as error:
            console.print(f"{name}: {error.detail}", style="red", markup=False)
            damage = damage or error
    if damage:
        raise damage
