"""Filenames that clients gave: how they are shown, which are recordings, and names that every file system accepts."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.text.characters import is_invisible, remove_invisible

MAX_PATH_CHARS = 300  # of a path as it is shown
UNNAMED = "?"  # shown when nothing is left of a name
DRIVE = re.compile(r"[A-Za-z]:")
# The endings of all formats that `formats.sniff` recognises.
RECORDING_ENDING = re.compile(
    r"\.(wave?|mp[34]|m4[abv]|mov|3g[p2]|aac|og[ga]|opus|web[ma]|mk[va]|flac)\s*$", re.IGNORECASE
)
CLUTTER = {  # files and folders that operating systems create next to others; so is all that begins with a dot
    "__macosx",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "@eadir",
}

MAX_NAME_CHARS = 80  # of a safe name, so that a number and an ending make it at most 100
MAX_NAME_BYTES = 200  # of it in UTF-8: file systems take 255
FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
DEVICES = r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])"  # of Windows, whatever their ending
RESERVED = re.compile(DEVICES + r"\s*(\..*)?", re.IGNORECASE)


def stem(path: str) -> str:
    """The name of the file at `path`, without its folders and without its ending."""
    name = re.split(r"[/\\]", path)[-1]
    return re.sub(r"(?<=.)\.[^.]*$", "", name)


def display_name(name: str) -> str:
    """`name` in NFC, without invisible characters, and with single spaces."""
    characters = unicodedata.normalize("NFC", name)
    return " ".join("".join(each for each in characters if each.isspace() or not is_invisible(each)).split())


def display_path(path: str) -> str:
    """`path` for display: folders and name joined by "/", without `..` and drives. UNNAMED instead of ""."""
    parts = [display_name(part) for part in re.split(r"[/\\]", path)]
    safe_parts = [part for part in parts if part.strip(".") and not DRIVE.fullmatch(part)]
    return "/".join(safe_parts)[-MAX_PATH_CHARS:] or UNNAMED


def is_recording(path: str) -> bool:
    """Whether its ending is that of a recording; its bytes may be anything."""
    return not is_clutter(path) and bool(RECORDING_ENDING.search(path))


def is_clutter(path: str) -> bool:
    """Whether it is a file of an operating system, which is skipped silently."""
    parts = display_path(path).split("/")
    return any(part.startswith((".", "~$")) or part.casefold() in CLUTTER for part in parts)


def safe_name(*candidates: str) -> str:
    """The first of the names of which anything is left once it is sanitized; "answer" if there is none."""
    return next(filter(None, map(sanitize, candidates)), "answer")


def sanitize(name: str) -> str:
    """`name` without anything that some file system refuses in a file's name; may be empty."""
    visible = remove_invisible(unicodedata.normalize("NFC", name))
    short = FORBIDDEN.sub("_", " ".join(visible.split()))[:MAX_NAME_CHARS]
    fitting = short.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    trimmed = fitting.strip(" .")  # a dot hides it at the front, and is dropped by Windows at the end
    return f"_{trimmed}" if RESERVED.fullmatch(trimmed) else trimmed


def make_unique(numbered_names: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Each name as it is when it comes once, else with its number; names that differ only in case are the same."""
    counts = Counter(collision_key(name) for name, _ in numbered_names)
    taken = {key for key, count in counts.items() if count == 1}
    retries: Counter[str] = Counter()
    for name, number in numbered_names:
        if counts[collision_key(name)] == 1:
            yield name
            continue
        unique = numbered = f"{name}-{number}"
        while collision_key(unique) in taken:
            retries[numbered] += 1
            unique = f"{numbered}-{retries[numbered] + 1}"
        taken.add(collision_key(unique))
        yield unique


def collision_key(name: str) -> str:
    """Equal for any two names that some file system takes for the same."""
    return unicodedata.normalize("NFC", name.casefold())
