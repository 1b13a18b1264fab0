"""Reasons for what a sentence must have once: a verb, a subject, one "no", one conjunction, and their order."""

from worker_llm.grammar.explanations.token_edit import (
    SUBJECTS,
    VERB_TAGS,
    TokenEdit,
    clause_verb,
    display_text,
    main_verb,
    negation_before,
    phrase,
    subject_of,
    whole_word,
    word,
)
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token

SAME_SOUND = (
    *({"your", "you're"}, {"their", "there", "they're"}, {"its", "it's"}, {"to", "too", "two"}, {"hear", "here"}),
    *({"know", "no"}, {"right", "write"}, {"by", "buy"}, {"whose", "who's"}, {"weather", "whether"}),
)
FREQUENCY = frozenset(
    {"always", "usually", "often", "sometimes", "never", "also", "still", "already", "really", "just"}
)
NEGATIVE_PAIRS = {
    "nothing": {"anything"},
    "nobody": {"anybody", "anyone"},
    "no one": {"anybody", "anyone"},
    "no": {"any", "a", "an"},
    "none": {"any"},
    "never": {"ever"},
    "nowhere": {"anywhere"},
    "neither": {"either"},
}


def missing_be(edit: TokenEdit) -> Reason | None:
    """She happy, they playing."""
    if not edit.is_insertion or len(edit.new_tokens) != 1 or edit.new_tokens[0].lemma_ != "be":
        return None
    be = edit.new_tokens[0]
    verb = main_verb(be)
    if verb.tag_ in {"VBG", "VBN"} and verb.i > be.i:
        return because("missing_helper", word=word(verb))
    adjectives = [child for child in be.children if child.dep_ == "acomp" and child.i > be.i]
    if adjectives:
        return because("missing_be_adjective", word=word(adjectives[0]))
    return because("missing_be") if verb == be and subject_of(be) is not None else None


def extra_be(edit: TokenEdit) -> Reason | None:
    """I am agree."""
    if not edit.old_tokens or edit.old_tokens[0].lemma_ != "be" or len(edit.new_tokens) > 1:
        return None
    verb = edit.new_tokens[0] if edit.new_tokens else edit.next
    is_alone = edit.is_deletion and len(edit.old_tokens) == 1
    is_with_verb = edit.is_same_word and len(edit.old_tokens) == 2 and edit.old_tokens[1].tag_ not in {"VBG", "VBN"}
    if verb is None or not (is_alone or is_with_verb):
        return None
    is_finite = verb.tag_ in {"VBP", "VBZ", "VBD"} and verb.lemma_ != "be" and verb.dep_ not in {"aux", "auxpass"}
    return because("extra_be", word=word(verb)) if is_finite else None


def do_for_no(edit: TokenEdit) -> Reason | None:
    """He not like, I no have."""
    new, old = {token.lower_ for token in edit.new_tokens}, {token.lower_ for token in edit.old_tokens}
    has_do = bool(new & {"do", "does", "did"}) and not old & {"do", "does", "did"}
    is_negated = bool(new & {"not", "n't"}) and ("not" in old or "no" in old or not old)
    is_before_not = edit.is_insertion and edit.next is not None and edit.next.lower_ in {"not", "n't"}
    return because("not_with_do") if has_do and (is_negated or is_before_not) else None


def do_for_question(edit: TokenEdit) -> Reason | None:
    """What you want? Are you like?"""
    if not edit.is_question or edit.new not in {"do", "does", "did"} or "do" in {t.lemma_ for t in edit.old_tokens}:
        return None
    verb = main_verb(edit.new_tokens[0])
    is_helper = verb.i > edit.start and verb.tag_ == "VB"
    return because("question_with_do", verb=verb.lemma_) if is_helper else None


def do_inside(edit: TokenEdit) -> Reason | None:
    """He asked me what do I want."""
    if not edit.is_deletion or edit.old not in {"do", "does", "did"} or edit.start >= len(edit.after):
        return None
    verb = clause_verb(edit.after[edit.start])
    is_inner = verb.dep_ == "ccomp" and verb.i > edit.start and verb.head.i < edit.start
    return because("inner_no_do") if is_inner else None


def modal_question(edit: TokenEdit) -> Reason | None:
    """Do you can swim?"""
    is_modal = bool(edit.new_tokens) and edit.new_tokens[0].tag_ == "MD"
    is_do = edit.old.startswith(("do ", "does ", "did ")) and edit.new.split()[:1] == edit.old.split()[-1:]
    return because("modal_question", word=edit.new.split()[0]) if is_modal and is_do else None


def order(edit: TokenEdit) -> Reason | None:
    """Words that changed places, and nothing else."""
    if sorted(edit.old.split()) != sorted(edit.new.split()) or len(edit.new_tokens) < 2:
        return None
    first, last = edit.new_tokens[0], edit.new_tokens[-1]
    return order_of_question(edit) or order_of_pair(edit, first, last)


def order_of_question(edit: TokenEdit) -> Reason | None:
    first, last = edit.new_tokens[0], edit.new_tokens[-1]
    is_joined = first.whitespace_ == ""  # "didn't" is two tokens
    rest = display_text(edit.after, edit.start + 1 + is_joined, edit.after_end)
    if is_auxiliary_or_be(first) and edit.is_question and subject_of(first) in edit.new_tokens:
        return because("question_order", verb=whole_word(first), subject=rest)
    is_inner = (
        is_auxiliary_or_be(last) and subject_of(last) in edit.new_tokens and edit.old_tokens[0].lower == last.lower
    )
    if is_inner and main_verb(last).dep_ in {"ccomp", "pcomp", "advcl", "relcl", "csubj"}:
        subject = display_text(edit.after, edit.start, edit.after_end - 1)
        return because("inner_question_order", verb=word(last), subject=subject)
    return None


def is_auxiliary_or_be(token: Token) -> bool:
    return token.tag_ in VERB_TAGS and (token.dep_ in {"aux", "auxpass"} or token.lemma_ in {"be", "do", "have"})


def order_of_pair(edit: TokenEdit, first: Token, last: Token) -> Reason | None:
    if len(edit.new_tokens) == 2 and last.lower_ == "enough" and first.tag_ in {"JJ", "RB"}:
        return because("enough_after", word=word(first))
    if len(edit.new_tokens) == 2 and first.tag_.startswith("JJ") and last.tag_.startswith("NN"):
        return because("adjective_before_noun", word=word(first), noun=word(last))
    if first.lower_ in FREQUENCY and last.tag_ in VERB_TAGS and last.lemma_ != "be":
        return because("adverb_before_verb", word=word(first), verb=word(last))
    if last.lower_ in FREQUENCY and first.tag_ in VERB_TAGS and is_auxiliary_or_be(first) and len(edit.new_tokens) == 2:
        return because("adverb_after_verb", word=word(last), verb=word(first))
    return None


def missing_subject(edit: TokenEdit) -> Reason | None:
    """Is raining."""
    if not edit.is_insertion or len(edit.new_tokens) != 1:
        return None
    subject = edit.new_tokens[0]
    is_subject = subject.dep_ in SUBJECTS and subject.tag_ == "PRP"
    return because("missing_subject") if is_subject and subject.head.pos_ in {"VERB", "AUX"} else None


def double_subject(edit: TokenEdit) -> Reason | None:
    """My mother she works."""
    if not edit.is_deletion or edit.old not in {"he", "she", "it", "they", "we"} or edit.next is None:
        return None
    subject = subject_of(clause_verb(edit.next))
    is_just_before = subject is not None and subject.i < edit.start and subject.tag_.startswith("NN")
    return because("double_subject", subject=phrase(subject)) if subject is not None and is_just_before else None


def double_negative(edit: TokenEdit) -> Reason | None:
    """I don't know nothing."""
    negation = negation_before(edit)
    if not negation:
        return None
    is_mended = edit.new in NEGATIVE_PAIRS.get(edit.old, ())
    return because("double_negative", word=negation) if is_mended else None


def too_after_no(edit: TokenEdit) -> Reason | None:
    """I don't like it too."""
    is_pair = edit.old in {"too", "also"} and edit.new == "either"
    return because("not_either") if is_pair and negation_before(edit) else None


def two_conjunctions(edit: TokenEdit) -> Reason | None:
    """Although ..., but; because ..., so."""
    if not edit.is_deletion:
        return None
    rest = [token.lower_ for token in edit.after]
    for topic, subordinate, coordinate in (
        ("although_but", {"although", "though"}, "but"),
        ("because_so", {"because"}, "so"),
    ):
        others = [text for text in rest if text in subordinate]
        if edit.old == coordinate and others:
            return because(topic, word=others[0])
        if edit.old in subordinate and coordinate in rest:
            return because(topic, word=coordinate)
    return None


def same_sound(edit: TokenEdit) -> Reason | None:
    before, after = (text.lower().replace("’", "'") for text in edit.words)
    if (before, after) == ("then", "than"):
        return because("than")
    return because("same_sound") if any({before, after} <= group for group in SAME_SOUND) and before != after else None


def have_for_age(edit: TokenEdit) -> Reason | None:
    """I have 12 years."""
    is_be_for_have = edit.is_replacement and {edit.old_tokens[0].lemma_, edit.new_tokens[0].lemma_} == {"have", "be"}
    is_to_be = is_be_for_have and edit.new_tokens[0].lemma_ == "be"
    following = list(edit.after[edit.start + 1 : edit.start + 4])
    return because("have_age") if is_to_be and any(token.tag_ == "CD" for token in following) else None


def have_for_there_is(edit: TokenEdit) -> Reason | None:
    """There have many people; in my room has a bed."""
    was_have = "have" in {token.lemma_ for token in edit.old_tokens}
    new = [token.lemma_ for token in edit.new_tokens]
    there = [token for token in edit.after[: edit.after_end] if token.lower_ == "there" and token.dep_ == "expl"]
    return because("there_have") if was_have and "be" in new and "have" not in new and there else None


RULES = (
    *(
        same_sound,
        have_for_age,
        have_for_there_is,
        missing_be,
        extra_be,
        do_for_no,
        do_for_question,
        modal_question,
        do_inside,
        order,
    ),
    *(missing_subject, double_subject, double_negative, too_after_no, two_conjunctions),
)
