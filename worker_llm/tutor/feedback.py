"""From the model's reply to feedback, checked against what the learner said.

A small model corrects well and explains badly, and any model can drift or be talked into something. So its corrected
sentence counts only where it differs from the transcript as a correction does, and the explanation is built from the
difference. What that guarantees: every content word of `corrected` resembles one of the transcript, and a sentence
about something else is dropped together with its reply. What it does not guarantee: a reply that is accepted is in the
model's words, though it is short and, unless the persona keeps remarks, a single question.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from pipeline.jobs.results import Feedback
from pipeline.personas import Persona
from pipeline.text.corrections import (
    STRAIGHT_QUOTES,
    DiffSpan,
    apply_changes,
    compare,
    explain,
    is_about_same,
    select_corrections,
)
from pipeline.text.sentences import SENTENCE

MAX_REPLY_CHARS = 240  # of a reply that is spoken
MAX_REPEATED_CHARS = 300  # of a corrected sentence that is repeated aloud

QUOTED_SENTENCE = re.compile(r'"\s*([^"]+)"?(.*)')
UNSPEAKABLE = re.compile(r"""\S+://\S+|[^\w\s.,!?;:'%&$€£+。，！？；：、-]|_""")
SIGNS_OF_NUMBERS = "/°′″#=~²³⁺⁻–—−"  # besides currencies and signs of mathematics; next to a digit they are spoken
COMPARISONS = {"<": "less than", ">": "greater than", "<=": "≤", ">=": "≥"}  # no angle bracket is spoken


def build_feedback(transcript: str, reply: str, persona: Persona, note: str = "") -> Feedback:
    """`reply` is the model's, ideally `"corrected sentence." remark question?`; `note` is added to the explanation."""
    sentence, remainder = _split_reply(reply)
    if not is_about_same(transcript, sentence):
        answer = persona.puzzled
        return Feedback(transcript, corrected=transcript, reply=answer, spoken=answer, explanation=note)
    pieces = compare(transcript, sentence)
    changes = [piece for piece in pieces if not piece.is_unchanged]
    corrections = select_corrections(changes)
    question = _choose_spoken_reply(remainder, persona)
    if corrections:
        return _build_correction(transcript, pieces, corrections, note, question)
    praise = "" if changes or persona.remarks else persona.praise
    answer = join_texts(praise, strip_unspeakable(note), question)
    return Feedback(
        transcript, corrected=transcript, reply=join_texts(praise, question), spoken=answer, explanation=note
    )


def extract_question(passage: str, reply: str, persona: Persona) -> str:
    """The model's question about this passage; the persona's fallback if it asks none, or is about something else."""
    sentence, remainder = _split_reply(reply)
    if not is_about_same(passage, sentence):
        return persona.fallback
    return _choose_spoken_reply(remainder, replace(persona, remarks=False))


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


def _build_correction(
    transcript: str, pieces: Iterable[DiffSpan], corrections: Collection[DiffSpan], note: str, question: str
) -> Feedback:
    edits = tuple(piece.edit for piece in corrections)
    corrected_sentence = apply_changes(pieces, corrections)
    explanation_text = join_texts(explain(edits, transcript), note)
    repetition = f"We say: {corrected_sentence}" if len(corrected_sentence) <= MAX_REPEATED_CHARS else ""
    answer = join_texts(strip_unspeakable(repetition), strip_unspeakable(explanation_text), question)
    return Feedback(transcript, corrected_sentence, question, answer, edits, explanation_text)


def _split_reply(reply: str) -> tuple[str, str]:
    """The corrected sentence and what follows it."""
    line = " ".join(reply.translate(STRAIGHT_QUOTES).split())
    if quotation := QUOTED_SENTENCE.search(line):
        sentence, remainder = quotation.groups()
        if '"' in line[quotation.start() + 1 :]:
            return sentence.strip(), remainder.strip()
        line = sentence  # the closing quotation mark is missing
    first = SENTENCE.match(line.strip())
    return (first.group().strip(), line.strip()[first.end() :].strip()) if first else ("", "")


def _choose_spoken_reply(remainder: str, persona: Persona) -> str:
    """What is spoken after the correction: short, and ending in a question."""
    sentences = [text.strip() for text in SENTENCE.findall(strip_unspeakable(remainder))]
    questions = [text for text in sentences if text.endswith(("?", "？"))]
    answer = " ".join(sentences) if questions and persona.remarks else "".join(questions[:1])
    return answer if 0 < len(answer) <= MAX_REPLY_CHARS else persona.fallback
