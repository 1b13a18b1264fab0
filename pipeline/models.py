"""The model catalogue: which files a model has, and whether they are in place.

An engine calls `locate` when it loads. Only the command fetches (`pipeline.model_fetching`): no worker ever
downloads, so every process may import this module.
"""

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipeline.errors import ModelDamaged, ModelMissing

CATALOGUE = Path(__file__).with_name("models.toml")


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
    sources: tuple[Mapping[str, Any], ...]  # as the catalogue lists them: `pipeline.model_sources` reads them
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
    return in_place(find(name_or_path), folder)


def verify(model: Model, folder: Path) -> None:
    """Read every file of the model in `folder`, the models folder. Raises ModelMissing or ModelDamaged."""
    in_place(model, folder)
    for file in model.files:
        path = folder / model.name / file.name
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            expected = f"not {file.sha256}; run: {model.repair}"
            raise ModelDamaged(f"{path} is damaged: its sha256 is {digest}, {expected}")


def in_place(model: Model, folder: Path) -> Path:
    """Where this model lies in `folder`, the models folder: see `locate`. Raises ModelMissing or ModelDamaged."""
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


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    files = tuple(File(**file) for file in entry["files"])
    parts = {"files": files, "sources": tuple(entry["sources"]), "voices": tuple(entry.get("voices", ()))}
    return Model(name=name, **{**entry, **parts})
