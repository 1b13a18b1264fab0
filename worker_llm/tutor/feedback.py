"""Checked sentences become feedback: the verdict, the better sentences, the explanations, and what is spoken.

Nothing is claimed that was not checked: praise needs sentences that were all checked and heard clearly. The words of
a language model reach a learner only as `question` and `remark`, which questions/ and model_reply.py have checked.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.jobs.results import Edit, Feedback, Verdict
from pipeline.levels import NO_FOCUS, NO_LEVEL, Focus, Level, choose_explained
from pipeline.personas import Persona
from pipeline.text.corrections import MAX_EXPLAINED_WORDS, STRAIGHT_QUOTES
from pipeline.text.sentences import has_end_mark
from worker_llm.grammar.checker import CheckedSentence
from worker_llm.tutor.hearing import find_word_starts

MAX_REPLY_CHARS = 240  # of a reply that is spoken
MAX_REPEATED_CHARS = 300  # of the corrected sentences that are repeated aloud

UNSPEAKABLE = re.compile(r"""\S+://\S+|[^\w\s.,!?;:'%&$€£+。，！？；：、-]|_""")
SIGNS_OF_NUMBERS = "/°′″#=~²³⁺⁻–—−"  # besides currencies and signs of mathematics; next to a digit they are spoken
ARROW, CHINESE_COMMA = " → ", "，"  # of a Chinese explanation: how it is written, and what is said
COMPARISONS = {"<": "less than", ">": "greater than", "<=": "≤", ">=": "≥"}  # no angle bracket is spoken


@dataclass(frozen=True)
class Correction:
    """What is to be corrected in an utterance; `edits` count the words of feedback.

    `better_sentences`: those that were changed. `is_sure`: every sentence was checked without doubt.
    """

    corrected: str
    edits: tuple[Edit, ...] = ()
    better_sentences: tuple[str, ...] = ()
    is_sure: bool = False


@dataclass(frozen=True)
class Manner:
    """How feedback is given: by whom, to whom, and what is said between the correction and the question.

    `can_praise`: everything was heard clearly. `can_repeat`: the better sentences may be said aloud. `spoken_language`:
    the one in which explanations are said.
    """

    persona: Persona
    level: Level = NO_LEVEL
    focus: Focus = NO_FOCUS
    note: str = ""
    can_praise: bool = True
    can_repeat: bool = True
    unclear: tuple[int, ...] = ()
    spoken_language: str = "en"


def collect_corrections(utterance: str, sentences: Sequence[CheckedSentence]) -> Correction:
    """One correction of the whole utterance; the edits of each sentence count its own words, split at spaces."""
    starts = find_word_starts(utterance.split())
    edits: list[Edit] = []
    position = 0
    for sentence in sentences:
        for edit in sentence.edits:
            start, end = (starts[min(position + place, len(starts) - 1)] for place in edit.at)
            edits.append(replace(edit, at=(start, end)))
        position += len(sentence.original.split())
    if not edits:
        is_sure = bool(sentences) and not any(sentence.is_doubtful for sentence in sentences)
        return Correction(utterance, is_sure=is_sure)
    better = tuple(_as_sentence(sentence.corrected) for sentence in sentences if sentence.edits)
    corrected = " ".join(sentence.corrected for sentence in sentences)
    return Correction(_as_sentence(corrected), tuple(sorted(edits, key=lambda edit: edit.at)), better)


def compose_feedback(utterance: str, correction: Correction, question: str, manner: Manner) -> Feedback:
    """`question` is all that follows: it may be an answer of the teacher's own too, or ""."""
    note = manner.note
    if correction.edits:
        explanations = join_texts(*explain_edits(correction.edits, manner.level, manner.focus))
        spoken_lines = explain_edits(correction.edits, manner.level, manner.focus, manner.spoken_language)
        sentences = join_texts(*take_within(correction.better_sentences, MAX_REPEATED_CHARS))
        repetition = f"We say: {sentences}" if sentences and manner.can_repeat else ""
        said_explanations = join_texts(*spoken_lines).replace(ARROW, CHINESE_COMMA) if manner.can_repeat else ""
        answer = join_texts(*map(strip_unspeakable, (repetition, said_explanations, note)), question)
        explanation = join_texts(explanations, note)
        verdict: Verdict = "corrected"
        return Feedback(
            utterance,
            correction.corrected,
            question,
            answer,
            correction.edits,
            explanation,
            False,
            verdict,
            manner.unclear,
        )
    is_correct = correction.is_sure and manner.can_praise
    praise = manner.persona.praise if is_correct else ""
    return Feedback(
        utterance,
        corrected=utterance,
        reply=join_texts(praise, question),
        spoken=join_texts(praise, strip_unspeakable(note), question),
        explanation=note,
        verdict="correct" if is_correct else "not_checked",
        unclear=manner.unclear,
    )


def explain_edits(edits: Iterable[Edit], level: Level, focus: Focus, language: str = "en") -> list[str]:
    """The explanations of the edits that are explained: as many as the level allows, none of a long edit."""
    short = [edit for edit in edits if max(len(edit.before.split()), len(edit.after.split())) <= MAX_EXPLAINED_WORDS]
    return [edit.explanations.get(language, "") for edit in choose_explained(short, level, focus)]


def _as_sentence(text: str) -> str:
    """With a capital letter and an end mark."""
    return text[:1].upper() + text[1:] + ("" if not text or has_end_mark(text) else ".")


def join_texts(*texts: str) -> str:
    return " ".join(filter(None, texts))


def take_within(texts: Iterable[str], max_chars: int) -> Iterator[str]:
    """The first texts, as many as have `max_chars` together, joined by spaces."""
    for text in texts:
        max_chars -= len(text) + 1
        if max_chars < 0:
            return
        yield text


def strip_unspeakable(text: str) -> str:
    """Without what a voice reads badly: markup, addresses, emoji, quotation marks. What changes a number stays."""
    text = re.sub(r"(?<=\d)\s*\*\s*(?=\d)", " × ", text.translate(STRAIGHT_QUOTES).replace('"', ""))
    text = re.sub(r"(?<![<>])([<>]=?)(?=\s?[-+.]?\d)", lambda match: f" {COMPARISONS[match[1]]} ", text)
    return " ".join(UNSPEAKABLE.sub(lambda match: match[0] if _belongs_to_number(match) else " ", text).split())


def _belongs_to_number(match: re.Match[str]) -> bool:
    """Whether it is a sign next to a digit, or to another sign that is: as in ≥ 5, 50¢, 1/2 and 5 °C."""
    sign = match[0]
    is_sign = unicodedata.category(sign[0]) in ("Sc", "Sm", "No") or sign in SIGNS_OF_NUMBERS
    before, after = match.string[: match.start()].rstrip()[-1:], match.string[match.end() :].lstrip(" -+.$€£")[:1]
    return is_sign and sign not in "<>|" and (before.isnumeric() or after.isnumeric())
