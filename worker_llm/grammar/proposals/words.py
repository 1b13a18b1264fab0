"""Proposals that exchange, add or leave out one word."""

from collections.abc import Iterator, Sequence

from worker_llm.grammar.proposals import word_lists as lists
from worker_llm.grammar.proposals.inflections import is_verb, list_forms, list_related
from worker_llm.grammar.sentence import Proposal, Word, starts_with_vowel_sound

# Small words that may be superfluous, with the kind of the proposal.
SUPERFLUOUS = {
    **dict.fromkeys(("a", "an", "the"), "-article"),
    **dict.fromkeys(("to", "in", "on", "at", "of", "for", "with", "from", "about", "by"), "-preposition"),
    **dict.fromkeys(("am", "is", "are", "was", "were", "be", "been", "being"), "-be"),
    **dict.fromkeys(("do", "does", "did", "will", "would", "have", "has", "had", "can"), "-auxiliary"),
    **dict.fromkeys(("it", "he", "she", "they", "that", "me"), "-pronoun"),
    **dict.fromkeys(("more", "most", "very"), "-degree"),
    **dict.fromkeys(("but", "and", "so"), "-conjunction"),
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
    if word.lower in lists.BE | lists.HAVE | lists.DO | lists.MODALS | lists.SUBJECT_PRONOUNS | lists.ARTICLES:
        return
    for part, prefix in (("VERB", "verb"), ("NOUN", "noun"), ("ADJ", "adjective")):
        for form, tag in list_forms(word.lower, part):
            if form != word.lower:
                yield Proposal(index, index + 1, (Word(form, tag),), f"{prefix}:{tag}")
    for form, tag in list_related(word.lower):
        yield Proposal(index, index + 1, (Word(form, tag),), "adverb" if tag == "RB" else "adjective")


def _add_before(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """Words that may be missing before word `index`."""
    word, previous = words[index], words[index - 1] if index else None
    previous_lower = previous.lower if previous and not previous.after else ""

    def add(text: str, kind: str) -> Proposal:
        return Proposal(index, index, lists.as_words(text), kind)

    if (
        word.tag in NOUN_PHRASE_TAGS
        and previous_lower not in lists.DETERMINERS - {"what"}
        and word.lower not in lists.DETERMINERS
    ):
        if not (
            previous and previous.tag.startswith(("JJ", "CD")) and not previous.after and not is_verb(previous_lower)
        ):
            yield add("a/DT", "+a")
            yield add("the/DT", "+the")
    if index and previous and not previous.after and previous_lower not in ADDED_PREPOSITIONS:
        for preposition in ADDED_PREPOSITIONS:
            yield add(
                f"{preposition}/{'TO' if preposition == 'to' else 'IN'}",
                "+to" if word.tag[:2] == "VB" else "+preposition",
            )
    if previous_lower not in lists.BE and word.lower not in lists.BE and index:
        for verb in ADDED_VERBS:
            yield add(verb, "+be")
    if word.lower not in lists.MODALS | lists.DO and word.tag[:2] in ("VB", "RB", "PR", "NN", "DT", "NNP"):
        for auxiliary in ADDED_AUXILIARIES:
            yield add(auxiliary, "+auxiliary")
    if word.lower in lists.BE | {"will", "was"}:
        yield add("there/EX", "+there")
    for pronoun in ADDED_PRONOUNS:
        if pronoun[-1] == "$" and (word.tag[:2] not in ("NN", "JJ") or previous_lower in lists.DETERMINERS):
            continue
        yield add(pronoun, "+possessive" if pronoun[-1] == "$" else "+pronoun")
    if word.tag[:2] in ("PR", "DT", "NN") and previous_lower not in ("and", "but", "or", ""):
        yield add("and/CC", "+conjunction")
