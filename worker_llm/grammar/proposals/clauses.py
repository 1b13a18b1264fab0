"""Proposals about how a clause is built: helping verbs, negation, questions in it and after it; and made-up forms."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.proposals import word_lists as lists
from worker_llm.grammar.proposals.inflections import inflect, is_verb, list_forms, list_lemmas
from worker_llm.grammar.sentence import Proposal, Word

HELPERS = (  # with the form of the verb that follows
    ("do/VBP", "VB"),
    ("does/VBZ", "VB"),
    ("did/VBD", "VB"),
    ("have/VBP", "VBN"),
    ("has/VBZ", "VBN"),
    ("had/VBD", "VBN"),
    ("am/VBP", "VBG"),
    ("is/VBZ", "VBG"),
    ("are/VBP", "VBG"),
    ("was/VBD", "VBG"),
    ("were/VBD", "VBG"),
)
MAX_SUBJECT = 3  # words between a helping verb and its verb in a question
NEGATIVE_WORDS = sets.word_set("never nobody hardly neither nothing none nowhere seldom rarely no")
SHORT_BE = {"'m": "am", "'re": "are", "'s": "is"}
TAG_HELPERS = sets.word_set(
    "isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't won't couldn't wouldn't shouldn't",
    "is are was were do does did have has can will could would should am",
)
PERFECT_OF_BE = ("have/VBP", "has/VBZ", "had/VBD")
LAST_VERBS = ("is/VBZ", "are/VBP", "was/VBD", "were/VBD")
LAST_PREPOSITIONS = ("for/IN", "to/IN", "with/IN", "about/IN", "at/IN", "in/IN", "on/IN", "from/IN")
POSSESSIVES = {"she": "her", "he": "his", "they": "their", "we": "our", "it": "its"}


def propose_clauses(words: Sequence[Word]) -> Iterator[Proposal]:
    for index, word in enumerate(words):
        if not word.text:
            continue
        yield from _short_be(words, index)
        yield from _helpers(words, index)
        yield from _double_negation(words, index)
        yield from _embedded_question(words, index)
        yield from _owner(words, index)
        yield from _age(words, index)
        yield from _made_up_form(words, index)
        yield from _repeated_subject(words, index)
    yield from _question_tag(words)
    yield from _last_word(words)


def _next(words: Sequence[Word], index: int) -> Word | None:
    """The word after `index`, unless a mark stands between them."""
    return words[index + 1] if index + 1 < len(words) and not words[index].after else None


def _short_be(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """I'm want → I want, I'm not understand → I don't understand, he's like → he likes."""
    word, following = words[index], _next(words, index)
    pronoun, mark, end = word.text.partition("'")
    if following is None or f"{mark}{end}" not in SHORT_BE or pronoun.lower() not in sets.SUBJECT_PRONOUNS:
        return
    subject = Word(pronoun, "PRP")
    if pronoun.lower() in POSSESSIVES:
        yield Proposal(index, index + 1, (Word(POSSESSIVES[pronoun.lower()], "PRP$"),), "pronoun")
    if is_verb(following.lower):
        yield Proposal(index, index + 1, (subject,), "be+verb")
        for tag in ("VBP", "VBZ", "VBD"):
            form = inflect(following.lower, "VB" if tag == "VBP" else tag)
            yield Proposal(index, index + 2, (subject, Word(form, tag)), "be+verb")
        for helper in ("have/VBP", "has/VBZ"):
            participle = f"{inflect(following.lower, 'VBN')}/VBN"
            yield Proposal(index, index + 2, (subject, *lists.as_words(f"{helper} {participle}")), "perfect")
    if following.lower in sets.NEGATED_DO:
        yield Proposal(index, index + 1, (subject,), "be+verb")
    if following.lower == "not" and index + 2 < len(words) and is_verb(words[index + 2].lower):
        base = f"{inflect(words[index + 2].lower, 'VB')}/VB"
        for negation in ("don't/VBP", "doesn't/VBZ", "didn't/VBD"):
            yield Proposal(index, index + 3, (subject, *lists.as_words(f"{negation} {base}")), "not+verb")


def _helpers(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """am known → have known; have you arrive → did you arrive; what do you doing → what are you doing."""
    word, following = words[index], _next(words, index)
    if word.lower not in sets.BE | sets.HAVE | sets.DO or following is None:
        return
    if word.lower in sets.BE and following.tag in ("VBN", "VBD"):
        for helper in PERFECT_OF_BE:
            participle = f"{inflect(following.lower, 'VBN') or following.lower}/VBN"
            yield Proposal(index, index + 2, lists.as_words(f"{helper} {participle}"), "perfect")
    for place in range(index + 2, min(index + 2 + MAX_SUBJECT, len(words))):
        between, verb = words[index + 1 : place], words[place]
        if any(each.after for each in between):
            return
        if not is_verb(verb.lower) or verb.lower in sets.BE | sets.DO or between[0].tag[:2] not in ("PR", "NN", "DT"):
            continue
        for helper, tag in HELPERS:
            new_verb = Word(inflect(verb.lower, tag), tag)
            subject = (Word(each.text, each.tag) for each in between)
            yield Proposal(index, place + 1, (*lists.as_words(helper), *subject, new_verb), "helper")


def _double_negation(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """can't hardly → can hardly, never doesn't answers → never answers, nobody didn't ate → nobody ate."""
    word, following = words[index], _next(words, index)
    others = {each.lower for place, each in enumerate(words) if place != index}
    if following is None or not word.lower.endswith("n't") or not others & NEGATIVE_WORDS:
        return
    if word.lower in sets.NEGATED_DO and is_verb(following.lower):
        for tag in ("VB", "VBZ", "VBD"):
            form = inflect(following.lower, tag)
            yield Proposal(index, index + 2, (Word(form, "VBP" if tag == "VB" else tag),), "negation")
    elif word.lower in sets.NEGATED_DO:
        yield Proposal(index, index + 1, (), "negation")
    else:
        positive = {"can't": "can", "won't": "will"}.get(word.lower, word.lower.removesuffix("n't"))
        yield Proposal(index, index + 1, (Word(positive, word.tag),), "negation")


def _embedded_question(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """asked me where did I live → where I lived, ask him does he want → if he wants."""
    word = words[index]
    is_inside = index > 1 and words[index - 1].lower in sets.QUESTION_WORDS
    if word.lower not in sets.DO or index < 2 or _next(words, index) is None:
        return
    for place in range(index + 2, min(index + 2 + MAX_SUBJECT, len(words))):
        between, verb = words[index + 1 : place], words[place]
        if any(each.after for each in between) or not is_verb(verb.lower):
            continue
        subject = tuple(Word(each.text, each.tag) for each in between)
        start = () if is_inside else lists.as_words("if/IN")
        for tag in ("VB", "VBZ", "VBD"):
            form = Word(inflect(verb.lower, tag), "VBP" if tag == "VB" else tag)
            yield Proposal(index, place + 1, (*start, *subject, form), "question")


def _owner(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """my sister she room → my sister's room, my sisters room → my sister's room, parent's names → parents' names."""
    word, following = words[index], _next(words, index)
    if following is None:
        return
    if word.tag[:2] == "NN" and word.text.isalpha() and following.lower in POSSESSIVES and index + 2 < len(words):
        yield Proposal(index, index + 2, (Word(f"{word.text}'s", "NN$"),), "possessive")
    is_thing = following.tag[:2] in ("NN", "JJ")
    if is_thing and word.lower.endswith("s") and word.lower[:-1] in list_lemmas(word.lower, "NOUN"):
        yield Proposal(index, index + 1, (Word(f"{word.text[:-1]}'s", "NN$"),), "possessive")
    if word.lower.endswith("'s") and word.lower[:-2] not in sets.SUBJECT_PRONOUNS:
        yield Proposal(index, index + 1, (Word(f"{word.text[:-2]}s'", "NN$"),), "possessive")


def _age(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """has six years → is six, has six years old; doesn't eighteen years → isn't eighteen years old."""
    word = words[index]
    years = next((i for i in range(index + 2, min(index + 5, len(words))) if words[i].lower in ("year", "years")), None)
    if years is None or word.lower not in sets.HAVE | sets.BE | sets.NEGATED_DO | {"haven't", "hasn't"}:
        return
    number = tuple(Word(each.text, each.tag) for each in words[index + 1 : years])
    end = years + 2 if years + 1 < len(words) and words[years + 1].lower == "old" else years + 1
    is_negative = word.lower.endswith("n't")
    for be in ("isn't/VBZ", "aren't/VBP") if is_negative else ("am/VBP", "is/VBZ", "are/VBP", "was/VBD", "be/VB"):
        yield Proposal(index, end, (*lists.as_words(be), *number), "have-be")
        yield Proposal(index, end, (*lists.as_words(be), *number, *lists.as_words("years/NNS old/JJ")), "have-be")


def _made_up_form(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """thiefs → thieves, bited → bit, importanter → more important, more comfortabler → more comfortable."""
    word = words[index]
    yield from (Proposal(index, index + 1, (each,), "irregular") for each in _find_real_forms(word.lower))
    for ending, degree in (("er", "more/RBR"), ("est", "most/RBS")):
        for adjective in _find_stems(word.lower, ending, "ADJ"):
            yield Proposal(index, index + 1, lists.as_words(f"{degree} {adjective}/JJ"), "degree")
            if index and words[index - 1].lower in ("more", "most"):
                yield Proposal(index, index + 1, (Word(adjective, "JJ"),), "degree")


@lru_cache(maxsize=4096)
def _find_real_forms(word: str) -> tuple[Word, ...]:
    """What a form made by rule stands for, if it is not itself the one in use."""
    pasts = [
        Word(form, tag)
        for stem in _find_stems(word, "ed", "VERB")
        for form, tag in list_forms(stem, "VERB")
        if tag in ("VBD", "VBN")
    ]
    plurals = [
        Word(form, tag)
        for stem in _find_stems(word, "s", "NOUN")
        for form, tag in list_forms(stem, "NOUN")
        if tag == "NNS"
    ]
    return () if word in {each.text for each in pasts + plurals} else (*pasts, *plurals)


def _find_stems(word: str, ending: str, part: str) -> list[str]:
    """Words of this part of speech of which `word` may have been made by an ending: bite for bited, big for biger."""
    if not word.endswith(ending) or len(word) < len(ending) + 3:
        return []
    stem = word.removesuffix(ending)
    candidates = [stem, stem + "e", stem[:-1] if stem[-1:] == stem[-2:-1] else "", stem.removesuffix("i") + "y"]
    return [each for each in candidates if each and each in list_lemmas(each, part)]


def _repeated_subject(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """I also I have → I also have, we are we do → we do."""
    word = words[index]
    if word.lower not in sets.SUBJECT_PRONOUNS:
        return
    for place in range(index + 2, min(index + 4, len(words))):
        if words[place].lower == word.lower and not any(each.after for each in words[index:place]):
            yield Proposal(place, place + 1, (), "-pronoun")
            yield Proposal(index, place, (), "-pronoun")


def _question_tag(words: Sequence[Word]) -> Iterator[Proposal]:
    """…, aren't you? → …, don't you?"""
    if len(words) < 4 or "?" not in words[-1].after or "," not in words[-3].after:
        return
    helper, pronoun = words[-2:]
    if helper.lower not in TAG_HELPERS or pronoun.lower not in sets.SUBJECT_PRONOUNS | {"there", "this", "that"}:
        return
    start = len(words) - 2
    pronouns = dict.fromkeys((pronoun.lower, *(each.lower for each in words if each.lower in sets.SUBJECT_PRONOUNS)))
    for other in sorted(TAG_HELPERS):
        if other.endswith("n't") == helper.lower.endswith("n't"):
            for each in pronouns:
                text = "I" if each == "i" else each
                yield Proposal(start, start + 2, (Word(other, "MD"), Word(text, "PRP")), "tag")


def _last_word(words: Sequence[Word]) -> Iterator[Proposal]:
    """where my key. → where my key is. Who are you waiting? → Who are you waiting for?"""
    lower = [word.lower for word in words]
    if len(words) < 4 or not {*lower} & (sets.QUESTION_WORDS | {"that", "to"}):
        return
    last, place = words[-1], len(words) - 1
    for addition in (*LAST_PREPOSITIONS, *(LAST_VERBS if {*lower} & sets.QUESTION_WORDS else ())):
        if last.text[:1].isalnum() and last.lower not in sets.BE | sets.PREPOSITIONS:
            kind = "+be" if addition in LAST_VERBS else "+preposition"
            yield Proposal(place, place + 1, (Word(last.text, last.tag), *lists.as_words(addition)), f"{kind}:last")
