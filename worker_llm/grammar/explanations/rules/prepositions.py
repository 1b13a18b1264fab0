"""Reasons for a preposition: the words that it goes with, the time or place after it, or that none is needed."""

from worker_llm.grammar.explanations.token_edit import TokenEdit, display_text, word
from worker_llm.grammar.explanations.topics import Reason, because
from worker_llm.grammar.libraries import Token
from worker_llm.grammar.word_sets import word_set

TOGETHER = {  # a verb, adjective or noun -> the prepositions that it takes
    **dict.fromkeys(("good", "bad", "clever", "arrive", "laugh", "smile", "shout", "point"), ("at",)),
    **dict.fromkeys(("interested", "believe", "succeed"), ("in",)),
    **dict.fromkeys(("afraid", "proud", "tired", "full", "fond", "scared", "jealous", "dream"), ("of",)),
    **dict.fromkeys(("depend", "rely", "spend", "concentrate", "keen"), ("on",)),
    **dict.fromkeys(("wait", "ask", "famous", "late", "ready", "pay", "search", "responsible", "thank"), ("for",)),
    **dict.fromkeys(("belong", "married", "explain", "reply", "similar", "polite", "allergic", "key"), ("to",)),
    **dict.fromkeys(("different", "borrow", "far"), ("from",)),
    **dict.fromkeys(("help", "agree", "play", "angry", "busy", "covered"), ("with",)),
    **dict.fromkeys(("worry", "worried", "excited", "think", "crazy"), ("about",)),
    "look": ("at", "for", "after", "like"),
    "talk": ("to", "about", "with"),
    "listen": ("to",),
    "kind": ("to",),
    "nice": ("to",),
    "rude": ("to",),
    "friend": ("with",),
}
PHRASES = word_set(
    "on-foot by-bus by-car by-train by-plane by-bike by-taxi at-night at-home at-school at-work on-tv on-time",
    "in-bed on-holiday in-english in-chinese for-breakfast for-lunch for-dinner on-sale in-trouble on-fire",
) | word_set(
    "in-the-morning in-the-afternoon in-the-evening on-the-phone on-the-internet in-the-world on-the-bus on-the-train",
    "at-the-moment in-the-sky on-the-wall on-the-left on-the-right in-the-picture in-the-photo at-the-end on-the-way",
    "in-the-future in-the-past",
)
WITHOUT = {  # a verb -> the prepositions that learners put after it, and that it does not take
    **dict.fromkeys(("discuss", "mention", "describe"), ("about",)),
    **dict.fromkeys(("marry", "contact", "join"), ("with", "to")),
    **dict.fromkeys(
        ("reach", "visit", "answer", "tell", "phone", "enter", "attend", "thank", "teach", "join"), ("to",)
    ),
    **dict.fromkeys(("enter",), ("into", "in", "to")),
}
PLACES_WITHOUT_TO = word_set("home here there abroad upstairs downstairs outside inside somewhere anywhere everywhere")
TIMES_WITHOUT = word_set("last next this that every yesterday tomorrow today tonight")
DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday mondays sundays saturdays birthday")
MONTHS = word_set("january february march april may june july august september october november december")
SEASONS = word_set("spring summer autumn winter")
TOWNS_AND_COUNTRIES = word_set(
    "china beijing shanghai guangzhou shenzhen london england britain america canada australia japan korea france",
    "paris germany berlin italy rome spain russia india africa asia europe",
)
CLOCK_WORDS = word_set("o'clock noon midnight am pm")
UNITS = word_set("second minute hour day week month year decade time while ages")


def single_preposition(edit: TokenEdit) -> Token | None:
    """The one preposition that came, alone or before a verb that ends in ing."""
    new = edit.new_tokens
    is_before_verb = len(new) == 2 and len(edit.old_tokens) == 2 and new[1].tag_ == "VBG"
    is_single = (len(new) == 1 and len(edit.old_tokens) <= 1) or is_before_verb
    return new[0] if is_single and new[0].pos_ in {"ADP", "SCONJ"} else None


def object_of(preposition: Token) -> Token | None:
    return next((child for child in preposition.children if child.dep_ in {"pobj", "pcomp"}), None)


def since_or_for(edit: TokenEdit) -> Reason | None:
    if {edit.old, edit.new} != {"since", "for"} or edit.next is None:
        return None
    time = object_of(edit.new_tokens[0])
    if time is None or time.right_edge.i - time.left_edge.i > 3:
        return None
    is_length = time.lemma_ in UNITS and any(token.tag_ in {"CD", "DT", "JJ"} for token in time.lefts)
    text = display_text(edit.after, time.left_edge.i, time.right_edge.i + 1)
    if edit.new == "for":
        return because("for_length", phrase=text) if is_length else None
    is_point = time.tag_ in {"NNP", "CD"} or time.lower_ in DAYS | MONTHS | SEASONS | {
        "yesterday",
        "birthday",
        "childhood",
    }
    return because("since_point", phrase=text) if is_point and not is_length else None


def time_or_place(edit: TokenEdit) -> Reason | None:
    """in Monday, at July, on seven o'clock."""
    preposition = single_preposition(edit)
    thing = object_of(preposition) if preposition is not None else None
    if preposition is None or thing is None or thing.i - preposition.i > 4:
        return None
    text, following = thing.lower_, [token.lower_ for token in edit.after[thing.i + 1 : thing.i + 2]]
    has_day = text in DAYS or (text in MONTHS and has_number(thing))
    is_clock = text in CLOCK_WORDS or (thing.tag_ == "CD" and not is_year(thing))
    checks = {
        "on": (("on_day", has_day),),
        "at": (("at_clock", is_clock and following not in (["years"], ["days"])),),
        "in": (
            *(("in_month", text in MONTHS and not has_number(thing)), ("in_year", is_year(thing))),
            *(("in_season", text in SEASONS), ("in_place", text in TOWNS_AND_COUNTRIES)),
        ),
    }
    return next((because(topic) for topic, fits in checks.get(preposition.lower_, ()) if fits), None)


def has_number(month: Token) -> bool:
    return any(child.tag_ == "CD" and not is_year(child) for child in month.children)


def is_year(token: Token) -> bool:
    return len(token.text) == 4 and token.text.isdigit() and token.text[0] in "12"


def words_together(edit: TokenEdit) -> Reason | None:
    """good in swimming, wait the bus, with foot."""
    preposition = single_preposition(edit)
    if preposition is None:
        return None
    text = preposition.lower_
    thing = object_of(preposition)
    if thing is not None and thing.i - preposition.i <= 2:
        phrase = display_text(edit.after, preposition.i, thing.i + 1)
        if phrase.lower().replace(" ", "-") in PHRASES:
            return because("together", phrase=phrase)
    governor = preposition.head
    if governor.i > preposition.i or text not in TOGETHER.get(
        governor.lemma_.lower(), TOGETHER.get(governor.lower_, ())
    ):
        return None
    if governor.lower_.startswith("listen") and text == "to":
        return because("listen_to")
    if 1 < preposition.i - governor.i <= 3:
        return because("together", phrase=display_text(edit.after, governor.i, preposition.i + 1))
    is_verb = governor.tag_.startswith("VB") and governor.lower_ not in TOGETHER
    return because("together", phrase=f"{governor.lemma_ if is_verb else governor.lower_} {text}")


def no_preposition(edit: TokenEdit) -> Reason | None:
    """go to home, on last week, discuss about."""
    if not edit.is_deletion or len(edit.old_tokens) != 1 or edit.next is None:
        return None
    following = edit.next
    if edit.old == "to" and following.lower_ in PLACES_WITHOUT_TO:
        return because("no_preposition", word=word(following))
    if edit.old in {"in", "on", "at"} and following.lower_ in TIMES_WITHOUT and is_time(following):
        end = following.i + (2 if following.lower_ in {"last", "next", "this", "that", "every"} else 1)
        return because("no_preposition", word=display_text(edit.after, following.i, end))
    verb = edit.previous
    if verb is not None and edit.old in WITHOUT.get(verb.lemma_, ()) and verb.tag_.startswith("VB"):
        return because("no_preposition", word=verb.lemma_)
    if edit.old == "of" and verb is not None and verb.lower_ == "most" and following.tag_ == "NNS":
        return because("most_of", noun=word(following))
    return None


def is_time(token: Token) -> bool:
    """Whether "last", "every" and so on stand before a time; "yesterday" is one itself."""
    if token.lower_ not in {"last", "next", "this", "that", "every"}:
        return True
    following = token.doc[token.i + 1].lower_ if token.i + 1 < len(token.doc) else ""
    times = UNITS | DAYS | MONTHS | SEASONS | {"night", "morning", "afternoon", "evening", "weekend"}
    return following in times


def to_somebody(edit: TokenEdit) -> Reason | None:
    """explain me the word."""
    tos = [token for token in edit.new_tokens if token.lower_ == "to" and token.dep_ in {"prep", "dative"}]
    if not tos or "to" in edit.old.split():
        return None
    verb = tos[0].head
    is_told = verb.lemma_ in {"explain", "describe", "introduce", "say", "suggest"} and verb.i < tos[0].i
    return because("explain_to", verb=verb.lemma_) if is_told else None


RULES = (since_or_for, to_somebody, time_or_place, words_together, no_preposition)
