"""The model catalogue: which files a model has, and whether they are in place.

An engine calls `locate` when it loads. Only the command fetches (`pipeline.model_fetching`): no worker ever
downloads, so every process may import this module.
"""

import hashlib
import os
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pipeline.errors import ModelDamaged, ModelMissing
from pipeline.model_entries import File as File
from pipeline.model_entries import Model as Model
from pipeline.model_entries import locked
from pipeline.model_entries import parse as parse

CATALOGUE = Path(__file__).with_name("models.toml")
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
