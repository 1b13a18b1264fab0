"""Whether a learner's words say that the learner, or somebody else, may be in danger; and what is answered then."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from worker_llm.tutor.safety.categories import CATEGORIES, Category
from worker_llm.tutor.safety.normalize import HAN, normalize_chinese, normalize_english, split_sentences
from worker_llm.tutor.safety.phrases import Phrase, PhraseCompiler, Script
from worker_llm.tutor.safety.school_words import NO_SCHOOL_WORDS, SchoolWords

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Danger:
    """What was recognised, and the fixed words of the answer in English and Chinese."""

    category: Category
    reply_en: str
    reply_zh: str

    @property
    def needs_an_adult(self) -> bool:
        """Whether the verdict is `needs_an_adult`; sad news only get kind words instead of praise."""
        return self.category != "sad_news"


@dataclass(frozen=True)
class Rule:
    """Phrases that mean a category, unless the same sentence has one of `exceptions`."""

    category: Category
    phrases: tuple[Phrase, ...]
    exceptions: tuple[Phrase, ...]

    def matches(self, sentence: str, words: frozenset[str]) -> bool:
        return any(each.search(sentence, words) for each in self.phrases) and not any(
            each.search(sentence, words) for each in self.exceptions
        )


def find_danger(text: str, school: SchoolWords = NO_SCHOOL_WORDS) -> Danger | None:
    """The gravest danger that a learner's words tell of, typed or spoken, in English or Chinese; None if there is none.

    `school`: phrases that a school added or allows, and the contact that the answer names.
    """
    categories = set(school.find_categories(text))
    for sentence in split_sentences(text):
        categories.update(find_categories(school.remove_allowed(sentence)))
    category = next((each for each in CATEGORIES if each in categories), None)
    return build_danger(category, school) if category else None


def find_categories(sentence: str) -> Iterator[Category]:
    """The categories of one sentence."""
    english, chinese = normalize_english(sentence), normalize_chinese(sentence) if HAN.search(sentence) else ""
    words = frozenset(english.split())
    for rule in load_rules("english"):
        if rule.matches(english, words):
            yield rule.category
    if chinese:
        for rule in load_rules("chinese"):
            if rule.matches(chinese, words):
                yield rule.category


def build_danger(category: Category, school: SchoolWords = NO_SCHOOL_WORDS) -> Danger:
    """The danger with its fixed words, which name the school's contact if there is one."""
    replies = load_replies()[category]
    contact_en, contact_zh = school.contact_sentences if category != "sad_news" else ("", "")
    return Danger(category, f"{replies['en']} {contact_en}".strip(), f"{replies['zh']}{contact_zh}")


@cache
def load_replies() -> dict[str, dict[str, str]]:
    """The fixed words: category or occasion -> language -> text."""
    replies: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "replies.toml").read_text(encoding="utf-8"))
    return replies


@cache
def load_rules(script: Script) -> tuple[Rule, ...]:
    """The rules of a language, compiled once."""
    table: dict[str, Any] = tomllib.loads((FOLDER / f"{script}.toml").read_text(encoding="utf-8"))
    compiler = PhraseCompiler(table["lists"], script)
    return tuple(
        Rule(rule["category"], compiler.compile_all(rule["phrases"]), compiler.compile_all(rule.get("unless", "")))
        for rule in table["rules"]
    )
