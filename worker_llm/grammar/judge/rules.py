"""What is wrong with a sentence as far as a few rules of grammar tell from its words and tags.

A rule may be mistaken, since tags are: the judge weighs by how much an edit changes the counts, and its weights are
fitted. Each rule looks at a place and its neighbours.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from worker_llm.grammar.proposals import word_lists as lists
from worker_llm.grammar.proposals.inflections import list_forms, list_lemmas
from worker_llm.grammar.sentence import Word

FINITE_TAGS = {"VBZ", "VBP", "VBD", "MD"}
PRESENT_TAGS = {"VBZ", "VBP", "VB"}
NOUN_TAGS = {"NN", "NNS", "NNP", "NNPS"}
PAST_TIME = re.compile(
    r"\b(yesterday|ago|last (night|week|month|year|weekend|summer|winter|spring|autumn|sunday|monday|tuesday|wednesday"
    r"|thursday|friday|saturday|holiday|time)|in (19|20)[0-2]\d|this morning|when i was|the day before|once upon)\b"
)
FUTURE_TIME = re.compile(r"\b(tomorrow|next (week|month|year|summer|winter|time|weekend|\w+day)|in the future|soon)\b")
HABIT = re.compile(
    r"\b(every (day|week|morning|year|night|evening|weekend|\w+day)|usually|always|often|sometimes|never)\b"
)
SINGULAR_WORDS = frozenset({"a", "an", "one", "this", "that", "every", "each", "another"})
PLURAL_WORDS = frozenset(
    [
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "twenty",
        "thirty",
        "many",
        "several",
        "few",
        "these",
        "those",
        "both",
        "various",
        "some",
        "all",
        "other",
    ]
)
SINGULAR_SUBJECTS = frozenset(
    [
        "he",
        "she",
        "it",
        "this",
        "that",
        "everybody",
        "everyone",
        "somebody",
        "someone",
        "nobody",
        "anybody",
        "anyone",
        "everything",
        "something",
        "nothing",
        "who",
    ]
)
PLURAL_SUBJECTS = frozenset({"we", "they", "you", "these", "those", "people", "children"})
PREPOSITIONS = frozenset(
    ["in", "on", "at", "of", "for", "with", "from", "about", "by", "without", "after", "before", "like"]
)
CLAUSE_TAGS = {"CC", "WDT", "WP", "WRB", "IN"}
CLAUSE_WORDS = frozenset({"that", "and", "but", "or", "because", "if"})
COLLECTIVE = frozenset(
    [
        "family",
        "team",
        "government",
        "class",
        "police",
        "staff",
        "group",
        "public",
        "company",
        "crowd",
        "audience",
        "band",
    ]
)
LIKING = frozenset(
    [
        "like",
        "likes",
        "liked",
        "love",
        "loves",
        "loved",
        "enjoy",
        "enjoys",
        "enjoyed",
        "hate",
        "hates",
        "want",
        "wants",
        "wanted",
        "need",
        "needs",
    ]
)
CAUSATIVES = frozenset(
    [
        "make",
        "makes",
        "made",
        "let",
        "lets",
        "help",
        "helps",
        "helped",
        "see",
        "sees",
        "saw",
        "hear",
        "heard",
        "watch",
        "watched",
        "have",
        "had",
    ]
)
SUBJECT_FIRST = frozenset(
    {"", "and", "but", "so", "because", "that", "when", "if", "or", "although", "though", "then", "while"}
)


class Sentence:
    """Words with what the rules ask of them."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words
        self.lower = [word.lower for word in words]
        self.text = " ".join(self.lower)
        self.is_question = bool(words) and "?" in words[-1].after

    def before(self, index: int, skip: frozenset[str] = lists.FREQUENCY_ADVERBS) -> int:
        """The place before `index`, adverbs and "not" passed over; -1 at the start or across a mark."""
        place = index - 1
        while place >= 0 and (self.lower[place] in skip or self.lower[place] == "not") and not self.words[place].after:
            place -= 1
        return -1 if place < 0 or self.words[place].after else place

    def word_before(self, index: int) -> str:
        place = self.before(index)
        return self.lower[place] if place >= 0 else ""

    def is_finite(self, index: int) -> bool:
        return self.words[index].tag in FINITE_TAGS


Rule = Callable[[Sentence], Iterator[str]]


def count_violations(words: Sequence[Word]) -> Counter[str]:
    """How often each rule is broken."""
    sentence = Sentence(words)
    return Counter(name for rule in RULES for name in rule(sentence))


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
        has_helper = sentence.is_question and {*sentence.lower[:place]} & (lists.DO | lists.MODALS | {"did"})
        if (
            has_helper
            or not number
            or earlier in CAUSATIVES | lists.DO | lists.MODALS | lists.NEGATED_DO | {"to", "will"}
        ):
            continue
        if subject.lower in lists.OBJECT_PRONOUNS or (
            earlier in PREPOSITIONS and subject.lower not in lists.SUBJECT_PRONOUNS
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
                "agreement_pronoun" if subject.lower in lists.SUBJECT_PRONOUNS | SINGULAR_SUBJECTS else "agreement_noun"
            )


def _number(sentence: Sentence, place: int) -> str:
    """ "singular", "plural", or "" where it may be both."""
    word = sentence.words[place]
    if word.lower in COLLECTIVE:
        return ""
    if word.lower in SINGULAR_SUBJECTS or word.lower == "i":
        return "singular"
    if word.lower in PLURAL_SUBJECTS or word.tag in ("NNS", "NNPS"):
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
            or word.lower in lists.DETERMINERS
        ):
            continue
        previous = sentence.word_before(index)
        if not previous or word.is_name:
            continue
        base = _is_base(word)
        if previous in lists.MODALS | {"will"} | lists.NEGATED_DO and not base:
            yield "modal_base"
        if previous == "to" and not base and word.tag in ("VBZ", "VBD", "VBN"):
            yield "to_base"
        if previous in lists.BE and word.tag in ("VB", "VBP", "VBZ", "VBD") and word.tag != "VBN":
            yield "be_verb"
        if previous in lists.HAVE and word.tag in ("VBP", "VBZ", "VBG"):
            yield "have_verb"
        if previous in LIKING and word.tag in ("VB", "VBP", "VBZ", "VBD"):
            yield "verb_verb"
        if previous in PREPOSITIONS and word.tag in ("VB", "VBP", "VBZ"):
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
    start = next((index for index, word in enumerate(lower) if word in lists.QUESTION_WORDS), len(words))
    is_before_subject = start + 1 < len(words) and lower[start + 1] in lists.SUBJECT_PRONOUNS
    if is_before_subject and not {*lower[:start]} & (lists.BE | lists.DO | lists.MODALS | lists.HAVE):
        yield "question_order"
    if lower[0] in lists.SUBJECT_PRONOUNS:
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
    return previous not in lists.MODALS | lists.DO | lists.NEGATED_DO | CAUSATIVES | {"to", "will", "let"} and not (
        sentence.is_question and any(word in lists.DO for word in sentence.lower[:index])
    )


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
            and sentence.lower[place] not in PLURAL_WORDS | {"much"}
        ):
            place -= 1
        if place < 0 or sentence.words[place].after:
            continue
        determiner = sentence.lower[place]
        if determiner in SINGULAR_WORDS and word.tag == "NNS":
            yield "singular_determiner"
        if (
            determiner in PLURAL_WORDS - {"some", "all", "other"} or (determiner.isdigit() and determiner != "1")
        ) and word.tag == "NN":
            yield "plural_determiner"
        if determiner in ("some", "all", "other") and word.tag == "NN" and word.lower not in lists.UNCOUNTABLE:
            yield "some_singular"
        if (determiner == "much" and word.tag == "NNS") or (determiner == "many" and word.lower in lists.UNCOUNTABLE):
            yield "much_many"
        if determiner in ("a", "an", "one") and word.lower in lists.UNCOUNTABLE:
            yield "a_uncountable"


def _determiners(sentence: Sentence) -> Iterator[str]:
    """I have dog, the my dog, in the China."""
    for index, word in enumerate(sentence.words):
        previous = sentence.words[index - 1] if index and not sentence.words[index - 1].after else None
        previous_lower = previous.lower if previous else ""
        if (
            previous
            and previous_lower in lists.ARTICLES
            and word.lower
            in lists.DETERMINERS
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
    if word.lower in lists.UNCOUNTABLE or (
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
    return determiner.lower not in lists.DETERMINERS and determiner.tag not in (
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


def _finite_verbs(sentence: Sentence) -> Iterator[str]:
    """A clause has one finite verb: he is play, I am like; Is raining today."""
    words = sentence.words
    finite = [index for index, word in enumerate(words) if word.tag in FINITE_TAGS]
    if not finite and len(words) > 3:
        yield "no_finite_verb"
    for first, second in pairwise(finite):
        helps = words[first].lower in lists.DO | lists.NEGATED_DO | lists.MODALS and words[second].tag == "VBP"
        if not helps and not words[first].after and not _may_begin_clause(words[first + 1 : second]):
            yield "two_finite"
    if words and words[0].lower in ("is", "was", "are") and not sentence.is_question:
        yield "no_subject"


def _may_begin_clause(words: Sequence[Word]) -> bool:
    """Whether another clause with its own subject may begin among the words between two verbs."""
    return any(
        word.after or word.tag in CLAUSE_TAGS | NOUN_TAGS or word.lower in CLAUSE_WORDS | lists.SUBJECT_PRONOUNS
        for word in words
    )


def _pronouns(sentence: Sentence) -> Iterator[str]:
    """She happy, him likes me, for he."""
    for index, (word, following) in enumerate(pairwise(sentence.words)):
        begins = sentence.word_before(index) in SUBJECT_FIRST and not word.after
        if begins and word.lower in lists.SUBJECT_PRONOUNS - {"it", "you"} and _cannot_follow_subject(following):
            yield "subject_without_verb"
        if begins and word.lower in lists.OBJECT_PRONOUNS - {"her"} and following.tag in FINITE_TAGS:
            yield "object_as_subject"
        governs = word.tag == "IN" and word.lower in PREPOSITIONS - {"after", "before", "like"}
        if governs and following.lower in lists.SUBJECT_PRONOUNS - {"you", "it"}:
            yield "subject_as_object"


def _cannot_follow_subject(word: Word) -> bool:
    return word.tag in ("JJ", "VBG", "DT", "IN", "VBN", "NN") and word.lower not in lists.FREQUENCY_ADVERBS


RULES: tuple[Rule, ...] = (
    _agreement,
    _after_auxiliary,
    _causatives,
    _questions,
    _time,
    _numbers,
    _determiners,
    _comparisons,
    _finite_verbs,
    _pronouns,
)
