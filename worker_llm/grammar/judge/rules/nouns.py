"""Rules on nouns and what stands around them: number, articles, comparisons, pronouns."""

from collections.abc import Iterator
from itertools import pairwise

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.judge.rules.sentence import FINITE_TAGS, NOUN_TAGS, Rule, Sentence
from worker_llm.grammar.proposals.inflections import list_forms
from worker_llm.grammar.sentence import Word


def _numbers(sentence: Sentence) -> Iterator[str]:
    """two cat, a cats, many book, this books, much friends."""
    for index, word in enumerate(sentence.words):
        if word.tag not in ("NN", "NNS") or (
            index + 1 < len(sentence.words) and sentence.words[index + 1].tag in NOUN_TAGS and not word.after
        ):
            continue
        place = index - 1
        while (
            place >= 0
            and sentence.words[place].tag[:2] in ("JJ", "RB")
            and not sentence.words[place].after
            and sentence.lower[place] not in sets.PLURAL_WORDS | {"much"}
        ):
            place -= 1
        if place < 0 or sentence.words[place].after:
            continue
        determiner = sentence.lower[place]
        if determiner in sets.SINGULAR_WORDS and word.tag == "NNS":
            yield "singular_determiner"
        if (
            determiner in sets.PLURAL_WORDS - {"some", "all", "other"} or (determiner.isdigit() and determiner != "1")
        ) and word.tag == "NN":
            yield "plural_determiner"
        if determiner in ("some", "all", "other") and word.tag == "NN" and word.lower not in sets.OFTEN_UNCOUNTED:
            yield "some_singular"
        if (determiner == "much" and word.tag == "NNS") or (
            determiner == "many" and word.lower in sets.OFTEN_UNCOUNTED
        ):
            yield "much_many"
        if determiner in ("a", "an", "one") and word.lower in sets.OFTEN_UNCOUNTED:
            yield "a_uncountable"


def _determiners(sentence: Sentence) -> Iterator[str]:
    """I have dog, the my dog, in the China."""
    for index, word in enumerate(sentence.words):
        previous = sentence.words[index - 1] if index and not sentence.words[index - 1].after else None
        previous_lower = previous.lower if previous else ""
        if (
            previous
            and previous_lower in sets.ARTICLES
            and word.lower
            in sets.DETERMINERS
            - {"few", "many", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "other"}
        ):
            yield "double_determiner"
        if previous_lower == "the" and word.is_name:
            yield "the_name"
        if word.tag == "NN" and _is_bare(sentence, index):
            yield "bare_noun"


def _is_bare(sentence: Sentence, index: int) -> bool:
    """A noun that can be counted, alone in the singular, as in "I have dog"."""
    word = sentence.words[index]
    if word.lower in sets.OFTEN_UNCOUNTED or (
        index + 1 < len(sentence.words) and sentence.words[index + 1].tag in NOUN_TAGS and not word.after
    ):
        return False
    if not any(tag == "NNS" for _, tag in list_forms(word.lower, "NOUN")):
        return False
    place = index - 1
    while (
        place >= 0
        and not sentence.words[place].after
        and (sentence.words[place].tag[:2] in ("JJ", "NN", "CD") or sentence.words[place].tag in ("VBG", "VBN", "RB"))
    ):
        if sentence.words[place].tag == "CD" or sentence.lower[place].endswith("'s"):
            return False
        place -= 1
    if place < 0 or sentence.words[place].after:
        return True
    determiner = sentence.words[place]
    return determiner.lower not in sets.DETERMINERS and determiner.tag not in (
        "DT",
        "PRP$",
        "WDT",
        "PDT",
        "WP$",
        "POS",
    )


def _comparisons(sentence: Sentence) -> Iterator[str]:
    """more taller, the most biggest, big than, better that."""
    for index, word in enumerate(sentence.words):
        previous = sentence.lower[index - 1] if index else ""
        if previous in ("more", "most") and word.tag in ("JJR", "JJS", "RBR", "RBS"):
            yield "double_degree"
        if word.lower == "than" and not any(
            each.tag in ("JJR", "RBR") or each.lower in ("more", "less", "rather", "other")
            for each in sentence.words[max(0, index - 5) : index]
        ):
            yield "than_without_comparative"
        if previous in ("more", "most") and len(word.text) <= 6 and _is_short_adjective(word.lower):
            yield "more_short"
        if previous in ("very", "so", "too") and word.tag in ("JJR", "JJS"):
            yield "very_comparative"


def _is_short_adjective(word: str) -> bool:
    """One that is compared with -er, as old; not as fun or real."""
    return any(form.endswith("er") and tag == "JJR" for form, tag in list_forms(word, "ADJ"))


def _pronouns(sentence: Sentence) -> Iterator[str]:
    """She happy, him likes me, for he."""
    for index, (word, following) in enumerate(pairwise(sentence.words)):
        begins = sentence.word_before(index) in sets.SUBJECT_FIRST and not word.after
        if begins and word.lower in sets.SUBJECT_PRONOUNS - {"it", "you"} and _cannot_follow_subject(following):
            yield "subject_without_verb"
        if begins and word.lower in sets.OBJECT_PRONOUNS - {"her"} and following.tag in FINITE_TAGS:
            yield "object_as_subject"
        governs = word.tag == "IN" and word.lower in sets.PREPOSITIONS - {"after", "before", "like"}
        if governs and following.lower in sets.SUBJECT_PRONOUNS - {"you", "it"}:
            yield "subject_as_object"


def _cannot_follow_subject(word: Word) -> bool:
    return word.tag in ("JJ", "VBG", "DT", "IN", "VBN", "NN") and word.lower not in sets.FREQUENCY_ADVERBS


NOUN_RULES: tuple[Rule, ...] = (_numbers, _determiners, _comparisons, _pronouns)
