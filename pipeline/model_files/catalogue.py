"""The entries of the model catalogue, and the lock beside a model whose files the catalogue does not list in full."""

import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.errors import ModelDamaged, ModelMissing

LOCK = "waijiao.lock.json"  # beside a model: its commit and its files, where the catalogue does not list them all


@dataclass(frozen=True)
class File:
    """One file of a model; `sha256` in hexadecimal."""

    name: str
    size: int  # bytes
    sha256: str
    blob: str = ""  # git's sha1 of it, where a hub's record knows no sha256


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
    sources: tuple[Mapping[str, Any], ...]  # as the catalogue lists them: `pipeline.model_files.sources` reads them
    default: bool = False  # fetched when no name is given
    voices: tuple[str, ...] = ()  # of a tts model: the names it answers to
    also: tuple[str, ...] = ()  # patterns of the names of files that only the sources' commit pins
    about_bytes: int = 0  # bytes of all files, roughly, where the catalogue does not list them all
    shape: Mapping[str, Any] = field(
        default_factory=dict
    )  # its sizes, from which `pipeline.gpu.memory` computes memory

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return max(self.about_bytes, sum(file.size for file in self.files))

    @property
    def repair(self) -> str:
        """The command that puts the model in place, whatever is wrong with it."""
        return f"waijiao models fetch {self.name}"


def parse(text: str) -> dict[str, Model]:
    """The models of a catalogue's TOML text."""
    return {name: _model(name, entry) for name, entry in tomllib.loads(text).items() if name != "sets"}


def locked(model: Model, home: Path) -> Model:
    """The model with all its files: those of the catalogue, and those that the lock in `home` lists.

    Raises ModelMissing without a lock; ModelDamaged when it is not a lock of the commit that the catalogue pins.
    """
    if not model.also:
        return model
    path = home / LOCK
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(File(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in lock["files"])
        commit = str(lock["revision"])
    except FileNotFoundError:
        raise ModelMissing(f"model {model.name}: {path} is not there; run: {model.repair}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ModelDamaged(f"{path} is damaged: it cannot be read; run: {model.repair}") from error
    flat = all(Path(file.name).name == file.name for file in files)
    if not flat or not set(model.files) <= set(files) or commit not in commits(model):
        raise ModelDamaged(f"{path} is damaged: the catalogue pins other files; run: {model.repair}")
    return replace(model, files=files, also=(), about_bytes=0)


def lock_text(model: Model) -> str:
    """What the lock of a model says whose files are all known."""
    listed = [{key: value for key, value in asdict(file).items() if key != "blob"} for file in model.files]
    return json.dumps({"revision": min(commits(model)), "files": listed}, indent=1) + "\n"


def commits(model: Model) -> set[str]:
    """The commits of model hubs that the catalogue pins."""
    return {source["revision"] for source in model.sources if "revision" in source}


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    files = tuple(File(**file) for file in entry.get("files", ()))
    lists = {key: tuple(entry.get(key, ())) for key in ("sources", "voices", "also")}
    parts = {"files": files, **lists}
    return Model(name=name, **{**entry, **parts})


CATALOGUE = Path(__file__).with_name("catalogue.toml")
CHUNK = 1 << 20  # bytes read at once


@cache
def catalogue() -> Mapping[str, Model]:
    """Every known model by its name, in the catalogue's order."""
    return MappingProxyType(parse(CATALOGUE.read_text(encoding="utf-8")))


@cache
def sets() -> Mapping[str, tuple[str, ...]]:
    """Names for several models that are fetched together."""
    entries = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["sets"]
    return MappingProxyType({name: tuple(models) for name, models in entries.items()})


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
    return in_place(find(name_or_path), folder)


def unheard(done: int) -> None:
    return


def verify(model: Model, folder: Path, tell: Callable[[int], None] = unheard) -> None:
    """Read every file of the model in `folder`, the models folder, telling the bytes read so far.

    Raises ModelMissing or ModelDamaged.
    """
    in_place(model, folder)
    before = 0
    for file in locked(model, folder / model.name).files:
        path = folder / model.name / file.name
        digest = sha256_of(path, tell, before)
        if digest != file.sha256:
            expected = f"not {file.sha256}; run: {model.repair}"
            raise ModelDamaged(f"{path} is damaged: its sha256 is {digest}, {expected}")
        before += file.size


def sha256_of(path: Path, tell: Callable[[int], None], before: int) -> str:
    """In hexadecimal; told are the bytes read so far, after those `before` it."""
    digest, done = hashlib.sha256(), before
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            tell(done)
    return digest.hexdigest()


def in_place(model: Model, folder: Path) -> Path:
    """Where this model lies in `folder`, the models folder: see `locate`. Raises ModelMissing or ModelDamaged."""
    home = folder / model.name
    files = locked(model, home).files
    for file in files:
        path = home / file.name
        if not path.is_file():
            raise ModelMissing(f"model {model.name}: {path} is not there; run: {model.repair}")
        size = path.stat().st_size
        if size != file.size:
            expected = f"not {file.size}; run: {model.repair}"
            raise ModelDamaged(f"{path} is damaged: it has {size} bytes, {expected}")
    return home / files[0].name if len(files) == 1 else home
