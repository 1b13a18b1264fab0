"""What the names say that clients gave their files: how they are shown, and which of a folder's are recordings."""

import re
import unicodedata

JOINERS = {"\u200c", "\u200d"}  # without them words of some scripts, and some emoji, fall apart
LONGEST = 300  # characters of a path as it is shown
NOBODY = "?"  # shown when nothing is left of a name
DRIVE = re.compile(r"[A-Za-z]:")
ENDINGS = r"\.(wave?|mp[34]|m4[abv]|mov|3g[p2]|aac|og[ga]|opus|web[ma]|mk[va]|flac)\s*$"  # of what `magic.sniff` knows
RECORDINGS = re.compile(ENDINGS, re.IGNORECASE)
CLUTTER = {
    "__macosx",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "$recycle.bin",
    "system volume information",
    "@eadir",
}  # what systems leave beside files, folders too; and all that begins with a dot


def shown(name: str) -> str:
    """`name` in NFC, without characters that are not seen, and with single spaces."""
    seen = (
        each for each in unicodedata.normalize("NFC", name) if each in JOINERS or not hidden(each) or each.isspace()
    )
    return " ".join("".join(seen).split())


def hidden(character: str) -> bool:
    """Whether it is not seen, such as a control character, or one that turns the direction of what follows."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs"}


def label(path: str) -> str:
    """`path` as it is shown: folders and name, joined by "/", none of which leads anywhere; NOBODY if none is left."""
    parts = [shown(part) for part in re.split(r"[/\\]", path)]
    kept = [part for part in parts if part.strip(".") and not DRIVE.fullmatch(part)]
    return "/".join(kept)[-LONGEST:] or NOBODY


def stem(path: str) -> str:
    """The name of the file at `path`, without the folders it lay in and without its ending."""
    name = re.split(r"[/\\]", path)[-1]
    return re.sub(r"(?<=.)\.[^.]*$", "", name)


def is_recording(path: str) -> bool:
    """Whether its ending is that of a recording; its bytes may be anything."""
    return not is_clutter(path) and bool(RECORDINGS.search(path))


def is_clutter(path: str) -> bool:
    """Whether it is nobody's homework, and nobody needs to hear of it."""
    parts = label(path).split("/")
    return any(part.startswith((".", "~$")) or part.casefold() in CLUTTER for part in parts)
