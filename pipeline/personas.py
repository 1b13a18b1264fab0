"""Personas: reads and validates their TOML files."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints, TypeAdapter, ValidationError

from pipeline.errors import ConfigurationError, UnknownPersona
from pipeline.jobs.job import MAX_HINT_CHARS
from pipeline.text.nearest import suggest

PERSONA_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
TextByLanguage = Annotated[Mapping[str, Text], Field(min_length=1)]
VoicesByLanguage = Annotated[Mapping[str, Annotated[tuple[Text, ...], BeforeValidator(as_list)]], Field(min_length=1)]
# What learners ask the teacher: see worker_llm/tutor/known_answers.py
AnswerName = Literal[
    "name",
    "age",
    "feeling",
    "origin",
    "home",
    "help",
    "robot",
    "likes",
    "languages",
    "time",
    "family",
    "weather",
    "tastes",
    "abilities",
    "words",
    "advice",
    "thanks",
]


@dataclass(frozen=True)
class Example:
    """One worked example: what a learner said, and the teacher's answer, as `"right sentence." Question?`."""

    learner: Text
    teacher: Text


@dataclass(frozen=True)
class Persona:
    """A teacher. `display`, `about` and `voices` are by language (ISO 639-1); it understands `languages`.

    The speech engine uses the first of `voices` that it has, else its own default. `explained_in` "page": in the
    language of the learner's page.
    """

    name: str
    display: TextByLanguage
    about: TextByLanguage
    prompt: Text  # the language model's instructions
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]  # show the language model the form of an answer
    greeting: Text  # said when a session opens
    praise: Text  # said when all was checked and nothing is to be corrected
    fallback: Text  # the question asked when no other one fits
    puzzled: Text  # said when no words could be made out
    starting_over: Texts  # utterances that clear the session
    started_over: Text  # said when it is cleared
    remarks: StrictBool  # for a large model: it sees the homework, and short remarks of it that are safe are kept
    languages: Texts
    voices: VoicesByLanguage
    greetings: Mapping[str, Text] = field(default_factory=dict)  # translations of the greeting, by language
    answers: Mapping[AnswerName, Text] = field(default_factory=dict)  # to what learners ask about the teacher
    explained_in: Literal["en", "zh", "page"] = (
        "en"  # in which language explanations are spoken, if a voice can speak it
    )
    hint: Annotated[str, Field(max_length=MAX_HINT_CHARS)] = ""  # words to expect from its learners, such as names


EXPECTED_FORMS = {  # what a field must be, for the message about one that is not
    "display": "map each language to a text",
    "about": "map each language to a text",
    "greetings": "map each language to a text",
    "voices": "map each language to a voice, or to a list of voices",
    "examples": "be a list of tables, each with a `learner` and a `teacher` that are not empty",
    "languages": "be a list of strings that are not empty",
    "starting_over": "be a list of strings that are not empty",
    "answers": f"map some of {', '.join(get_args(AnswerName))} to a text",
    "remarks": "be true or false",
    "explained_in": 'be "en", "zh" or "page"',
    "hint": f"be a string of at most {MAX_HINT_CHARS} characters",
}
PERSONA_ADAPTER = TypeAdapter(Persona)


def list_names(folder: Path) -> list[str]:
    """The names of the personas in this folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml") if PERSONA_NAME.fullmatch(path.stem))


def load(name: str, folder: Path) -> Persona:
    """The persona with this name. Raises UnknownPersona, and ConfigurationError when its file is not valid."""
    available = list_names(folder)
    if name not in available:  # this also refuses a name that is a path
        raise UnknownPersona(f"persona {name[:32]!r}: expected one of {', '.join(available)}")
    path = folder / f"{name}.toml"
    return _read(name, path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(name: str, path: Path, modified_ns: int) -> Persona:
    """The persona in `path`; `modified_ns` is part of the cache's key, so that an edited file is read again."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    known_entries = [entry.name for entry in fields(Persona) if entry.name != "name"]
    for entry in entries:
        if entry not in known_entries:
            hint = suggest(entry, known_entries) or f"; known are {', '.join(known_entries)}"
            raise ConfigurationError(f"{path}: `{entry}` is unknown{hint}")
    try:
        return PERSONA_ADAPTER.validate_python({**entries, "name": name})
    except ValidationError as error:
        entry = str(error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"][0])
        requirement = EXPECTED_FORMS.get(entry, "be a string that is not empty")
        raise ConfigurationError(f"{path}: `{entry}` must {requirement}") from None
