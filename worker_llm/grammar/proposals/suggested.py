"""Edits on the way to the sentence that a larger language model wrote in place of the learner's.

A model puts right what no rule knows, and rewrites what was right. So of its sentence the small corrections alone are
proposed, and the judge gives more weight to whatever else was proposed and leads to that sentence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from pipeline.text.corrections import DiffSpan, expand_contractions, is_about_same, select_corrections
from pipeline.text.sentences import is_last_word
from worker_llm.grammar import word_sets as sets
from worker_llm.grammar.explanations.kinds import edit_distance, similarity
from worker_llm.grammar.proposals.inflections import is_known
from worker_llm.grammar.sentence import Proposal, Word, join_words, split_words

MAX_EDIT_WORDS = 6  # on either side of an edit
SIMILAR = 0.65  # at least, of a misspelt word to the right one: the share of letters that stay
CLASSES = {  # of words by their tag, as the kinds of proposals name them
    "IN": "preposition",
    "TO": "preposition",
    "MD": "auxiliary",
    "PRP": "pronoun",
    "PRP$": "possessive",
    "CC": "conjunction",
    "DT": "article",
}
CLASSES_OF_FORMS = {"VB": "verb", "NN": "noun", "JJ": "adjective", "RB": "adverb"}  # by the tag's first two letters

Opcode = tuple[str, int, int, int, int]  # of difflib
Change = tuple[int, int, int, int]  # words from first to last exclusive, and those of the suggestion in their place


def propose_suggested(words: Sequence[Word], suggested: Sequence[Word]) -> Iterator[Proposal]:
    """The small corrections between a sentence and the suggested one: single ones, and such that belong together."""
    changes = _find_changes(words, suggested) if suggested else []
    for first, (start, _, new_start, _) in enumerate(changes):
        for _, end, _, new_end in changes[first:]:
            if max(end - start, new_end - new_start) <= MAX_EDIT_WORDS:
                yield from _propose_change(words, suggested, (start, end, new_start, new_end))


def find_way(words: Sequence[Word], suggested: Sequence[Word]) -> Callable[[Sequence[Word]], bool]:
    """What tells of another sentence whether it lies on the way: each word that it changes is to be changed.

    Without a suggestion none does.
    """
    start, goal = _expand(words), _expand(suggested)
    distance, known_words = edit_distance(start, goal), {*start, *goal}

    def is_on_the_way(after: Sequence[Word]) -> bool:
        middle = _expand(after) if goal else start
        if middle == start or not known_words.issuperset(middle):
            return False
        return edit_distance(start, middle) + edit_distance(middle, goal) == distance

    return is_on_the_way


def divide_suggestion(sentences: Sequence[str], suggestion: str) -> list[str]:
    """For each sentence the part of a suggested text that stands in its place; "" where none is about the same.

    The suggestion may leave out the first sentences.
    """
    if not suggestion:
        return [""] * len(sentences)
    words, others = " ".join(sentences).split(), suggestion.split()
    opcodes = _align_from_the_end(words, others)
    parts: list[str] = []
    start = place = 0
    for sentence in sentences:
        start += len(sentence.split())
        next_place = len(others) if start == len(words) else _find_border(opcodes, others, start)
        part = " ".join(others[place:next_place])
        parts.append(part if is_about_same(sentence, part) else "")
        place = next_place
    return parts


def _align_from_the_end(words: Sequence[str], others: Sequence[str]) -> list[Opcode]:
    """difflib's opcodes. Of several words that are the same, those nearest to the end belong together."""
    one, other = ([_bare(word) for word in reversed(each)] for each in (words, others))
    count, new_count = len(words), len(others)
    opcodes = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return [
        (tag, count - end, count - start, new_count - new_end, new_count - new_start)
        for tag, start, end, new_start, new_end in reversed(opcodes)
    ]


def _find_border(opcodes: Sequence[Opcode], others: Sequence[str], border: int) -> int:
    """Where the other text goes on with what begins at word `border` of the first one.

    What was added there belongs before the border as far as it ends a sentence.
    """
    touching = [each for each in opcodes if each[1] <= border <= each[2]]
    tag, start, end, new_start, new_end = next((each for each in touching if each[0] == "insert"), touching[0])
    if tag == "equal":
        return new_start + border - start
    if tag != "insert" and border == end:
        return new_end
    return max((place + 1 for place in range(new_start, new_end) if is_last_word(others[place])), default=new_start)


def _find_changes(words: Sequence[Word], suggested: Sequence[Word]) -> list[Change]:
    old, new = ([word.lower for word in each] for each in (words, suggested))
    opcodes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [(start, end, new_start, new_end) for tag, start, end, new_start, new_end in opcodes if tag != "equal"]


def _propose_change(words: Sequence[Word], suggested: Sequence[Word], change: Change) -> Iterator[Proposal]:
    """As a whole, and where the number of words stays the same also word by word."""
    start, end, new_start, new_end = change
    changes = [change]
    if end - start == new_end - new_start > 1:
        changes += [(start + i, start + i + 1, new_start + i, new_start + i + 1) for i in range(end - start)]
    for start, end, new_start, new_end in changes:
        old = words[start:end]
        new = tuple(_write_inside(suggested[place]) for place in range(new_start, new_end))
        if _is_small_correction(old, new):
            yield Proposal(start, end, new, _name_kind(old, new))


def _is_small_correction(old: Sequence[Word], new: Sequence[Word]) -> bool:
    span = DiffSpan(tuple(word.text for word in old), tuple(word.text for word in new), (0, len(old)))
    return not span.is_unchanged and (bool(select_corrections([span])) or _is_spelling(old, new))


def _is_spelling(old: Sequence[Word], new: Sequence[Word]) -> bool:
    """Whether a word that does not exist becomes a similar one that does."""
    if len(old) != 1 or len(new) != 1 or is_known(old[0].lower) or not is_known(new[0].lower):
        return False
    return similarity(old[0].lower, new[0].lower) >= SIMILAR


def _write_inside(word: Word) -> Word:
    """Without its marks, and without a capital that only the first word of a sentence has."""
    is_capital = word.text == word.text.capitalize() and not word.is_name and word.text.split("'")[0] != "I"
    return replace(word, text=word.lower if is_capital else word.text, before="", after="")


def _name_kind(old: Sequence[Word], new: Sequence[Word]) -> str:
    """The kind that rules give to such an edit; "model" for one of several classes of words."""
    if sorted(word.lower for word in old) == sorted(word.lower for word in new):
        return "order"
    classes = {_find_class(word) for word in (*old, *new)}
    if len(classes) > 1:
        return "model"
    (name,) = classes
    if not old and name == "article":
        return f"+{new[0].lower}"
    return name if old and new else f"{'-' if old else '+'}{name}"


def _find_class(word: Word) -> str:
    if word.lower in sets.BE:
        return "be"
    if word.lower in sets.HAVE | sets.DO:
        return "auxiliary"
    return CLASSES.get(word.tag) or CLASSES_OF_FORMS.get(word.tag[:2], "model")


def _expand(words: Sequence[Word]) -> list[str]:
    return expand_contractions([word.text for word in words])


def _bare(word: str) -> str:
    return join_words([replace(each, before="", after="") for each in split_words(word)]).lower()
