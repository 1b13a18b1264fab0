"""The `waijiao models` commands: list the catalogue, download models with a progress bar, verify them."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Column, Table

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, WaijiaoError
from pipeline.gpu.fractions import format_gb
from pipeline.model_files import catalogue, download
from pipeline.model_files.catalogue import Model
from pipeline.model_files.machine import find_machine
from pipeline.model_files.teachers import NAME as TEACHER
from pipeline.private_files import make_private_folder
from pipeline.settings import Settings
from waijiao.cli.console import handle_errors, stderr, stdout
from waijiao.cli.teachers import choose_teacher, print_settings

LOCAL_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def models() -> None:
    """The model files: list, fetch and verify them."""


@models.command("list")
@handle_errors
def list_models() -> None:
    """Every model of the catalogue: its stage, size, licence, and whether it is here."""
    print_catalogue(Settings().models_folder, stdout)


@models.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--from", "source", type=LOCAL_FOLDER, help="Copy from here.")
@click.option("--dry-run", is_flag=True, help="Say what would be fetched, and why; fetch nothing.")
@handle_errors
def fetch(names: tuple[str, ...], source: Path | None, dry_run: bool) -> None:
    """Fetch and verify the models NAME…; without a name, the default ones. Models that are here are not fetched.

    `teacher` stands for the best language model that fits: it looks at the memory, cores, GPU and disk of this machine
    and at what can be reached, says which models there are and how well each corrects where that was measured, fetches
    one (1 to 19 GB) and prints the settings that switch it on. Where no larger one fits, the default stays.

    `large` stands for the large teachers: Whisper large-v3, GLM-4-9B-chat, Bark and its voices, 27 GB, from a model
    hub (HF_ENDPOINT names a mirror), and for `checker`: what sentences are checked with. Each is pinned to a commit of
    its repository. For GLM and for Bark's tokenizer only the commit is known in advance; the sizes and sha256 of their
    files are taken from the hub's record of that commit and stored with the model. An interrupted download continues
    with the files that are still missing. A model that is made from another one is computed here, once.
    """
    settings = Settings()
    folder, source = settings.models_folder, source or settings.models_from
    if TEACHER in names:
        fetch_teacher(names, settings, source, dry_run)
    elif dry_run:
        print_missing(names, folder, stdout)
    else:
        prepare_home(settings)
        download_models(names, folder, source, stderr)


def fetch_teacher(names: tuple[str, ...], settings: Settings, source: Path | None, dry_run: bool) -> None:
    """`fetch` where one of the names is `teacher`: it stands for the model that is chosen, and for the checker."""
    folder = settings.models_folder
    machine = find_machine(folder)
    best = choose_teacher(machine, folder, source, stdout)
    chosen_names = [
        each for name in names for each in ((best.teacher.model, "checker") if name == TEACHER else (name,))
    ]
    if dry_run:
        print_missing(chosen_names, folder, stdout)
    else:
        prepare_home(settings)
        download_models(chosen_names, folder, source, stderr)
    if not best.teacher.catalogue_entry.default:
        print_settings(best, machine, stdout)


def prepare_home(settings: Settings) -> None:
    """The models folder is made by the download; the home, where it is in it, for this user alone."""
    if settings.models_folder.is_relative_to(settings.home):
        make_private_folder(settings.home)


@models.command()
@handle_errors
def verify() -> None:
    """Compare every fetched file with the sha256 in the catalogue, or in the lock file of the model."""
    verify_all(Settings().models_folder, stdout)


def print_catalogue(folder: Path, console: Console) -> None:
    """Print a table of the catalogue, and its sets."""
    table = Table(Column("model", no_wrap=True), "stage", "engine", Column("size", no_wrap=True), "licence", "here")
    for name, model in catalogue.catalogue().items():
        state = install_state(model, folder)
        shown_state = "default" if state == "no" and model.default else state
        table.add_row(name, model.stage, model.engine, format_size(model), model.licence, shown_state)
    console.print(table)
    for name, members in catalogue.sets().items():
        console.print(f"{name} stands for {', '.join(members)}")


def format_size(model: Model) -> str:
    """The size, rounded; with a ~ if some files are not known before they are downloaded."""
    size = f"{model.size / 1e9:.1f} GB" if model.size >= 1e9 else f"{model.size / 1e6:.0f} MB"
    return f"~{size}" if model.unlisted_patterns else size


def install_state(model: Model, folder: Path) -> str:
    """Whether the model is in `folder`, judged by the sizes of its files: yes, no or damaged."""
    try:
        catalogue.locate_files(model, folder)
    except ModelMissing:
        return "no"
    except ModelDamaged:
        return "damaged"
    return "yes"


def select(names: Iterable[str]) -> list[Model]:
    """The models and sets with these names, each model once, after what it is made from; without a name, the default
    models.

    Raises ModelMissing for an unknown name.
    """
    known_models, sets = catalogue.catalogue(), catalogue.sets()
    models: dict[str, Model] = {}
    for name in names:
        for member in sets.get(name, (name,)):
            if member not in known_models:
                names_of_all = ", ".join((*known_models, *sets, TEACHER))
                raise ModelMissing(f"There is no model {member!r}; known are {names_of_all}.")
            for each in (*known_models[member].made_from, member):
                models[each] = known_models[each]
    return list(models.values()) or [model for model in known_models.values() if model.default]


def print_missing(names: Iterable[str], folder: Path, console: Console) -> None:
    """What a fetch would do with each model, and how much it would store."""
    models = select(names)
    missing = [model for model in models if install_state(model, folder) != "yes"]
    for model in models:
        action = f"would be fetched, {format_size(model)}" if model in missing else "is here"
        console.print(f"{model.name}: {action}", markup=False)
    total = sum(model.size for model in missing)
    console.print(f"Nothing was fetched; {format_gb(total)} would be, into {folder}.", markup=False)


def download_models(names: Iterable[str], folder: Path, source: Path | None, console: Console) -> None:
    """Download the models, or copy them from the folder `source`; every file is verified before it is moved in place.

    Raises ConfigurationError if the disk is too small for all of them.
    """
    models = select(names)
    check_disk([model for model in models if install_state(model, folder) != "yes"], folder)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=console) as bars:
        for model in models:
            bar = bars.add_task(model.name, total=model.size)

            def update(_: str, done_bytes: int, total_bytes: int, bar: TaskID = bar) -> None:
                bars.update(bar, completed=done_bytes, total=total_bytes)

            download.fetch(model, folder, update, source)
            bars.update(bar, completed=model.size, total=model.size)


def check_disk(missing: list[Model], folder: Path) -> None:
    """Raises ConfigurationError if there is too little disk space for all of them, before the first is downloaded."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    needed_bytes, free_bytes = sum(model.size for model in missing), shutil.disk_usage(existing).free
    if needed_bytes > free_bytes:
        names = ", ".join(f"{model.name} {format_size(model)}" for model in missing)
        raise ConfigurationError(
            f"{needed_bytes / 1e9:.1f} GB are needed in {folder} ({names}), but only {free_bytes / 1e9:.1f} GB are "
            "free. Free some space, or name a folder on another disk with WAIJIAO_MODELS."
        )


def verify_all(folder: Path, console: Console) -> None:
    """Verify every model in `folder`; raises the first error after all were verified, ModelMissing if it has none."""
    first_error: WaijiaoError | None = None
    models = {name: model for name, model in catalogue.catalogue().items() if (folder / name).exists()}
    if not models:
        raise ModelMissing(f"There are no models in {folder}. `waijiao models fetch` fetches them.")
    for name, model in models.items():
        try:
            catalogue.verify(model, folder)
            console.print(f"{name}: matches {'its lock file' if model.unlisted_patterns else 'the catalogue'}")
        except WaijiaoError as error:
            console.print(f"{name}: {error.detail}", style="red", markup=False)
            first_error = first_error or error
    if first_error:
        raise first_error
