"""How two sentences differ, word by word; which differences are believed to be corrections; how those are explained.

A difference is believed when it changes the form, the order or the small words of what was said, and nothing
else: every content word on either side has a relative on the other.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from pipeline.jobs.results import Edit

CLOSE = 0.5  # share of the content words that both sentences must have in common, seen from either
EXPLAINED = 3  # edits that are explained
EDIT_WORDS = 6  # words an edit may have and still be explained

CJK = "\u3400-\u9fff"
WORD = re.compile(rf"[{CJK}][^\w\s]*|[^{CJK}\s]+")
QUOTES = str.maketrans("“”„‟«»「」『』＂’‘", '"""""""""""' + "''")
SHORT_FORMS = {"won't": "will not", "can't": "can not", "n't": " not", "'m": " am", "'re": " are"}
SHORT_FORMS |= {"'ve": " have", "'ll": " will", "'d": " would", "'s": " is"}

# Words that a correction may add, change or leave out.
FREE_WORDS = """
a an the be am is are was were been being do does did done doing have has had having will would to of in on at
by for from with about into onto than that which who it there this these those and but or so as if because too
then much many more most some any 了 过 着 的 地 得 吗 呢 把 被 在 是 很 有 也 都 就 到
"""
# Words that a correction may exchange though they begin differently.
KIN = """
i me my mine myself, you your yours, he she him his her hers, we us our ours, they them their theirs, go
went gone, see saw seen, eat ate eaten, get got, buy bought, bring brought, catch caught, teach taught,
think thought, take took, give gave, make made, tell told, sell sold, say said, pay paid, sit sat, win won,
run ran, hold held, fly flew, know knew, grow grew, draw drew, drive drove, write wrote, ride rode, speak
spoke, break broke, wake woke, come came, begin began, swim swam, sing sang, drink drank, find found, feel
felt, fall fell, leave left, lose lost, stand stood, feed fed, wear wore worn, keep kept, sleep slept, meet
met, man men, good well better best, bad worse worst, woman women, foot feet, tooth teeth, mouse mice,
person people, can could, no not any
"""
FREE = frozenset(FREE_WORDS.split())
FAMILIES = tuple(frozenset(family.split()) for family in KIN.split(","))


@dataclass(frozen=True)
class Piece:
    """Words heard and the model's in their place; `at` is where the heard ones stand."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    at: tuple[int, int]

    @property
    def unchanged(self) -> bool:
        """The same words, give or take case, punctuation and short forms such as "I'm"."""
        return _full(self.before) == _full(self.after)

    @property
    def same_words(self) -> bool:
        """The same words, give or take case and punctuation only."""
        return _keys(self.before) == _keys(self.after)

    @property
    def edit(self) -> Edit:
        return Edit(_plain(self.before), _plain(self.after), self.at)


def compare(heard: str, better: str) -> list[Piece]:
    """Both sentences, piece by piece."""
    before, after = _words(heard), _words(better)
    spans = SequenceMatcher(None, _keys(before), _keys(after), autojunk=False).get_opcodes()
    return [Piece(tuple(before[a:b]), tuple(after[c:d]), (a, b)) for _, a, b, c, d in spans]


def believed(changes: list[Piece]) -> list[Piece]:
    """All changes where words at most move between them; else those that are corrections by themselves."""
    everything = Piece(
        tuple(word for piece in changes for word in piece.before),
        tuple(word for piece in changes for word in piece.after),
        (0, 0),
    )
    return changes if _is_correction(everything) else [piece for piece in changes if _is_correction(piece)]


def close(heard: str, sentence: str) -> bool:
    """Whether both sentences are about the same thing."""
    before, after = (_content(_words(text)) or _full(_words(text)) for text in (heard, sentence))
    return bool(before and after) and min(_shared(before, after), _shared(after, before)) >= CLOSE


def rewritten(pieces: Iterable[Piece], accepted: Collection[Piece]) -> str:
    """What was heard with the accepted changes, written as a sentence."""
    chosen = [piece.after if piece.same_words or piece in accepted else piece.before for piece in pieces]
    text = " ".join(word for words in chosen for word in words)
    text = re.sub(rf"(?<=[{CJK}，。！？；：、]) (?=[{CJK}])", "", text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "。", "！", "？")) else ".")


def explanation(edits: Iterable[Edit], heard: str) -> str:
    """One short sentence for each of the first EXPLAINED edits that are not long."""
    short = [edit for edit in edits if max(len(edit.before.split()), len(edit.after.split())) <= EDIT_WORDS]
    words = _words(heard)
    return " ".join(_explained(edit, words) for edit in short[:EXPLAINED])


def _explained(edit: Edit, words: list[str]) -> str:
    if not edit.after:
        return f'Leave out "{edit.before}".'
    if edit.before:
        return f'Say "{edit.after}" instead of "{edit.before}".'
    place = f'before "{_plain([words[edit.at[1]]])}"' if edit.at[1] < len(words) else "at the end"
    return f'Add "{edit.after}" {place}.'


def _is_correction(piece: Piece) -> bool:
    before, after = _content(piece.before), _content(piece.after)
    return _shared(before, after) == 1 and _shared(after, before) == 1


def _content(words: Iterable[str]) -> list[str]:
    return [word for word in _full(words) if word not in FREE]


def _shared(words: list[str], others: list[str]) -> float:
    """The share, in [0, 1], of the words that have a relative among the others; 1 of no words."""
    related = [any(_related(word, other) for other in others) for word in words]
    return sum(related) / len(related) if related else 1


def _related(word: str, other: str) -> bool:
    """Forms of one word, as far as can be told: the same, in one family, or with the same beginning."""
    if word == other or any({word, other} <= family for family in FAMILIES):
        return True
    short = min(len(word), len(other))
    stem = max(min(short, 3), short * 3 // 5)
    return stem > 1 and word[:stem] == other[:stem] and abs(len(word) - len(other)) <= 4


def _words(text: str) -> list[str]:
    """Split at spaces; Chinese by character. Punctuation stays with its word."""
    return WORD.findall(text)


def _plain(words: Iterable[str]) -> str:
    return " ".join(filter(None, (re.sub(r"^[\W_]+|[\W_]+$", "", word) for word in words)))


def _key(word: str) -> str:
    return _plain([word.translate(QUOTES)]).lower()


def _keys(words: Iterable[str]) -> list[str]:
    return [_key(word) for word in words]


def _full(words: Iterable[str]) -> list[str]:
    """The words in lower case, short forms written out."""
    text = " ".join(_keys(words))
    for short, full in SHORT_FORMS.items():
        text = re.sub(rf"{short}\b", full, text)
    return text.split()
