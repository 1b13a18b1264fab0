"""Reasons for a verb that agrees with its subject."""

from worker_llm.grammar.explanations.rules.word_lists import UNCOUNTABLE
from worker_llm.grammar.explanations.token_edit import TokenEdit, display_text, phrase, subject_of, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token
from worker_llm.grammar.word_sets import word_set

PRONOUNS = {  # a subject -> whether its verb is in the third person singular
    **dict.fromkeys(("he", "she", "it", "this", "that"), True),
    **dict.fromkeys(("i", "you", "we", "they", "these", "those"), False),
}
AS_ONE = word_set("everyone everybody someone somebody anyone anybody nobody everything something anything nothing")
SINGULAR = frozenset({"NN", "NNP"})
PLURAL = frozenset({"NNS", "NNPS"})


def is_agreement(edit: TokenEdit) -> bool:
    """Whether nothing but the person and number of a finite verb changed."""
    if not edit.is_one_for_one:
        return False
    old, new = edit.old_tokens[0], edit.new_tokens[0]
    if {old.lower_, new.lower_} == {"was", "were"}:
        return True
    is_present = new.tag_ in {"VBZ", "VBP"} and old.tag_ not in {"VBD", "VBG"} and old.lower_ not in {"was", "were"}
    return is_present and (old.lemma == new.lemma or f"{old.lower_}s" == new.lower_ or old.lower_ == f"{new.lower_}s")


def is_singular(verb: Token) -> bool:
    return verb.tag_ == "VBZ" or verb.lower_ == "was"


def subject_of_verb(edit: TokenEdit) -> Reason | None:
    if not is_agreement(edit):
        return None
    verb = edit.new_tokens[0]
    subject = subject_of(verb)
    if subject is None:
        return None
    if subject.lower_ == "there":
        return what_there_is(verb)
    if subject.tag_ in {"WDT", "WP"} and verb.dep_ == "relcl":
        subject = verb.head
    return because_of_pronoun(subject, verb) or because_of_noun(subject, verb)


def what_there_is(verb: Token) -> Reason | None:
    nouns = [child for child in verb.children if child.i > verb.i and child.tag_ in SINGULAR | PLURAL]
    if not nouns or any(child.dep_ == "conj" for child in nouns[0].children):
        return None
    noun = nouns[0]
    if noun.lower_ == "lot":
        noun = next((token for token in noun.subtree if token.dep_ == "pobj"), noun)
    if (noun.tag_ in PLURAL or noun.lower_ == "people") and not is_singular(verb):
        return because("there_many", noun=word(noun))
    if noun.tag_ == "NN" and is_singular(verb):
        return because("uncountable_verb", subject=word(noun)) if noun.lemma_ in UNCOUNTABLE else one(noun)
    return None


def one(noun: Token) -> Reason:
    return because("there_one", noun=word(noun))


def because_of_pronoun(subject: Token, verb: Token) -> Reason | None:
    text = subject.lower_
    if text in AS_ONE and is_singular(verb):
        return because("everyone_one", subject=word(subject))
    has_own_form = text == "i" and verb.lower_ in {"am", "'m", "was"}
    if text in PRONOUNS and not is_joined(subject) and (has_own_form or PRONOUNS[text] == is_singular(verb)):
        return because("subject_verb", subject=word(subject))
    return None


def because_of_noun(subject: Token, verb: Token) -> Reason | None:
    if is_joined(subject):
        end = max(child.i for child in subject.children if child.dep_ == "conj") + 1
        is_short = end - subject.left_edge.i <= 5 and not is_singular(verb)
        return (
            because("subject_verb", subject=display_text(subject.doc, subject.left_edge.i, end)) if is_short else None
        )
    if subject.tag_ in PLURAL or subject.lower_ in {"people", "children"}:
        return None if is_singular(verb) else because("subject_plural", subject=word(subject))
    if subject.tag_ in SINGULAR and is_singular(verb):
        is_uncountable = subject.lemma_ in UNCOUNTABLE
        return because("uncountable_verb", subject=word(subject)) if is_uncountable else with_subject(subject)
    return None


def with_subject(subject: Token) -> Reason:
    return because("subject_verb", subject=phrase(subject))


def is_joined(subject: Token) -> bool:
    return any(child.dep_ == "conj" for child in subject.children)


RULES = (subject_of_verb,)
