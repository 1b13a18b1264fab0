"""The entries of the model catalogue, and the lock beside a model whose files the catalogue does not list in full."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
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
    sources: tuple[Mapping[str, Any], ...]  # as the catalogue lists them: `pipeline.model_sources` reads them
    default: bool = False  # fetched when no name is given
    voices: tuple[str, ...] = ()  # of a tts model: the names it answers to
    also: tuple[str, ...] = ()  # patterns of the names of files that only the sources' commit pins
    about_bytes: int = 0  # bytes of all files, roughly, where the catalogue does not list them all
    shape: Mapping[str, Any] = field(
        default_factory=dict
    )  # its sizes, from which `pipeline.model_shapes` computes memory

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
