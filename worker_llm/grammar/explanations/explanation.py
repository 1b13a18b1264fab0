"""What a learner is told of one edit: its kind, and why, in plain English and in Chinese.

Rules look for a reason that is certainly true of this sentence: the word that an edit follows, the time that the
sentence names, its subject. Where none is certain, the kind of the edit chooses a general text: what to say.
"""

from collections.abc import Callable
from dataclasses import dataclass

from worker_llm.grammar.explanations.kinds import kind_of
from worker_llm.grammar.explanations.rules import (
    adjectives,
    agreement,
    determiners,
    nouns,
    prepositions,
    pronouns,
    sentence_parts,
    tense,
    verb_forms,
    word_choice,
)
from worker_llm.grammar.explanations.token_edit import TokenEdit, display_text, whole_word
from worker_llm.grammar.explanations.topics import Reason, because, explain_topic
from worker_llm.grammar.libraries import Doc, Token, lemminflect

RULES: tuple[Callable[[TokenEdit], Reason | None], ...] = (
    *sentence_parts.RULES,
    *verb_forms.RULES,
    *tense.RULES,
    *agreement.RULES,
    *nouns.RULES,
    *determiners.RULES,
    *pronouns.RULES,
    *adjectives.RULES,
    *prepositions.RULES,
    *word_choice.RULES,
)
TOPICS_OF_KINDS = {  # an edit's kind -> the topic of its general text
    "R:VERB:TENSE": "other_tense",
    "R:VERB:SVA": "other_agreement",
    "R:VERB:FORM": "other_form",
    "R:VERB:INFL": "other_form",
    "M:VERB": "missing_verb",
    "R:ORTH": "spelling",
    "R:SPELL": "spelling",
    "R:WO": "order",
    "R:NOUN:INFL": "better_word",
    **dict.fromkeys(("R:VERB", "R:NOUN", "R:ADJ", "R:ADV", "R:PRON", "R:CONJ", "R:PART", "R:MORPH"), "better_word"),
}


@dataclass(frozen=True)
class Explanation:
    """`kind` is ERRANT's name of the mistake, such as R:VERB:TENSE; `en` and `zh` say why."""

    kind: str
    en: str
    zh: str


def explain(before: Doc, after: Doc, start: int, end: int, after_end: int) -> Explanation:
    """Explain that the tokens `start` to `end` of a sentence became the tokens `start` to `after_end` of a better one.

    The sentences differ in this edit alone. An edit that is none, or beyond the sentences, is a ValueError.
    """
    edit = TokenEdit(before, after, start, end, after_end)
    kind = kind_of(edit)
    edit = edit.without_equal_ends()
    if not any(edit.words):
        return Explanation(kind, *explain_topic("punctuation", *edit.texts))
    reason = reason_of(edit) or general_reason(edit, kind)
    english, chinese = explain_topic(reason.topic, *edit.words, **reason.slots)
    return Explanation(kind, english, chinese)


def reason_of(edit: TokenEdit) -> Reason | None:
    for rule in RULES:
        if reason := rule(edit):
            return reason
    return None


def words_after(edit: TokenEdit) -> str:
    """The next word; of "my old friend", all three."""
    if edit.next is None:
        return ""
    for token in edit.after[edit.after_end : edit.after_end + 3]:
        if token.tag_.startswith("NN") and edit.next.tag_ in {"DT", "PRP$"}:
            return display_text(edit.after, edit.after_end, token.i + 1)
    return whole_word(edit.next)


def is_surely_noun(token: Token) -> bool:
    """Not a verb that the parser took for a noun, such as "dances"."""
    has_words_before = any(child.dep_ in {"det", "poss", "nummod", "amod"} for child in token.children)
    return has_words_before or "VERB" not in lemminflect.getAllLemmas(token.lower_)


def general_reason(edit: TokenEdit, kind: str) -> Reason:
    """What is always true of an edit: what to say."""
    following = words_after(edit)
    if kind == "R:NOUN:NUM" and is_surely_noun(edit.last_token):
        return because("other_plural" if edit.last_token.tag_ == "NNS" else "other_singular")
    before, after = edit.words
    if before.lower() == after.lower() and before.islower():
        return because("capital_letter")
    if kind.startswith("R:VERB") and not edit.last_token.tag_.startswith(("VB", "MD")):
        return because("replace")  # the parser takes "for" for a part of a verb
    if kind == "R:SPELL" and lemminflect.getAllLemmas(before.lower()):
        return because("better_word")  # a word, but not this one
    if kind in TOPICS_OF_KINDS:
        return because(TOPICS_OF_KINDS[kind])
    if kind in {"R:DET", "R:PREP"} and following:
        return because("before_noun", next=following)
    if edit.is_replacement:
        return because("replace")
    if kind in {"U:DET", "U:PREP"} and following:
        return because("no_word_before", next=following)
    if edit.is_deletion:
        return because("leave_out")
    return because("add", next=following) if following else because("add_at_end")
