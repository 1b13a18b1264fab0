"""Proposals that exchange, add or leave out one word."""

from collections.abc import Iterator, Sequence

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.proposals import word_lists as lists
from worker_llm.grammar.proposals.inflections import is_verb, list_forms, list_related
from worker_llm.grammar.sentence import Proposal, Word, starts_with_vowel_sound

# Small words that may be superfluous, with the kind of the proposal.
SUPERFLUOUS = {
    **dict.fromkeys(("a", "an", "the"), "-article"),
    **dict.fromkeys(("to", "in", "on", "at", "of", "for", "with", "from", "about", "by", "into"), "-preposition"),
    **dict.fromkeys(("am", "is", "are", "was", "were", "be", "been", "being"), "-be"),
    **dict.fromkeys(("do", "does", "did", "will", "would", "have", "has", "had", "can"), "-auxiliary"),
    **dict.fromkeys(("it", "he", "she", "they", "that", "me"), "-pronoun"),
    **dict.fromkeys(("more", "most", "very"), "-degree"),
    **dict.fromkeys(("but", "and", "so", "however"), "-conjunction"),
    "back": "-adverb",
}
ADDED_PREPOSITIONS = ("to", "in", "on", "at", "of", "for", "with", "from", "about", "by")
ADDED_VERBS = ("is/VBZ", "are/VBP", "was/VBD", "were/VBD", "am/VBP", "be/VB", "been/VBN")
ADDED_AUXILIARIES = ("have/VBP", "has/VBZ", "had/VBD", "will/MD", "do/VBP", "does/VBZ", "did/VBD", "to/TO be/VB")
ADDED_PRONOUNS = (
    "it/PRP",
    "they/PRP",
    "he/PRP",
    "she/PRP",
    "I/PRP",
    "we/PRP",
    "you/PRP",
    "my/PRP$",
    "his/PRP$",
    "her/PRP$",
    "their/PRP$",
    "our/PRP$",
    "them/PRP",
)
NOUN_PHRASE_TAGS = {"NN", "NNS", "NNP", "NNPS", "JJ", "JJR", "JJS", "VBG", "VBN", "CD", "RB", "RBS"}


def propose_words(words: Sequence[Word]) -> Iterator[Proposal]:
    for index, word in enumerate(words):
        if not word.text:
            continue
        yield from _fit_article(words, index)
        yield from _exchange(index, word)
        yield from _inflect(index, word)
        if (kind := SUPERFLUOUS.get(word.lower)) and (kind != "-pronoun" or _may_repeat(words, index)):
            yield Proposal(index, index + 1, (), kind)
        yield from _add_before(words, index)


def _fit_article(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """a apple → an apple; apply() does it."""
    word = words[index]
    if word.lower in ("a", "an") and index + 1 < len(words) and words[index + 1].text and not word.after:
        article = "an" if starts_with_vowel_sound(words[index + 1].lower) else "a"
        if article != word.lower:
            yield Proposal(index, index + 1, (Word(article, "DT"),), "certain", "article_sound", is_certain=True)


def _may_repeat(words: Sequence[Word], index: int) -> bool:
    """Whether the pronoun may only repeat what was named: My mother she works. The book which I bought it."""
    previous = words[index - 1] if index else None
    is_after_noun = previous is not None and previous.tag in ("NN", "NNS", "NNP", "NNPS", "WDT", "WP")
    is_object = words[index].lower in ("it", "me", "that") and index > 1
    return is_after_noun or is_object


def _exchange(index: int, word: Word) -> Iterator[Proposal]:
    for kind, other in lists.EXCHANGES.get(word.lower, ()):
        yield Proposal(index, index + 1, (other,), kind)
    for other in lists.as_words(lists.HAVE_AS_BE.get(word.lower, "")):
        yield Proposal(index, index + 1, (other,), "have-be")


def _inflect(index: int, word: Word) -> Iterator[Proposal]:
    """Other forms of the word; those of names and of small words are not looked for."""
    if not word.lower.isalpha() or len(word.lower) < 2 or (word.is_name and index):
        return
    if word.lower in sets.BE | sets.HAVE | sets.DO | sets.MODALS | sets.SUBJECT_PRONOUNS | sets.ARTICLES:
        return
    for part, prefix in (("VERB", "verb"), ("NOUN", "noun"), ("ADJ", "adjective")):
        for form, tag in list_forms(word.lower, part):
            if form != word.lower:
                yield Proposal(index, index + 1, (Word(form, tag),), f"{prefix}:{tag}")
    for form, tag in list_related(word.lower):
        yield Proposal(index, index + 1, (Word(form, tag),), "adverb" if tag == "RB" else "adjective")


def _add_before(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """Words that may be missing before word `index`."""
    word = words[index]
    previous = words[index - 1] if index and not words[index - 1].after else None
    for text, kind in (
        *_missing_articles(word, previous),
        *_missing_prepositions(word, previous),
        *_missing_verbs(word, previous, index),
        *_missing_pronouns(word, previous),
    ):
        yield Proposal(index, index, lists.as_words(text), kind)


def _missing_articles(word: Word, previous: Word | None) -> Iterator[tuple[str, str]]:
    if word.tag not in NOUN_PHRASE_TAGS or word.lower in sets.DETERMINERS:
        return
    before = previous.lower if previous else ""
    is_inside_phrase = previous is not None and previous.tag[:2] in ("JJ", "CD") and not is_verb(before)
    if before not in sets.DETERMINERS - {"what"} and (not is_inside_phrase or before == "such"):
        yield "a/DT", "+a"
        yield "the/DT", "+the"


def _missing_prepositions(word: Word, previous: Word | None) -> Iterator[tuple[str, str]]:
    if previous and previous.lower not in ADDED_PREPOSITIONS:
        for preposition in ADDED_PREPOSITIONS:
            tag = "TO" if preposition == "to" else "IN"
            yield f"{preposition}/{tag}", "+to" if word.tag[:2] == "VB" else "+preposition"


def _missing_verbs(word: Word, previous: Word | None, index: int) -> Iterator[tuple[str, str]]:
    if index and (previous is None or previous.lower not in sets.BE) and word.lower not in sets.BE:
        yield from ((verb, "+be") for verb in ADDED_VERBS)
    if word.lower not in sets.MODALS | sets.DO and word.tag[:2] in ("VB", "RB", "PR", "NN", "DT"):
        yield from ((auxiliary, "+auxiliary") for auxiliary in ADDED_AUXILIARIES)


def _missing_pronouns(word: Word, previous: Word | None) -> Iterator[tuple[str, str]]:
    before = previous.lower if previous else ""
    if word.lower in sets.BE | {"will"}:
        yield "there/EX", "+there"
    may_be_owned = word.tag[:2] in ("NN", "JJ") and before not in sets.DETERMINERS
    for pronoun in ADDED_PRONOUNS:
        if pronoun[-1] != "$" or may_be_owned:
            yield pronoun, "+possessive" if pronoun[-1] == "$" else "+pronoun"
    if word.tag[:2] in ("PR", "DT", "NN") and before not in ("and", "but", "or", ""):
        yield "and/CC", "+conjunction"
