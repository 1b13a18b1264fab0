"""Reasons for a pronoun: who does it, to whom, whose it is, and who is meant."""

from worker_llm.grammar.explanations.rules.word_lists import MEN, PEOPLE, THINGS, WOMEN
from worker_llm.grammar.explanations.token_edit import TokenEdit, noun_of, phrase, whole_word, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token

FORMS = (  # of one person: as a subject, as an object, before a noun, without a noun
    *(("i", "me", "my", "mine"), ("you", "you", "your", "yours"), ("he", "him", "his", "his")),
    *(("she", "her", "her", "hers"), ("it", "it", "its", "its"), ("we", "us", "our", "ours")),
    ("they", "them", "their", "theirs"),
)
SHE = frozenset({"she", "her", "hers", "herself"})
HE = frozenset({"he", "him", "his", "himself"})


def is_one_person(edit: TokenEdit) -> bool:
    """Whether both words are forms of the same pronoun."""
    return (
        edit.is_one_for_one and edit.old != edit.new and any(edit.old in forms and edit.new in forms for forms in FORMS)
    )


def she_or_he(edit: TokenEdit) -> Reason | None:
    """My mother ... he."""
    for topic, old, new, nouns, others in (("she_for", HE, SHE, WOMEN, MEN), ("he_for", SHE, HE, MEN, WOMEN)):
        if edit.old in old and edit.new in new:
            people = [token for token in edit.after[: edit.start] if token.lower_ in nouns]
            is_sure = len(people) == 1 and not any(token.lower_ in others for token in edit.after)
            return because(topic, noun=phrase(people[0])) if is_sure else None
    return None


def possessive_form(edit: TokenEdit) -> Reason | None:
    """me book, hers book; the book is my."""
    if not is_one_person(edit):
        return None
    pronoun = edit.new_tokens[0]
    noun = noun_of(pronoun)
    if noun is not None and pronoun.tag_ == "PRP$":
        return because("whose", noun=word(noun))
    is_alone = edit.new in {"mine", "yours", "hers", "ours", "theirs"}
    return because("whose_alone") if is_alone and (edit.next is None or not edit.next.tag_.startswith("NN")) else None


def case(edit: TokenEdit) -> Reason | None:
    """with he, him is."""
    if not is_one_person(edit) or (edit.previous is None and edit.next is None):
        return None
    pronoun = edit.new_tokens[0]
    if edit.new in {"me", "him", "her", "us", "them"} and pronoun.tag_ == "PRP":
        before = edit.previous
        is_governed = before is not None and before == pronoun.head and before.pos_ in {"VERB", "ADP", "AUX"}
        return because("object_pronoun", word=word(before)) if before is not None and is_governed else None
    is_subject = edit.new in {"i", "he", "she", "we", "they"} and pronoun.dep_ in {"nsubj", "nsubjpass"}
    is_before_verb = edit.next is not None and edit.next.pos_ in {"VERB", "AUX"}
    if is_subject and is_before_verb and edit.next is not None:
        return because("subject_pronoun", word=whole_word(edit.next))
    return None


def who_or_which(edit: TokenEdit) -> Reason | None:
    if {edit.old, edit.new} != {"who", "which"}:
        return None
    noun = antecedent(edit.new_tokens[0])
    if noun is None:
        return None
    if edit.new == "who" and noun.lemma_ in PEOPLE and noun.tag_ == "NN":
        return because("who_person", noun=phrase(noun))
    if edit.new == "which" and noun.lemma_ in THINGS and noun.tag_ == "NN":
        return because("which_thing", noun=phrase(noun))
    return None


def antecedent(pronoun: Token) -> Token | None:
    verb = pronoun.head
    return verb.head if verb.dep_ == "relcl" and verb.head.i < pronoun.i else None


RULES = (she_or_he, possessive_form, case, who_or_which)
