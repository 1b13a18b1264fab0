"""What may be used of a language model's reply, ideally `"corrected sentence." remark question?`.

A small model corrects well at times and explains badly, and any model can drift or be talked into something. So its
corrected sentence is a suggestion to the checker. Where there is no checker it counts only where it differs from the
transcript as a correction does, and the explanation is built from the difference. Its question passes the checks of
questions/, its remarks the stricter ones here, and a reply about something else is dropped.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pipeline.jobs.results import Edit
from pipeline.levels import NO_FOCUS, NO_LEVEL, Focus, Level
from pipeline.model_files.catalogue import can_correct
from pipeline.personas import Persona
from pipeline.settings import Settings
from pipeline.text.corrections import (
    STRAIGHT_QUOTES,
    apply_changes,
    compare,
    explain_edit,
    is_about_same,
    select_corrections,
)
from pipeline.text.sentences import SENTENCE
from worker_llm.tutor.feedback import (
    MAX_REPLY_CHARS,
    Correction,
    join_texts,
    strip_unspeakable,
)
from worker_llm.tutor.questions.choose import Ranker, choose_new_subject, choose_question, was_asked
from worker_llm.tutor.questions.vocabulary import is_common, is_content_word, split_words, was_said, word_set
from worker_llm.tutor.safety import NO_SCHOOL_WORDS, SchoolWords, contains_swearing, find_danger, is_unfit_to_say

QUOTED_SENTENCE = re.compile(r'"\s*([^"]+)"?(.*)')
CHARS_OF_TOKEN = 3  # of English text, at least
QUESTION_TOKENS = 40  # of an answer, left for what follows the corrected sentences
MAX_REMARK_WORDS = 12  # of the one sentence that is kept
# A remark that judges or corrects would be a claim that nobody has checked.
JUDGING_WORDS = word_set(
    """
    correct right wrong mistake mistakes error errors well done perfect good great excellent nice almost close try
    tried job say said sentence grammar word words english better best should must
    """
)


@dataclass(frozen=True)
class Conversation:
    """What a question depends on besides the sentences: the teacher, what it said before, and the homework.

    `earlier_replies`: the teacher's in this session, oldest first. `practice`: a question for a kind of mistake that
    comes again, which goes before all others; "" for none. `changes_subject`: nothing more is asked about them.
    """

    persona: Persona
    earlier_replies: Sequence[str] = ()
    level: Level = NO_LEVEL
    focus: Focus = NO_FOCUS
    rank: Ranker | None = None
    school: SchoolWords = NO_SCHOOL_WORDS
    practice: str = ""
    changes_subject: bool = False

    def choose_question(self, sentences: str, reply: str = "") -> str:
        """The question about these sentences: that of the model's `reply` if it may be asked, else another one.

        With a persona for a large model a remark before it is kept too, if that is safe.
        """
        if self.changes_subject:
            return self.choose_new_subject()
        proposal = find_question(sentences, reply)
        if self.persona.languages[0] != "en":  # whose questions cannot be checked for their form
            is_fit = proposal and not is_unfit_to_say(proposal, self.school)
            is_usable = is_fit and not was_asked(proposal, self.earlier_replies[-3:])
            return proposal if is_usable else self.persona.fallback
        question = self.practice or choose_question(
            proposal,
            sentences,
            self.earlier_replies,
            self.persona.fallback,
            level=self.level,
            focus=self.focus,
            rank=self.rank,
            school=self.school,
        )
        remark = find_remark(sentences, reply, self.school) if self.persona.remarks and question == proposal else ""
        return join_texts(remark, question)

    def choose_new_subject(self) -> str:
        """A question that does not ask more about what was just said."""
        is_english = self.persona.languages[0] == "en"
        return choose_new_subject(self.earlier_replies) if is_english else self.persona.fallback


def correct_by_model(transcript: str, reply: str, unclear: Collection[int] = ()) -> Correction:
    """The small corrections of the model's sentence; none where it is about something else, or of `unclear` words.

    What that guarantees: every content word of the corrected sentence resembles one of the transcript.
    """
    sentence, _ = split_reply(reply)
    if not is_about_same(transcript, sentence):
        return Correction(transcript)
    pieces = compare(transcript, sentence)
    changes = select_corrections([piece for piece in pieces if not piece.is_unchanged])
    corrections = [change for change in changes if not {*range(*change.at)} & {*unclear}]
    if not corrections:
        return Correction(transcript)
    corrected = apply_changes(pieces, corrections)
    edits = tuple(with_explanations(piece.edit, transcript) for piece in corrections)
    return Correction(corrected, edits, (corrected,))


def count_suggested_chars(settings: Settings) -> int:
    """How long the sentences may be that the model is to correct, so that its answer has room; 0 if it is not to."""
    is_asked = can_correct(settings.llm_model) if settings.llm_suggests == "auto" else settings.llm_suggests == "on"
    return CHARS_OF_TOKEN * max(QUESTION_TOKENS, settings.answer_tokens - QUESTION_TOKENS) if is_asked else 0


def find_suggestion(sentences: str, reply: str, school: SchoolWords = NO_SCHOOL_WORDS) -> str:
    """The model's corrected text of these sentences; "" if it is about something else, or unfit for a learner."""
    suggestion, _ = split_reply(reply)
    is_unfit = contains_swearing(suggestion, school) or find_danger(suggestion, school) is not None
    return suggestion if is_about_same(sentences, suggestion) and not is_unfit else ""


def with_explanations(edit: Edit, transcript: str) -> Edit:
    """The edit with what is to be said instead, in English and Chinese: the model gives no reason."""
    if not edit.after:
        chinese = f"去掉“{edit.before}”。"
    elif edit.before:
        chinese = f"不说“{edit.before}”，说“{edit.after}”。"
    else:
        chinese = f"加上“{edit.after}”。"
    return replace(edit, explanations={"en": explain_edit(edit, transcript), "zh": chinese})


def split_reply(reply: str) -> tuple[str, str]:
    """The corrected sentence and what follows it."""
    line = " ".join(reply.translate(STRAIGHT_QUOTES).split())
    if quotation := QUOTED_SENTENCE.search(line):
        sentence, remainder = quotation.groups()
        if '"' in line[quotation.start() + 1 :]:
            return sentence.strip(), remainder.strip()
        line = sentence  # the closing quotation mark is missing
    first = SENTENCE.match(line.strip())
    return (first.group().strip(), line.strip()[first.end() :].strip()) if first else ("", "")


def find_question(sentences: str, reply: str) -> str:
    """The model's first question after a sentence that is about the same as these; "" if there is none."""
    sentence, remainder = split_reply(reply)
    if not is_about_same(sentences, sentence):
        return ""
    texts = (text.strip() for text in SENTENCE.findall(strip_unspeakable(remainder)))
    question = next((text for text in texts if text.endswith(("?", "？"))), "")
    return question if len(question) <= MAX_REPLY_CHARS else ""


def find_remark(sentences: str, reply: str, school: SchoolWords) -> str:
    """One short statement before the model's question, if it judges nothing and has no words of its own; else ""."""
    _, remainder = split_reply(reply)
    text = next((text.strip() for text in SENTENCE.findall(strip_unspeakable(remainder))), "")
    words = split_words(text)
    said_words = frozenset(split_words(sentences))
    is_safe = (
        text.endswith((".", "!"))
        and 1 < len(words) <= MAX_REMARK_WORDS
        and not JUDGING_WORDS & set(words)
        and not any(character.isdecimal() for character in text)
        and all(is_common(word) or was_said(word, said_words) for word in words if is_content_word(word))
        and not is_unfit_to_say(text, school)
    )
    return text if is_safe else ""
