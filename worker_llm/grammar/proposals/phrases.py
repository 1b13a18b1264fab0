"""Proposals that change several words at once: verb groups, comparisons, order."""

from collections.abc import Iterator, Sequence

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.proposals import word_lists as lists
from worker_llm.grammar.proposals.inflections import inflect, is_verb, list_forms
from worker_llm.grammar.sentence import Proposal, Word

TIMES = frozenset({"yesterday", "today", "tomorrow", "now", "there", "here", "very", "much", "well"})
MAX_MOVE = 4  # words over which an adverb or a time moves; a time also moves to the end
VERB_FORMS = ("VB", "VBZ", "VBD", "VBG", "VBN")


def propose_phrases(words: Sequence[Word]) -> Iterator[Proposal]:
    for index, word in enumerate(words):
        pair = words[index : index + 2]
        if len(pair) == 2 and pair[0].text and pair[1].text and not pair[0].after:
            yield from _verb_groups(index, *pair)
            yield from _degrees(index, *pair)
            yield from _possessives(index, *pair)
            yield from _orders(words, index)
        yield from _quantities(words, index)
        yield from _negations(words, index)
        yield from _questions(words, index)
        if word.lower in sets.FREQUENCY_ADVERBS | TIMES:
            yield from _move(words, index, 1)
        elif (
            word.lower in ("every", "last", "next", "this") and index + 1 < len(words) and words[index + 1].tag == "NN"
        ):
            yield from _move(words, index, 2)
        if word.lower == "very":
            yield from _very(words, index)


def _replace(index: int, count: int, text: str, kind: str) -> Proposal:
    return Proposal(index, index + count, lists.as_words(text), kind)


def _verb_groups(index: int, first: Word, second: Word) -> Iterator[Proposal]:
    """An auxiliary, "to", a preposition or a subject with the verb after it."""
    if not second.lower.isalpha() or not is_verb(second.lower):
        return
    yield from _after_auxiliary(index, first, second)
    yield from _after_preposition(index, first, second)
    if second.tag in ("VBG", "VBZ", "VBD", "VBN") and first.tag[:2] in ("VB", "JJ", "PR", "NN"):
        yield _replace(index + 1, 1, f"to/TO {inflect(second.lower, 'VB')}/VB", "to+verb")
    if first.lower in sets.SUBJECT_PRONOUNS or first.tag[:2] == "NN":
        for be in ("am/VBP", "is/VBZ", "are/VBP", "was/VBD", "were/VBD"):
            yield _replace(index + 1, 1, f"{be} {inflect(second.lower, 'VBG')}/VBG", "continuous")
        for have in ("have/VBP", "has/VBZ"):
            participle = "been" if second.lower in sets.BE else inflect(second.lower, "VBN")
            yield _replace(index + 1, 1, f"{have} {participle}/VBN", "perfect")


def _after_auxiliary(index: int, first: Word, second: Word) -> Iterator[Proposal]:
    """am agree → agree, am play → played, can went → go, has went → have gone."""
    forms = dict.fromkeys((inflect(second.lower, tag), tag) for tag in VERB_FORMS)
    if first.lower in sets.BE:
        yield Proposal(index, index + 2, (_plain(second),), "be+verb")
        for form, tag in forms:
            yield Proposal(index, index + 2, (Word(form, tag),), "be+verb")
    if first.lower in sets.HAVE | sets.MODALS | sets.DO:
        for form, tag in forms:
            yield Proposal(index, index + 2, (Word(form, tag),), "auxiliary+verb")
    if first.lower in sets.HAVE:
        for auxiliary in ("have/VBP", "has/VBZ", "had/VBD"):
            yield _replace(index, 2, f"{auxiliary} {inflect(second.lower, 'VBN')}/VBN", "perfect")


def _after_preposition(index: int, first: Word, second: Word) -> Iterator[Proposal]:
    """interested to learn → in learning, for buy → to buy."""
    gerund, base = inflect(second.lower, "VBG"), inflect(second.lower, "VB")
    if first.lower == "to":
        yield _replace(index, 2, f"{gerund}/VBG", "to+verb")
        for preposition in ("in", "of", "for", "about", "to", "at"):
            yield _replace(index, 2, f"{preposition}/IN {gerund}/VBG", "to+verb")
    if first.lower in ("for", "of", "in", "at", "about"):
        yield _replace(index, 2, f"to/TO {base}/VB", "to+verb")
        yield _replace(index, 2, f"{first.lower}/IN {gerund}/VBG", "to+verb")


def _degrees(index: int, first: Word, second: Word) -> Iterator[Proposal]:
    """more tall → taller, commoner → more common, the most tall → the tallest."""
    forms = {tag: form for form, tag in list_forms(second.lower, "ADJ")} | {
        tag: form for form, tag in list_forms(second.lower, "ADV") if tag != "RB"
    }
    if first.lower in ("more", "most", "very", "so", "much"):
        degree_tags = ("JJR", "RBR") if first.lower in ("more", "very", "so", "much") else ("JJS", "RBS")
        for tag in (*degree_tags, "JJ"):
            if tag in forms and first.lower in ("more", "most"):
                yield _replace(index, 2, f"{forms[tag]}/{tag}", "degree")
        if second.tag in ("JJR", "RBR", "JJS") and first.lower in ("more", "most"):
            yield Proposal(index, index + 2, (_plain(second),), "degree")
    for degree, tag in (("more", "JJR"), ("most", "JJS")):
        if second.tag in ("JJ", "RB") and first.lower not in ("more", "most"):
            yield Proposal(index + 1, index + 2, lists.as_words(f"{degree}/RBR {second.lower}/JJ"), "degree")
        if second.tag == tag and "JJ" in forms:
            yield Proposal(index + 1, index + 2, lists.as_words(f"{degree}/RBR {forms['JJ']}/JJ"), "degree")


def _possessives(index: int, first: Word, second: Word) -> Iterator[Proposal]:
    """my father car → my father's car, my friend's → my friends."""
    if first.tag[:2] == "NN" and second.tag[:2] in ("NN", "JJ") and first.lower.isalpha():
        yield Proposal(index, index + 1, (Word(f"{first.text}'s", "NN$"),), "possessive")
    if first.tag == "NNS" and first.lower.endswith("s") and second.tag[:2] in ("NN", "JJ"):
        yield Proposal(index, index + 1, (Word(f"{first.text}'", "NN$"),), "possessive")
    if first.lower.endswith("'s") and first.lower[:-2].isalpha() and first.lower[:-2] not in sets.SUBJECT_PRONOUNS:
        yield Proposal(index, index + 1, (Word(first.text[:-2], "NN"),), "possessive")


def _orders(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """Two neighbours change places; an adverb or an object moves over two words."""
    first, second = words[index : index + 2]
    if not second.before:
        yield Proposal(index, index + 2, (_plain(second, first), _plain(first, second)), "order")
    if index + 2 < len(words) and not second.after and words[index + 2].text:
        third = words[index + 2]
        if first.tag[:2] in ("RB", "VB", "MD") or third.tag[:2] in ("RB", "VB", "MD"):
            yield Proposal(index, index + 3, (_plain(second), _plain(third), _plain(first)), "order")
            yield Proposal(index, index + 3, (_plain(third), _plain(first), _plain(second)), "order")


def _move(words: Sequence[Word], index: int, count: int) -> Iterator[Proposal]:
    """I play often tennis → I often play tennis. We last year went home → We went home last year."""
    movers = tuple(_plain(each) for each in words[index : index + count])
    if any(each.after for each in words[index : index + count - 1]):
        return
    for place in range(max(0, index - MAX_MOVE), index - 1):
        if not any(each.after for each in words[place:index]):
            between = tuple(_plain(each) for each in words[place:index])
            yield Proposal(place, index + count, (*movers, *between), "order")
    end = len(words)
    for place in {*range(index + count + 2, min(end, index + count + MAX_MOVE) + 1), end}:
        stretch = words[index:place]
        if place > index + count + 1 and not any(each.after for each in stretch[:-1]):
            yield Proposal(index, place, (*(_plain(each) for each in words[index + count : place]), *movers), "order")


def _plain(word: Word, *_: Word) -> Word:
    """The word without marks; apply() puts those of the whole stretch around it."""
    return Word(word.text, word.tag)


def _quantities(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    word = words[index]
    if word.lower not in ("many", "much", "few", "little") or index + 1 >= len(words):
        return
    noun = words[index + 1]
    yield _replace(index, 1, "a/DT lot/NN of/IN", "lot")
    for form, tag in list_forms(noun.lower, "NOUN"):
        if form != noun.lower:
            yield _replace(index, 2, f"{word.lower}/JJ {form}/{tag}", "lot")
            other = {"many": "much", "much": "many", "few": "little", "little": "few"}[word.lower]
            yield _replace(index, 2, f"{other}/JJ {form}/{tag}", "lot")


def _negations(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """don't likes → doesn't like, not like → don't like, no have → don't have, cannot to go → cannot go."""
    word = words[index]
    following = words[index + 1] if index + 1 < len(words) and not word.after else None
    if following is None or not is_verb(following.lower):
        return
    base = inflect(following.lower, "VB") or following.lower
    if word.lower in sets.NEGATED_DO:
        for negation, tag in (("don't", "VBP"), ("doesn't", "VBZ"), ("didn't", "VBD")):
            yield _replace(index, 2, f"{negation}/{tag} {base}/VB", "do+verb")
    if word.lower in sets.DO and words[index + 1].lower != "not":
        for auxiliary, tag in (("do", "VBP"), ("does", "VBZ"), ("did", "VBD")):
            yield _replace(index, 2, f"{auxiliary}/{tag} {base}/VB", "do+verb")
    if word.lower in ("not", "no"):
        for negation, tag in (("don't", "VBP"), ("doesn't", "VBZ"), ("didn't", "VBD")):
            yield _replace(index, 2, f"{negation}/{tag} {base}/VB", "not+verb")
            if index and words[index - 1].lower in sets.BE | sets.DO:
                yield Proposal(index - 1, index + 2, lists.as_words(f"{negation}/{tag} {base}/VB"), "not+verb")


def _questions(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """Where you go? → Where do you go? Why he is sad? → Why is he sad? Does she likes → Does she like."""
    word = words[index]
    if word.lower in sets.DO | {"don't", "doesn't", "didn't"} | sets.MODALS and index + 2 < len(words):
        for place in range(index + 2, min(index + 4, len(words))):
            verb = words[place]
            base = inflect(verb.lower, "VB") if is_verb(verb.lower) else ""
            if not base or verb.lower in ("to",):
                continue
            between = tuple(_plain(each) for each in words[index + 1 : place])
            names = (
                (("do", "VBP"), ("does", "VBZ"), ("did", "VBD")) if word.lower in sets.DO else ((word.lower, word.tag),)
            )
            for auxiliary, tag in names:
                yield Proposal(index, place + 1, (Word(auxiliary, tag), *between, Word(base, "VB")), "question")
    if word.lower in sets.QUESTION_WORDS or index == 0:
        start = index + 1 if word.lower in sets.QUESTION_WORDS else 0
        for place in range(start + 1, min(start + 4, len(words))):
            yield from _question_of(words, start, place)


def _question_of(words: Sequence[Word], start: int, place: int) -> Iterator[Proposal]:
    """The subject is words `start` to `place`, the verb is at `place`."""
    subject, verb = tuple(_plain(each) for each in words[start:place]), words[place]
    if subject and subject[0].text != "I" and start == 0:
        subject = (Word(subject[0].lower if not subject[0].is_name else subject[0].text, subject[0].tag), *subject[1:])
    if verb.lower in sets.BE | sets.MODALS | sets.HAVE:
        yield Proposal(start, place + 1, (_plain(verb), *subject), "question")
        return
    if words[start].lower in sets.BE and is_verb(verb.lower) and place > start + 1:  # Are you like tea?
        for auxiliary, tag in (("do", "VBP"), ("does", "VBZ"), ("did", "VBD")):
            after = (
                Word(auxiliary, tag),
                *(_plain(each) for each in words[start + 1 : place]),
                Word(inflect(verb.lower, "VB"), "VB"),
            )
            yield Proposal(start, place + 1, after, "question")
    if is_verb(verb.lower) and words[place - 1].tag[:2] in ("PR", "NN"):
        base = inflect(verb.lower, "VB")
        for auxiliary, tag in (("do", "VBP"), ("does", "VBZ"), ("did", "VBD")):
            yield Proposal(start, place + 1, (Word(auxiliary, tag), *subject, Word(base, "VB")), "question")


def _very(words: Sequence[Word], index: int) -> Iterator[Proposal]:
    """very like it → really like it, like it very much."""
    if index + 1 < len(words) and words[index + 1].tag[:2] == "VB":
        yield _replace(index, 1, "really/RB", "very")
        rest = tuple(_plain(each) for each in words[index + 1 :])
        if len(rest) <= 6 and not any(each.after for each in words[index:-1]):
            yield Proposal(index, len(words), (*rest, Word("very", "RB"), Word("much", "RB")), "very")
