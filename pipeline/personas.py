"""The teachers, read from their TOML files."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, UnknownPersona
from pipeline.jobs.job import HINT

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class Example:
    """One worked example: what a learner said, and the teacher's answer, as `"right sentence." Question?`."""

    learner: str
    teacher: str


@dataclass(frozen=True)
class Persona:
    """A teacher. `display`, `about` and `voices` are by language (ISO 639-1); it listens to `languages`.

    Of `voices` the first one is taken that the speech engine has, else its own default.
    """

    name: str
    display: Mapping[str, str]
    about: Mapping[str, str]
    prompt: str  # tells the language model who it is and what to do
    examples: tuple[Example, ...]  # show it the form of an answer
    greeting: str  # said when a session opens
    praise: str  # said when there is nothing to correct
    fallback: str  # the question asked when the model asks none
    puzzled: str  # said when the model lost the thread
    starting_over: tuple[str, ...]  # utterances that clear the session
    started_over: str  # said when it is cleared
    remarks: bool  # keep the model's remarks; those of a small model are often wrong
    languages: tuple[str, ...]
    hint: str = ""  # words that its learners may say and that the recogniser could not know, such as names
    voices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def names(folder: Path) -> list[str]:
    """The personas in this folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml") if NAME.fullmatch(path.stem))


def load(name: str, folder: Path) -> Persona:
    """Raises UnknownPersona, or ConfigurationError when the persona's file cannot be used."""
    known = names(folder)
    if name not in known:  # a name that is a path is never known
        raise UnknownPersona(f"persona {name[:32]!r}: expected one of {', '.join(known)}")
    path = folder / f"{name}.toml"
    return _read(name, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(name: str, path: Path, changed: int) -> Persona:
    """The persona in `path` as it stood at the time `changed`, so that an edited file is read anew."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    return _persona(name, path, entries)


def _persona(name: str, path: Path, entries: dict[str, Any]) -> Persona:
    texts = {key: _entry(path, entries, key, str) for key in TEXTS}
    examples = tuple(_example(path, each) for each in _entry(path, entries, "examples", list))
    return Persona(
        name=name,
        examples=examples,
        display=_names(path, entries, "display"),
        about=_names(path, entries, "about"),
        voices={language: _voices(path, each) for language, each in _entry(path, entries, "voices", dict).items()},
        languages=_strings(path, entries, "languages"),
        starting_over=_strings(path, entries, "starting_over"),
        remarks=_entry(path, entries, "remarks", bool),
        hint=_hint(path, entries),
        **texts,
    )


TEXTS = ("prompt", "greeting", "praise", "fallback", "puzzled", "started_over")


def _hint(path: Path, entries: dict[str, Any]) -> str:
    """The only entry that may be left out."""
    value = entries.get("hint", "")
    if not isinstance(value, str) or len(value) > HINT:
        raise ConfigurationError(f"{path}: `hint` must be a str of at most {HINT} characters")
    return value


def _entry(path: Path, entries: dict[str, Any], key: str, kind: type) -> Any:
    value = entries.get(key)
    if not isinstance(value, kind) or value in ("", [], {}):
        raise ConfigurationError(f"{path}: `{key}` must be a {kind.__name__} that is not empty")
    return value


def _strings(path: Path, entries: dict[str, Any], key: str) -> tuple[str, ...]:
    values = _entry(path, entries, key, list)
    if not all(isinstance(value, str) and value for value in values):
        raise ConfigurationError(f"{path}: `{key}` must be a list of strings that are not empty")
    return tuple(values)


def _names(path: Path, entries: dict[str, Any], key: str) -> dict[str, str]:
    values: dict[str, str] = _entry(path, entries, key, dict)
    if not all(isinstance(value, str) and value for value in values.values()):
        raise ConfigurationError(f"{path}: `{key}` must map each language to a text")
    return values


def _voices(path: Path, value: Any) -> tuple[str, ...]:
    """One voice, or several in the order in which they are wished for."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) and each for each in listed):
        raise ConfigurationError(f"{path}: `voices` must map each language to a voice, or to a list of voices")
    return tuple(listed)


def _example(path: Path, entry: Any) -> Example:
    try:
        example = Example(**entry)
    except TypeError:
        raise ConfigurationError(f"{path}: each of `examples` must have `learner` and `teacher`") from None
    if not all(isinstance(text, str) and text for text in (example.learner, example.teacher)):
        raise ConfigurationError(f"{path}: `examples` must be pairs of strings that are not empty")
    return example
