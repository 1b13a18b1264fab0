"""The model catalogue: its entries, finding and verifying a model's files, and lock files.

A lock file lies next to a model whose files the catalogue does not list in full; it lists all of them.
"""

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

CATALOGUE = Path(__file__).with_name("catalogue.toml")
LOCK_FILE = "waijiao.lock.json"  # in a model's folder: its commit, and all its files
CHUNK_BYTES = 1 << 20  # read at once
NO_MODELS = ("sets", "teachers")  # tables of the catalogue that are not models


@dataclass(frozen=True)
class File:
    """One file of a model; `sha256` in hexadecimal."""

    name: str  # its path in the model's folder
    size: int  # bytes
    sha256: str
    git_sha1: str = ""  # of the git blob, where a hub states no sha256


@dataclass(frozen=True)
class Model:
    """A model of the catalogue. Its files are in the folder `name` of the models folder."""

    name: str
    stage: str  # asr, llm or tts; checker: what the stage llm checks sentences with
    engine: str
    about: str
    licence: str
    credit: str
    homepage: str
    files: tuple[File, ...]
    sources: tuple[Mapping[str, Any], ...]  # as the catalogue lists them: `pipeline.model_files.sources` reads them
    default: bool = False  # fetched when no name is given
    voices: tuple[str, ...] = ()  # of a tts model: the names of its voices
    unlisted_patterns: tuple[str, ...] = ()  # names of further files, which are pinned by the sources' commit only
    approximate_bytes: int = 0  # of all files, where the catalogue does not list them all
    corrects_well: bool = True  # of a language model: its corrections are worth suggesting to the checker
    shape: Mapping[str, Any] = field(default_factory=dict)  # its dimensions, for `pipeline.gpu.memory`

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return max(self.approximate_bytes, sum(file.size for file in self.files))

    @property
    def made_from(self) -> tuple[str, ...]:
        """The names of the models that must be in place before this one can be computed from them."""
        return tuple(source["model"] for source in self.sources if source["kind"] == "conversion")

    @property
    def fetch_command(self) -> str:
        """The command that installs the model, or repairs it."""
        return f"waijiao models fetch {self.name}"


def parse(text: str) -> dict[str, Model]:
    """The models of a catalogue's TOML text."""
    return {name: _model(name, entry) for name, entry in tomllib.loads(text).items() if name not in NO_MODELS}


def with_all_files(model: Model, model_folder: Path) -> Model:
    """The model with all its files: those of the catalogue, and those that the lock file in `model_folder` lists.

    Raises ModelMissing if a lock file is needed and missing; ModelDamaged if it contradicts the catalogue.
    """
    if not model.unlisted_patterns:
        return model
    path = model_folder / LOCK_FILE
    try:
        lock = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(File(str(each["name"]), int(each["size"]), str(each["sha256"])) for each in lock["files"])
        commit = str(lock["revision"])
    except FileNotFoundError:
        raise ModelMissing(f"model {model.name}: {path} is not there; run: {model.fetch_command}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ModelDamaged(f"{path} is damaged and cannot be read; run: {model.fetch_command}") from error
    are_plain_names = all(Path(file.name).name == file.name for file in files)
    if not are_plain_names or not set(model.files) <= set(files) or commit not in commits(model):
        raise ModelDamaged(f"{path} is damaged: it does not match the catalogue; run: {model.fetch_command}")
    return replace(model, files=files, unlisted_patterns=(), approximate_bytes=0)


def lock_text(model: Model) -> str:
    """The lock file's JSON for a model whose files are all known."""
    entries = [{key: value for key, value in asdict(file).items() if key != "git_sha1"} for file in model.files]
    return json.dumps({"revision": min(commits(model)), "files": entries}, indent=1) + "\n"


def commits(model: Model) -> set[str]:
    """The revisions that the catalogue pins: commits of model hubs, or the sha256 of what a model is computed from."""
    return {source["revision"] for source in model.sources if "revision" in source}


def _model(name: str, entry: Mapping[str, Any]) -> Model:
    files = tuple(File(**file) for file in entry.get("files", ()))
    lists = {key: tuple(entry.get(key, ())) for key in ("sources", "voices", "unlisted_patterns")}
    return Model(name=name, **{**entry, "files": files, **lists})


# Finding and verifying a model's files


@cache
def catalogue() -> Mapping[str, Model]:
    """Every known model by its name, in the catalogue's order."""
    return MappingProxyType(parse(CATALOGUE.read_text(encoding="utf-8")))


@cache
def sets() -> Mapping[str, tuple[str, ...]]:
    """Names that stand for several models, to fetch them together."""
    entries = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["sets"]
    return MappingProxyType({name: tuple(models) for name, models in entries.items()})


def find_model(name: str) -> Model:
    """The model with this name. Raises ModelMissing, which lists the known names."""
    try:
        return catalogue()[name]
    except KeyError:
        raise ModelMissing(f"model {name!r}: expected one of {', '.join(catalogue())}, or a path") from None


def can_correct(llm_model: str) -> bool:
    """Whether a language model corrects well enough to be asked for it; believed of those not in the catalogue."""
    return llm_model not in catalogue() or catalogue()[llm_model].corrects_well


def locate(name_or_path: str, folder: Path) -> Path:
    """The path of the model: its folder, or its file if it has only one. Checks sizes, reads no content.

    A name of the catalogue is searched in `folder`, the models folder; anything else is a path of the user's.
    Raises ModelMissing or ModelDamaged, which name the command that helps.
    """
    if name_or_path not in catalogue():
        path = Path(name_or_path).expanduser()
        if name_or_path and path.exists():
            return path
        if os.sep in name_or_path:
            raise ModelMissing(f"model {name_or_path}: there is no such file or folder")
    return locate_files(find_model(name_or_path), folder)


def locate_files(model: Model, folder: Path) -> Path:
    """`locate` for a model of the catalogue. Raises ModelMissing or ModelDamaged."""
    model_folder = folder / model.name
    files = with_all_files(model, model_folder).files
    for file in files:
        path = model_folder / file.name
        if not path.is_file():
            raise ModelMissing(f"model {model.name}: {path} is not there; run: {model.fetch_command}")
        size = path.stat().st_size
        if size != file.size:
            advice = f"not {file.size}; run: {model.fetch_command}"
            raise ModelDamaged(f"{path} is damaged: it has {size} bytes, {advice}")
    return model_folder / files[0].name if len(files) == 1 else model_folder


def verify(model: Model, folder: Path, on_progress: Callable[[int], None] = lambda byte_count: None) -> None:
    """Compare every file of the model in `folder`, the models folder, with its sha256.

    `on_progress` gets the number of bytes read so far. Raises ModelMissing or ModelDamaged.
    """
    locate_files(model, folder)
    bytes_before = 0
    for file in with_all_files(model, folder / model.name).files:
        path = folder / model.name / file.name
        digest = sha256_of(path, on_progress, bytes_before)
        if digest != file.sha256:
            advice = f"not {file.sha256}; run: {model.fetch_command}"
            raise ModelDamaged(f"{path} is damaged: its sha256 is {digest}, {advice}")
        bytes_before += file.size


def sha256_of(path: Path, on_progress: Callable[[int], None], bytes_before: int) -> str:
    """The file's sha256 in hexadecimal; `on_progress` gets the bytes read so far, plus `bytes_before`."""
    digest, byte_count = hashlib.sha256(), bytes_before
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            byte_count += len(chunk)
            on_progress(byte_count)
    return digest.hexdigest()
