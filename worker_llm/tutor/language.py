"""Which language an utterance is in, by its letters; what is said to one in another language than the taught one."""

import re
from typing import Literal

from pipeline.jobs.results import Feedback
from pipeline.personas import Persona
from pipeline.text.corrections import CJK

ENGLISH_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:['’\-][A-Za-z]+)*")
CHINESE_CHARACTER = re.compile(rf"[{CJK}]")
FOREIGN_LETTER = re.compile(r"[^\W\d_A-Za-z\u00c0-\u024f]")  # of any alphabet but the Latin one
CHARACTERS_OF_A_WORD = 2  # that a Chinese word has on average
HESITATION_LIST = "um umm uh uhh er err erm hm hmm mm mmm ah eh mhm 嗯 呃 额 啊"
HESITATIONS = frozenset(HESITATION_LIST.split())

Taught = Literal["taught", "other", "none"]

REQUEST_FOR_ENGLISH = "That was not English. Can you say it in English? One or two words are enough."
REQUEST_FOR_ENGLISH_ZH = "请用英语说，只说一两个词也可以。"


def find_language(text: str, recognised_language: str, taught_language: str) -> Taught:
    """Whether `text` is in the taught language, in another one, or has no words, only noise.

    `recognised_language` is the recogniser's ISO 639-1 code, "" for typed text. An accent makes it wrong at times, so
    Latin letters are English where English is taught, unless a third language was clearly heard.
    """
    if is_noise(text):
        return "none"
    english, foreign = count_words(text)
    if taught_language == "en":
        is_third = recognised_language not in ("", "en", "zh")
        return "other" if is_third or foreign > english else "taught"
    if taught_language == "zh":
        return "taught" if CHINESE_CHARACTER.search(text) or not english else "other"
    return "taught" if recognised_language in ("", taught_language) else "other"


def count_words(text: str) -> tuple[int, float]:
    """How many words are written in Latin letters, and about how many in other ones."""
    return len(ENGLISH_WORD.findall(text)), len(FOREIGN_LETTER.findall(text)) / CHARACTERS_OF_A_WORD


def is_noise(text: str) -> bool:
    """Whether it has no words: no letter and no digit, or nothing but hesitation."""
    words = re.findall(r"[^\W_]+", text.lower())
    return all(word in HESITATIONS for word in words)


def find_foreign_words(words: list[str]) -> set[int]:
    """The indices of those that have letters of another alphabet than the Latin one."""
    return {index for index, word in enumerate(words) if FOREIGN_LETTER.search(word)}


def request_taught_language(utterance: str, persona: Persona) -> Feedback:
    """A kind request to use the language that is taught; where that is English, also in Chinese, to be read."""
    if persona.languages[0] != "en":
        return Feedback(utterance, utterance, reply=persona.puzzled, spoken=persona.puzzled, verdict="other_language")
    return Feedback(
        utterance,
        corrected=utterance,
        reply=REQUEST_FOR_ENGLISH,
        spoken=REQUEST_FOR_ENGLISH,
        explanation=REQUEST_FOR_ENGLISH_ZH,
        verdict="other_language",
    )


def say_not_understood(utterance: str, persona: Persona) -> Feedback:
    """For noise: nothing that could be answered."""
    answer = persona.puzzled
    return Feedback(utterance, corrected=utterance, reply=answer, spoken=answer, verdict="not_understood")
