"""Names and texts as the pieces that a search does not split, whatever case, width, accents or signs they come with."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

FEW = 4  # parts of a name that may stand in any order
LETTERS = str.maketrans("đøł", "dol")  # which Unicode does not take apart


@dataclass(frozen=True)
class Atom:
    """Letters, or digits, or one "wide" character: Han, kana or Hangul, which are written without spaces.

    `plain` is `text` without accents, which names of files often lose. `apart`: a space or a sign stands before it.
    """

    kind: str
    text: str
    plain: str
    apart: bool


def atoms(text: str) -> list[Atom]:
    """The atoms of a text; letters are split where camelCase has them split."""
    found: list[Atom] = []
    run, kind, apart = "", "", True
    for letter in [*unicodedata.normalize("NFKC", text), " "]:
        now = kind_of(letter, kind)
        if run and (now != kind or splits(run[-1], letter)):
            found.append(Atom(kind, folded(run), plain(run), apart))
            run, apart = "", False
        if now:
            run += letter
        else:
            apart = True
        kind = now
    return found


def kind_of(letter: str, before: str) -> str:
    if unicodedata.category(letter).startswith("M"):
        return before  # an accent goes with what it stands on
    if letter.isdigit():
        return "digits"
    if not letter.isalpha():
        return ""
    return "wide" if unicodedata.east_asian_width(letter) in "WF" else "letters"


def splits(before: str, letter: str) -> bool:
    camel = before.islower() and letter.isupper()
    return camel or (unicodedata.east_asian_width(letter) in "WF" and letter.isalpha())


def folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text.casefold())


def plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", folded(text))
    bare = "".join(each for each in apart if unicodedata.category(each) != "Mn")
    return unicodedata.normalize("NFKC", bare).translate(LETTERS)


def torn(text: Sequence[Atom], at: int, inner: Atom) -> bool:
    """Whether `inner`, on one side of the place before atom `at`, are digits of a longer word: the 12 of hw12."""
    if not 0 < at < len(text) or text[at].apart:
        return False
    return inner.kind == "digits" and "wide" not in (text[at - 1].kind, text[at].kind)


def orders(name: Sequence[Atom]) -> Iterator[list[Atom]]:
    """The name as it is written, then its parts in every order; when it has many, with the last or first one moved."""
    of = parts(name)
    moved = (tuple(of), (*of[-1:], *of[:-1]), (*of[1:], *of[:1]))
    for way in permutations(of) if len(of) <= FEW else moved:
        yield [atom for part in way for atom in part]


def parts(name: Sequence[Atom]) -> list[list[Atom]]:
    """Such as Wang and Xiaoming; what is written in two scripts has two."""
    found: list[list[Atom]] = []
    for atom in name:
        if not found or atom.apart or (atom.kind == "wide") is not (found[-1][-1].kind == "wide"):
            found.append([])
        found[-1].append(atom)
    return found
