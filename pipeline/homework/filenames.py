"""Filenames of clients: how they are shown, which are recordings, and names that every file system accepts."""

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
    r"\.(wave?|w64|aif[cf]?|au|caf|amr|awb|mp[34]|m4[abv]|mov|3g[p2]|aac|og[ga]|opus|web[ma]|mk[va]|flac)\s*$",
    re.IGNORECASE,
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
FORBIDDEN_CHARACTER = re.compile(r'[<>:"/\\|?*]')
DEVICE_PATTERN = r"(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])"  # of Windows, whatever their ending
RESERVED_NAME = re.compile(DEVICE_PATTERN + r"\s*(\..*)?", re.IGNORECASE)


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
    """`name` without anything that some file system does not accept in a filename; may be empty."""
    visible_text = remove_invisible(unicodedata.normalize("NFC", name))
    short_name = FORBIDDEN_CHARACTER.sub("_", " ".join(visible_text.split()))[:MAX_NAME_CHARS]
    short_name = short_name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    clean_name = short_name.strip(" .")  # a dot at the front hides a file; Windows drops one at the end
    return f"_{clean_name}" if RESERVED_NAME.fullmatch(clean_name) else clean_name


def make_unique(numbered_names: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Each name as it is if it is unique, else with its number; names that differ only in case count as the same."""
    counts = Counter(collision_key(name) for name, _ in numbered_names)
    used_keys = {key for key, count in counts.items() if count == 1}
    retries: Counter[str] = Counter()
    for name, number in numbered_names:
        if counts[collision_key(name)] == 1:
            yield name
            continue
        unique_name = numbered_name = f"{name}-{number}"
        while collision_key(unique_name) in used_keys:
            retries[numbered_name] += 1
            unique_name = f"{numbered_name}-{retries[numbered_name] + 1}"
        used_keys.add(collision_key(unique_name))
        yield unique_name


def collision_key(name: str) -> str:
    """A key that is equal for any two names that some file system treats as the same."""
    return unicodedata.normalize("NFC", name.casefold())
