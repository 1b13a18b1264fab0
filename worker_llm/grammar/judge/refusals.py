"""Edits that are refused whatever their score: they change what is said, or a way of speaking, not a mistake."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.judge.rules.sentence import FINITE_TAGS
from worker_llm.grammar.proposals.inflections import inflect
from worker_llm.grammar.sentence import Proposal, Word

OPENINGS = frozenset({"so", "but", "and", "well", "then", "also", "oh", "yes", "no", "okay", "ok"})
NEGATIONS = frozenset({"not", "no", "never", "nothing", "nobody", "none", "neither", "nor", "hardly", "without"})
PERSONS = (
    frozenset({"i", "me", "my", "mine", "myself"}),
    frozenset({"you", "your", "yours", "yourself"}),
    frozenset({"he", "him", "his", "himself", "she", "her", "hers", "herself"}),
    frozenset({"we", "us", "our", "ours", "ourselves"}),
    frozenset({"they", "them", "their", "theirs", "themselves"}),
)
REGIONAL = (  # forms that are right somewhere
    frozenset({"got", "gotten"}),
    frozenset({"learned", "learnt"}),
    frozenset({"burned", "burnt"}),
    frozenset({"dreamed", "dreamt"}),
    frozenset({"spelled", "spelt"}),
    frozenset({"smelled", "smelt"}),
    frozenset({"spilled", "spilt"}),
    frozenset({"leaned", "leant"}),
    frozenset({"leaped", "leapt"}),
    frozenset({"kneeled", "knelt"}),
    frozenset({"proved", "proven"}),
    frozenset({"dived", "dove"}),
    frozenset({"maths", "math"}),
    frozenset({"toward", "towards"}),
    frozenset({"will", "shall"}),
    frozenset({"persons", "people"}),
    frozenset({"further", "farther"}),
    frozenset({"elder", "older"}),
    frozenset({"eldest", "oldest"}),
    frozenset({"lit", "lighted"}),
    frozenset({"woke", "waked"}),
    frozenset({"fish", "fishes"}),
)


def is_refused(words: Sequence[Word], proposal: Proposal, after: Sequence[Word], frozen: Collection[int]) -> bool:
    """Whether the edit that makes `after` of `words` may not be made; `frozen`: words that must stay as they are."""
    old = [word.lower for word in words[proposal.start : proposal.end]]
    new = [word.lower for word in proposal.after]
    return (
        any(index in frozen for index in range(proposal.start, proposal.end))
        or _touches_opening(words, proposal, old, new)
        or _moves_opening_time(words, proposal)
        or _loses_negation(words, proposal, old, new)
        or _changes_person(words, proposal, old, new)
        or any({*old} != {*new} and ({*old} ^ {*new}) <= pair for pair in REGIONAL)
        or _adds_finite_verb(words, after)
        or _loses_finite_verb(words, proposal, after)
        or _doubles_degree(after)
        or (_ends_badly(after) and not _ends_badly(words))
        or _is_repeated(words, after)
        or _parts_stutter(words, proposal)
        or _spoils_subject(words, proposal)
        or _changes_name(words, proposal)
    )


def _touches_opening(words: Sequence[Word], proposal: Proposal, old: list[str], new: list[str]) -> bool:
    """A leading so, but or and is a way of speaking."""
    removed = [word for word in old if word not in new]
    return proposal.start == 0 and bool(OPENINGS & {*removed}) and words[0].lower in OPENINGS


def _moves_opening_time(words: Sequence[Word], proposal: Proposal) -> bool:
    """A sentence may begin with the time, or the place, as it may end with it."""
    is_moved = proposal.kind == "order" and proposal.start == 0 and len(proposal.after) == proposal.end
    return is_moved and words[0].tag in ("NN", "RB", "JJ", "DT", "IN") and proposal.after[0].lower != words[0].lower


def _loses_negation(words: Sequence[Word], proposal: Proposal, old: list[str], new: list[str]) -> bool:
    """The edit would turn a no into a yes, or the other way round."""
    if any(_is_negative(word.lower) for word in (*words[: proposal.start], *words[proposal.end :])):
        return False  # two may stand for one: I can't hardly see
    replaced_double = {*old} & {"nothing", "nobody", "no", "never", "nowhere"} and {*new} & {
        "anything",
        "anybody",
        "any",
        "ever",
        "anywhere",
        "anyone",
    }
    return any(map(_is_negative, old)) != any(map(_is_negative, new)) and not replaced_double


def _is_negative(word: str) -> bool:
    return word in NEGATIONS or word.endswith("n't") or word == "cannot"


def _changes_person(words: Sequence[Word], proposal: Proposal, old: list[str], new: list[str]) -> bool:
    """I for you, my for his: only the learner knows who was meant. I, you and we are added only where they stand."""

    def persons(group: Collection[str]) -> set[int]:
        pronouns = {word.partition("'")[0] for word in group}  # of I'm
        return {index for index, forms in enumerate(PERSONS) if forms & pronouns}

    before, after = persons(old), persons(new)
    if before and after:
        return before != after
    if after <= {2, 4}:  # he, she and they stand for somebody who was named
        return False
    others = persons([word.lower for index, word in enumerate(words) if not proposal.start <= index < proposal.end])
    return not after - before <= others


def _adds_finite_verb(words: Sequence[Word], after: Sequence[Word]) -> bool:
    """Two finite verbs side by side where there were none: is goes, has play, was went."""

    def pairs(sentence: Sequence[Word]) -> int:
        return sum(
            first.lower in sets.BE | sets.HAVE | {"does", "did", "do"}
            and second.tag in FINITE_TAGS | {"VB"}
            and second.lower not in sets.BE
            and not first.after
            and (first.lower in sets.BE or second.tag in ("VBZ", "VBD"))
            and not (second.tag == "VBD" and inflect(second.lower, "VBN") == second.lower)
            for first, second in pairwise(sentence)
        )

    return pairs(after) > pairs(words)


def _loses_finite_verb(words: Sequence[Word], proposal: Proposal, after: Sequence[Word]) -> bool:
    """My brother play football → My brother playing football: half a correction, and no whole sentence."""
    new = proposal.after[0] if len(proposal.after) == 1 else None
    if new is None or new.tag not in ("VBG", "VBN") or inflect(new.lower, "VB") == new.lower:
        return False
    has_helper = any(word.lower in sets.BE | sets.HAVE or "'" in word.text for word in after)
    return not has_helper and any(map(_is_finite, words)) and not any(map(_is_finite, after))


def _is_finite(word: Word) -> bool:
    return word.tag in FINITE_TAGS


def _doubles_degree(after: Sequence[Word]) -> bool:
    return any(
        first.lower in ("more", "most")
        and second.tag in ("JJR", "JJS", "RBR", "RBS")
        and second.lower not in ("more", "less")
        for first, second in pairwise(after)
    )


def _ends_badly(after: Sequence[Word]) -> bool:
    """A sentence that ends in an article, or is nothing."""
    return not after or after[-1].lower in sets.ARTICLES | {"my", "your", "our", "their", "very", "and"}


def _is_repeated(words: Sequence[Word], after: Sequence[Word]) -> bool:
    """The same word twice in a row where it was not."""

    def doubles(sentence: Sequence[Word]) -> int:
        return sum(a.lower == b.lower and a.lower not in ("had", "that") for a, b in pairwise(sentence))

    return doubles(after) > doubles(words)


def _parts_stutter(words: Sequence[Word], proposal: Proposal) -> bool:
    """A word between two equal ones, as in was was: the speaker hesitated, and nothing is missing there."""
    start, end = proposal.start, proposal.end
    return 0 < start == end < len(words) and words[start - 1].lower == words[end].lower and not words[start - 1].after


def _spoils_subject(words: Sequence[Word], proposal: Proposal) -> bool:
    """Me for I right before a verb: me don't know."""
    if proposal.kind != "pronoun" or proposal.end >= len(words):
        return False
    old, new, following = words[proposal.start], proposal.after[0], words[proposal.end]
    is_before_verb = following.tag in FINITE_TAGS and not old.after
    is_of_subject = new.lower in sets.SUBJECT_PRONOUNS or new.tag == "PRP$"  # their house
    return is_before_verb and old.lower in sets.SUBJECT_PRONOUNS and not is_of_subject


def _changes_name(words: Sequence[Word], proposal: Proposal) -> bool:
    """A name inside a sentence is left alone, unless it only moves or gets an 's."""
    names = [
        word.text
        for index, word in enumerate(words)
        if word.is_name
        and word.text != "I"
        and word.text[:1].isupper()
        and index
        and proposal.start <= index < proposal.end
    ]
    new = {word.text.removesuffix("'s") for word in proposal.after}
    return proposal.kind != "family" and any(name.removesuffix("'s") not in new for name in names)
