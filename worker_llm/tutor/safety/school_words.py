"""A school's own words: phrases that mean danger or do not, words that are not said, and whom a child is sent to.

They are a TOML file that the setting `safety` names; docs/safety.md explains it.
"""

import tomllib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.errors import ConfigurationError
from worker_llm.tutor.safety.categories import CATEGORIES, Category
from worker_llm.tutor.safety.normalize import HAN, normalize_chinese, normalize_english, split_sentences

MAX_CONTACT_CHARS, MAX_PHRASE_CHARS, MAX_PHRASES = 120, 120, 500

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PHRASE_CHARS, pattern=r"\w")
]
Texts = Annotated[tuple[Text, ...], Field(max_length=MAX_PHRASES)]
ContactText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_CONTACT_CHARS)]


class Contact(BaseModel):
    """Whom the fixed words name, as it stands after "You can also talk to" and "你也可以找"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: ContactText
    zh: ContactText


class SchoolWords(BaseModel):
    """What a school adds to the kept tables. A phrase counts wherever its words stand together in a sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    phrases: Mapping[Category, Texts] = {}  # these mean danger
    allowed: Texts = ()  # these do not, whatever the tables say
    swearing: Texts = ()  # these are treated as swear words
    contact: Contact | None = None

    @property
    def contact_sentences(self) -> tuple[str, str]:
        """The sentence that names the contact, in English and in Chinese; both empty without one."""
        if not self.contact:
            return "", ""
        return f"You can also talk to {self.contact.en}.", f"你也可以找{self.contact.zh}。"

    @cached_property
    def normal_phrases(self) -> tuple[tuple[str, Category], ...]:
        return tuple((normalize(phrase), category) for category, texts in self.phrases.items() for phrase in texts)

    @cached_property
    def normal_allowed(self) -> tuple[str, ...]:
        return tuple(sorted(map(normalize, self.allowed), key=len, reverse=True))

    def find_categories(self, text: str) -> set[Category]:
        """The categories of the school's phrases that the text has."""
        if not self.phrases:
            return set()
        sentences = [normalize(sentence) for sentence in split_sentences(text)]
        return {
            category for phrase, category in self.normal_phrases if any(phrase in sentence for sentence in sentences)
        }

    def remove_allowed(self, sentence: str) -> str:
        """The sentence without what the school allows; unchanged, with its case, where it has nothing of it."""
        normal = rest = normalize(sentence) if self.allowed else ""
        for phrase in self.normal_allowed:
            rest = rest.replace(phrase, " ")
        return sentence if rest == normal else rest


NO_SCHOOL_WORDS = SchoolWords()


def normalize(phrase: str) -> str:
    """The form in which phrases and sentences are compared."""
    return normalize_chinese(phrase) if HAN.search(phrase) else normalize_english(phrase)


def load_school_words(path: Path | None) -> SchoolWords:
    """The words in the file that the setting names, none without one. ConfigurationError when it is not valid."""
    if path is None:
        return NO_SCHOOL_WORDS
    try:
        modified_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise ConfigurationError(f"WAIJIAO_SAFETY: {path} cannot be read: {error.strerror}") from error
    return _read(path, modified_ns)


@lru_cache(maxsize=8)
def _read(path: Path, modified_ns: int) -> SchoolWords:
    """The words in `path`; `modified_ns` is part of the cache's key, so that an edited file is read again."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"WAIJIAO_SAFETY: {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    try:
        return SchoolWords.model_validate(entries)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {describe(error)}") from None


def describe(error: ValidationError) -> str:
    """What is wrong with the first entry that is, and what it must be."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = [str(part) for part in first["loc"]]
    entry = ".".join(place)
    if first["type"] == "extra_forbidden":
        entries = "`en` and `zh`" if place[0] == "contact" else "`phrases`, `allowed`, `swearing` and `contact`"
        return f"`{entry}` is unknown: there may be {entries}"
    if place[-1] == "[key]":
        return f"`phrases.{place[1]}` is unknown: expected one of {', '.join(CATEGORIES)}"
    if place[0] == "contact":
        return f"`contact` must have `en` and `zh`, each a text of 1 to {MAX_CONTACT_CHARS} characters"
    if place[0] == "phrases" and len(place) == 1:
        return "`phrases` must be a table: a list of texts for each category"
    return (
        f"`{entry}` must be a text with letters, of at most {MAX_PHRASE_CHARS} characters"
        if len(place) > 1 and place[-1].isdigit()
        else f"`{entry}` must be a list of at most {MAX_PHRASES} texts"
    )
