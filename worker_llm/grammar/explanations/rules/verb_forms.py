"""Reasons for the form of a verb: the word that it follows."""

from worker_llm.grammar.explanations.rules.word_lists import PEOPLE
from worker_llm.grammar.explanations.token_edit import TokenEdit, auxiliaries_of, phrase, subject_of, whole_word, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token, lemminflect
from worker_llm.grammar.word_sets import word_set

BEFORE_ING = word_set(
    "enjoy finish mind avoid suggest practise practice keep miss dislike imagine consider quit recommend"
)
BEFORE_TO = word_set(
    "want need hope decide plan learn promise agree refuse expect wish offer manage prefer seem choose ask tell"
)
BEFORE_BASE = frozenset({"let", "make"})
STATES = word_set("know want like need believe understand belong own prefer hate love remember forget")


def after_auxiliary(edit: TokenEdit) -> Reason | None:
    """can swims, didn't went, is play, has went."""
    verb = verb_after_edit(edit)
    helpers = [token for token in auxiliaries_of(verb) if token.i < edit.start] if verb is not None else []
    if verb is None or not helpers or helpers[-1].tag_ == "TO":
        return None
    helper = helpers[-1]
    topic = {
        ("MD", "VB"): "modal_base",
        ("be", "VBG"): "be_ing",
        ("have", "VBN"): "have_participle",
        ("do", "VB"): {"did": "did_base", "does": "does_base"}.get(helper.lower_, "do_base"),
    }.get(("MD" if helper.tag_ == "MD" else helper.lemma_, verb.tag_))
    if topic is None and helper.dep_ == "auxpass" and verb.tag_ == "VBN":
        return because_of_passive(verb, helper)
    if topic == "does_base" and edit.old != f"{edit.new}s" and not edit.old.endswith("es"):
        topic = "do_base"
    if topic == "did_base" and not (edit.is_one_for_one and edit.old_tokens[0].tag_ == "VBD"):
        topic = "do_base"
    return because(topic, word=whole_word(helper)) if topic else None


def because_of_passive(verb: Token, helper: Token) -> Reason:
    subject = subject_of(verb)
    is_thing = subject is not None and subject.tag_.startswith("NN") and subject.lemma_ not in PEOPLE
    if subject is not None and is_thing:
        return because("passive_participle", subject=phrase(subject))
    return because("have_participle", word=whole_word(helper))


def verb_after_edit(edit: TokenEdit) -> Token | None:
    """The verb whose form changed: it was replaced by a form of its own, or a "to" before it went."""
    if edit.old == "to" and edit.is_deletion and edit.next is not None:
        return edit.next
    if edit.is_replacement and len(edit.new_tokens) == 1 and is_verb_of_same_lemma(edit):
        return edit.new_tokens[0]
    return None


def is_verb_of_same_lemma(edit: TokenEdit) -> bool:
    new = edit.new_tokens[-1]
    return new.pos_ in {"VERB", "AUX"} and base(edit.old_tokens[-1]) & base(new) != set()


def base(token: Token) -> set[str]:
    """All verbs that a token may be a form of; the parser errs on sentences that are wrong."""
    lemmas = lemminflect.getAllLemmas(token.lower_, upos="VERB").get("VERB", ())
    return {token.lemma_.lower(), *lemmas}


def after_to(edit: TokenEdit) -> Reason | None:
    """to goes, to went."""
    verb, to = verb_after_edit(edit), edit.previous
    is_infinitive = verb is not None and verb.tag_ == "VB" and to is not None and to.lower_ == "to" and to.tag_ == "TO"
    return because("to_base") if is_infinitive else None


def after_verb(edit: TokenEdit) -> Reason | None:
    """enjoy read, want go, let me to go."""
    first = first_verb(edit)
    if first is None or not (edit.new_tokens or edit.old == "to"):
        return None
    lemma = first.lemma_
    is_wish = lemma == "like" and any(token.lower_ in {"would", "'d"} for token in auxiliaries_of(first))
    if edit.is_deletion:
        return because("let_base", word=word(first)) if lemma in BEFORE_BASE else None
    last = edit.new_tokens[-1]
    if last.tag_ == "VBG" and lemma in BEFORE_ING:
        return because("verb_ing", word=word(first))
    if edit.new_tokens[0].lower_ == "to" and edit.new_tokens[0].tag_ == "TO" and lemma in BEFORE_TO:
        return because("verb_to", word=word(first))
    if is_wish and edit.new_tokens[0].lower_ == "to" and edit.new_tokens[0].tag_ == "TO":
        return because("verb_to", word="would like")
    if last.tag_ == "VB" and len(edit.new_tokens) == 1 and lemma in BEFORE_BASE and is_replaced_verb(edit):
        return because("let_base", word=word(first))
    return None


def between_verbs(edit: TokenEdit) -> Reason | None:
    """like eat, start run."""
    if edit.new != "to" or not edit.is_insertion or edit.next is None or edit.previous is None:
        return None
    is_between = edit.previous.pos_ == "VERB" and edit.next.tag_ == "VB" and edit.new_tokens[0].tag_ == "TO"
    return because("to_between_verbs", word=word(edit.previous), next=word(edit.next)) if is_between else None


def modal_with_s(edit: TokenEdit) -> Reason | None:
    """He cans swim."""
    is_modal = edit.is_one_for_one and edit.new_tokens[0].tag_ == "MD" and edit.old == f"{edit.new}s"
    return because("modal_no_s", word=edit.new) if is_modal else None


def is_replaced_verb(edit: TokenEdit) -> bool:
    return edit.is_replacement and is_verb_of_same_lemma(edit)


def first_verb(edit: TokenEdit) -> Token | None:
    """The verb that the edited one hangs on, and that stands before it."""
    index = min(edit.start, len(edit.after) - 1) if edit.is_deletion else edit.after_end - 1
    verb = edit.after[index]
    if verb.lower_ == "to" and verb.tag_ == "TO":
        verb = verb.head
    is_verb = verb.pos_ in {"VERB", "AUX"} and verb.head.pos_ in {"VERB", "AUX"}
    return verb.head if is_verb and verb.dep_ in {"xcomp", "ccomp"} and verb.head.i < edit.start else None


def after_preposition(edit: TokenEdit) -> Reason | None:
    """good at swim, before go, without to eat."""
    if not edit.is_replacement or edit.previous is None:
        return None
    verb, preposition = edit.new_tokens[0], edit.previous
    if not verb.lower_.endswith("ing") or not base(edit.old_tokens[-1]) & base(verb):
        return None
    if preposition.tag_ != "IN" or verb.dep_ not in {"pcomp", "pobj"} or verb.head != preposition:
        return None
    is_after_look = preposition.lower_ == "to" and preposition.head.lemma_ == "look"
    return because("preposition_ing", word="look forward to" if is_after_look else word(preposition))


def purpose(edit: TokenEdit) -> Reason | None:
    """for buy, for to buy, for buying."""
    if not edit.old.startswith("for") or not edit.new.startswith("to"):
        return None
    to = edit.new_tokens[0]
    is_purpose = to.tag_ == "TO" and to.head.tag_ == "VB" and to.head.dep_ == "advcl"
    return because("purpose_to") if is_purpose else None


def state(edit: TokenEdit) -> Reason | None:
    """I am knowing."""
    if not edit.is_replacement or edit.old_tokens[-1].tag_ != "VBG" or edit.new_tokens[-1].tag_ == "VBG":
        return None
    verb = edit.new_tokens[-1]
    return because("stative_verb", word=verb.lemma_) if verb.lemma_ in STATES and is_verb_of_same_lemma(edit) else None


def irregular(edit: TokenEdit) -> Reason | None:
    """goed, catched."""
    if not edit.is_one_for_one or edit.new_tokens[0].tag_ not in {"VBD", "VBN"} or not edit.old.endswith("ed"):
        return None
    lemma = edit.new_tokens[0].lemma_
    is_regular_form = edit.old in {f"{lemma}ed", f"{lemma}d", f"{lemma}{lemma[-1]}ed"}
    is_unknown = not lemminflect.getAllLemmas(edit.old)
    return because("irregular_past", word=lemma) if is_regular_form and is_unknown else None


RULES = (
    irregular,
    state,
    after_auxiliary,
    after_to,
    after_preposition,
    purpose,
    after_verb,
    between_verbs,
    modal_with_s,
)
