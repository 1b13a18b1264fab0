"""How a corrected sentence differs from the original, word by word; which differences count as corrections.

A difference counts when it changes the form, the order or the small words of what was said, and nothing else: every
content word on either side has a relative on the other. Accepted differences are explained, and quoted with the
sentence around them.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from pipeline.jobs.results import Edit, Feedback
from pipeline.text.sentences import has_end_mark, is_last_word

MIN_COMMON_SHARE = 0.5  # of the content words, seen from either sentence, if both are about the same thing
MAX_EXPLAINED_EDITS = 3
MAX_EXPLAINED_WORDS = 6  # of an edit that is explained
MAX_CONTEXT_WORDS = 12  # of a long sentence that are quoted on each side of an edit

CJK = "\u3400-\u9fff"
WORD = re.compile(rf"[{CJK}][^\w\s]*|[^{CJK}\s]+")  # a Chinese character or what stands between spaces, and punctuation
CLOSING_MARKS = re.compile(r"[.!?。！？,;:，；：]+$")
STRAIGHT_QUOTES = str.maketrans("“”„‟«»「」『』＂’‘", '"""""""""""' + "''")
CONTRACTIONS = {"won't": "will not", "can't": "can not", "n't": " not", "'m": " am", "'re": " are"}
CONTRACTIONS |= {"'ve": " have", "'ll": " will", "'d": " would", "'s": " is"}

# Words that a correction may add, change or leave out.
FUNCTION_WORD_LIST = """
a an the be am is are was were been being do does did done doing have has had having will would to of in on at
by for from with about into onto than that which who it there this these those and but or so as if because too
then much many more most some any 了 过 着 的 地 得 吗 呢 把 被 在 是 很 有 也 都 就 到
"""
# Words that a correction may exchange though they begin differently.
WORD_FAMILY_LIST = """
i me my mine myself, you your yours, he she him his her hers, we us our ours, they them their theirs, go
went gone, see saw seen, eat ate eaten, get got, buy bought, bring brought, catch caught, teach taught,
think thought, take took, give gave, make made, tell told, sell sold, say said, pay paid, sit sat, win won,
run ran, hold held, fly flew, know knew, grow grew, draw drew, drive drove, write wrote, ride rode, speak
spoke, break broke, wake woke, come came, begin began, swim swam, sing sang, drink drank, find found, feel
felt, fall fell, leave left, lose lost, stand stood, feed fed, wear wore worn, keep kept, sleep slept, meet
met, man men, good well better best, bad worse worst, woman women, foot feet, tooth teeth, mouse mice,
person people, can could, no not any
"""
FUNCTION_WORDS = frozenset(FUNCTION_WORD_LIST.split())
WORD_FAMILIES = tuple(frozenset(family.split()) for family in WORD_FAMILY_LIST.split(","))


@dataclass(frozen=True)
class DiffSpan:
    """Words of the original, and those of the corrected sentence in their place; `at`: first word, one after the last.

    The places count the words of the original.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    at: tuple[int, int]

    @property
    def is_unchanged(self) -> bool:
        """The same words, give or take case, punctuation and contractions such as "I'm"."""
        return expand_contractions(self.before) == expand_contractions(self.after)

    @property
    def has_same_words(self) -> bool:
        """The same words, give or take case and punctuation only."""
        return _normalize_all(self.before) == _normalize_all(self.after)

    @property
    def edit(self) -> Edit:
        return Edit(_without_punctuation(self.before), _without_punctuation(self.after), self.at)


def compare(original: str, correction: str) -> list[DiffSpan]:
    """Both sentences, span by span."""
    before, after = _split_words(original), _split_words(correction)
    opcodes = SequenceMatcher(None, _normalize_all(before), _normalize_all(after), autojunk=False).get_opcodes()
    return [DiffSpan(tuple(before[a:b]), tuple(after[c:d]), (a, b)) for _, a, b, c, d in opcodes]


def select_corrections(changes: list[DiffSpan]) -> list[DiffSpan]:
    """All changes where words at most move between them; else those that are corrections by themselves."""
    everything = DiffSpan(
        tuple(word for change in changes for word in change.before),
        tuple(word for change in changes for word in change.after),
        (0, 0),
    )
    return changes if _is_correction(everything) else [change for change in changes if _is_correction(change)]


def is_about_same(original: str, sentence: str) -> bool:
    """Whether both sentences are about the same thing."""
    before, after = (
        _content_words(words) or expand_contractions(words) for words in map(_split_words, (original, sentence))
    )
    common_share = min(_related_share(before, after), _related_share(after, before))
    return bool(before and after) and common_share >= MIN_COMMON_SHARE


def apply_changes(spans: Iterable[DiffSpan], accepted_changes: Collection[DiffSpan]) -> str:
    """The original with the accepted changes, written as a sentence.

    Next to a change that is not accepted, marks and capitals are the original's: those of the correction belong to
    words that do not follow.
    """
    spans = list(spans)
    are_refused = [False, *(not (span.has_same_words or span in accepted_changes) for span in spans), False]
    words: list[str] = []
    for span, after_refused, is_refused, before_refused in zip(
        spans, are_refused, are_refused[1:], are_refused[2:], strict=False
    ):
        if is_refused:
            words += span.before
            continue
        span_words = [*span.after]
        if span.has_same_words and span_words:
            span_words[0] = span.before[0] if after_refused else span_words[0]
            span_words[-1] = span.before[-1] if before_refused else span_words[-1]
        elif before_refused and span_words:
            span_words[-1] = CLOSING_MARKS.sub("", span_words[-1])
        words += span_words
    text = re.sub(rf"(?<=[{CJK}，。！？；：、]) (?=[{CJK}])", "", " ".join(words))
    return text[:1].upper() + text[1:] + ("" if has_end_mark(text) else ".")


def explain(edits: Iterable[Edit], original: str) -> str:
    """One short sentence for each of the first MAX_EXPLAINED_EDITS edits that are not long."""
    short = [edit for edit in edits if max(len(edit.before.split()), len(edit.after.split())) <= MAX_EXPLAINED_WORDS]
    return " ".join(explain_edit(edit, original) for edit in short[:MAX_EXPLAINED_EDITS])


@dataclass(frozen=True)
class Example:
    """A sentence with a mistake, or what stands around the mistake in a long one; `edits` count words of `original`.

    `source`: whose words they are, as in `statistics.Mistake`.
    """

    source: str
    original: str
    corrected: str
    edits: tuple[Edit, ...]


def quote(source: str, feedback: Feedback, edit: Edit) -> Example:
    """The sentence around an edit, with all its edits."""
    words = list(WORD.finditer(feedback.heard))
    start, end = sentence_around([word.group() for word in words], edit.at)
    inside = [each for each in feedback.edits if start <= each.at[0] and each.at[1] <= end]
    edits = tuple(replace(each, at=(each.at[0] - start, each.at[1] - start)) for each in inside)
    original = feedback.heard[words[start].start() : words[end - 1].end()] if start < end else ""
    spans = list(_spans_of_edits(_split_words(original), edits))
    return Example(source, original, apply_changes(spans, spans), edits)


def sentence_around(words: list[str], at: tuple[int, int]) -> tuple[int, int]:
    """Where the sentence with the words `at` starts and ends, counted in `words`."""
    if not words:
        return 0, 0
    first = min(at[0], len(words) - 1)
    last = max(first, min(at[1], len(words)) - 1)
    ends = [index + 1 for index, word in enumerate(words) if is_last_word(word)]
    start = max([0, *(end for end in ends if end <= first)])
    end = min([len(words), *(end for end in ends if end > last)])
    return max(start, first - MAX_CONTEXT_WORDS), min(end, last + 1 + MAX_CONTEXT_WORDS)


def _spans_of_edits(words: list[str], edits: Iterable[Edit]) -> Iterator[DiffSpan]:
    """The diff that has just these edits."""

    def keep_words(start: int, end: int) -> DiffSpan:
        return DiffSpan(tuple(words[start:end]), tuple(words[start:end]), (start, end))

    position = 0
    for edit in sorted(edits, key=lambda edit: edit.at):
        start, end = edit.at
        span_before, after = keep_words(position, start), _split_words(edit.after)
        end_mark = CLOSING_MARKS.search(words[-1]) if position < start == len(words) else None
        if end_mark and after:  # it belongs after what is added at the end
            span_before = replace(span_before, after=(*span_before.after[:-1], words[-1][: end_mark.start()]))
            after[-1] += end_mark.group()
        if position < start:
            yield span_before
        yield DiffSpan(tuple(words[start:end]), tuple(after), edit.at)
        position = end
    yield keep_words(position, len(words))


def explain_edit(edit: Edit, original: str) -> str:
    """One short sentence that says what to do; the edit counts words of `original`."""
    words = _split_words(original)
    if not edit.after:
        return f'Leave out "{edit.before}".'
    if edit.before:
        return f'Say "{edit.after}" instead of "{edit.before}".'
    end = edit.at[1]
    place = f'before "{_without_punctuation([words[end]])}"' if end < len(words) else "at the end"
    return f'Add "{edit.after}" {place}.'


def _is_correction(change: DiffSpan) -> bool:
    before, after = _content_words(change.before), _content_words(change.after)
    return _related_share(before, after) == 1 and _related_share(after, before) == 1


def _content_words(words: Iterable[str]) -> list[str]:
    return [word for word in expand_contractions(words) if word not in FUNCTION_WORDS]


def _related_share(words: list[str], other_words: list[str]) -> float:
    """The share, in [0, 1], of the words that have a relative among the others; 1 of no words."""
    has_relative = [any(are_related(word, other) for other in other_words) for word in words]
    return sum(has_relative) / len(has_relative) if has_relative else 1


def are_related(word: str, other: str) -> bool:
    """Forms of one word, as far as can be told: the same, in one family, or with the same beginning."""
    if word == other or any({word, other} <= family for family in WORD_FAMILIES):
        return True
    shorter = min(len(word), len(other))
    stem = max(min(shorter, 3), shorter * 3 // 5)
    return stem > 1 and word[:stem] == other[:stem] and abs(len(word) - len(other)) <= 4


def _split_words(text: str) -> list[str]:
    return WORD.findall(text)


def _without_punctuation(words: Iterable[str]) -> str:
    return " ".join(filter(None, (re.sub(r"^[\W_]+|[\W_]+$", "", word) for word in words)))


def _normalize_all(words: Iterable[str]) -> list[str]:
    """Each in lower case, without the punctuation around it."""
    return [_without_punctuation([word.translate(STRAIGHT_QUOTES)]).lower() for word in words]


def expand_contractions(words: Iterable[str]) -> list[str]:
    """The words in lower case, contractions written out."""
    text = " ".join(_normalize_all(words))
    for short, full in CONTRACTIONS.items():
        text = re.sub(rf"{short}\b", full, text)
    return text.split()
