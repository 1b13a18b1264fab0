"""Feedback on a text that was read aloud: every word that was misread, and a few phrases to be read again.

The language model only asks a question about the text: what it would correct in the transcript is not what was to be
read.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from pipeline.jobs.results import Edit, Feedback
from pipeline.text.alignment import AlignedSpan, align
from pipeline.text.corrections import MAX_EXPLAINED_WORDS, WORD, explain
from pipeline.text.reading import is_other_text
from pipeline.text.sentences import SENTENCE_OF_LINE
from worker_llm.tutor.feedback import MAX_REPEATED_CHARS, join_texts, strip_unspeakable, take_within
from worker_llm.tutor.model_reply import Conversation

MAX_REPEAT_CHARS, MAX_PHRASE_CHARS = 120, 80  # of all phrases to be read again together; of one of them
MAX_PASSAGE_CHARS = 100  # of the passage that the question is about: the model repeats it before it asks
ELLIPSIS = " …"  # after a phrase that was shortened

REQUEST_TO_READ = "Thank you! I did not hear our text in it. Please read it to me again, slowly and clearly."


@dataclass(frozen=True)
class ReadingAttempt:
    """The `transcript` of a recording in which `text` was to be read aloud."""

    transcript: str
    text: str

    @cached_property
    def alignment(self) -> list[AlignedSpan]:
        return align(self.transcript, self.text)

    @property
    def edits(self) -> tuple[Edit, ...]:
        return tuple(each.edit for each in self.alignment if not each.sounds_same)

    @property
    def is_other_text(self) -> bool:
        """Whether something else was said."""
        return is_other_text(self.transcript, self.alignment)

    @property
    def phrases_to_repeat(self) -> str:
        """The misread words, quoted; adjacent ones are one phrase."""
        runs = groupby(self.alignment, key=lambda each: each.sounds_same)
        phrases = [
            _shorten_phrase(word for each in run for word in each.reference)
            for sounds_same, run in runs
            if not sounds_same
        ]
        quotations = [f'"{phrase}"' for phrase in dict.fromkeys(phrases) if phrase]
        return ", ".join(take_within(quotations, MAX_REPEAT_CHARS))

    @property
    def text_to_demonstrate(self) -> str:
        """What the teacher reads aloud: the text or, if it is long, its first sentences with mistakes."""
        if len(self.text) <= MAX_REPEATED_CHARS:
            return self.text
        misread = {index for each in self.alignment if not each.sounds_same for index in range(*each.reference_at)}
        positions = [word.start() for index, word in enumerate(WORD.finditer(self.text)) if index in misread]
        sentences = [
            sentence.group().strip()
            for sentence in SENTENCE_OF_LINE.finditer(self.text)
            if any(sentence.start() <= position < sentence.end() for position in positions)
        ]
        return " ".join(take_within(sentences, MAX_REPEATED_CHARS))


def choose_passage(text: str, max_chars: int = MAX_PASSAGE_CHARS) -> str:
    """What the model is shown of a text: the last sentences, or the beginning of a last one that is long."""
    sentences = [each.strip() for each in SENTENCE_OF_LINE.findall(text) if each.strip()]
    last_sentences = list(take_within(reversed(sentences), max_chars))[::-1]
    last = sentences[-1] if sentences else text
    beginning = join_texts(*take_within(last.split(), max_chars))
    return join_texts(*last_sentences) or beginning or last[:max_chars]


def ask_to_read(attempt: ReadingAttempt) -> Feedback:
    """For another text: a kind request to read the right one, without corrections."""
    return Feedback(
        attempt.transcript,
        corrected=attempt.text,
        reply=REQUEST_TO_READ,
        spoken=REQUEST_TO_READ,
        verdict="not_understood",
    )


def build_reading_feedback(attempt: ReadingAttempt, reply: str, conversation: Conversation) -> Feedback:
    """`reply` is the model's, to the passage of the text. Praise is for a text in which no word was misread."""
    question = conversation.choose_question(choose_passage(attempt.text), reply)
    edits, repeat = attempt.edits, attempt.phrases_to_repeat
    explanation = f"Read again: {repeat}." if repeat else explain(edits, attempt.transcript)
    spoken_explanation = strip_unspeakable(explanation.replace(ELLIPSIS, ""))
    if not edits:
        reply = join_texts(conversation.persona.praise, question)
        return Feedback(attempt.transcript, attempt.text, reply, spoken=reply, verdict="correct")
    demonstration = f"Listen: {attempt.text_to_demonstrate}" if repeat and attempt.text_to_demonstrate else ""
    answer = join_texts(strip_unspeakable(demonstration), spoken_explanation, question)
    return Feedback(attempt.transcript, attempt.text, question, answer, edits, explanation, verdict="corrected")


def _shorten_phrase(words: Iterable[str]) -> str:
    """Up to MAX_EXPLAINED_WORDS of the words, without the punctuation around them."""
    bare_words = [each for each in (re.sub(r"^\W+|\W+$", "", word) for word in words) if each]
    return " ".join(bare_words[:MAX_EXPLAINED_WORDS])[:MAX_PHRASE_CHARS] + (
        ELLIPSIS if len(bare_words) > MAX_EXPLAINED_WORDS else ""
    )
