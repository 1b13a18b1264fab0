"""Reasons for one word rather than another: words that go together, and words that are mistaken for each other."""

from worker_llm.grammar.explanations.rules.word_lists import PEOPLE
from worker_llm.grammar.explanations.token_edit import TokenEdit, display_text
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token
from worker_llm.grammar.word_sets import word_set

TOGETHER = {  # a verb -> the objects that it goes with
    "do": word_set("homework housework exercise exercises dishes shopping best cooking cleaning sport favour"),
    "make": word_set("mistake mistakes friends noise cake decision plan money bed money phone progress wish"),
    "take": word_set("photo photos picture pictures medicine bus train taxi notes test"),
    "tell": word_set("story stories lie lies joke jokes truth"),
    "play": word_set("piano guitar violin football basketball games game chess"),
    "watch": word_set("tv television match video videos"),
    "read": word_set("book books newspaper"),
    "see": word_set("doctor"),
    "catch": word_set("cold bus train"),
    "pay": word_set("attention"),
    "ride": word_set("bike bicycle horse"),
    "have": word_set("breakfast lunch dinner fun party headache cold"),
    "speak": word_set("english chinese french japanese german"),
    "get": word_set("married"),
    "drink": word_set("water milk juice tea"),
    "wear": word_set("clothes glasses uniform coat"),
    "brush": word_set("teeth hair"),
    "miss": word_set("bus train"),
}
LANGUAGES = TOGETHER["speak"]
MACHINES = word_set("light lights tv television radio computer fan lamp")


def new_verb(edit: TokenEdit) -> Token | None:
    """A verb that took the place of another one."""
    is_verb = edit.is_one_for_one and edit.new_tokens[0].pos_ == "VERB" and not edit.is_same_word
    return edit.new_tokens[0] if is_verb else None


def object_of(verb: Token) -> Token | None:
    return next((child for child in verb.children if child.dep_ == "dobj" and child.i > verb.i), None)


def verb_and_object(edit: TokenEdit) -> Reason | None:
    """make my homework, do a mistake, say Chinese."""
    verb = new_verb(edit)
    thing = object_of(verb) if verb is not None else None
    if verb is None or thing is None or thing.lower_ not in TOGETHER.get(verb.lemma_, ()):
        return None
    if verb.lemma_ == "speak" and thing.lower_ in LANGUAGES:
        return because("speak_language")
    if thing.i - verb.i > 3:
        return None
    rest = display_text(edit.after, verb.i + 1, thing.i + 1)
    return because("together", phrase=f"{verb.lemma_} {rest}")


def pair_of_verbs(edit: TokenEdit) -> Reason | None:
    """borrow and lend, teach and learn, say and tell."""
    verb = new_verb(edit)
    if verb is None:
        return None
    lemmas = {edit.old_tokens[0].lemma_, verb.lemma_}
    if lemmas == {"borrow", "lend"}:
        return because("borrow_lend")
    if lemmas == {"teach", "learn"}:
        return because("teach_learn")
    following = edit.next
    is_told = following is not None and (following.tag_ == "PRP" or following.lemma_ in PEOPLE)
    return because("say_tell") if lemmas == {"say", "tell"} and verb.lemma_ == "tell" and is_told else None


def machines(edit: TokenEdit) -> Reason | None:
    """open the light."""
    is_switch = {token.lemma_ for token in edit.old_tokens} <= {"open", "close"}
    if not edit.is_replacement or not is_switch or edit.new_tokens[0].lemma_ not in {"turn", "switch"}:
        return None
    following = [token.lower_ for token in edit.after[edit.after_end : edit.after_end + 3]]
    return because("turn_on") if MACHINES.intersection(following) else None


RULES = (verb_and_object, pair_of_verbs, machines)
