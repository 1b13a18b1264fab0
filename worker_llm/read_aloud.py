"""Feedback on a text that was read aloud: every word that was read wrong, and a few to be read again.

The language model only asks a question about the text; what it makes of the reader's words would be about another one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from pipeline.jobs.results import Edit, Feedback
from pipeline.personas import Persona
from pipeline.text.alignment import AlignedSpan, align
from pipeline.text.corrections import MAX_EXPLAINED_WORDS, WORD, explain
from worker_llm.feedback import REPEATED_CHARS, fitting, job_request, joined, speakable

# What has not more than this share of its words in common is no reading of the text, if the reader says a few words
# twice: EXTRA times the text's. Of 40 learners' sentences as the default recogniser hears them, 38 have more in common
# with their own text, and of 1,560 pairs with the text of another one, 26 have.
ANOTHER, EXTRA = 1 / 3, 1.25
AGAIN_CHARS, PHRASE_CHARS = 120, 80  # characters of the words that are to be read again; of those that stand together
ASKED_CHARS = 100  # characters of the text that the question is about: the model repeats them before it asks
MORE = " …"  # after words that are only the first ones

SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*[\"'”’」』)）]*")
NOT_FOUND = "Thank you! I did not hear our text in it. Please read it to me again, slowly and clearly."


@dataclass(frozen=True)
class ReadAloud:
    """What was `heard` when this `text` was to be read."""

    heard: str
    text: str

    @cached_property
    def stretches(self) -> list[AlignedSpan]:
        return align(self.heard, self.text)

    @property
    def edits(self) -> tuple[Edit, ...]:
        return tuple(each.edit for each in self.stretches if not each.sounds_same)

    @property
    def is_another(self) -> bool:
        """Whether something else was said; who stops early has read as much of the text as was heard."""
        heard, wanted, same, best = len(WORD.findall(self.heard)), 0, 0, 0.0
        for each in self.stretches:
            wanted += len(each.reference)
            same += len(each.reference) if each.sounds_same else 0
            best = max(best, same / max(wanted, heard / EXTRA))
        return best <= ANOTHER

    @property
    def again(self) -> str:
        """The words to be read again, those that stand together in one."""
        runs = groupby(self.stretches, key=lambda each: each.sounds_same)
        phrases = [_phrase(word for each in run for word in each.reference) for same, run in runs if not same]
        return ", ".join(fitting([f'"{phrase}"' for phrase in dict.fromkeys(phrases) if phrase], AGAIN_CHARS))

    @property
    def listen(self) -> str:
        """The text, or where it is long, its sentences with mistakes, as much as can be repeated aloud."""
        if len(self.text) <= REPEATED_CHARS:
            return self.text
        wrong = {place for each in self.stretches if not each.sounds_same for place in range(*each.reference_at)}
        places = [word.start() for number, word in enumerate(WORD.finditer(self.text)) if number in wrong]
        sentences = [
            each for each in SENTENCE.finditer(self.text) if any(each.start() <= at < each.end() for at in places)
        ]
        return " ".join(fitting([each.group().strip() for each in sentences], REPEATED_CHARS))


def asked_about(text: str) -> str:
    """The last sentences of a text, as much as a question can be asked about; of a last one that is long, its start."""
    sentences = [each.strip() for each in SENTENCE.findall(text) if each.strip()]
    whole = list(fitting(reversed(sentences), ASKED_CHARS))[::-1]
    last = sentences[-1] if sentences else text
    return joined(*whole) or joined(*fitting(last.split(), ASKED_CHARS)) or last[:ASKED_CHARS]


def another(reading: ReadAloud) -> Feedback:
    """Kindly asks to read the text; what was said instead is not corrected."""
    return Feedback(reading.heard, corrected=reading.text, reply=NOT_FOUND, spoken=NOT_FOUND)


def understand(reading: ReadAloud, raw: str, persona: Persona) -> Feedback:
    """`raw` is the model's answer to the end of the text."""
    asked = job_request(asked_about(reading.text), raw, persona)
    edits, again = reading.edits, reading.again
    why = f"Read again: {again}." if again else explain(edits, reading.heard)
    said = speakable(why.replace(MORE, ""))
    if again:
        listen = f"Listen: {reading.listen}" if reading.listen else ""
        return Feedback(reading.heard, reading.text, asked, joined(speakable(listen), said, asked), edits, why)
    reply, spoken = joined(persona.praise, asked), joined(persona.praise, said, asked)
    return Feedback(reading.heard, reading.text, reply, spoken, edits, why)


def _phrase(words: Iterable[str]) -> str:
    """Up to EDIT_WORDS of the words, without the punctuation around them."""
    plain = [each for each in (re.sub(r"^\W+|\W+$", "", word) for word in words) if each]
    return " ".join(plain[:MAX_EXPLAINED_WORDS])[:PHRASE_CHARS] + (MORE if len(plain) > MAX_EXPLAINED_WORDS else "")
