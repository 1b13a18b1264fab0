"""What a learner used rightly, by plain rules: in a sentence that was checked, and in which nothing was put right.

Each rule finds one sign of a kind of mistake that was *not* made, such as a past verb with a past time word. A rule
that finds nothing says nothing. The kinds without a rule can never be mastered, as far as this can tell.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from pipeline.jobs.results import Edit, Feedback
from pipeline.text.corrections import STRAIGHT_QUOTES, WORD
from pipeline.text.sentences import is_last_word

Words = Sequence[str]  # of one sentence, in small letters, without punctuation
Rule = Callable[[Words], bool]
OUTER_PUNCTUATION = re.compile(r"^[\W_]+|[\W_]+$")


def word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


IRREGULAR_PAST = word_set(
    "ate became began bought broke brought built came caught chose drank drew drove fell felt flew forgot found gave",
    "got grew heard held kept knew left lost made met paid ran rode said sang sat saw sent slept sold spent spoke",
    "stood swam taught thought threw told took understood went woke won wore wrote",
)
PAST_VERBS = IRREGULAR_PAST | word_set("was were had did wasn't weren't hadn't didn't")
NOT_PAST = word_set(
    "need feed bed red speed seed indeed hundred bread tired excited interested bored worried"
)  # they end like past verbs
PAST_TIMES = word_set("yesterday ago")
AFTER_LAST = word_set("night week weekend month year spring summer autumn winter time holiday term sunday monday") | (
    word_set("tuesday wednesday thursday friday saturday")
)
FUTURE_TIMES = word_set("tomorrow")
FUTURE_VERBS = word_set("will won't i'll you'll he'll she'll it'll we'll they'll going")
HE_SHE_IT = word_set("he she it")
ADVERBS = word_set("always often usually sometimes never also really only still just not very so too quite")
NO_THIRD_PERSON_VERB = word_set("is was 's his its this yes as us always sometimes perhaps unless besides")
PHRASES_WITH_A = word_set("lot few little bit")
NUMBERS = word_set("two three four five six seven eight nine ten eleven twelve twenty many several these those")
IRREGULAR_PLURALS = word_set("people children men women feet teeth mice")
NO_PLURAL_ENDINGS = ("ss", "us", "is")
WITH_PREPOSITION = frozenset(
    (
        *("listen to", "wait for", "look at", "look for", "talk to", "talk about", "go to", "goes to", "went to"),
        *("listened to", "waited for", "looked at", "talked to", "talked about"),
        *("afraid of", "interested in", "good at"),
    )
)
DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday mondays fridays saturdays sundays weekdays")
MONTHS_AND_SEASONS = word_set(
    "january february march april may june july august september october november december",
    "spring summer autumn winter",
)
HOURS = word_set("one two three four five six seven eight nine ten eleven twelve noon midnight night")
PARTS_OF_DAY = word_set("morning afternoon evening")
BEFORE_BASE = word_set("can can't cannot could couldn't will won't would should must may might") | (
    word_set("don't doesn't didn't")
)
BASE_VERBS = word_set(
    "be bring buy come cook do draw drink drive eat enjoy feel find finish fly get give go have hear help know learn",
    "like live look make meet need play read remember run see sing sit sleep speak start stay swim take talk teach",
    "tell think try understand use visit wait walk want wash watch wear work write",
)
BEFORE_ING = word_set("enjoy enjoys enjoyed finish finished keep keeps kept practise practice mind")
BEFORE_TO = word_set("want wants wanted need needs needed hope hopes plan plans decide decided try tries learn learned")
SUBJECTS = word_set("i you he she it we they")
BE = word_set("am is are was were")
SUBJECTS_WITH_BE = word_set("i'm you're he's she's it's we're they're")
NO_COMPARATIVES = word_set("other rather never ever over under after")


def find_right_uses(feedback: Feedback) -> tuple[str, ...]:
    """The kinds of which the learner's untouched sentences have a right use, in the order of RULES."""
    sentences = list(untouched_sentences(feedback))
    return tuple(kind for kind, rule in RULES.items() if any(rule(words) for words in sentences))


def untouched_sentences(feedback: Feedback) -> Iterator[list[str]]:
    """The sentences of a checked turn in which nothing was put right and every word was heard well."""
    words, start = WORD.findall(feedback.heard.translate(STRAIGHT_QUOTES)), 0
    ends = [index + 1 for index, word in enumerate(words) if is_last_word(word) or index + 1 == len(words)]
    for end in ends:
        has_edit = any(is_edited(each, start, end) for each in feedback.edits)
        has_unclear = any(start <= index < end for index in feedback.unclear)
        if not has_edit and not has_unclear:
            yield [OUTER_PUNCTUATION.sub("", word).casefold() for word in words[start:end]]
        start = end


def is_edited(edit: Edit, start: int, end: int) -> bool:
    """Whether the edit changes one of the words from `start` to `end`, or inserts some among or around them."""
    first, last = edit.at
    return max(first, start) < min(last, end) or (first == last and start <= first <= end)


def has_time_and_tense(words: Words) -> bool:
    """A past time word with a past verb ("I went there yesterday"), or tomorrow with will or going to."""
    is_past = bool(PAST_TIMES & {*words}) or any(a == "last" and b in AFTER_LAST for a, b in pairwise(words))
    is_future = bool(FUTURE_TIMES & {*words})
    return (is_past and any(map(is_past_verb, words))) or (is_future and bool(FUTURE_VERBS & {*words}))


def is_past_verb(word: str) -> bool:
    return word in PAST_VERBS or (word.endswith("ed") and len(word) > 3 and word not in NOT_PAST)


def has_third_person_s(words: Words) -> bool:
    """He, she or it with a verb in -s: "she likes", "it doesn't"."""
    return any(
        subject in HE_SHE_IT and (verb == "doesn't" or (verb.endswith("s") and verb not in NO_THIRD_PERSON_VERB))
        for subject, verb in pairs_past_adverbs(words)
    )


def pairs_past_adverbs(words: Words) -> Iterator[tuple[str, str]]:
    """Each word with the next one that is no adverb."""
    for index, word in enumerate(words):
        if following := next((each for each in words[index + 1 :] if each not in ADVERBS), ""):
            yield word, following


def has_article(words: Words) -> bool:
    """A or an before a word, other than in "a lot", "a few", "a little", "a bit"."""
    return any(a in {"a", "an"} and b not in PHRASES_WITH_A for a, b in pairwise(words))


def has_plural_after_number(words: Words) -> bool:
    """A number or "many" before a plural, at most one word between: "two cats", "many big trees"."""
    return any(
        word in NUMBERS | FIGURES and any(map(is_plural, words[index + 1 : index + 3]))
        for index, word in enumerate(words)
    )


FIGURES = frozenset(str(figure) for figure in range(2, 100))


def is_plural(word: str) -> bool:
    has_ending = word.endswith("s") and len(word) > 3 and not word.endswith(NO_PLURAL_ENDINGS)
    return word in IRREGULAR_PLURALS or has_ending


def has_verb_with_preposition(words: Words) -> bool:
    """A word with the preposition that it needs, such as "listen to" and "afraid of"."""
    return any(f"{a} {b}" in WITH_PREPOSITION for a, b in pairwise(words))


def has_preposition_of_time(words: Words) -> bool:
    """On with a day, at with a clock time, in with a month, a season or a part of the day."""
    return any(
        (a == "on" and b in DAYS)
        or (a == "at" and (b in HOURS or b[:1].isdecimal()))
        or (a == "in" and b in MONTHS_AND_SEASONS)
        for a, b in pairwise(words)
    ) or any(
        a == "in" and b == "the" and c in PARTS_OF_DAY for a, b, c in zip(words, words[1:], words[2:], strict=False)
    )


def has_verb_form(words: Words) -> bool:
    """A base form after can, will, don't and the like, or an -ing form after enjoy, finish, keep."""
    return any(
        (a in BEFORE_BASE and b in BASE_VERBS) or (a in BEFORE_ING and b.endswith("ing") and len(b) > 4)
        for a, b in pairwise(words)
    )


def has_to_before_verb(words: Words) -> bool:
    """Want, need, hope, plan, decide, try or learn with to and a verb: "I want to go"."""
    return any(
        a in BEFORE_TO and b == "to" and c in BASE_VERBS for a, b, c in zip(words, words[1:], words[2:], strict=False)
    )


def has_form_of_be(words: Words) -> bool:
    """A form of be after I, you, he, she, it, we or they, before a word that is no -ing form: "she is tall"."""
    pairs = pairs_past_adverbs(words)
    with_be = {index for index, (a, b) in enumerate(pairwise(words)) if a in SUBJECTS and b in BE}
    short = any(a in SUBJECTS_WITH_BE and not b.endswith("ing") for a, b in pairs)
    return short or any(index + 2 < len(words) and not words[index + 2].endswith("ing") for index in with_be)


def has_comparison(words: Words) -> bool:
    """A comparative before than, or the with a superlative: "bigger than", "more beautiful than", "the tallest"."""
    before_than = [a for a, b in pairwise(words) if b == "than"]
    has_short = any(word.endswith("er") and word not in NO_COMPARATIVES for word in before_than)
    has_long = any(a == "more" and c == "than" for a, _, c in zip(words, words[1:], words[2:], strict=False))
    has_superlative = any(a == "the" and b.endswith("est") and len(b) > 5 for a, b in pairwise(words))
    return has_short or has_long or has_superlative or bool({*before_than} & {"better", "worse", "more", "less"})


def has_irregular_past(words: Words) -> bool:
    """A past form that does not follow the rule, such as went or bought."""
    return bool(IRREGULAR_PAST & {*words})


RULES: Mapping[str, Rule] = {  # by ERRANT's names; docs/ledger.md has the same
    "R:VERB:TENSE": has_time_and_tense,
    "R:VERB:SVA": has_third_person_s,
    "R:VERB:FORM": has_verb_form,
    "M:VERB:FORM": has_to_before_verb,
    "R:VERB:INFL": has_irregular_past,
    "M:VERB": has_form_of_be,
    "M:DET": has_article,
    "R:NOUN:NUM": has_plural_after_number,
    "M:PREP": has_verb_with_preposition,
    "R:PREP": has_preposition_of_time,
    "R:ADJ:FORM": has_comparison,
}
