"""What the teacher makes of it: the model's words, checked against what was heard, become feedback.

A small model corrects well and explains badly, and any model can drift or be talked into something. So its
sentence counts only where it differs from what was heard as a correction does; the explanation is built
from the difference. What that guarantees: every content word of `corrected` looks like one that was heard,
and a sentence about something else is dropped together with its reply. What it does not: a reply that is kept
is in the model's words, though short and, unless the persona keeps remarks, no more than one question.
"""

import re
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

REPLY_CHARS = 240  # characters of a reply that are spoken
REPEATED_CHARS = 300  # characters of a corrected sentence that is repeated aloud

SENTENCE = re.compile(r"[^.!?。！？]+[.!?。！？]*")
QUOTED = re.compile(r'"\s*([^"]+)"?(.*)')
UNSPEAKABLE = re.compile(r"""\S+://\S+|[^\w\s.,!?;:'%&$€£+。，！？；：、-]|_""")


def understand(heard: str, raw: str, persona: Persona, note: str = "") -> Feedback:
    """`raw` is the model's answer, hoped to be `"corrected sentence." remark question?`; a `note` is explained too."""
    sentence, rest = _parts(raw)
    if not is_about_same(heard, sentence):
        return Feedback(heard, corrected=heard, reply=persona.puzzled, spoken=persona.puzzled, explanation=note)
    pieces = compare(heard, sentence)
    changes = [piece for piece in pieces if not piece.is_unchanged]
    accepted = select_corrections(changes)
    reply = _reply(rest, persona)
    if accepted:
        return _correction(heard, pieces, accepted, (note, reply))
    praise = "" if changes or persona.remarks else persona.praise
    spoken = joined(praise, speakable(note), reply)
    return Feedback(heard, corrected=heard, reply=joined(praise, reply), spoken=spoken, explanation=note)


def job_request(about: str, raw: str, persona: Persona) -> str:
    """Only what the model asks about these words; the persona's own question when it asks none, or lost the thread."""
    sentence, rest = _parts(raw)
    return _reply(rest, replace(persona, remarks=False)) if is_about_same(about, sentence) else persona.fallback


def joined(*texts: str) -> str:
    return " ".join(filter(None, texts))


def fitting(texts: Iterable[str], characters: int) -> Iterator[str]:
    """The first ones that are not too long together."""
    for text in texts:
        characters -= len(text) + 1
        if characters < 0:
            return
        yield text


def _correction(
    heard: str, pieces: Iterable[DiffSpan], accepted: Collection[DiffSpan], after: tuple[str, str]
) -> Feedback:
    """`after` the correction stand a note, and the reply."""
    note, reply = after
    edits = tuple(piece.edit for piece in accepted)
    better = apply_changes(pieces, accepted)
    why = joined(explain(edits, heard), note)
    repeated = f"We say: {better}" if len(better) <= REPEATED_CHARS else ""
    return Feedback(heard, better, reply, joined(speakable(repeated), speakable(why), reply), edits, why)


def _parts(raw: str) -> tuple[str, str]:
    """The corrected sentence and what follows it."""
    line = " ".join(raw.translate(STRAIGHT_QUOTES).split())
    if found := QUOTED.search(line):
        sentence, rest = found.groups()
        if '"' in line[found.start() + 1 :]:
            return sentence.strip(), rest.strip()
        line = sentence  # the end quote is missing
    first = SENTENCE.match(line.strip())
    return (first.group().strip(), line.strip()[first.end() :].strip()) if first else ("", "")


def _reply(rest: str, persona: Persona) -> str:
    """What is said after the correction: short, and ending in a question."""
    sentences = [text.strip() for text in SENTENCE.findall(speakable(rest))]
    questions = [text for text in sentences if text.endswith(("?", "？"))]
    chosen = " ".join(sentences) if questions and persona.remarks else "".join(questions[:1])
    return chosen if 0 < len(chosen) <= REPLY_CHARS else persona.fallback


def speakable(text: str) -> str:
    """Without what a voice reads badly: markup, addresses, emoji, quotation marks."""
    return " ".join(UNSPEAKABLE.sub(" ", text.translate(STRAIGHT_QUOTES).replace('"', "")).split())
