"""Reasons for the number of a noun, and for whose something is."""

from worker_llm.grammar.explanations.rules.word_lists import UNCOUNTABLE
from worker_llm.grammar.explanations.token_edit import TokenEdit, noun_of, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token, lemminflect
from worker_llm.grammar.word_sets import word_set

WITH_PLURAL = word_set("many few several these those both")
WITH_SINGULAR = word_set("a an one this that each every another")
NUMBER_WORDS = frozenset({"hundred", "thousand", "million"})
LIKING = frozenset({"like", "love", "hate", "prefer"})


def is_number_change(edit: TokenEdit, tag: str) -> bool:
    """Whether a noun became one with this tag: NNS, a plural, or NN, a singular."""
    if not edit.is_one_for_one or edit.new_tokens[0].tag_ != tag:
        return False
    old, new = edit.old_tokens[0], edit.new_tokens[0]
    lemmas = lemminflect.getAllLemmas(old.lower_).get("NOUN", ())
    return old.lemma == new.lemma or new.lemma_ in lemmas or old.lower_ in {f"{new.lower_}s", f"{new.lemma_}s"}


def special_plural(edit: TokenEdit) -> Reason | None:
    """childs, mans."""
    if edit.is_one_for_one and edit.old == f"{edit.new}s" and edit.new_tokens[0].tag_ == "NNS":
        return because("already_plural")
    if not is_number_change(edit, "NNS") or edit.old not in {
        f"{edit.new_tokens[0].lemma_}{end}" for end in ("s", "es")
    }:
        return None
    return because("irregular_plural", noun=edit.new_tokens[0].lemma_)


def plural_after(edit: TokenEdit) -> Reason | None:
    """two cat, many friend, one of my friend, a lot of book."""
    if not is_number_change(edit, "NNS"):
        return None
    noun = edit.new_tokens[0]
    for child in noun.children:
        if child.tag_ == "CD" and child.lower_ not in {"one", "1"}:
            return because("plural_number", word=word(child))
        if child.lower_ in WITH_PLURAL and child.i < noun.i:
            return because("plural_many", word=word(child))
    return plural_after_of(noun) or plural_in_general(noun)


def plural_after_of(noun: Token) -> Reason | None:
    if noun.dep_ != "pobj" or noun.head.lower_ != "of":
        return None
    many = noun.head.head
    if many.lower_ in {"one", "some", "each", "most", "many"}:
        return because("one_of") if many.lower_ == "one" else because("plural_many", word=f"{word(many)} of")
    if many.lemma_ == "lot":
        return because("plural_many", word="lots of" if many.lower_ == "lots" else "a lot of")
    return None


def plural_in_general(noun: Token) -> Reason | None:
    is_bare = not any(child.dep_ in {"det", "poss", "nummod", "relcl", "prep"} for child in noun.children)
    is_liked = noun.dep_ == "dobj" and noun.head.lemma_ in LIKING
    return because("general_plural") if is_bare and is_liked else None


def singular_after(edit: TokenEdit) -> Reason | None:
    """homeworks, a cats, every days, five hundreds."""
    if edit.is_one_for_one and edit.new in NUMBER_WORDS and edit.old == f"{edit.new}s":
        is_counted = edit.previous is not None and edit.previous.tag_ == "CD"
        return because("number_word") if is_counted else None
    if not is_number_change(edit, "NN"):
        return None
    noun = edit.new_tokens[0]
    if noun.lower_ == "year" and "old" in [token.lower_ for token in edit.after[noun.i + 1 : noun.i + 4]]:
        return because("age_adjective") if is_before_noun(edit, noun) else None
    if noun.lower_ in UNCOUNTABLE:
        return because("uncountable", noun=word(noun))
    for child in noun.children:
        if child.lower_ in WITH_SINGULAR and child.i < noun.i:
            return because("singular_one", word=word(child))
    return None


def is_before_noun(edit: TokenEdit, year: Token) -> bool:
    following = edit.after[year.i + 1 : year.i + 6]
    return any(token.tag_ in {"NN", "NNS"} and token.lower_ != "old" for token in following)


def age_before_noun(edit: TokenEdit) -> Reason | None:
    """a ten years old boy."""
    before, after = (text.replace("-", " ") for text in edit.words)
    is_age = "years old" in before and "year old" in after and edit.next is not None
    return because("age_adjective") if is_age else None


def uncountable_phrase(edit: TokenEdit) -> Reason | None:
    """many homeworks."""
    if not edit.is_replacement or len(edit.new_tokens) == 1 == len(edit.old_tokens):
        return None
    noun = edit.new_tokens[-1]
    is_uncountable = noun.lower_ in UNCOUNTABLE and edit.old_tokens[-1].lower_ == f"{noun.lower_}s"
    return because("uncountable", noun=word(noun)) if is_uncountable else None


def article_of_uncountable(edit: TokenEdit) -> Reason | None:
    """an advice."""
    if edit.old not in {"a", "an"} or edit.start >= len(edit.after):
        return None
    tokens = edit.new_tokens or [edit.after[edit.start]]
    noun = tokens[-1] if tokens[-1].tag_ == "NN" else noun_of(tokens[-1])
    is_uncountable = noun is not None and noun.lower_ in UNCOUNTABLE
    return because("uncountable", noun=word(noun)) if noun is not None and is_uncountable else None


def possessive(edit: TokenEdit) -> Reason | None:
    """my sister book."""
    endings = [token for token in edit.new_tokens if token.tag_ == "POS"]
    if not endings or any(token.tag_ == "POS" for token in edit.old_tokens):
        return None
    noun = noun_of(endings[0].head)
    return because("possessive", noun=word(noun)) if noun is not None else None


RULES = (
    special_plural,
    plural_after,
    singular_after,
    age_before_noun,
    uncountable_phrase,
    article_of_uncountable,
    possessive,
)
