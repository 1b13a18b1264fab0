"""Names that clients gave, as names of files that every system takes: safe, short, and no two the same."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.handing_in.recording_names import JOINERS as JOINERS
from pipeline.handing_in.recording_names import hidden as hidden
from pipeline.handing_in.recording_names import stem as stem

LONGEST = 80  # characters of a name, so that numbers and an ending make it at most 100
MOST_BYTES = 200  # bytes of it in UTF-8: file systems take 255
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
DEVICES = r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])"  # of Windows, whatever their ending
RESERVED = re.compile(DEVICES + r"\s*(\..*)?", re.IGNORECASE)


def safe(*names: str) -> str:
    """The first of `names` of which something is left without all that a file's name may not have; "answer" if none."""
    return next(filter(None, map(cleaned, names)), "answer")


def cleaned(name: str) -> str:
    shown = "".join(each for each in unicodedata.normalize("NFC", name) if each in JOINERS or not hidden(each))
    short = FORBIDDEN.sub("_", " ".join(shown.split()))[:LONGEST]
    fitting = short.encode()[:MOST_BYTES].decode(errors="ignore")
    trimmed = fitting.strip(" .")  # a dot hides it at the front, and is dropped by Windows at the end
    return f"_{trimmed}" if RESERVED.fullmatch(trimmed) else trimmed


def distinct(wanted: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Each name as it is when nobody else wants it, else with its number; case does not make two names differ."""
    often = Counter(same(name) for name, _ in wanted)
    taken = {name for name, times in often.items() if times == 1}
    again: Counter[str] = Counter()
    for name, number in wanted:
        if often[same(name)] == 1:
            yield name
            continue
        chosen = numbered = f"{name}-{number}"
        while same(chosen) in taken:
            again[numbered] += 1
            chosen = f"{numbered}-{again[numbered] + 1}"
        taken.add(same(chosen))
        yield chosen


def same(name: str) -> str:
    """What two names have in common that some file system takes for one."""
    return unicodedata.normalize("NFC", name.casefold())
