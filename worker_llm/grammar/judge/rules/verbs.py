"""Rules on verbs: who does it, after which helper, when, and how often in a clause."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.judge.rules.sentence import FINITE_TAGS, NOUN_TAGS, Rule, Sentence
from worker_llm.grammar.proposals.inflections import list_forms, list_lemmas
from worker_llm.grammar.sentence import Word

PRESENT_TAGS = {"VBZ", "VBP", "VB"}
CLAUSE_TAGS = {"CC", "WDT", "WP", "WRB", "IN"}
PAST_TIME = re.compile(
    r"\b(yesterday|ago|last (night|week|month|year|weekend|summer|winter|spring|autumn|sunday|monday|tuesday|wednesday"
    r"|thursday|friday|saturday|holiday|time)|in (19|20)[0-2]\d|this morning|when i was|the day before|once upon)\b"
)
FUTURE_TIME = re.compile(r"\b(tomorrow|next (week|month|year|summer|winter|time|weekend|\w+day)|in the future|soon)\b")
HABIT = re.compile(
    r"\b(every (day|week|morning|year|night|evening|weekend|\w+day)|usually|always|often|sometimes|never)\b"
)


def _is_base(word: Word) -> bool:
    return word.tag in ("VB", "VBP") or any(
        form == word.lower and tag == "VB" for form, tag in list_forms(word.lower, "VERB")
    )


def _third_person(verb: str) -> bool:
    return any(form == verb and tag == "VBZ" for form, tag in list_forms(verb, "VERB")) or verb in (
        "is",
        "has",
        "does",
        "was",
    )


def _agreement(sentence: Sentence) -> Iterator[str]:
    """he go, they goes, I is, my friends is, the dog are."""
    for index, word in enumerate(sentence.words):
        if word.tag not in ("VBZ", "VBP", "VB", "VBD") or (word.tag == "VBD" and word.lower not in ("was", "were")):
            continue
        place = sentence.before(index)
        if place < 0:
            continue
        subject, earlier = sentence.words[place], sentence.word_before(place)
        number = _number(sentence, place)
        has_helper = sentence.is_question and {*sentence.lower[:place]} & (sets.DO | sets.MODALS | {"did"})
        if (
            has_helper
            or not number
            or earlier in sets.CAUSATIVES | sets.DO | sets.MODALS | sets.NEGATED_DO | {"to", "will"}
        ):
            continue
        if subject.lower in sets.OBJECT_PRONOUNS or (
            earlier in sets.PREPOSITIONS and subject.lower not in sets.SUBJECT_PRONOUNS
        ):
            continue
        verb = word.lower.replace("n't", "")
        if subject.lower == "i":
            wrong = verb in ("is", "are", "were", "has", "does") or (verb not in ("was", "am") and _third_person(verb))
        elif number == "singular":
            wrong = verb in ("am", "are", "were", "have", "do") or (
                not _third_person(verb) and word.tag in ("VBP", "VB")
            )
        else:
            wrong = verb in ("am", "is", "was", "has", "does") or (_third_person(verb) and word.tag == "VBZ")
        if wrong and not (number == "singular" and word.tag == "VBD" and verb != "were"):
            yield (
                "agreement_pronoun"
                if subject.lower in sets.SUBJECT_PRONOUNS | sets.SINGULAR_SUBJECTS
                else "agreement_noun"
            )


def _number(sentence: Sentence, place: int) -> str:
    """ "singular", "plural", or "" where it may be both."""
    word = sentence.words[place]
    if word.lower in sets.COLLECTIVE:
        return ""
    if word.lower in sets.SINGULAR_SUBJECTS or word.lower == "i":
        return "singular"
    if word.lower in sets.PLURAL_SUBJECTS or word.tag in ("NNS", "NNPS"):
        return "plural"
    if word.tag in ("NN", "NNP"):
        return "" if "and" in sentence.lower[max(0, place - 3) : place] else "singular"
    return ""


def _after_auxiliary(sentence: Sentence) -> Iterator[str]:
    """can goes, to went, didn't saw, is go, have go."""
    for index, word in enumerate(sentence.words[1:], 1):
        if (
            word.tag[:2] not in ("VB", "NN", "JJ")
            or not list_lemmas(word.lower, "VERB")
            or word.lower in sets.DETERMINERS
        ):
            continue
        previous = sentence.word_before(index)
        if not previous or word.is_name:
            continue
        base = _is_base(word)
        if previous in sets.MODALS | {"will"} | sets.NEGATED_DO and not base:
            yield "modal_base"
        if previous == "to" and not base and word.tag in ("VBZ", "VBD", "VBN"):
            yield "to_base"
        if previous in sets.BE and word.tag in ("VB", "VBP", "VBZ", "VBD") and word.tag != "VBN":
            yield "be_verb"
        if previous in sets.HAVE and word.tag in ("VBP", "VBZ", "VBG"):
            yield "have_verb"
        if previous in sets.LIKING and word.tag in ("VB", "VBP", "VBZ", "VBD"):
            yield "verb_verb"
        if previous in sets.PREPOSITIONS and word.tag in ("VB", "VBP", "VBZ"):
            yield "preposition_verb"


def _causatives(sentence: Sentence) -> Iterator[str]:
    """let him goes, make her crying"""
    for index, word in enumerate(sentence.words[2:], 2):
        is_caused = {*sentence.lower[max(0, index - 3) : index - 1]} & {"let", "lets", "make", "makes", "made"}
        if is_caused and sentence.words[index - 1].tag[:2] in ("PR", "NN") and word.tag in ("VBZ", "VBD", "VBG"):
            yield "causative_base"


def _questions(sentence: Sentence) -> Iterator[str]:
    """Does she likes …? What you want? Where he is?"""
    lower, words = sentence.lower, sentence.words
    if not sentence.is_question:
        return
    start = next((index for index, word in enumerate(lower) if word in sets.QUESTION_WORDS), len(words))
    is_before_subject = start + 1 < len(words) and lower[start + 1] in sets.SUBJECT_PRONOUNS
    if is_before_subject and not {*lower[:start]} & (sets.BE | sets.DO | sets.MODALS | sets.HAVE):
        yield "question_order"
    if lower[0] in sets.SUBJECT_PRONOUNS:
        yield "statement_question"
    auxiliary = next((index for index, word in enumerate(lower) if word in ("do", "does", "did")), None)
    if auxiliary is not None and auxiliary + 1 < len(words):
        place = next((i for i in range(auxiliary + 1, min(auxiliary + 4, len(words))) if _number(sentence, i)), 0)
        subject = lower[place]
        third = place > 0 and subject != "i" and _number(sentence, place) == "singular"
        if (lower[auxiliary] == "do" and third) or (lower[auxiliary] == "does" and place and not third):
            yield "question_agreement"
        for word in words[auxiliary + 2 : auxiliary + 4]:
            if word.tag in ("VBZ", "VBD") and list_lemmas(word.lower, "VERB"):
                yield "question_base"
                break


def _time(sentence: Sentence) -> Iterator[str]:
    """yesterday I go; tomorrow I went."""
    verbs = [word for word in sentence.words if word.tag in FINITE_TAGS or (word.tag == "VB" and _is_base(word))]
    if PAST_TIME.search(sentence.text):
        for index, word in enumerate(sentence.words):
            if word.tag in PRESENT_TAGS and _stands_as_finite(sentence, index):
                yield "present_in_past"
    elif HABIT.search(sentence.text):
        yield from ("past_in_habit" for word in verbs if word.tag == "VBD")
    if FUTURE_TIME.search(sentence.text):
        yield from ("past_in_future" for word in verbs if word.tag == "VBD")
    finite = {"past" if word.tag == "VBD" else "present" for word in verbs if word.tag in ("VBD", "VBZ", "VBP")}
    if len(finite) == 2:
        yield "mixed_tenses"


def _stands_as_finite(sentence: Sentence, index: int) -> bool:
    previous = sentence.word_before(index)
    return previous not in sets.MODALS | sets.DO | sets.NEGATED_DO | sets.CAUSATIVES | {"to", "will", "let"} and not (
        sentence.is_question and any(word in sets.DO for word in sentence.lower[:index])
    )


def _finite_verbs(sentence: Sentence) -> Iterator[str]:
    """A clause has one finite verb: he is play, I am like; Is raining today."""
    words = sentence.words
    finite = [index for index, word in enumerate(words) if word.tag in FINITE_TAGS]
    if not finite and len(words) > 3:
        yield "no_finite_verb"
    for first, second in pairwise(finite):
        helps = words[first].lower in sets.DO | sets.NEGATED_DO | sets.MODALS and words[second].tag == "VBP"
        if not helps and not words[first].after and not _may_begin_clause(words[first + 1 : second]):
            yield "two_finite"
    if words and words[0].lower in ("is", "was", "are") and not sentence.is_question:
        yield "no_subject"


def _may_begin_clause(words: Sequence[Word]) -> bool:
    """Whether another clause with its own subject may begin among the words between two verbs."""
    return any(
        word.after or word.tag in CLAUSE_TAGS | NOUN_TAGS or word.lower in sets.CLAUSE_WORDS | sets.SUBJECT_PRONOUNS
        for word in words
    )


VERB_RULES: tuple[Rule, ...] = (_agreement, _after_auxiliary, _causatives, _questions, _time, _finite_verbs)
