"""Reasons for the form and the place of adjectives and adverbs."""

from worker_llm.grammar.explanations.rules.word_lists import PEOPLE
from worker_llm.grammar.explanations.token_edit import TokenEdit, noun_of, phrase, subject_of, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token
from worker_llm.grammar.word_sets import word_set

IRREGULAR = {
    "better": "good",
    "best": "good",
    "worse": "bad",
    "worst": "bad",
    "further": "far",
    "furthest": "far",
    "more": "many",
    "most": "many",
    "less": "little",
    "least": "little",
}
FEELINGS = word_set(
    "bor interest excit tir surpris scar frighten confus amaz disappoint annoy shock relax worr embarrass please"
)
FEELING_PEOPLE = frozenset({"i", "you", "he", "she", "we", "they", "everyone", "everybody"}) | PEOPLE
LINKING = word_set("be feel look seem sound smell taste become get stay")


def compared_twice(edit: TokenEdit) -> Reason | None:
    """more better, most tallest."""
    word_before = edit.old.split()[0] if edit.old else ""
    if word_before not in {"more", "most"} or edit.new.split()[:1] == [word_before]:
        return None
    adjective = edit.new_tokens[0] if edit.new_tokens else edit.next
    rest = edit.old.split()[1:]
    if adjective is None or (edit.new_tokens and rest != [adjective.lower_]):
        return None
    topic = {"JJR": "double_comparative", "RBR": "double_comparative", "JJS": "double_superlative"}.get(adjective.tag_)
    return because(topic, word=word(adjective)) if topic else None


def compared_with_wrong_form(edit: TokenEdit) -> Reason | None:
    """gooder, more tall, beautifuler."""
    if not edit.is_replacement:
        return None
    new, old = edit.new_tokens, edit.old_tokens[-1]
    if len(new) == 1 and new[0].tag_ in {"JJR", "JJS", "RBR", "RBS"}:
        base = IRREGULAR.get(edit.new)
        if base is not None and edit.old in {f"{base}er", f"{base}est", f"more {base}", f"most {base}", f"{base}der"}:
            return because("irregular_comparative", word=base)
        is_short = edit.old.startswith(("more ", "most ")) and new[0].lemma == old.lemma
        return because("short_comparative", word=word(old)) if is_short else None
    is_long = len(new) == 2 and new[0].lower_ in {"more", "most"} and edit.old.startswith(new[1].lower_[:-1])
    is_ending = len(edit.old_tokens) == 1 and edit.old.endswith(("er", "est"))
    return because("long_comparative", word=word(new[1])) if is_long and is_ending else None


def compared(edit: TokenEdit) -> Reason | None:
    """tall than; the tall of all."""
    tags = {token.tag_ for token in edit.new_tokens}
    if tags <= {"JJ", "RB"} and edit.is_same_word and edit.previous is not None and edit.previous.lower_ == "as":
        return because("as_as")
    if not tags & {"JJR", "RBR", "JJS", "RBS"} or {token.tag_ for token in edit.old_tokens} & tags:
        return None
    rest = [token.lower_ for token in edit.after[edit.after_end :]]
    if tags & {"JJR", "RBR"} and "than" in rest[:4]:
        return because("comparative_than")
    return because("superlative_of_all") if tags & {"JJS", "RBS"} and edit.is_replacement else None


def too_much(edit: TokenEdit) -> Reason | None:
    """too much expensive."""
    is_much = edit.old == "much" and edit.is_deletion and edit.previous is not None and edit.previous.lower_ == "too"
    following = edit.next
    return because("too_much", word=word(following)) if is_much and following and following.tag_ == "JJ" else None


def feeling(edit: TokenEdit) -> Reason | None:
    """I am boring; the film is bored."""
    if not edit.is_one_for_one or not any(edit.new.startswith(each) and edit.old.startswith(each) for each in FEELINGS):
        return None
    subject = who_feels(edit.new_tokens[0])
    if subject is None:
        return None
    is_person = subject.lower_ in FEELING_PEOPLE or subject.lemma_ in PEOPLE
    if edit.new.endswith("ed") and edit.old.endswith("ing") and is_person:
        return because("feeling_ed")
    is_thing = (not is_person and subject.tag_ in {"NN", "NNP"}) or subject.lower_ in {"it", "this", "that"}
    if edit.new.endswith("ing") and edit.old.endswith("ed") and is_thing:
        return because("feeling_ing", subject=phrase(subject))
    return None


def who_feels(adjective: Token) -> Token | None:
    """The noun or pronoun that the adjective describes."""
    noun = noun_of(adjective)
    if noun is not None:
        return noun
    verb = adjective if adjective.tag_.startswith("VB") else adjective.head
    subject = subject_of(verb) if verb.pos_ in {"VERB", "AUX"} else None
    return subject if subject is None or subject.tag_ in {"PRP", "NN", "NNP", "DT"} else None


def adverb_or_adjective(edit: TokenEdit) -> Reason | None:
    """run quick, sing good; feels happily."""
    if not edit.is_one_for_one:
        return None
    old, new = edit.old_tokens[0], edit.new_tokens[0]
    is_family = new.lower_.startswith(old.lower_[:-1]) or {old.lower_, new.lower_} == {"good", "well"}
    is_adverb = new.tag_ == "RB" and (edit.new.endswith("ly") or edit.new == "well")
    if is_family and is_adverb and new.dep_ == "advmod" and new.head.pos_ == "VERB" and new.i > new.head.i:
        return because("adverb_how", verb=new.head.lemma_)
    is_linked = new.tag_ == "JJ" and new.dep_ == "acomp" and new.head.lemma_ in LINKING and new.head.i < new.i
    is_adverb = edit.old.endswith("ly") and old.lower_.startswith(new.lower_[:-1])
    if is_linked and (is_adverb or (edit.old, edit.new) == ("well", "good")):
        return because("adjective_after", verb=word(new.head))
    return None


def adjective_with_s(edit: TokenEdit) -> Reason | None:
    """reds apples."""
    is_without_s = edit.is_one_for_one and edit.old == f"{edit.new}s" and edit.new_tokens[0].tag_ == "JJ"
    return because("adjective_no_s") if is_without_s and noun_of(edit.new_tokens[0]) is not None else None


def very_with_verb(edit: TokenEdit) -> Reason | None:
    """I very like it."""
    if not edit.old.startswith("very"):
        return None
    verb = edit.new_tokens[-1] if edit.new_tokens and edit.new_tokens[-1].pos_ == "VERB" else edit.next
    is_before_verb = verb is not None and verb.tag_ in {"VB", "VBP", "VBZ", "VBD"}
    is_gone = "very" not in edit.new.split() or edit.new.endswith("very much")
    return because("very_verb") if is_before_verb and is_gone else None


RULES = (
    *(compared_twice, compared_with_wrong_form, compared, too_much, feeling, adverb_or_adjective),
    *(adjective_with_s, very_with_verb),
)
